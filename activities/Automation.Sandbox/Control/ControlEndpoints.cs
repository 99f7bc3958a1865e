using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>
/// <c>/sandbox/control</c>: what was received, what is stored, and things the APIs themselves cannot do. No rate limit. The caller of
/// <see cref="SandboxServices.MapSandbox"/> adds the authorization.
/// </summary>
internal static class ControlEndpoints
{
    public static void Map(RouteGroupBuilder group, SandboxStore store, IReadOnlyDictionary<string, SandboxApi> apis, WebhookSender webhooks)
    {
        group.MapGet("requests", context => WriteAsync(context, 200, Requests(context.Request.Query, store)));
        group.MapDelete("{api}", WithApi((_, api) => Reset(api)));
        group.MapDelete("{api}/faults", WithApi((_, api) => ClearFaults(api)));
        group.MapPost("{api}/faults", WithBody((_, api, body) => ValueTask.FromResult(AddFault(api, body))));
        group.MapPost("{api}/limits", WithBody((_, api, body) => ValueTask.FromResult(SetLimit(api, body))));
        group.MapPost("{api}/search-lag", WithBody((_, api, body) => ValueTask.FromResult(SetSearchLag(api, body))));
        group.MapPost("{api}/webhooks", WithBody((context, api, body) => webhooks.SendAsync(store, api, body, context.RequestAborted)));
        group.MapGet("ghl/webhook-key", context => WriteAsync(context, 200, new JObject { ["publicKey"] = webhooks.PublicKey }));
        group.MapGet("{api}/{collection}", WithApi((context, api) => (200, List(context, store, api))));
        group.MapPost("{api}/{collection}", WithBody((context, api, body) => ValueTask.FromResult(Upsert(context, store, api, body))));
        group.MapDelete("{api}/{collection}/{id}", WithApi((context, api) => Delete(context, store, api)));

        RequestDelegate WithApi(Func<HttpContext, SandboxApi, (int Status, JObject Body)> handle) => context =>
        {
            var (status, body) = ApiOf(context, apis) is { } api ? handle(context, api) : NoApi;
            return WriteAsync(context, status, body);
        };

        RequestDelegate WithBody(Func<HttpContext, SandboxApi, JToken, ValueTask<(int Status, JObject Body)>> handle) => async context =>
        {
            var (read, problem) = await ReadAsync(context);
            var (status, body) = read is null ? (400, problem!) : ApiOf(context, apis) is { } api ? await handle(context, api, read) : NoApi;
            await WriteAsync(context, status, body);
        };
    }

    private static (int, JObject) NoApi => Problem(404, "There is no such API: ghl or flocksy.");

    private static SandboxApi? ApiOf(HttpContext context, IReadOnlyDictionary<string, SandboxApi> apis) => apis.GetValueOrDefault((string)context.GetRouteValue("api")!);

    private static async Task<(JToken? Body, JObject? Problem)> ReadAsync(HttpContext context)
    {
        // Any number of records may come at once.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = null;
        }

