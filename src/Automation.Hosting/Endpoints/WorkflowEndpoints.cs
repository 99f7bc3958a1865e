using System.Security.Cryptography;
using System.Text;
using Automation.Engine;
using Automation.Engine.Http;
using Automation.Hosting.Security;
using Automation.Hosting.Web;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Net.Http.Headers;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Endpoints;

/// <summary><c>/workflows/**</c>: requests that start flows or resume runs, answered on their own thread.</summary>
internal static class WorkflowEndpoints
{
    /// <summary>Names the run that answered.</summary>
    public const string InstanceIdHeader = "x-elsa-workflow-instance-id";

    /// <summary>How long a repeated request waits for the answer of the first.</summary>
    private static readonly TimeSpan RepeatWait = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan RepeatPause = TimeSpan.FromMilliseconds(25);

    public static void Map(IEndpointRouteBuilder routes) => routes.Map("/{**path}", AnswerAsync).AllowAnonymous().ExcludeFromDescription();

    private static async Task<IResult> AnswerAsync(string? path, HttpContext context, RouteTable table, RunService runs, IRunStore store, TimeProvider clock)
    {
        var cancellationToken = context.RequestAborted;
        var method = context.Request.Method;
        path ??= "";
        var instanceId = Query.Text(context, "workflowInstanceId");
        var correlationId = Query.Text(context, "correlationId");

        if (await table.FindTriggerAsync(method, path, cancellationToken) is { Trigger: { } trigger } match)
        {
            if (await RefuseAsync(trigger.Settings, context) is { } refusal)
            {
                return refusal;
            }

            var payload = await PayloadAsync(context, path, match.Values, trigger.Settings, cancellationToken);
            var repeated = context.Request.Headers["Idempotency-Key"] is [{ Length: > 0 } key, ..] ? IdOf(trigger.Id, key) : null;
            if (repeated is not null && await store.FindAsync(repeated, cancellationToken) is { } earlier)
            {
                return await RepeatAsync(context, earlier, store, clock, cancellationToken);
            }

            var id = repeated ?? instanceId ?? Ids.New(clock);
            context.Response.Headers[InstanceIdHeader] = id;
            var exchange = new WebExchange(context);
            try
            {
                return Close(await runs.ExecuteAsync(new StartRequest
                {
                    DefinitionId = trigger.DefinitionId,
                    VersionId = trigger.VersionId,
                    InstanceId = id,
                    CorrelationId = correlationId,
                    TriggerActivityId = trigger.ActivityId,
                    TriggerPayload = payload,
                    TriggerId = trigger.Id,
                    LocationId = trigger.LocationId,
                    StartedBy = "http",
                    HttpExchange = exchange,
                }, cancellationToken), exchange);
            }
            catch (InstanceExistsException) when (repeated is not null && !exchange.HasResponded)
            {
                // Two requests with one new key at once: the other's run was committed first, and this one has sent nothing.
                return await store.FindAsync(repeated, cancellationToken) is { } first
                    ? await RepeatAsync(context, first, store, clock, cancellationToken)
                    : Problem.Conflict("The first request with this Idempotency-Key is still being answered.", "Send it again in a moment.", "in-progress");
            }
            catch (ActivationRefusedException)
            {
                context.Response.Headers.Remove(InstanceIdHeader);
                throw;
            }
        }

        if (await table.FindWaitingAsync(method, path, cancellationToken) is { } waiting)
        {
            var bookmarks = (await store.FindBookmarksAsync(Bookmark.HashOf(HttpEndpointBookmark.Name, waiting.Key), cancellationToken))
                .Where(b => (instanceId is null || b.InstanceId == instanceId) && (correlationId is null || b.CorrelationId == correlationId))
                .ToList();
            if (bookmarks.Count > 1)
            {
                return Problem.Conflict($"{bookmarks.Count} runs wait at this path.", "Say which: add ?workflowInstanceId= or ?correlationId=.", "ambiguous");
            }

            if (bookmarks is [var bookmark])
            {
                var settings = bookmark.Bookmark.Payload as JObject ?? [];
                if (await RefuseAsync(settings, context) is { } refusal)
                {
                    return refusal;
                }

                var payload = await PayloadAsync(context, path, waiting.Values, settings, cancellationToken);
                context.Response.Headers[InstanceIdHeader] = bookmark.InstanceId;
                var exchange = new WebExchange(context);
                var run = await runs.ResumeAsync(bookmark.Bookmark.Id, payload, exchange, cancellationToken);
                return run is null ? Results.StatusCode(StatusCodes.Status202Accepted) : Close(run, exchange);
            }
        }

        return Problem.NotFound($"No published flow answers {method} {context.Request.Path}, and no run waits there.");
    }

