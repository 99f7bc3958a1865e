using System.Reflection;
using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>Where the inputs and outputs of an activity type are: slots by name, and the properties of its class.</summary>
internal sealed class ActivityShape
{
    private readonly Dictionary<string, int> inputs = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, int> outputs = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<Member> members = [];

    public ActivityShape(ActivityDescriptor descriptor, Type activity)
    {
        for (var i = 0; i < descriptor.Inputs.Count; i++)
        {
            inputs[descriptor.Inputs[i].Name] = i;
        }

        for (var i = 0; i < descriptor.Outputs.Count; i++)
        {
            outputs[descriptor.Outputs[i].Name] = i;
        }

        ResultSlot = outputs.TryGetValue("Result", out var result) ? result : descriptor.Outputs.Count == 1 ? 0 : -1;
        foreach (var property in activity.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (!property.CanWrite)
            {
                continue;
            }

            var name = property.GetCustomAttribute<InputAttribute>()?.Name ?? property.Name;
            if (typeof(Input).IsAssignableFrom(property.PropertyType) && inputs.TryGetValue(name, out var input))
            {
                members.Add(new(property, name, MemberKind.Input, input));
            }
            else if (typeof(Output).IsAssignableFrom(property.PropertyType) && outputs.TryGetValue(property.Name, out var output))
            {
                members.Add(new(property, name, MemberKind.Output, output));
            }
            else if (property.IsDefined(typeof(PortAttribute)))
            {
                members.Add(new(property, name, MemberKind.Port, -1));
            }
            else if (property.IsDefined(typeof(InputAttribute)))
            {
                members.Add(new(property, name, MemberKind.Bare, -1));
            }
        }
    }

    /// <summary>Slot of the output that scripts get without naming one: Result, or the only one.</summary>
    public int ResultSlot { get; }

    public int InputSlot(string name) => inputs.TryGetValue(name, out var slot) ? slot : -1;
    public int OutputSlot(string name) => outputs.TryGetValue(name, out var slot) ? slot : -1;

    /// <summary>Sets the properties of a new activity.</summary>
    /// <param name="activity">The activity.</param>
    /// <param name="json">Its JSON.</param>
    /// <param name="child">Compiles the child of a port.</param>
    /// <param name="report">Hears of bare values that do not fit.</param>
    public void Bind(Activity activity, JObject json, Func<JObject, PlannedActivity> child, Action<string, string> report)
    {
        foreach (var (property, pascal, kind, slot) in members)
        {
            var name = CamelCase(pascal);
            switch (kind)
            {
                case MemberKind.Input:
                    var input = (Input)Activator.CreateInstance(property.PropertyType)!;
                    input.Slot = slot;
                    input.Name = pascal;
                    property.SetValue(activity, input);
                    break;
                case MemberKind.Output:
                    var output = (Output)Activator.CreateInstance(property.PropertyType)!;
                    output.Slot = slot;
                    output.Name = property.Name;
                    property.SetValue(activity, output);
                    break;
                case MemberKind.Port when json[name] is JObject embedded:
                    property.SetValue(activity, child(embedded));
                    break;
                case MemberKind.Bare when json[name] is { Type: not JTokenType.Null } bare:
                    try
                    {
                        property.SetValue(activity, property.PropertyType.IsInstanceOfType(bare) ? bare : ValueConverter.Convert(bare is JValue value ? value.Value : bare, property.PropertyType));
                    }
                    catch (FaultException exception)
                    {
                        report(name, exception.Fault.Message);
                    }

                    break;
                default:
                    break;
            }
        }
    }

    public static string CamelCase(string name) => name.Length == 0 || char.IsLower(name[0]) ? name : char.ToLowerInvariant(name[0]) + name[1..];

    private enum MemberKind
    {
        Input,
        Output,
        Port,
        Bare,
    }

    private readonly record struct Member(PropertyInfo Property, string Name, MemberKind Kind, int Slot);
}