        try
        {
            using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
            return (Json.Parse(await reader.ReadToEndAsync(context.RequestAborted)), null);
        }
        catch (JsonException malformed)
        {
            return (null, Problem(400, $"The body is not JSON: {malformed.Message}").Item2);
        }
    }

    private static (int, JObject) Reset(SandboxApi api)
    {
        api.Reset();
        return (200, new JObject { ["reset"] = api.Profile.Name });
    }

    private static (int, JObject) ClearFaults(SandboxApi api)
    {
        api.Faults.Clear();
        return (200, []);
    }

    private static JObject Requests(IQueryCollection query, SandboxStore store)
    {
        var api = query["api"].ToString();
        using var session = store.BeginRead(api);
        var limit = int.TryParse(query["limit"], out var number) && number > 0 ? number : int.MaxValue;
        var found = session.Requests(api.Length == 0 ? null : api, Timestamps.Read(query["since"].ToString()) ?? 0, limit);
        return new JObject
        {
            ["items"] = new JArray(found.Select(request => new JObject
            {
                ["at"] = Timestamps.Iso(request.At),
                ["api"] = request.Api,
                ["method"] = request.Method,
                ["path"] = request.Path,
                ["query"] = request.Query,
                ["body"] = BodyOf(request.Body),
                ["status"] = request.Status,
                ["idempotencyKey"] = request.IdempotencyKey,
            })),
            ["total"] = found.Count,
        };
    }

    private static JToken BodyOf(string? text)
    {
        if (text is null)
        {
            return JValue.CreateNull();
        }

        try
        {
            return Json.Parse(text);
        }
        catch (JsonException)
        {
            // Not JSON, or cut because it was too long: shown as it came.
            return text;
        }
    }

    private static JObject List(HttpContext context, SandboxStore store, SandboxApi api)
    {
        var collection = CollectionOf(context, api);
        var location = context.Request.Query["locationId"].ToString();
        var query = new RecordQuery
        {
            Skip = int.TryParse(context.Request.Query["skip"], out var skip) ? Math.Max(0, skip) : 0,
            Take = int.TryParse(context.Request.Query["limit"], out var limit) ? Math.Max(0, limit) : int.MaxValue,
        };
        if (location.Length > 0)
        {
            query.Where("location_id = ? or exists (select 1 from json_each(records.json, '$.roles.locationIds') where value = ?)", location, location);
        }

        using var session = store.BeginRead(api.Profile.Name);
        var items = session.List(collection, query).Select(record => collection.IdProperty == "id"
            ? (JToken)new JRaw(record.Json)
            : new JRaw($"{{\"id\":{Json.Write(record.Key)},{record.Json.AsSpan(1)}"));
        return new JObject { ["items"] = new JArray(items), ["total"] = session.Count(collection, query) };
    }

    private static (int, JObject) Upsert(HttpContext context, SandboxStore store, SandboxApi api, JToken body)
    {
        var collection = CollectionOf(context, api);
        var records = body as JArray ?? new JArray(body);
        using var session = store.BeginWrite(api.Profile.Name);
        var ids = new JArray();
        for (var i = 0; i < records.Count; i++)
        {
            if (records[i] is not JObject record)
            {
                return Problem(400, $"Item {i} is no object.");
            }

            api.Profile.Complete?.Invoke(session, (string)context.GetRouteValue("collection")!, collection, record);
            ids.Add(session.Upsert(collection, record).Json[collection.IdProperty]?.DeepClone() ?? JValue.CreateNull());
        }

        session.Commit();
        return (200, new JObject { ["count"] = ids.Count, ["ids"] = ids });
    }

    private static (int, JObject) Delete(HttpContext context, SandboxStore store, SandboxApi api)
    {
        using var session = store.BeginWrite(api.Profile.Name);
        var deleted = session.Delete(CollectionOf(context, api), (string)context.GetRouteValue("id")!);
        session.Commit();
        return deleted ? (200, new JObject { ["deleted"] = true }) : Problem(404, "There is no such record.");
    }

    private static (int, JObject) AddFault(SandboxApi api, JToken body)
    {
        if (body is not JObject fields || fields["match"]?.ToString() is not { Length: > 0 } match)
        {
            return Problem(400, "A fault needs a match such as \"POST /contacts/*\".");
        }

        var kindText = fields["kind"]?.ToString() ?? "status";
        if (!Enum.TryParse<FaultKind>(kindText, ignoreCase: true, out var kind))
        {
            return Problem(400, $"'{kindText}' is no kind of fault: status, html, timeout, half or reset.");
        }

        var status = Whole(fields["status"]);
        if (status is not null and (< 200 or > 599))
        {
            return Problem(400, $"{status} is no status to answer with.");
        }

        var after = fields["after"] is { Type: JTokenType.Boolean } flag && flag.Value<bool>();
        api.Faults.Add(new Fault(match, kind, status, TimeSpan.FromMilliseconds(Whole(fields["delayMs"]) ?? 0), after), Whole(fields["times"]) ?? 1);
        return (200, fields);
    }

    private static (int, JObject) SetLimit(SandboxApi api, JToken body)
    {
        if (body is not JObject fields)
        {
            return Problem(400, "Limits are {calls, windowMs, perDay}; without calls there is no limit.");
        }

        var calls = Whole(fields["calls"]);
        api.Limit = calls is null ? null : new RateLimit(calls.Value, TimeSpan.FromMilliseconds(Whole(fields["windowMs"]) ?? 10_000), Whole(fields["perDay"]));
        return (200, fields);
    }

    private static (int, JObject) SetSearchLag(SandboxApi api, JToken body)
    {
        if (Whole((body as JObject)?["milliseconds"]) is not (>= 0 and var lag))
        {
            return Problem(400, "A lag of the searches is {milliseconds}: how long they do not show what was changed; 0 is none.");
        }

        api.Settings = api.Settings with { SearchLag = TimeSpan.FromMilliseconds(lag) };
        return (200, new JObject { ["milliseconds"] = lag });
    }

    private static int? Whole(JToken? token) => token is { Type: JTokenType.Integer } && token.Value<long>() is >= int.MinValue and <= int.MaxValue and var number ? (int)number : null;

    private static Collection CollectionOf(HttpContext context, SandboxApi api) => api.Profile.CollectionOf((string)context.GetRouteValue("collection")!);

    private static (int, JObject) Problem(int status, string detail) => (status, new JObject { ["status"] = status, ["title"] = "The sandbox could not do this.", ["detail"] = detail });

    private static async Task WriteAsync(HttpContext context, int status, JObject body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = status < 400 ? "application/json; charset=utf-8" : "application/problem+json; charset=utf-8";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(Json.Write(body)), context.RequestAborted);
    }
}
