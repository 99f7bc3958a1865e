using Automation.Connectors;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

/// <summary>Makes objects by a saved field map: one of an object, a list of a list.</summary>
[Activity("Automation.MapFields", "Data", "Makes an object, or each of a list, by a saved field map.", DisplayName = "Map Fields")]
public sealed class MapFields(IFieldMaps maps) : Activity
{
    [Input(Required = true, Description = "Name of the saved field map.")]
    public Input<string> Mapping { get; init; } = default!;

    [Input(Required = true, Description = "The object to map, or a list of them.")]
    public Input<JToken> Item { get; init; } = default!;

    [Output] public Output<JToken> Result { get; init; } = default!;

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var name = context.Get(Mapping) ?? "";
        if (await maps.FindAsync(name, cancellationToken) is not { } map)
        {
            return ActivityResult.Faulted(new Fault($"There is no field map '{name}'.") { Code = "no-mapping", Property = "mapping", Action = "Choose a saved map, or save one of this name." });
        }

        context.Set(Result, context.Get(Item) switch
        {
            JArray items => new JArray(items.Select(Apply)),
            { } item => Apply(item),
            null => null,
        });
        return ActivityResult.Done;

        JObject Apply(JToken item) => map.Apply(item, context.Expressions, context.Scope, cancellationToken);
    }
}
