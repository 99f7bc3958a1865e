using System.Buffers;
using System.Text;
using Automation.Engine;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Web;

/// <summary>Reads request bodies within limits of size and depth.</summary>
internal static class RequestBody
{
    /// <summary>Bytes of an ordinary body.</summary>
    public const long Limit = 10 * 1024 * 1024;

    /// <summary>Bytes of an import.</summary>
    public const long ImportLimit = 100 * 1024 * 1024;

    /// <summary>Bytes that are read and thrown away before a body is refused, so that its sender gets to see the answer.</summary>
    private const long DrainLimit = 128 * 1024 * 1024;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>The whole body.</summary>
    /// <exception cref="ProblemException">413: longer than <paramref name="limit"/>.</exception>
    public static async Task<byte[]> ReadBytesAsync(HttpContext context, long limit, CancellationToken cancellationToken)
    {
        Unlimit(context);
        if (context.Request.ContentLength > limit)
        {
            await RefuseAsync(context, limit, 0, cancellationToken);
        }

        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            // What a request announces costs nothing until it comes.
            using var bytes = new MemoryStream((int)Math.Min(context.Request.ContentLength ?? 0, 64 * 1024));
            int read;
            while ((read = await context.Request.Body.ReadAsync(buffer, cancellationToken)) > 0)
            {
                if (bytes.Length + read > limit)
                {
                    await RefuseAsync(context, limit, bytes.Length + read, cancellationToken);
                }

                bytes.Write(buffer, 0, read);
            }

            return bytes.ToArray();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The body as one JSON value; null: it is empty.</summary>
    /// <exception cref="ProblemException">400 with line and column, or 413.</exception>
    public static async Task<JToken?> ReadJsonAsync(HttpContext context, CancellationToken cancellationToken, int maxDepth = Json.PayloadDepth, long limit = Limit)
    {
        var bytes = await ReadBytesAsync(context, limit, cancellationToken);
        return bytes.Length == 0 ? null : ParseJson(TextOf(bytes), maxDepth, isStrict: true);
    }

    /// <summary>The body as a JSON object; an empty body is an empty object.</summary>
    /// <exception cref="ProblemException">400: it is not an object, or not JSON.</exception>
    public static async Task<JObject> ReadObjectAsync(HttpContext context, CancellationToken cancellationToken, int maxDepth = Json.PayloadDepth, long limit = Limit) =>
        await ReadJsonAsync(context, cancellationToken, maxDepth, limit) switch
        {
            null or { Type: JTokenType.Null } => [],
            JObject json => json,
            var other => throw new ProblemException(Problem.BadRequest($"The body must be a JSON object; it is {Article(other.Type)}.", action: "Send an object in braces.")),
        };

    /// <exception cref="ProblemException">400 with line and column.</exception>
    public static JToken ParseJson(string text, int maxDepth, bool isStrict = false)
    {
        try
        {
            return Json.Parse(text, maxDepth, isStrict);
        }
        catch (JsonReaderException error)
        {
            throw new ProblemException(Problem.Malformed(error));
        }
    }

    /// <exception cref="ProblemException">400: it is not UTF-8.</exception>
    public static string TextOf(byte[] bytes)
    {
        try
        {
            // A byte order mark is no part of the text.
            return bytes is [0xEF, 0xBB, 0xBF, ..] ? Utf8.GetString(bytes.AsSpan(3)) : Utf8.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new ProblemException(Problem.BadRequest("The body is not UTF-8 text.", action: "Send JSON in UTF-8."));
        }
    }

    private static void Unlimit(HttpContext context)
    {
        // The limits are counted here, so that too much is answered with a problem and not with a torn connection.
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = null;
        }
    }

    private static async Task RefuseAsync(HttpContext context, long limit, long read, CancellationToken cancellationToken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            int count;
            while (read < DrainLimit && (count = await context.Request.Body.ReadAsync(buffer, cancellationToken)) > 0)
            {
                read += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        throw new ProblemException(Problem.TooLarge(limit));
    }

    private static string Article(JTokenType type) => type is JTokenType.Array or JTokenType.Integer ? $"an {type}" : $"a {type}";
}
