using Automation.Hosting.Endpoints;
using Automation.Hosting.Security;
using Automation.Hosting.Web;
using Automation.Runtime;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using Automation.Runtime.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Connect;

/// <summary><c>/hooks/{secret}</c>: starts the flow whose address it is. Whoever has the address may; nobody is told more than that.</summary>
internal static class HookEndpoints
{
    private static readonly string[] Methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapMethods("/hooks/{secret}", Methods, StartAsync).AllowAnonymous().WithMetadata(new ProgramEndpoint()).DisableAntiforgery().WithTags("webhooks")
            .WithSummary("Starts the flow of this secret address with what is sent: JSON, a form or text. An Idempotency-Key starts one run.");

    /// <summary>Where the address is shown and replaced.</summary>
    public static void MapApi(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/triggers/{id}/hook").WithTags("triggers");
        group.MapGet("", (string id, HttpContext context, TriggerService triggers, HookSecrets secrets, AutomationOptions options) => ShowAsync(id, context, triggers, secrets.FindAsync, options)).WithSummary("The secret address that starts the trigger's flow.");
        group.MapPost("/rotate", (string id, HttpContext context, TriggerService triggers, HookSecrets secrets, AutomationOptions options) => ShowAsync(id, context, triggers, secrets.RotateAsync, options)).WithSummary("Another secret address; the old one is gone at once.");
    }

    private static async Task<IResult> StartAsync(string secret, HttpContext context, HookIntake intake)
    {
        var cancellationToken = context.RequestAborted;

        // The same answer whatever was guessed, and nothing of it is repeated.
        if (secret.Length > 200 || await intake.FindAsync(secret, cancellationToken) is not { } trigger)
        {
            return Problem.NotFound("There is nothing at this address.");
        }

        var payload = await RequestPayload.ReadAsync(context, RequestBody.Limit, cancellationToken);
        var key = context.Request.Headers["Idempotency-Key"] is [{ Length: > 0 } given, ..] ? given : null;
        var outcome = await intake.StartAsync(trigger, payload, key, cancellationToken);
        return outcome.Outcome switch
        {
            ArrivalOutcome.Gone => Problem.NotFound("There is nothing at this address."),
            ArrivalOutcome.Busy => Problem.Conflict("The flow has a run that is not finished, and allows no other beside it.", "Send it again when that has ended.", "cannot-start"),
            var taken => new Reply(new JObject { ["runId"] = outcome.InstanceId, ["duplicate"] = taken == ArrivalOutcome.Repeated, ["waiting"] = taken == ArrivalOutcome.Waiting }, StatusCodes.Status202Accepted),
        };
    }

    private static async Task<IResult> ShowAsync(string id, HttpContext context, TriggerService triggers, Func<string, CancellationToken, Task<string?>> secretOf, AutomationOptions options)
    {
        if (await triggers.FindAsync(id, context.RequestAborted) is not { Trigger.Kind: "hook" })
        {
            throw new ProblemException(Problem.NotFound($"There is no trigger '{id}' with a secret address. Only published flows that begin with a Secret Webhook have one."));
        }

        if (await secretOf(id, context.RequestAborted) is not { } secret)
        {
            return Problem.Conflict("The address cannot be shown: it was encrypted with a key that this installation does not have.", "Replace it: POST …/hook/rotate.", "secret-unreadable");
        }

        var path = context.Request.PathBase + context.Request.Path.Value!;
        var root = path[..path.LastIndexOf("/api/triggers/", StringComparison.Ordinal)];
        var host = options.Http.PublicUrl is { Length: > 0 } url ? url.TrimEnd('/') : $"{context.Request.Scheme}://{context.Request.Host}";
        context.Response.Headers.CacheControl = "no-store";
        return new Reply(new JObject { ["triggerId"] = id, ["url"] = $"{host}{root}/hooks/{secret}", ["path"] = $"{root}/hooks/{secret}" });
    }
}
