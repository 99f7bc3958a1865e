using Automation.Hosting.Web;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/webhooks</c>: what came in, for a week.</summary>
internal static class WebhookJournalEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/webhooks").WithTags("webhooks");
        group.MapGet("", ListAsync).WithSummary("Webhooks that were taken, newest first, and what became of them. Filter: connectionId.");
        group.MapGet("/counts", CountAsync).WithSummary("How many were taken, by type and outcome.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, IWebhookStore store)
    {
        var (page, size) = Query.Page(context);
        var found = await store.ListAsync(Query.Text(context, "connectionId"), page, size, context.RequestAborted);
        return Reply.List(
            found.Items.Select(webhook => new JObject
            {
                ["connectionId"] = webhook.ConnectionId,
                ["webhookId"] = webhook.WebhookId,
                ["type"] = webhook.Type,
                ["locationId"] = webhook.LocationId,
                ["itemId"] = webhook.ItemId,
                ["sentAt"] = Reply.Utc(webhook.SentAt),
                ["receivedAt"] = Reply.Utc(webhook.ReceivedAt),
                ["outcome"] = webhook.Outcome,
                ["body"] = webhook.Body,
            }),
            found.Total);
    }

    private static async Task<IResult> CountAsync(HttpContext context, IWebhookStore store)
    {
        var counts = await store.CountAsync(context.RequestAborted);
        return Reply.List(context, counts, count => new JObject { ["type"] = count.Type, ["outcome"] = count.Outcome, ["count"] = count.Count });
    }
}
