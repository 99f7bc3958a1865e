using System.Globalization;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Hosting.Security;
using Automation.Runtime.Definitions;
using Automation.Runtime.Running;
using Microsoft.AspNetCore.Http;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Web;

/// <summary>An error as RFC 9457 has it: what, where, why, and what to do. Holds no secret and no stack trace.</summary>
public sealed record Problem : IResult
{
    /// <summary>Key of errors that belong to no field, as Elsa's clients expect it.</summary>
    public const string General = "GeneralErrors";

    public required int Status { get; init; }

    /// <summary>Short stable code, as <c>not-found</c>.</summary>
    public required string Code { get; init; }

    public required string Title { get; init; }
    public string? Detail { get; init; }

    /// <summary>What a person can do about it.</summary>
    public string? Action { get; init; }

    /// <summary>Messages by field.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>>? Errors { get; init; }

    /// <summary>Further members: <c>activityId</c>, <c>property</c>, <c>line</c>, <c>column</c> …</summary>
    public JObject? More { get; init; }

    /// <summary>The tag of what is there, where the request was made from something else.</summary>
    public string? ETag { get; init; }

    /// <summary>When to try again.</summary>
    public TimeSpan? RetryAfter { get; init; }

    public JObject ToJson()
    {
        var json = new JObject
        {
            ["type"] = "urn:automation:problem:" + Code,
            ["title"] = Title,
            ["status"] = Status,
            ["code"] = Code,
        };
        if (Detail is not null)
        {
            json["detail"] = Detail;
        }

        if (Action is not null)
        {
            json["action"] = Action;
        }

        if (Errors is not null)
        {
            json["errors"] = new JObject(Errors.Select(e => new JProperty(e.Key, new JArray(e.Value))));
        }

        foreach (var member in More?.Properties() ?? [])
        {
            json[member.Name] = member.Value.DeepClone();
        }

        return json;
    }

    /// <inheritdoc />
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        if (httpContext.Response.HasStarted)
        {
            return;
        }

        httpContext.Response.StatusCode = Status;
        httpContext.Response.ContentType = "application/problem+json; charset=utf-8";
        httpContext.Response.Headers.CacheControl = "no-store";
        if (Status == StatusCodes.Status401Unauthorized && httpContext.Response.Headers.WWWAuthenticate.Count == 0)
        {
            httpContext.Response.Headers.WWWAuthenticate = "ApiKey, Bearer";
        }

        if (ETag is not null)
        {
            httpContext.Response.Headers.ETag = ETag;
        }

