using Automation.Connectors;
using Automation.Engine;
using Automation.Hosting.Security;
using Automation.Hosting.Web;
using Automation.Runtime;
using Automation.Runtime.Connections;
using Automation.Runtime.Webhooks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Connect;

/// <summary><c>/webhooks/{format}/{connectionId}</c>: what the other side tells by itself. Only a signature lets it in.</summary>
internal static class WebhookEndpoints
{
    /// <summary>Bytes of a webhook; the sender's own are far smaller.</summary>
    private const long Limit = 1024 * 1024;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/webhooks/{format}/{connectionId}", TakeAsync).AllowAnonymous().WithMetadata(new ProgramEndpoint()).DisableAntiforgery().WithTags("webhooks")
            .WithSummary("Webhooks of an app, verified by their signature; each is taken once.");

    private static async Task<IResult> TakeAsync(string format, string connectionId, HttpContext context, IEnumerable<IWebhookFormat> formats, ConnectionVault vault, WebhookIntake intake, AutomationOptions options, TimeProvider clock)
    {
        var cancellationToken = context.RequestAborted;
        var bytes = await RequestBody.ReadBytesAsync(context, Limit, cancellationToken);
        if (formats.FirstOrDefault(known => known.Name == format) is not { } known || await vault.FindAsync(connectionId, cancellationToken) is not { } connection || connection.Connector != known.Connector)
        {
            return Problem.NotFound("There is no such connection.");
        }

        var key = connection.WebhookKey ?? options.Webhooks.PublicKeys.GetValueOrDefault(known.Name);
        if (!known.IsAuthentic(bytes, name => context.Request.Headers[name] is [{ Length: > 0 } value, ..] ? value : null, key))
        {
            return Refuse("webhook-signature", "The signature is missing, or not the sender's.");
        }

        var body = RequestBody.ParseJson(RequestBody.TextOf(bytes), Json.PayloadDepth) as JObject ?? throw new ProblemException(Problem.BadRequest("A webhook is a JSON object."));
        var message = known.Read(body);
        if (message.SentAt is not { } sent || (clock.GetUtcNow() - sent).Duration() > WebhookIntake.Window)
        {
            return Refuse("webhook-stale", message.SentAt is null ? "It does not say when it was sent." : $"It was sent more than {WebhookIntake.Window.TotalMinutes:0} minutes ago, or is dated into the future.");
        }

        var taken = await intake.TakeAsync(connection, message, body, bytes, cancellationToken);
        return new Reply(new JObject { ["received"] = true, ["duplicate"] = taken is null, ["outcome"] = taken?.Outcome });
    }

    private static Problem Refuse(string code, string detail) => new()
    {
        Status = StatusCodes.Status401Unauthorized,
        Code = code,
        Title = "The webhook was not taken.",
        Detail = detail,
        Action = "Check the public key of the connection, and this server's clock.",
    };
}
