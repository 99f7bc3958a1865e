using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Microsoft.AspNetCore.Http;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>
/// One stand-in. The way of a request: route, token, body, rate window, Version header, inputs, idempotency key, faults, then the operation's
/// behaviour in one transaction with the request's row in the log; the answer leaves after the commit.
/// </summary>
internal sealed class SandboxApi
{
    private const int LoggedBody = 64 * 1024;
    private static readonly IReadOnlySet<string> NothingNullable = new HashSet<string>();
    private readonly RouteTable routes;
    private readonly SandboxStore store;
    private readonly SandboxSettings initial;
    private readonly RateWindows windows;

    public SandboxApi(ApiProfile profile, SandboxStore store, SandboxSettings settings)
    {
        Profile = profile;
        Limit = profile.Limit;
        this.store = store;
        initial = settings;
        Settings = settings;
        routes = new RouteTable(profile.Operations);
        windows = new RateWindows(store.Clock);
        using var session = store.BeginWrite(profile.Name);
        if (session.MarkSeeded())
        {
            profile.Seed(session);
        }

        session.Commit();
    }

    public ApiProfile Profile { get; }
    public FaultBox Faults { get; } = new();

    /// <summary>Calls allowed per window; null: no limit. The control endpoint may change it.</summary>
    public RateLimit? Limit { get; set; }

    /// <summary>What the operations go by. The control endpoint may change it.</summary>
    public SandboxSettings Settings { get; set; }

    /// <summary>Back to the seed data: no requests, faults, keys or counted calls.</summary>
    public void Reset()
    {
        using (var session = store.BeginWrite(Profile.Name))
        {
            session.Clear();
            session.MarkSeeded();
            Profile.Seed(session);
            session.Commit();
        }

        Faults.Clear();
        windows.Clear();
        Limit = Profile.Limit;
        Settings = initial;
    }

    /// <summary>Answers one request.</summary>
    public async Task HandleAsync(HttpContext context, string path)
    {
        var form = context.Request.HasFormContentType ? await FormBody.ReadAsync(context.Request, context.RequestAborted) : null;
        var body = form is null ? await ReadBodyAsync(context.Request, context.RequestAborted) : Json.Write(form);
        var request = new Incoming(context, "/" + path, body, Ids.New(store.Clock), store.Clock.GetUtcNow().ToUnixTimeMilliseconds()) { Form = form };
        if (Check(request) is { } refused)
        {
            store.Log(Received(request, refused.Status));
            await WriteAsync(request, refused);
            return;
        }

        var fault = Faults.Take(request.Method, request.Path);
        if (fault is null)
        {
            await WriteAsync(request, Perform(request, null));
            return;
        }

        await PlayAsync(request, fault);
    }

    /// <summary>What is wrong with a request; null: nothing, and its operation, values and limits are known.</summary>
    private Answer? Check(Incoming request)
    {
        if (routes.Match(request.Method, request.Path) is not var (operation, values))
        {
            return Answer.Refuse(404, "not_found", $"Cannot {request.Method} {request.Path}");
        }

        request.Operation = operation;
        request.Values = values;
        if (operation.ContentType is { } type && request.Text.Length > 0 && request.Context.Request.ContentType?.StartsWith(type, StringComparison.OrdinalIgnoreCase) != true)
        {
            return Answer.Refuse(415, "content_type", $"Cannot read {request.Context.Request.ContentType ?? "a body without a content type"}: {type} is expected");
        }

        var header = request.Context.Request.Headers.Authorization.ToString();
        var token = header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header["Bearer ".Length..].Trim() : null;
        var isAnonymous = Profile.Anonymous.Contains(ApiProfile.KeyOf(operation));
        if (!isAnonymous && Identify(request, operation, token) is { } unknown)
        {
            return unknown;
        }

        JToken? json = null;
        if (request.Form is { } form)
        {
            json = form;
        }
        else if (request.Text.Length > 0)
        {
            try
            {
                json = Json.Parse(request.Text);
            }
            catch (JsonException malformed)
            {
                return Answer.Refuse(400, "malformed", $"The body is not JSON: {malformed.Message}");
            }
        }

        request.Json = json;
        if (request.Grant?.RefuseLocation(LocationOf(request)) is { } elsewhere)
        {
            return elsewhere;
        }

        if (Limit is { } limit && !isAnonymous)
        {
            // An app's tokens change; its window stays.
            var caller = request.Grant is { } grant ? $"{grant.ClientId}\n{grant.LocationId ?? grant.CompanyId}" : token!;
            var use = windows.Count(Profile.LimitByLocation ? $"{caller}\n{LocationOf(request)}" : caller, limit);
            Profile.WriteLimit(request.Headers, limit, use);
            if (!use.Allowed)
            {
                return Answer.Refuse(429, "rate_limited", "Too many requests. Please try again later.");
            }
        }

        if (operation.VersionHeader is { } version)
        {
            var given = request.Context.Request.Headers["Version"].ToString();
            if (given != version && !Profile.VersionsOfAll.Contains(given) && !(given.Length == 0 && Profile.WithoutVersion.Contains(ApiProfile.KeyOf(operation))))
            {
                return Answer.Refuse(422, "version", given.Length == 0 ? "version header was not found." : $"version header is invalid: {operation.Path} takes {version}, not {given}.", "Version");
            }
        }

        var wrong = RequestCheck.Check(operation, values, request.Query, json, Profile.RefuseUnknown, Profile.Nullable.GetValueOrDefault(ApiProfile.KeyOf(operation), NothingNullable));
        Profile.Bodies.Check(operation, json, wrong);
        if (wrong.Count > 0)
        {
            return new Answer(422, null) { Refusal = new Refusal("invalid", [.. wrong.Select(w => w.Message)], wrong[0].Field) };
        }

        if (Profile.IdempotencyHeader is { } name && operation.Effect != EffectClass.Read)
        {
            var key = request.Context.Request.Headers[name].ToString();
            if (key.Length is 0 or > 255)
            {
                return Answer.Refuse(400, "idempotency_key_missing", $"The header {name} must hold 1 to 255 characters: every write needs one.", name);
            }

            request.IdempotencyKey = key;
        }

        return null;
    }

