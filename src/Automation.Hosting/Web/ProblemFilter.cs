using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Automation.Hosting.Web;

/// <summary>
/// The last line of defence of every endpoint: expected failures become their problem, a bug becomes a bare 500 with the id under which the log has it.
/// Also the check that a browser's cookie is not used by another site.
/// </summary>
internal sealed class ProblemFilter(ILogger<ProblemFilter> logger) : IEndpointFilter
{
    private static readonly string[] SecretPaths = ["/hooks/", "/decide/"];

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        try
        {
            return Security.CrossSite.IsForged(http) ? Security.CrossSite.Refusal : await next(context);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            return Results.StatusCode(StatusCodes.Status499ClientClosedRequest);
        }
        catch (Exception error)
        {
            if (Problem.Of(error) is { } problem)
            {
                if (problem.Status >= 500)
                {
                    logger.LogWarning("{Method} {Path}: {Problem}", http.Request.Method, PathOf(http), problem.Detail);
                }

                return problem;
            }

            if (error is System.Data.Common.DbException && http.RequestServices.GetService<IDatabase>()?.Trouble is { } trouble)
            {
                logger.LogError("{Method} {Path}: {Trouble}", http.Request.Method, PathOf(http), trouble);
                return new Problem
                {
                    Status = StatusCodes.Status503ServiceUnavailable,
                    Code = "database-cannot-write",
                    Title = "Nothing can be written at the moment.",
                    Detail = trouble,
                    Action = "Ask whoever runs this server.",
                };
            }

            logger.LogError(error, "{Method} {Path} failed; shown as {TraceId}", http.Request.Method, PathOf(http), http.TraceIdentifier);
            return new Problem
            {
                Status = StatusCodes.Status500InternalServerError,
                Code = "internal-error",
                Title = "The server failed at this request.",
                Detail = "This is a fault of the program, not of the request.",
                Action = $"Look for '{http.TraceIdentifier}' in the server's log and report it.",
                More = new Newtonsoft.Json.Linq.JObject { ["traceId"] = http.TraceIdentifier },
            };
        }
    }

    /// <summary>The path for the log: a secret address, or a link that decides, is none of its business.</summary>
    private static string PathOf(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        foreach (var secret in SecretPaths)
        {
            if (path.IndexOf(secret, StringComparison.OrdinalIgnoreCase) is >= 0 and var at)
            {
                return path[..(at + secret.Length)] + "•••";
            }
        }

        return path;
    }
}
