using Automation.Engine.Http;
using Microsoft.AspNetCore.Http;

namespace Automation.Hosting.Endpoints;

/// <summary>The request that a run answers. Its response is sent in the middle of the run, which then goes on.</summary>
internal sealed class WebExchange(HttpContext context, Action<HttpContext>? before = null) : IHttpExchange
{
    private static readonly HashSet<string> OwnHeaders = new(StringComparer.OrdinalIgnoreCase) { "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive" };

    /// <summary>A flow that wants its pages otherwise sends a Content-Security-Policy of its own.</summary>
    private const string Sandbox = "sandbox allow-forms allow-scripts allow-popups allow-modals allow-downloads";

    public bool HasResponded { get; private set; }

    public async ValueTask RespondAsync(HttpReply reply, CancellationToken cancellationToken)
    {
        if (HasResponded)
        {
            throw new InvalidOperationException("The response has been sent already.");
        }

        HasResponded = true;
        var response = context.Response;
        SetHeaders(response, reply.Status, reply.ContentType, reply.Headers);
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

    private static bool MayHoldScripts(string? type) =>
        type is null || type.Contains("html", StringComparison.OrdinalIgnoreCase) || type.Contains("xml", StringComparison.OrdinalIgnoreCase);

    /// <summary>The head of a flow's response.</summary>
    public static void SetHeaders(HttpResponse response, int status, string? contentType, IEnumerable<KeyValuePair<string, string>> headers)
    {
        response.StatusCode = status;
        if (contentType is { Length: > 0 } type)
        {
            response.ContentType = type;
        }

        // A flow's page is of this server's origin: were it not sandboxed, a script in it (perhaps one that a visitor slipped in) could act with the session of whoever looks at it here.
        if (MayHoldScripts(response.ContentType))
        {
            response.Headers.ContentSecurityPolicy = Sandbox;
        }

        response.Headers.XContentTypeOptions = "nosniff";
        foreach (var (name, value) in headers)
        {
            if (!OwnHeaders.Contains(name))
            {
                response.Headers[name] = value;
            }
        }
    }
}
