using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

[Activity("Automation.Hook", "HTTP", "Starts the flow when something is sent to its secret address: by a Webhook action of GoHighLevel's own workflows, a form, another program. The address is made at publish and shown under Triggers.", DisplayName = "Secret Webhook", Kind = ActivityKind.Trigger)]
public sealed class Hook : Activity
{
    [Output(Description = "What was sent: JSON or form fields as an object, anything else as text.")]
    public Output<object> Result { get; init; } = default!;

    [Output(Description = "The same as the result.")]
    public Output<object> Body { get; init; } = default!;

    [Output(Description = "Headers of the request, but for credentials.")]
    public Output<IDictionary<string, object>> Headers { get; init; } = default!;

    [Output(Description = "What stood behind the question mark of the address.")]
    public Output<IDictionary<string, object>> Query { get; init; } = default!;

    [Output(Description = "GET, POST …")]
    public Output<string> Method { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (context.TriggerPayload is not JObject payload)
        {
            return ValueTask.FromResult(ActivityResult.Faulted(new Fault("A secret webhook starts a flow; it cannot be waited for in the middle of one.") { Code = "not-a-trigger", Action = "Put it at the start of the flow, or wait with an HTTP endpoint." }));
        }

        context.SetOutput("Result", Plain(payload["body"]));
        context.SetOutput("Body", Plain(payload["body"]));
        context.SetOutput("Headers", payload["headers"]);
        context.SetOutput("Query", payload["query"]);
        context.SetOutput("Method", (string?)payload["method"]);
        return ValueTask.FromResult(ActivityResult.Done);
    }

    private static object? Plain(JToken? token) => token is JValue value ? value.Value : token;
}
