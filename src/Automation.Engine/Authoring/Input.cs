namespace Automation.Engine;

/// <summary>Marks a property as an input; bound once per plan to a slot, evaluated per execution. Holds no value of a run.</summary>
public abstract class Input
{
    /// <summary>Slot in the activity's table of inputs; -1 when the definition does not set it.</summary>
    public int Slot { get; internal set; } = -1;

    /// <summary>Property name, as in the descriptor (PascalCase).</summary>
    public string Name { get; internal set; } = "";

    public abstract Type ValueType { get; }
}

/// <inheritdoc />
public sealed class Input<T> : Input
{
    public override Type ValueType => typeof(T);
}

/// <summary>Marks a property as an output that a definition may bind to a variable.</summary>
public abstract class Output
{
    public int Slot { get; internal set; } = -1;
    public string Name { get; internal set; } = "";
    public abstract Type ValueType { get; }
}

/// <inheritdoc />
public sealed class Output<T> : Output
{
    public override Type ValueType => typeof(T);
}
