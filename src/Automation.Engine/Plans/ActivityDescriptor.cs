using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>An activity type: what the designer shows, what checks use, and how an activity of it is made.</summary>
public sealed record ActivityDescriptor
{
    /// <summary><c>Namespace.Name</c>.</summary>
    public required string TypeName { get; init; }

    public int Version { get; init; } = 1;
    public required string Category { get; init; }
    public required string DisplayName { get; init; }
    public string Description { get; init; } = "";
    public ActivityKind Kind { get; init; }
    public IReadOnlyList<InputDescriptor> Inputs { get; init; } = [];
    public IReadOnlyList<OutputDescriptor> Outputs { get; init; } = [];
    public IReadOnlyList<PortDescriptor> Ports { get; init; } = [];
    public bool IsContainer { get; init; }
    public bool IsTerminal { get; init; }
    public bool IsStart { get; init; }
    public bool IsBrowsable { get; init; } = true;
    public JObject CustomProperties { get; init; } = [];
    public JObject ConstructionProperties { get; init; } = [];

    /// <summary>Makes an activity of a plan; called once per activity of a plan.</summary>
    public required Func<IServiceProvider, Activity> Create { get; init; }

    /// <summary>Checks of its own at publish, on inputs that are known then (camelCase); null: none.</summary>
    public Func<PublishCheckContext, ValueTask>? CheckAsync { get; init; }

    public string Namespace => TypeName[..Math.Max(0, TypeName.LastIndexOf('.'))];
    public string Name => TypeName[(TypeName.LastIndexOf('.') + 1)..];
}

/// <summary>What a descriptor's publish check gets and gives.</summary>
public sealed class PublishCheckContext
{
    public required PlannedActivity Activity { get; init; }

    /// <summary>Inputs with literal values, camelCase.</summary>
    public required JObject Literals { get; init; }

    /// <summary>Names (camelCase) of inputs that are set, also by expressions.</summary>
    public required IReadOnlySet<string> SetInputs { get; init; }

    public required IServiceProvider Services { get; init; }
    public List<DefinitionProblem> Problems { get; } = [];
    public CancellationToken CancellationToken { get; init; }
}

/// <summary>An input of an activity type.</summary>
public sealed record InputDescriptor
{
    /// <summary>PascalCase; the JSON key is its camelCase.</summary>
    public required string Name { get; init; }

    /// <summary>Type alias, as <c>String</c>, <c>Int32</c>, <c>Object</c>, <c>String[]</c>.</summary>
    public string TypeName { get; init; } = "Object";

    public Type ValueType { get; init; } = typeof(object);
    public string? DisplayName { get; init; }
    public string? Description { get; init; }
    public float Order { get; init; }
    public bool IsWrapped { get; init; } = true;
    public bool Required { get; init; }
    public string UIHint { get; init; } = "singleline";
    public JObject? UISpecifications { get; init; }
    public string? Category { get; init; }
    public JToken? DefaultValue { get; init; }
    public string? DefaultSyntax { get; init; }
    public bool AutoEvaluate { get; init; } = true;
    public bool IsSensitive { get; init; }
    public bool IsBrowsable { get; init; } = true;

    /// <summary>No property of a class: an input of a workflow used as an activity.</summary>
    public bool IsSynthetic { get; init; }
}

/// <summary>An output of an activity type.</summary>
public sealed record OutputDescriptor
{
    public required string Name { get; init; }
    public string TypeName { get; init; } = "Object";
    public string? DisplayName { get; init; }
    public string? Description { get; init; }

    /// <inheritdoc cref="InputDescriptor.IsSynthetic"/>
    public bool IsSynthetic { get; init; }
}

/// <summary>A port: Flow is an outcome, Embedded holds a child.</summary>
public sealed record PortDescriptor(string Name, string DisplayName, bool IsEmbedded, bool IsBrowsable = true);