        if (RetryAfter is { } wait)
        {
            httpContext.Response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        await httpContext.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(Json.Write(ToJson())), httpContext.RequestAborted);
    }

    public static Problem BadRequest(string detail, string? field = null, string? action = null, string code = "invalid-input") => new()
    {
        Status = StatusCodes.Status400BadRequest,
        Code = code,
        Title = "The request cannot be taken as it is.",
        Detail = detail,
        Action = action,
        Errors = OneError(field, detail),
        More = field is null ? null : new JObject { ["property"] = field },
    };

    public static Problem NotFound(string what) => new()
    {
        Status = StatusCodes.Status404NotFound,
        Code = "not-found",
        Title = "Not found.",
        Detail = what,
    };

    public static Problem Conflict(string detail, string action, string code = "conflict") => new()
    {
        Status = StatusCodes.Status409Conflict,
        Code = code,
        Title = "That does not fit the present state.",
        Detail = detail,
        Action = action,
        Errors = OneError(null, detail),
    };

    public static Problem Unauthorized() => new()
    {
        Status = StatusCodes.Status401Unauthorized,
        Code = "unauthorized",
        Title = "Sign in first.",
        Detail = "The request carries no credential, or one that is not valid.",
        Action = "Send 'Authorization: ApiKey KEY' or 'Authorization: Bearer TOKEN', or sign in on the web page.",
    };

    public static Problem Forbidden() => new()
    {
        Status = StatusCodes.Status403Forbidden,
        Code = "forbidden",
        Title = "That is not allowed to you.",
        Detail = "The credential is valid, but its role does not reach that far.",
        Action = "Use an administrator's credential.",
    };

    public static Problem TooLarge(long limit) => new()
    {
        Status = StatusCodes.Status413PayloadTooLarge,
        Code = "too-large",
        Title = "The request body is too large.",
        Detail = $"At most {limit / (1024 * 1024)} MB are taken here.",
        Action = "Send less, or in several requests.",
    };

    private static Problem TooMany(TooManyAttemptsException error) => new()
    {
        Status = StatusCodes.Status429TooManyRequests,
        Code = "too-many-attempts",
        Title = "Too many attempts.",
        Detail = error.Message,
        Action = $"Wait {Math.Ceiling(error.Wait.TotalMinutes)} min, then try again.",
        RetryAfter = error.Wait,
    };

    private static Problem Changed(DefinitionChangedException error) => new()
    {
        Status = StatusCodes.Status412PreconditionFailed,
        Code = "changed-meanwhile",
        Title = "It has changed meanwhile; nothing was saved.",
        Detail = error.Message,
        Action = error.Stored is null ? "Save it without If-Match to make it anew." : "Read it again and put your change into it, or save it without If-Match to write over it.",
        Errors = OneError(null, error.Message),
        ETag = error.Stored is { } stored ? $"\"{DefinitionService.TagOf(stored)}\"" : null,
    };

    /// <summary>Text that is not the JSON that was expected, with its place.</summary>
    public static Problem Malformed(JsonReaderException error, string? fileName = null)
    {
        var place = $"line {Math.Max(1, error.LineNumber)}, column {Math.Max(1, error.LinePosition)}";
        var detail = $"{(fileName is null ? "The text" : $"'{fileName}'")} is not JSON that can be read ({place}): {error.Message}";
        var more = new JObject { ["line"] = Math.Max(1, error.LineNumber), ["column"] = Math.Max(1, error.LinePosition) };
        if (fileName is not null)
        {
            more["file"] = fileName;
        }

        return new Problem
        {
            Status = StatusCodes.Status400BadRequest,
            Code = "malformed-json",
            Title = "The JSON is malformed.",
            Detail = detail,
            Action = "Mend the JSON at that place and send it again.",
            Errors = OneError(null, detail),
            More = more,
        };
    }

    /// <summary>A definition that was refused: every problem with its activity, property, line and column.</summary>
    public static Problem Rejected(DefinitionRejectedException error)
    {
        var problems = error.Problems.Any(p => p.Severity != ProblemSeverity.Warning)
            ? error.Problems.Where(p => p.Severity != ProblemSeverity.Warning).ToList()
            : error.Problems.ToList();
        var errors = problems
            .GroupBy(p => p.ActivityId is null ? p.Property ?? General : p.Property is null ? p.ActivityId : $"{p.ActivityId}.{p.Property}")
            .ToDictionary(g => g.Key, g => (IReadOnlyList<string>)g.Select(p => p.ToString()).ToList());
        if (errors.Count == 0)
        {
            errors[General] = [error.Message];
        }

        var more = problems.Count == 0 ? [] : Describe(problems[0], withText: false);
        if (error.FileName is not null)
        {
            more["file"] = error.FileName;
        }

        more["problems"] = new JArray(error.Problems.Select(p => Describe(p, withText: true)));
        return new Problem
        {
            Status = problems.Any(p => p.Code == "read-only") ? StatusCodes.Status403Forbidden : StatusCodes.Status400BadRequest,
            Code = problems.Count == 0 ? "definition-rejected" : problems[0].Code,
            Title = "The definition was refused; nothing was changed.",
            Detail = error.Message,
            Errors = errors,
            More = more,
        };
    }

    /// <summary>A problem of a definition as JSON.</summary>
    public static JObject Describe(DefinitionProblem problem, bool withText)
    {
        var json = new JObject();
        if (withText)
        {
            json["severity"] = problem.Severity.ToString();
            json["code"] = problem.Code;
            json["message"] = problem.Message;
        }

        void Add(string name, JToken? value)
        {
            if (value is { Type: not JTokenType.Null })
            {
                json[name] = value;
            }
        }

        Add("activityId", problem.ActivityId);
        Add("activityType", problem.ActivityType);
        Add("property", problem.Property);
        Add("line", problem.Line);
        Add("column", problem.Column);
        return json;
    }

    /// <summary>A call of a connector that failed: bad input is the caller's, all else the provider's.</summary>
    public static Problem Of(ConnectorException error)
    {
        // What the provider found wrong was sent, and is its answer.
        var isInput = error is { Code: "invalid-input", Status: null };
        var more = new JObject();
        void Add(string name, JToken? value)
        {
            if (value is { Type: not JTokenType.Null })
            {
                more[name] = value;
            }
        }

        Add("property", error.Property);
        Add("providerStatus", error.Status);
        Add("providerMessage", error.ProviderMessage);
        Add("traceId", error.TraceId);
        Add("retryAfterSeconds", error.RetryAfter?.TotalSeconds);
        if (!isInput)
        {
            more["isTransient"] = error.IsTransient;
            more["mayHaveHappened"] = error.MayHaveHappened;
        }

        return new Problem
        {
            Status = isInput ? StatusCodes.Status400BadRequest : error.Code == "budget-spent" ? StatusCodes.Status429TooManyRequests : StatusCodes.Status502BadGateway,
            Code = error.Code,
            Title = isInput ? "An input is missing or wrong; nothing was sent." : "The other side did not do it.",
            Detail = error.Message,
            Action = error.Action,
            Errors = isInput ? OneError(error.Property, error.Message) : null,
            More = more,
        };
    }

    /// <summary>The problem of an exception that may be shown; null: it is a bug.</summary>
    public static Problem? Of(Exception error) => error switch
    {
        System.Data.Common.DbException { IsTransient: true } => new Problem
        {
            Status = StatusCodes.Status503ServiceUnavailable,
            Code = "database-away",
            Title = "The database does not answer.",
            Detail = "It restarts, is overloaded, or cannot be reached from here. What was asked may not have happened.",
            Action = "Try again in a moment; /health/ready says when it is back.",
        },
        ServerStoppingException e => new Problem
        {
            Status = StatusCodes.Status503ServiceUnavailable,
            Code = e.IsStored ? "goes-on" : "stopping",
            Title = "The server is being stopped.",
            Detail = e.Message,
            Action = e.IsStored ? "Do not ask for it again; look at the run." : "Ask again in a moment.",
        },
        ProblemException e => e.Problem,
        DefinitionRejectedException e => Rejected(e),
        DefinitionChangedException e => Changed(e),
        ConnectorException e => Of(e),
        FaultException e => new Problem
        {
            Status = StatusCodes.Status409Conflict,
            Code = e.Fault.Code,
            Title = "That did not work.",
            Detail = e.Fault.Detail is null ? e.Fault.Message : $"{e.Fault.Message} {e.Fault.Detail}",
            Action = e.Fault.Action,
            Errors = OneError(e.Fault.Property, e.Fault.Message),
        },
        JsonReaderException e => Malformed(e),
        InstanceExistsException e => Conflict(e.Message, "Choose another instance id, or leave it out.", "instance-exists"),
        TooManyAttemptsException e => TooMany(e),
        ActivationRefusedException e => Conflict(e.Message, "Try again when it has finished, or cancel it.", "cannot-start"),
        KeyNotFoundException e => NotFound(e.Message),
        StateFormatException e => Conflict(e.Message, "Upgrade this node.", "state-format"),
        LeaseLostException e => Conflict(e.Message, "Try again in a moment: another worker has the run.", "busy"),
        BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } => TooLarge(RequestBody.Limit),
        BadHttpRequestException e => BadRequest(e.Message),
        _ => null,
    };

    private static Dictionary<string, IReadOnlyList<string>> OneError(string? field, string message) => new() { [field ?? General] = [message] };
}

/// <summary>Ends a request with a problem.</summary>
public sealed class ProblemException(Problem problem) : Exception(problem.Detail ?? problem.Title)
{
    public Problem Problem { get; } = problem;
}