    private static IResult Close(WorkflowRun run, WebExchange exchange)
    {
        if (exchange.HasResponded)
        {
            return Results.Empty;
        }

        // Also a run that goes on with its incidents did not come to an answer.
        var fault = run.Incidents.Count > 0 ? run.Incidents[^1] : null;
        if (run.SubStatus != WorkflowSubStatus.Faulted && fault is null)
        {
            return Results.StatusCode(StatusCodes.Status200OK);
        }

        return new Problem
        {
            Status = StatusCodes.Status500InternalServerError,
            Code = fault?.Fault.Code ?? "faulted",
            Title = "The flow that answers this failed.",
            Detail = fault?.Fault.Message,
            Action = fault?.Fault.Action,
            More = new JObject { ["workflowInstanceId"] = run.InstanceId, ["activityId"] = fault?.ActivityId, ["activityType"] = fault?.ActivityType },
        };
    }

    /// <summary>Null: whoever asks may. A policy is one of the host's, by its name; one that is not there lets nobody in.</summary>
    private static async Task<Problem?> RefuseAsync(JObject settings, HttpContext context)
    {
        if (!IsTrue(settings["authorize"]))
        {
            return null;
        }

        if (context.User.Identity?.IsAuthenticated != true)
        {
            return Problem.Unauthorized();
        }

        if (settings["policy"] is not JValue { Value: string { Length: > 0 } name })
        {
            return null;
        }

        if (await context.RequestServices.GetRequiredService<IAuthorizationPolicyProvider>().GetPolicyAsync(name) is not { } policy)
        {
            return Problem.Forbidden() with { Detail = $"The HTTP endpoint asks for the policy '{name}', which this server does not have: nobody can call it.", Action = $"Name a policy of the server, such as '{Access.Administrators}', or none." };
        }

        return (await context.RequestServices.GetRequiredService<IAuthorizationService>().AuthorizeAsync(context.User, context, policy)).Succeeded ? null : Problem.Forbidden();
    }

    private static bool IsTrue(JToken? setting) => setting is JValue { Value: true or "true" or "True" };

    private static long Limit(JObject settings) =>
        settings["requestSizeLimit"] is JValue { Type: JTokenType.Integer } limit ? Math.Clamp((long)limit, 0, RequestBody.Limit) : RequestBody.Limit;

    private static async Task<JObject> PayloadAsync(HttpContext context, string path, RouteValueDictionary values, JObject settings, CancellationToken cancellationToken)
    {
        var request = context.Request;
        byte[] bytes;
        var isTooLarge = false;
        try
        {
            bytes = request.ContentLength == 0 ? [] : await RequestBody.ReadBytesAsync(context, Limit(settings), cancellationToken);
        }
        catch (ProblemException refused) when (IsTrue(settings["exposeRequestTooLargeOutcome"]) && refused.Problem.Status == StatusCodes.Status413PayloadTooLarge)
        {
            // The flow has an outcome of its own for it.
            (bytes, isTooLarge) = ([], true);
        }

        var query = new JObject(request.Query.Select(q => new JProperty(q.Key, q.Value.Count == 1 ? q.Value[0] : new JArray(q.Value.AsEnumerable()))));
        var headers = new JObject(request.Headers.Where(h => !IsCredential(h.Key)).Select(h => new JProperty(h.Key, h.Value.Count == 1 ? h.Value[0] : new JArray(h.Value.AsEnumerable()))));
        var routeData = new JObject(values.Select(v => new JProperty(v.Key, v.Value?.ToString())));
        var files = new JArray();
        var body = bytes.Length == 0 ? null : await ParseAsync(request.ContentType, bytes, files, cancellationToken);
        var payload = HttpEndpointBookmark.Payload(request.Method, "/" + path.Trim('/'), routeData, query, headers, body, files.Count == 0 ? null : files, request.ContentType);
        if (isTooLarge)
        {
            payload[HttpEndpointBookmark.TooLarge] = true;
        }

        return payload;
    }

    /// <summary>Credentials of the caller do not get into the run's state or journal.</summary>
    internal static bool IsCredential(string header) =>
        header.Equals(HeaderNames.Authorization, StringComparison.OrdinalIgnoreCase) || header.Equals(HeaderNames.Cookie, StringComparison.OrdinalIgnoreCase);

