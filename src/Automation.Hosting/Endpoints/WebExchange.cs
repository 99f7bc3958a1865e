using Automation.Engine.Http;
using Microsoft.AspNetCore.Http;

namespace Automation.Hosting.Endpoints;

/// <summary>The request that a run answers. Its response is sent in the middle of the run, which then goes on.</summary>
internal sealed class WebExchange(HttpContext context, Action<HttpContext>? before = null) : IHttpExchange
{
    private static readonly HashSet<string> OwnHeaders = new(StringComparer.OrdinalIgnoreCase) { "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive" };

    public bool HasResponded { get; private set; }

    public async ValueTask RespondAsync(HttpReply reply, CancellationToken cancellationToken)
    {
        if (HasResponded)
        {
            throw new InvalidOperationException("The response has been sent already.");
        }

        HasResponded = true;
        var response = context.Response;
        response.StatusCode = reply.Status;
        if (reply.ContentType is { Length: > 0 } type)
        {
            response.ContentType = type;
        }

        foreach (var (name, value) in reply.Headers)
        {
            if (!OwnHeaders.Contains(name))
            {
                response.Headers[name] = value;
            }
        }

        before?.Invoke(context);
        try
        {
            if (reply.Status is not (204 or 205 or 304))
            {
                response.ContentLength = reply.Body.Length;
                await response.Body.WriteAsync(reply.Body, cancellationToken);
            }

            await response.CompleteAsync();
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException)
        {
            // The caller has gone away, which is no matter of the run.
        }
    }
}
