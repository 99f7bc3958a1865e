using System.Text;
using Automation.Engine;
using Microsoft.AspNetCore.Http;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Web;

/// <summary>A JSON answer.</summary>
internal sealed class Reply(JToken body, int status = StatusCodes.Status200OK) : IResult
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public JToken Body { get; } = body;

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = status;
        httpContext.Response.ContentType = "application/json; charset=utf-8";
        var bytes = Bytes(Body);
        httpContext.Response.ContentLength = bytes.Length;
        await httpContext.Response.Body.WriteAsync(bytes, httpContext.RequestAborted);
    }

    public static ReadOnlyMemory<byte> Bytes(JToken body)
    {
        using var stream = new MemoryStream();
        using (var text = new StreamWriter(stream, Utf8, leaveOpen: true))
        using (var writer = new JsonTextWriter(text) { Culture = Json.Settings.Culture })
        {
            body.WriteTo(writer);
        }

        return stream.GetBuffer().AsMemory(0, (int)stream.Length);
    }

    /// <summary>A list that is known as a whole, and short: given whole unless a page is asked for.</summary>
    public static Reply List<T>(HttpContext context, IReadOnlyList<T> all, Func<T, JToken> describe)
    {
        if (Query.Text(context, "page") is null && Query.Text(context, "pageSize") is null)
        {
            return List(all.Select(describe), all.Count);
        }

        var (page, size) = Query.Page(context);
        return List(all.Skip(page * size).Take(size).Select(describe), all.Count);
    }

    /// <summary><c>{items, total}</c>.</summary>
    public static Reply List(IEnumerable<JToken> items, long total) => new(new JObject { ["items"] = new JArray(items), ["total"] = total });

    /// <summary>ISO 8601, UTC.</summary>
    public static string? Utc(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ss.fffffffZ", Json.Settings.Culture);
}