    /// <summary>Why a token is refused; null: it is good for the operation, and what it may do is known.</summary>
    private Answer? Identify(Incoming request, Operation operation, string? token)
    {
        if (token is null)
        {
            return Answer.Refuse(401, "unauthorized", "No authorization token was provided");
        }

        if (Profile.Tokens.Contains(token, StringComparer.Ordinal))
        {
            return null;
        }

        if (!Profile.OAuth)
        {
            return Answer.Refuse(401, "unauthorized", "Invalid token: access token is invalid");
        }

        using var session = store.BeginRead(Profile.Name);
        (request.Grant, var refusal) = Grant.Of(session, token);
        return refusal ?? request.Grant!.Refuse(operation);
    }

    /// <summary>Performs the operation and commits; the log shows <paramref name="shownStatus"/> where the caller will not see the true one.</summary>
    private Answer Perform(Incoming request, int? shownStatus)
    {
        var operation = request.Operation!;
        if (operation.Effect == EffectClass.Read)
        {
            Answer read;
            using (var session = store.BeginRead(Profile.Name))
            {
                read = Run(request, operation, session);
            }

            store.Log(Received(request, shownStatus ?? read.Status));
            return read;
        }

        using (var session = store.BeginWrite(Profile.Name))
        {
            var answer = request.IdempotencyKey is { } key ? RunOnce(request, operation, session, key) : Run(request, operation, session);
            if (answer.Status >= 400)
            {
                session.Revert();
            }

            store.Log(session, Received(request, shownStatus ?? answer.Status));

            // Killed before this line: nothing happened, and the caller had no answer. Killed after it: it happened, and the caller cannot know.
            session.Commit();
            return answer;
        }
    }

    /// <summary>Performs a write unless its key was used before: then the first answer again, or a refusal when the request differs.</summary>
    private Answer RunOnce(Incoming request, Operation operation, SandboxSession session, string key)
    {
        var fingerprint = $"{request.Method} {request.Path}{request.Context.Request.QueryString} {Json.Write(request.Json)}";
        if (session.FindAnswer(key) is var (first, status, body))
        {
            if (first != fingerprint)
            {
                return Answer.Refuse(409, "idempotency_conflict", $"The key '{key}' was used for another request.", Profile.IdempotencyHeader);
            }

            request.Headers["Idempotent-Replayed"] = "true";
            return new Answer(status, body is null ? null : new JRaw(body));
        }

        var answer = Run(request, operation, session);
        if (answer.Status < 400)
        {
            session.KeepAnswer(key, fingerprint, answer.Status, answer.Body is null ? null : Json.Write(answer.Body));
        }

        return answer;
    }

    private Answer Run(Incoming request, Operation operation, SandboxSession session)
    {
        if (!Profile.Behaviours.TryGetValue(ApiProfile.KeyOf(operation), out var behaviour))
        {
            return Answer.Refuse(501, "not_in_sandbox", $"The sandbox does not perform {ApiProfile.KeyOf(operation)}.");
        }

        return behaviour(new Call { Operation = operation, Path = request.Values, Query = request.Query, Body = request.Json, Session = session, Settings = Settings, Grant = request.Grant });
    }

