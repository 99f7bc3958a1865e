using Automation.Hosting.Endpoints;
using Automation.Hosting.Web;
using Microsoft.AspNetCore.Http;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Connect;

/// <summary>A request as a flow gets it: method, query, headers without credentials, body as JSON where it can be.</summary>
internal static class RequestPayload
{
    /// <exception cref="ProblemException">413: longer than the limit; 400: not what it says it is.</exception>
    public static async Task<JObject> ReadAsync(HttpContext context, long limit, CancellationToken cancellationToken)
    {
        var request = context.Request;
        var bytes = request.ContentLength == 0 ? [] : await RequestBody.ReadBytesAsync(context, limit, cancellationToken);
        var files = new JArray();
        var body = bytes.Length == 0 ? null : await WorkflowEndpoints.ParseAsync(request.ContentType, bytes, files, cancellationToken);
        var payload = new JObject
        {
            ["method"] = request.Method,
            ["query"] = new JObject(request.Query.Select(q => new JProperty(q.Key, q.Value.Count == 1 ? q.Value[0] : new JArray(q.Value.AsEnumerable())))),
            ["headers"] = new JObject(request.Headers.Where(h => !WorkflowEndpoints.IsCredential(h.Key)).Select(h => new JProperty(h.Key, h.Value.Count == 1 ? h.Value[0] : new JArray(h.Value.AsEnumerable())))),
            ["body"] = body,
        };
        if (files.Count > 0)
        {
            payload["files"] = files;
        }

        return payload;
    }
}