    internal static async Task<JToken?> ParseAsync(string? contentType, byte[] bytes, JArray files, CancellationToken cancellationToken)
    {
        if (!MediaTypeHeaderValue.TryParse(contentType, out var type))
        {
            return IsText(bytes) ? RequestBody.TextOf(bytes) : Convert.ToBase64String(bytes);
        }

        var media = type.MediaType.Value ?? "";
        if (media.EndsWith("json", StringComparison.OrdinalIgnoreCase))
        {
            return RequestBody.ParseJson(RequestBody.TextOf(bytes), Json.PayloadDepth);
        }

        if (media.Equals("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase))
        {
            return Fields(QueryHelpers.ParseQuery(RequestBody.TextOf(bytes)));
        }

        if (media.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase) && HeaderUtilities.RemoveQuotes(type.Boundary) is { Length: > 0 } boundary)
        {
            return await ParseFormAsync(boundary.ToString(), bytes, files, cancellationToken);
        }

        return media.StartsWith("text/", StringComparison.OrdinalIgnoreCase) || media.EndsWith("xml", StringComparison.OrdinalIgnoreCase)
            ? RequestBody.TextOf(bytes)
            : Convert.ToBase64String(bytes);
    }

    private static bool IsText(byte[] bytes)
    {
        try
        {
            _ = new UTF8Encoding(false, true).GetCharCount(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private static JObject Fields(Dictionary<string, Microsoft.Extensions.Primitives.StringValues> fields) =>
        new(fields.Select(f => new JProperty(f.Key, f.Value.Count == 1 ? f.Value[0] : new JArray(f.Value.AsEnumerable()))));

    /// <summary>Fields as text; files apart, with their bytes in base 64.</summary>
    private static async Task<JObject> ParseFormAsync(string boundary, byte[] bytes, JArray files, CancellationToken cancellationToken)
    {
        var json = new JObject();
        var reader = new MultipartReader(boundary, new MemoryStream(bytes));
        try
        {
            while (await reader.ReadNextSectionAsync(cancellationToken) is { } section)
            {
                if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition) || HeaderUtilities.RemoveQuotes(disposition.Name).Value is not { Length: > 0 } name)
                {
                    continue;
                }

                using var content = new MemoryStream();
                await section.Body.CopyToAsync(content, cancellationToken);
                var fileName = HeaderUtilities.RemoveQuotes(disposition.FileNameStar.HasValue ? disposition.FileNameStar : disposition.FileName).Value;
                if (fileName is null)
                {
                    json[name] = RequestBody.TextOf(content.ToArray());
                }
                else
                {
                    files.Add(new JObject { ["name"] = name, ["fileName"] = fileName, ["contentType"] = section.ContentType, ["length"] = content.Length, ["content"] = Convert.ToBase64String(content.ToArray()) });
                }
            }
        }
        catch (Exception error) when (error is IOException or InvalidDataException)
        {
            throw new ProblemException(Problem.BadRequest($"The form cannot be read: {error.Message}"));
        }

        return json;
    }

    /// <summary>The run of an inbound key: the same key always names the same run.</summary>
    private static string IdOf(string triggerId, string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(triggerId + "\n" + key)))[..32];

    /// <summary>
    /// Answers a repeated request with the response that its first run wrote, as the journal has it. Nothing runs again. The response is in the journal a moment after it was
    /// sent: a repetition that comes before that waits for it.
    /// </summary>
    private static async Task<IResult> RepeatAsync(HttpContext context, InstanceRecord run, IRunStore store, TimeProvider clock, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        JObject? state;
        while (true)
        {
            // The row before the journal: when the row says that the burst is over, the journal read after it is complete.
            run = await store.FindAsync(run.Id, cancellationToken) ?? run;
            state = (await store.ReadJournalAsync(run.Id, cancellationToken)).FirstOrDefault(r => r is { ActivityType: "Elsa.WriteHttpResponse", EventName: "Completed" })?.State;
            if (state is not null || run.SubStatus is not (WorkflowSubStatus.Pending or WorkflowSubStatus.Executing))
            {
                break;
            }

            if (clock.GetElapsedTime(started) > RepeatWait)
            {
                context.Response.Headers.RetryAfter = "2";
                return Problem.Conflict("The first request with this Idempotency-Key is still being answered.", "Send it again in a moment.", "in-progress");
            }

            await Task.Delay(RepeatPause, clock, cancellationToken);
        }

        context.Response.Headers[InstanceIdHeader] = run.Id;
        context.Response.Headers["Idempotent-Replay"] = "true";
        if (state is null)
        {
            return run.SubStatus == WorkflowSubStatus.Faulted
                ? new Problem { Status = StatusCodes.Status500InternalServerError, Code = "faulted", Title = "The flow that answered this failed.", Detail = run.Error }
                : Results.StatusCode(StatusCodes.Status200OK);
        }

        var status = state.GetValue("StatusCode", StringComparison.OrdinalIgnoreCase) switch
        {
            JValue { Type: JTokenType.Integer } number => (int)number,
            JValue { Value: string name } when Enum.TryParse<System.Net.HttpStatusCode>(name, ignoreCase: true, out var code) => (int)code,
            _ => StatusCodes.Status200OK,
        };
        var content = state.GetValue("Content", StringComparison.OrdinalIgnoreCase);
        var text = content switch { null or { Type: JTokenType.Null } => "", JValue { Value: string s } => s, _ => Json.Write(content) };
        var type = (string?)(state.GetValue("ContentType", StringComparison.OrdinalIgnoreCase) as JValue) ?? (content is JContainer ? "application/json" : "text/plain");
        WebExchange.SetHeaders(context.Response, status, type, (state.GetValue("ResponseHeaders", StringComparison.OrdinalIgnoreCase) as JObject ?? []).Properties()
            .Select(header => KeyValuePair.Create(header.Name, header.Value is JArray values ? string.Join(", ", values) : (string?)(header.Value as JValue) ?? "")));
        return Results.Bytes(Encoding.UTF8.GetBytes(text), context.Response.ContentType);
    }
}