    private async Task PlayAsync(Incoming request, Fault fault)
    {
        var context = request.Context;
        if (!fault.After && fault.Delay > TimeSpan.Zero)
        {
            await Task.Delay(fault.Delay, store.Clock, context.RequestAborted);
        }

        var injected = fault switch
        {
            { Kind: FaultKind.Status, Status: { } status } => Answer.Refuse(status, "injected_fault", $"Injected fault {status}"),
            { Kind: FaultKind.Html } => new Answer(fault.Status ?? 200, null)
            {
                Content = Encoding.UTF8.GetBytes("<!DOCTYPE html><html><head><title>Sandbox</title></head><body><h1>Something went wrong</h1></body></html>"),
                ContentType = "text/html; charset=utf-8",
            },
            _ => null,
        };
        var shown = injected?.Status ?? (fault.Kind == FaultKind.Status ? null : (int?)0);
        var real = fault.After || fault.Kind is FaultKind.Half || (fault.Kind == FaultKind.Status && injected is null) ? Perform(request, shown) : null;
        if (real is null)
        {
            store.Log(Received(request, shown ?? 0));
        }

        if (fault.After && fault.Delay > TimeSpan.Zero)
        {
            await Task.Delay(fault.Delay, store.Clock, context.RequestAborted);
        }

        switch (fault.Kind)
        {
            case FaultKind.Timeout:
                await Task.Delay(TimeSpan.FromMinutes(10), store.Clock, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                context.Abort();
                break;
            case FaultKind.Reset:
                context.Abort();
                break;
            case FaultKind.Half:
                await WriteAsync(request, real!, half: true);
                break;
            default:
                if (injected is { Status: 429 })
                {
                    request.Headers.TryAdd("Retry-After", "1");
                }

                await WriteAsync(request, injected ?? real!);
                break;
        }
    }

    private async Task WriteAsync(Incoming request, Answer answer, bool half = false)
    {
        var response = request.Context.Response;
        response.StatusCode = answer.Status;
        foreach (var (name, value) in request.Headers)
        {
            response.Headers[name] = value;
        }

        response.Headers["X-Trace-Id"] = request.TraceId;
        var content = answer.Content;
        if (content is null)
        {
            var json = answer.Refusal is { } refusal ? Profile.WriteError(answer.Status, refusal, request.TraceId) : answer.Body;
            if (json is JObject fields && Profile.TraceIdInBody)
            {
                fields["traceId"] ??= request.TraceId;
            }

            content = json is null ? [] : Encoding.UTF8.GetBytes(Json.Write(json));
        }

        if (content.Length > 0)
        {
            response.ContentType = answer.ContentType;
        }

        response.ContentLength = content.Length;
        if (half)
        {
            await response.Body.WriteAsync(content.AsMemory(0, content.Length / 2));
            await response.Body.FlushAsync();
            request.Context.Abort();
            return;
        }

        await response.Body.WriteAsync(content);
    }

    private static string LocationOf(Incoming request) =>
        request.Values.GetValueOrDefault("locationId") ?? request.Query.GetValueOrDefault("locationId") ?? request.Query.GetValueOrDefault("location_id")
        ?? (request.Json as JObject)?["locationId"]?.ToString() ?? "";

    private ReceivedRequest Received(Incoming request, int status) => new()
    {
        At = request.At,
        Api = Profile.Name,
        Method = request.Method,
        Path = request.Path,
        Query = request.Context.Request.QueryString.Value ?? "",
        Body = request.Text.Length == 0 ? null : request.Text.Length <= LoggedBody ? request.Text : request.Text[..LoggedBody],
        Status = status,
        IdempotencyKey = request.IdempotencyKey ?? (Profile.IdempotencyHeader is { } name ? NullIfEmpty(request.Context.Request.Headers[name].ToString()) : null),
    };

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    private static async Task<string> ReadBodyAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(request.Body, Encoding.UTF8);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    /// <summary>A request on its way.</summary>
    private sealed class Incoming(HttpContext context, string path, string text, string traceId, long at)
    {
        public HttpContext Context => context;
        public string Method => context.Request.Method;
        public string Path => path;
        public string Text => text;
        public string TraceId => traceId;
        public long At => at;
        public IReadOnlyDictionary<string, string> Query { get; } = context.Request.Query.ToDictionary(q => q.Key, q => q.Value.ToString(), StringComparer.Ordinal);
        public Dictionary<string, string> Headers { get; } = new(StringComparer.OrdinalIgnoreCase);

        /// <summary>The body when it came as a form.</summary>
        public JObject? Form { get; init; }

        public Operation? Operation { get; set; }
        public IReadOnlyDictionary<string, string> Values { get; set; } = new Dictionary<string, string>();
        public JToken? Json { get; set; }
        public Grant? Grant { get; set; }
        public string? IdempotencyKey { get; set; }
    }
}
