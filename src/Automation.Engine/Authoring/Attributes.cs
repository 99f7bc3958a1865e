namespace Automation.Engine;

/// <summary>Names an activity type, as <c>[Activity("Acme.ScoreLead", "Acme", "Scores a lead.")]</c>.</summary>
[AttributeUsage(AttributeTargets.Class, Inherited = false)]
public sealed class ActivityAttribute(string type, string category, string description = "") : Attribute
{
    /// <summary>Type name in definitions, fixed for good: <c>Namespace.Name</c>.</summary>
    public string Type { get; } = type;

    public string Category { get; } = category;
    public string Description { get; } = description;
    public string? DisplayName { get; init; }
    public ActivityKind Kind { get; init; } = ActivityKind.Action;
    public int Version { get; init; } = 1;

    /// <summary>No outgoing port: ends its container.</summary>
    public bool IsTerminal { get; init; }

    public bool IsStart { get; init; }
    public bool IsContainer { get; init; }

    /// <summary>Shown in the designer's palette.</summary>
    public bool IsBrowsable { get; init; } = true;
}

/// <summary>What an activity is to the designer.</summary>
public enum ActivityKind
{
    Action,
    Trigger,
    Job,
    Task,
}

/// <summary>
/// Describes an <see cref="Input{T}"/> property to the designer and to checks at publish. On a property of any other type: an input that the definition
/// holds as bare JSON, read once per plan.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class InputAttribute : Attribute
{
    /// <summary>Name in the descriptor (PascalCase), where the property's own is taken.</summary>
    public string? Name { get; init; }

    public string? DisplayName { get; init; }
    public string? Description { get; init; }

    /// <summary>Missing is refused at publish, and an incident at run time.</summary>
    public bool Required { get; init; }

    /// <summary>Type alias in the descriptor, where it differs from the property's type.</summary>
    public string? TypeName { get; init; }

    public object? Default { get; init; }
    public string? DefaultSyntax { get; init; }

    /// <summary>The designer's editor, as <c>singleline</c>, <c>dropdown</c>, <c>code-editor</c>.</summary>
    public string? UIHint { get; init; }

    /// <summary>Values of a drop-down or check list.</summary>
    public string[]? Options { get; init; }

    public string? Category { get; init; }

    /// <summary>False: the activity evaluates the input itself (a loop's condition).</summary>
    public bool AutoEvaluate { get; init; } = true;

    /// <summary>A secret: kept out of the journal.</summary>
    public bool IsSensitive { get; init; }

    public bool IsBrowsable { get; init; } = true;
}

/// <summary>Describes an <see cref="Output{T}"/> property.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OutputAttribute : Attribute
{
    /// <inheritdoc cref="InputAttribute.TypeName"/>
    public string? TypeName { get; init; }

    public string? DisplayName { get; init; }
    public string? Description { get; init; }
}

/// <summary>A child activity of a container, embedded in the definition under the property's camelCase name. The property's type is <see cref="PlannedActivity"/>, null when the port is empty.</summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class PortAttribute : Attribute
{
    public string? DisplayName { get; init; }
}
