using System.Text;
using Automation.Engine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.ServerTests.GoHighLevel;

/// <summary>
/// A stand-in that knows nothing but the official specifications, and takes nothing that they do not say: path, Version header, authorization, parameters, body, types, no name of
/// its own invention. It answers the specification's example, or 422 with what is wrong.
/// </summary>
internal sealed class SpecMock : IAsyncDisposable
{
    private readonly List<(SpecCall? Call, string Method, string[] Segments)> routes;
    private readonly WebApplication app;

    private SpecMock(SpecFiles specs)
    {
        routes =
        [
            .. specs.Paths().Select(p => (specs.Calls.FirstOrDefault(c => c.Method == p.Method && c.Path == p.Path), p.Method, p.Path.Split('/')))
                .OrderBy(r => string.Concat(r.Item3.Select(s => s.StartsWith('{') ? '1' : '0')), StringComparer.Ordinal),
        ];
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        app = builder.Build();
        app.Run(HandleAsync);
    }

    public Uri Url => new(app.Urls.Single());

    /// <summary>Calls that came.</summary>
    public int Received { get; private set; }

    /// <summary>Calls that were taken, and not refused.</summary>
    public int Taken { get; private set; }

    /// <summary>Answers this instead of the specification's example.</summary>
    public string? Instead { get; set; }

    /// <summary>Refuses every call so, in the API's form.</summary>
    public (int Status, JToken Message)? Refusal { get; set; }

    /// <summary>Refuses so many tries of each call with this status, and lets it be sent again at once.</summary>
    public (int Status, int Times)? Busy { get; set; }

    /// <summary>Tries by method and path.</summary>
    public Dictionary<string, int> Tries { get; } = [];

    public static async Task<SpecMock> StartAsync(SpecFiles specs)
    {
        var mock = new SpecMock(specs);
        await mock.app.StartAsync();
        return mock;
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        Received++;
        var problems = new List<string>();
        var path = context.Request.Path.Value!;
        var segments = path.Split('/');
        var (call, _, template) = routes.FirstOrDefault(r => r.Method == context.Request.Method && r.Segments.Length == segments.Length
            && r.Segments.Zip(segments).All(p => p.First.StartsWith('{') ? p.Second.Length > 0 : p.First == p.Second));
        if (template is null)
        {
            await AnswerAsync(context, 404, new JObject { ["statusCode"] = 404, ["message"] = $"Cannot {context.Request.Method} {path}" });
            return;
        }

        if (call is null)
        {
            await AnswerAsync(context, 500, new JObject { ["message"] = $"{context.Request.Method} {path} is none of the 126." });
            return;
        }

        var schema = new SpecSchema(call);
        if (!context.Request.Headers.Authorization.ToString().StartsWith("Bearer ", StringComparison.Ordinal))
        {
            problems.Add("no bearer token");
        }

        CheckVersion(call, context.Request.Headers["Version"].ToString(), problems);
        foreach (var parameter in call.In("path"))
        {
            var name = (string)parameter["name"]!;
            var text = Uri.UnescapeDataString(segments[Array.IndexOf(template, "{" + name + "}")]);
            problems.AddRange(schema.Read(parameter["schema"], [text]) is { } value ? schema.Check(parameter["schema"], value, name) : [$"{name} cannot be '{text}'"]);
        }

        CheckQuery(call, schema, context.Request.Query, problems);
        await CheckBodyAsync(call, schema, context.Request, problems);
        if (problems.Count > 0)
        {
            await AnswerAsync(context, 422, new JObject { ["statusCode"] = 422, ["message"] = new JArray(problems), ["error"] = "Unprocessable Entity" });
            return;
        }

        Taken++;
        var tries = Tries[$"{call.Method} {path}"] = Tries.GetValueOrDefault($"{call.Method} {path}") + 1;
        if (Busy is var (busy, times) && tries <= times)
        {
            context.Response.Headers.RetryAfter = "0";
            await AnswerAsync(context, busy, new JObject { ["statusCode"] = busy, ["message"] = "busy" });
            return;
        }

        if (Refusal is var (refused, message))
        {
            await AnswerAsync(context, refused, new JObject { ["statusCode"] = refused, ["message"] = message.DeepClone() });
            return;
        }

        if (Instead is { } text2)
        {
            context.Response.StatusCode = call.Status;
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(text2);
            return;
        }

        await AnswerAsync(context, call.Status, call.Answer is null ? null : schema.AnswerAsGiven(call.Answer));
    }

    private static void CheckVersion(SpecCall call, string given, List<string> problems)
    {
        var declared = call.In("header").SingleOrDefault(p => (string?)p["name"] == "Version");
        var allowed = declared is null ? [call.Version] : declared["schema"]?["enum"]?.Values<string>().ToList() ?? [call.Version];
        if (!allowed.Contains(given))
        {
            problems.Add($"Version '{given}' is none of {string.Join(", ", allowed)}");
        }
    }

    private static void CheckQuery(SpecCall call, SpecSchema schema, IQueryCollection query, List<string> problems)
    {
        var declared = call.In("query").ToDictionary(p => (string)p["name"]!);
        problems.AddRange(query.Keys.Where(name => !declared.ContainsKey(name)).Select(name => $"query {name} is unknown"));
        foreach (var (name, parameter) in declared)
        {
            if (!query.TryGetValue(name, out var texts))
            {
                if (parameter["required"] is JValue { Value: true })
                {
                    problems.Add($"query {name} is missing");
                }

                continue;
            }

            problems.AddRange(schema.Read(parameter["schema"], [.. texts.Select(t => t ?? "")]) is { } value ? schema.Check(parameter["schema"], value, "query " + name) : [$"query {name} cannot be '{texts}'"]);
        }
    }

    private static async Task CheckBodyAsync(SpecCall call, SpecSchema schema, HttpRequest request, List<string> problems)
    {
        using var reader = new StreamReader(request.Body, Encoding.UTF8);
        var text = await reader.ReadToEndAsync();
        if (call.Body is null)
        {
            if (text.Length > 0)
            {
                problems.Add("a body where none is taken");
            }

            return;
        }

        if (text.Length == 0)
        {
            if (call.BodyRequired)
            {
                problems.Add("the body is missing");
            }

            return;
        }

        if (request.ContentType?.StartsWith(call.ContentType!, StringComparison.OrdinalIgnoreCase) != true)
        {
            problems.Add($"content type {request.ContentType} is not {call.ContentType}");
        }

        try
        {
            problems.AddRange(schema.Check(call.Body, Json.Parse(text), "body"));
        }
        catch (JsonException malformed)
        {
            problems.Add("the body is not JSON: " + malformed.Message);
        }
    }

    private static async Task AnswerAsync(HttpContext context, int status, JToken? body)
    {
        context.Response.StatusCode = status;
        context.Response.Headers["X-Trace-Id"] = "trace-of-the-mock";
        if (body is not null)
        {
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(Json.Write(body));
        }
    }
}
