using Automation.Hosting.Web;
using Automation.Runtime.Polling;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/triggers</c>: what starts flows, where it is in its ledger, and why something did not fire.</summary>
internal static class TriggerEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/triggers").WithTags("triggers");
        group.MapGet("", ListAsync).WithSummary("Triggers of published flows. Filters: definitionId, connectionId, kind, state or status (active, paused, failing), search (flow, connection, location, activity type).");
        group.MapGet("/{id}", async (string id, HttpContext context, TriggerService triggers) => new Reply(Describe(await FindAsync(triggers, id, context.RequestAborted)))).WithSummary("One trigger.");
        group.MapGet("/{id}/events", EventsAsync).WithSummary("The event ledger of its source, newest first.");
        group.MapPost("/{id}/poll", PollAsync).WithSummary("Polls its source now and waits for the scan's end.");
        group.MapPost("/{id}/pause", (string id, HttpContext context, TriggerService triggers) => PauseAsync(id, pause: true, context, triggers)).WithSummary("Stops it; its position stays.");
        group.MapPost("/{id}/resume", (string id, HttpContext context, TriggerService triggers) => PauseAsync(id, pause: false, context, triggers)).WithSummary("Goes on from its position.");
        group.MapPost("/{id}/rewind", RewindAsync).WithSummary("Moves the position back: {toSequence} or {events}. With preview=true it only counts.");
        group.MapPost("/{id}/backfill", BackfillAsync).WithSummary("Fires what was there before the trigger. With preview=true it only counts what would fire.");
        group.MapDelete("/{id}/backfill", StopBackfillAsync).WithSummary("Ends a backfill where it is.");
        group.MapGet("/{id}/explain", ExplainAsync).WithSummary("Why an item did or did not fire; key is an item's id or a subject.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, TriggerService triggers)
    {
        var (page, size) = Query.Page(context);
        var query = new TriggerQuery { DefinitionId = Query.Text(context, "definitionId"), ConnectionId = Query.Text(context, "connectionId"), Kind = Query.Text(context, "kind"), Search = Query.Text(context, "search"), State = Query.Name<TriggerState>(context, "state") ?? Query.Name<TriggerState>(context, "status"), Page = page, PageSize = size };
        var found = await triggers.ListAsync(query, context.RequestAborted);
        return Reply.List(found.Items.Select(Describe), found.Total);
    }

    private static async Task<IResult> EventsAsync(string id, HttpContext context, TriggerService triggers)
    {
        await FindAsync(triggers, id, context.RequestAborted);
        var (page, size) = Query.Page(context);
        var found = await triggers.EventsAsync(id, page, size, context.RequestAborted);
        return Reply.List(found.Items.Select(Describe), found.Total);
    }

    private static async Task<IResult> PollAsync(string id, HttpContext context, TriggerService triggers)
    {
        var before = await FindAsync(triggers, id, context.RequestAborted);
        if (before.Trigger.Kind != "poll")
        {
            return Problem.Conflict($"The trigger is of kind {before.Trigger.Kind}; only poll triggers have a source to poll.", "Choose a poll trigger.", "not-a-poll");
        }

        if (!await triggers.PollNowAsync(id, context.RequestAborted))
        {
            return Problem.Conflict("The source could not be polled now: it is paused, or another scan of it is running.", "Resume the trigger, or try again in a moment.", "busy");
        }

        return new Reply(Describe(await FindAsync(triggers, id, context.RequestAborted)));
    }

    private static async Task<IResult> PauseAsync(string id, bool pause, HttpContext context, TriggerService triggers)
    {
        var done = pause ? await triggers.PauseAsync(id, context.RequestAborted) : await triggers.ResumeAsync(id, context.RequestAborted);
        return done ? new Reply(Describe(await FindAsync(triggers, id, context.RequestAborted))) : throw NotFound(id);
    }

    private static async Task<IResult> RewindAsync(string id, HttpContext context, TriggerService triggers)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var view = await FindAsync(triggers, id, context.RequestAborted);
        var preview = Query.Flag(context, "preview") ?? body["preview"] is JValue { Value: true };
        long target;
        if ((body["toSequence"] ?? body["events"]) is not JValue { Type: JTokenType.Integer } number)
        {
            return Problem.BadRequest("Say how far back: toSequence (a sequence number of the ledger) or events (how many).", "toSequence");
        }

        target = body["toSequence"] is null ? view.Trigger.Position - (long)number : (long)number;
        if (target < 0 || target > view.Trigger.Position)
        {
            return Problem.BadRequest($"The position is {view.Trigger.Position}; it can be moved back to 0 at most, and not forward.", body["toSequence"] is null ? "events" : "toSequence");
        }

        var result = await triggers.RewindAsync(id, target, preview, context.RequestAborted) ?? throw NotFound(id);
        return new Reply(new JObject
        {
            ["preview"] = preview,
            ["fromPosition"] = result.FromPosition,
            ["toPosition"] = result.ToPosition,
            ["events"] = result.Events,
            ["generation"] = result.Generation,
        });
    }

    private static async Task<IResult> BackfillAsync(string id, HttpContext context, TriggerService triggers)
    {
        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        var trigger = (await FindAsync(triggers, id, context.RequestAborted)).Trigger;
        if (trigger.Kind != "poll")
        {
            return Problem.Conflict($"The trigger is of kind {trigger.Kind}; only poll triggers have a list to go back to.", "Choose a poll trigger.", "not-a-poll");
        }

        if (Query.Flag(context, "preview") ?? body["preview"] is JValue { Value: true })
        {
            return await triggers.CountBackfillAsync(trigger, context.RequestAborted) is var (items, fires)
                ? new Reply(new JObject { ["preview"] = true, ["items"] = items, ["fires"] = fires })
                : NotBaselined();
        }

        if (trigger.Backfill is { State: "running" })
        {
            return Problem.Conflict("A backfill of this trigger is running already.", $"Wait for its end, or stop it: DELETE /api/triggers/{id}/backfill.", "backfill-running");
        }

        return await triggers.StartBackfillAsync(trigger, context.RequestAborted) is { } begun ? new Reply(Describe(begun)) : NotBaselined();
    }

    private static async Task<IResult> StopBackfillAsync(string id, HttpContext context, TriggerService triggers)
    {
        await FindAsync(triggers, id, context.RequestAborted);
        return await triggers.StopBackfillAsync(id, context.RequestAborted)
            ? new Reply(Describe(await FindAsync(triggers, id, context.RequestAborted)))
            : Problem.Conflict("No backfill of this trigger is wanted or running.", "Nothing is to be done.", "no-backfill");
    }

    private static IResult NotBaselined() =>
        Problem.Conflict("The first poll of the trigger's list has not ended yet, so nobody knows what is there.", "Try again when baselinedAt is set; the source's lastError says what holds it up.", "not-baselined");

    private static JObject Describe(BackfillState state) => new()
    {
        ["state"] = state.State,
        ["items"] = state.Items,
        ["fires"] = state.Fires,
        ["fired"] = state.Fired,
        ["startedAt"] = Reply.Utc(state.StartedAt),
        ["endedAt"] = Reply.Utc(state.EndedAt),
    };

    private static async Task<IResult> ExplainAsync(string id, HttpContext context, TriggerService triggers)
    {
        var key = Query.Text(context, "key");
        if (key is null)
        {
            return Problem.BadRequest("Say which item: key is its id, or a subject such as an e-mail address.", "key");
        }

        return new Reply(await triggers.ExplainAsync(id, key, context.RequestAborted) ?? throw NotFound(id));
    }

    private static ProblemException NotFound(string id) => new(Problem.NotFound($"There is no trigger '{id}'. Only published flows have triggers."));

    private static async Task<TriggerView> FindAsync(TriggerService triggers, string id, CancellationToken cancellationToken) =>
        await triggers.FindAsync(id, cancellationToken) ?? throw NotFound(id);

    private static JObject Describe(EventRecord record) => new()
    {
        ["key"] = record.Key,
        ["sequence"] = record.Sequence,
        ["itemId"] = record.ItemId,
        ["revision"] = record.Revision,
        ["observedAt"] = Reply.Utc(record.ObservedAt),
        ["item"] = record.Item.DeepClone(),
        ["previous"] = record.Previous?.DeepClone(),
        ["subjects"] = new JArray(record.Subjects),
    };

    private static JObject Describe(TriggerView view)
    {
        var (trigger, source) = (view.Trigger, view.Source);
        return new JObject
        {
            ["id"] = trigger.Id,
            ["kind"] = trigger.Kind,
            ["definitionId"] = trigger.DefinitionId,
            ["definitionName"] = view.DefinitionName,
            ["versionId"] = trigger.VersionId,
            ["activityId"] = trigger.ActivityId,
            ["activityType"] = trigger.ActivityType,
            ["connectionId"] = trigger.ConnectionId,
            ["connectionName"] = view.ConnectionName,
            ["locationId"] = trigger.LocationId,
            ["mode"] = trigger.Kind == "poll" ? trigger.Mode : null,
            ["configuredInterval"] = trigger.Configured,
            ["effectiveInterval"] = trigger.EffectiveInterval?.ToString("c"),
            ["effectiveIntervalSeconds"] = trigger.EffectiveInterval?.TotalSeconds,
            ["timeZone"] = trigger.TimeZone,
            ["filter"] = trigger.Settings["filter"]?.DeepClone(),
            ["backfill"] = trigger.Backfill is { } backfill ? Describe(backfill) : null,
            ["isPaused"] = trigger.IsPaused,
            ["waiting"] = view.Waiting,
            ["baselinedAt"] = Reply.Utc(source?.BaselinedAt),
            ["cursor"] = source is null ? null : new JObject
            {
                ["position"] = trigger.Position,
                ["ledgerEnd"] = source.LedgerEnd,
                ["generation"] = trigger.Generation,
                ["watermark"] = Reply.Utc(source.Watermark),
                ["scanUpper"] = Reply.Utc(source.ScanUpper),
                ["pageToken"] = source.PageToken,
            },
            ["source"] = source is null ? null : new JObject
            {
                ["id"] = source.Id,
                ["operation"] = source.Operation,
                ["connectionId"] = source.ConnectionId,
                ["locationId"] = source.LocationId,
                ["inputs"] = source.Inputs.DeepClone(),
                ["itemCount"] = source.ItemCount,
                ["lastPollAt"] = Reply.Utc(source.LastPollAt),
                ["lastSuccessAt"] = Reply.Utc(source.LastSuccessAt),
                ["lastError"] = source.LastError,
                ["failures"] = source.Failures,
                ["dueAt"] = Reply.Utc(source.DueAt),
                ["webhooks"] = source.HintedAt is null ? null : new JObject { ["lastAt"] = Reply.Utc(source.HintedAt), ["missed"] = source.Missed, ["lastMissedAt"] = Reply.Utc(source.MissedAt) },
            },
            ["dueAt"] = Reply.Utc(source?.DueAt ?? trigger.DueAt),
            ["createdAt"] = Reply.Utc(trigger.CreatedAt),
            ["lastFiredAt"] = Reply.Utc(trigger.LastFiredAt),
        };
    }
}
