using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Automation.Engine.Expressions;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>All activity types known to this process.</summary>
public sealed class ActivityRegistry
{
    private readonly Dictionary<string, ActivityDescriptor> descriptors = new(StringComparer.Ordinal);

    private readonly Dictionary<string, OutputConverter> converters = OutputConverter.BuiltIn.ToDictionary(c => c.Id, StringComparer.Ordinal);

    public IReadOnlyCollection<ActivityDescriptor> All => descriptors.Values;

    /// <summary>Output converters by id.</summary>
    public IReadOnlyDictionary<string, OutputConverter> Converters => converters;

    /// <exception cref="InvalidOperationException">A converter of this id is there already.</exception>
    public void Add(OutputConverter converter)
    {
        if (!converters.TryAdd(converter.Id, converter))
        {
            throw new InvalidOperationException($"The output converter '{converter.Id}' is registered twice.");
        }
    }

    /// <exception cref="InvalidOperationException">The type is there already.</exception>
    public void Add(ActivityDescriptor descriptor)
    {
        if (!descriptors.TryAdd(descriptor.TypeName, descriptor))
        {
            throw new InvalidOperationException($"The activity type '{descriptor.TypeName}' is registered twice.");
        }
    }

    /// <summary>Adds an activity written as a class with <see cref="ActivityAttribute"/>.</summary>
    /// <exception cref="InvalidOperationException">The class lacks the attribute, or its type is there already.</exception>
    public void Add(Type activity) => Add(Describe(activity));

    public ActivityDescriptor? Find(string typeName) => descriptors.GetValueOrDefault(typeName);

    /// <summary>The descriptor of an activity class, from its attributes and properties.</summary>
    /// <exception cref="InvalidOperationException">The class lacks <see cref="ActivityAttribute"/>.</exception>
    public static ActivityDescriptor Describe(Type activity)
    {
        var attribute = activity.GetCustomAttribute<ActivityAttribute>()
            ?? throw new InvalidOperationException($"The class {activity.Name} has no [Activity] attribute: it says the activity's type and category.");
        var inputs = new List<InputDescriptor>();
        var outputs = new List<OutputDescriptor>();
        var ports = new List<PortDescriptor>();
        foreach (var property in activity.GetProperties(BindingFlags.Public | BindingFlags.Instance).OrderBy(p => p.MetadataToken))
        {
            var input = property.GetCustomAttribute<InputAttribute>();
            if (typeof(Input).IsAssignableFrom(property.PropertyType) && property.PropertyType.IsGenericType)
            {
                inputs.Add(DescribeInput(property, input ?? new InputAttribute(), property.PropertyType.GetGenericArguments()[0], true, inputs.Count));
            }
            else if (typeof(Output).IsAssignableFrom(property.PropertyType) && property.PropertyType.IsGenericType)
            {
                var output = property.GetCustomAttribute<OutputAttribute>();
                outputs.Add(new OutputDescriptor
                {
                    Name = property.Name,
                    TypeName = output?.TypeName ?? ValueConverter.AliasOf(property.PropertyType.GetGenericArguments()[0]),
                    DisplayName = output?.DisplayName ?? Words(property.Name),
                    Description = output?.Description,
                });
            }
            else if (property.GetCustomAttribute<PortAttribute>() is { } port)
            {
                ports.Add(new PortDescriptor(property.Name, port.DisplayName ?? Words(property.Name), true));
            }
            else if (input is not null)
            {
                inputs.Add(DescribeInput(property, input, property.PropertyType, false, inputs.Count));
            }
        }

        var outcomes = OutcomesOf(activity);
        if (outcomes is not ["Done"])
        {
            ports.AddRange(outcomes.Select(o => new PortDescriptor(o, Words(o), false)));
        }

        return new ActivityDescriptor
        {
            TypeName = attribute.Type,
            Version = attribute.Version,
            Category = attribute.Category,
            DisplayName = attribute.DisplayName ?? Words(attribute.Type[(attribute.Type.LastIndexOf('.') + 1)..]),
            Description = attribute.Description,
            Kind = attribute.Kind,
            Inputs = inputs,
            Outputs = outputs,
            Ports = ports,
            IsContainer = attribute.IsContainer,
            IsTerminal = attribute.IsTerminal,
            IsStart = attribute.IsStart,
            IsBrowsable = attribute.IsBrowsable,
            Create = services => (Activity)ActivatorUtilities.CreateInstance(services, activity),
        };
    }

    private static InputDescriptor DescribeInput(PropertyInfo property, InputAttribute attribute, Type type, bool isWrapped, int order)
    {
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        var options = attribute.Options ?? (plain.IsEnum ? Enum.GetNames(plain) : null);
        var hint = attribute.UIHint ?? HintOf(plain, options);
        return new InputDescriptor
        {
            Name = attribute.Name ?? property.Name,
            TypeName = attribute.TypeName ?? (plain.IsEnum ? plain.FullName! : ValueConverter.AliasOf(plain)),
            ValueType = type,
            DisplayName = attribute.DisplayName ?? Words(attribute.Name ?? property.Name),
            Description = attribute.Description,
            Order = order,
            IsWrapped = isWrapped,
            Required = attribute.Required,
            UIHint = hint,
            UISpecifications = options is null ? null : Specifications(hint, options),
            Category = attribute.Category,
            DefaultValue = attribute.Default is null ? null : JToken.FromObject(attribute.Default),
            DefaultSyntax = attribute.DefaultSyntax ?? "Literal",
            AutoEvaluate = attribute.AutoEvaluate,
            IsSensitive = attribute.IsSensitive,
            IsBrowsable = attribute.IsBrowsable,
        };
    }

    private static string HintOf(Type type, string[]? options) =>
        options is not null ? "dropdown"
        : type == typeof(bool) ? "checkbox"
        : type == typeof(string) ? "singleline"
        : type.IsArray ? "multitext"
        : type == typeof(JObject) ? "json-editor"
        : "singleline";

    private static JObject Specifications(string hint, string[] options)
    {
        var isCheckList = hint == "checklist";
        var items = new JArray(options.Select(o => new JObject { ["text"] = Words(o), ["value"] = o }));
        if (isCheckList)
        {
            foreach (var item in items)
            {
                item["isChecked"] = false;
            }

            return new JObject { [hint] = new JObject { ["checkList"] = new JObject { ["items"] = items } } };
        }

        return hint == "radiolist"
            ? new JObject { [hint] = new JObject { ["radioList"] = new JObject { ["items"] = items } } }
            : new JObject { [hint] = new JObject { ["selectList"] = new JObject { ["items"] = items, ["isFlagsEnum"] = false }, ["providerName"] = null } };
    }

    /// <summary>Outcomes of a class, read from an instance without its services. One that needs them is drawn with the port Done.</summary>
    private static IReadOnlyList<string> OutcomesOf(Type activity)
    {
        try
        {
            return ((Activity)RuntimeHelpers.GetUninitializedObject(activity)).Outcomes;
        }
        catch (NullReferenceException)
        {
            return [Outcome.Done];
        }
    }

    /// <summary>Words of a name: <c>ForEach</c> → <c>For Each</c>.</summary>
    private static string Words(string name)
    {
        var text = new StringBuilder(name.Length + 4);
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsUpper(name[i]) && (char.IsLower(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1]))) && name[i - 1] != ' ')
            {
                text.Append(' ');
            }

            text.Append(i == 0 ? char.ToUpperInvariant(name[i]) : name[i]);
        }

        return text.ToString();
    }
}
