using System.Text.RegularExpressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine.Http;

/// <summary>The request that a run answers, while it is on the request's thread.</summary>
public interface IHttpExchange
{
    /// <summary>The response has been sent; a second one is refused.</summary>
    bool HasResponded { get; }

    /// <summary>Sends the response; the run goes on after it. Called when the run is committed. A caller that has gone away is no error.</summary>
    ValueTask RespondAsync(HttpReply reply, CancellationToken cancellationToken);
}

/// <summary>A response.</summary>
/// <param name="Status">Status code.</param>
/// <param name="ContentType">MIME type; null: by the content.</param>
/// <param name="Body">The body.</param>
/// <param name="Headers">Header values by name.</param>
public sealed record HttpReply(int Status, string? ContentType, byte[] Body, IReadOnlyDictionary<string, string> Headers);

/// <summary>What an HTTP endpoint hands to its flow, and the name and key of its bookmark and trigger.</summary>
public static partial class HttpEndpointBookmark
{
    public const string Name = "Elsa.HttpEndpoint";

    /// <summary>Key of a path and method: <c>get:/orders/{id}</c>, in lower case but for parameters.</summary>
    public static string KeyOf(string method, string path) => method.ToLowerInvariant() + ":/" + path.Trim('/');

    /// <summary>The same for keys that answer the same requests: upper and lower case are one, and so are the names of parameters.</summary>
    public static string RouteOf(string key) => ParameterName().Replace(key, "{$1").ToLowerInvariant();

    [GeneratedRegex(@"\{(\*{0,2})[^}:=?*]+")]
    private static partial Regex ParameterName();

    /// <summary>Property of a payload whose request was larger than its endpoint takes: it has no body.</summary>
    public const string TooLarge = "tooLarge";

    /// <summary>The request as a payload: path, method, query, headers, routeData, body, files (<c>{name, fileName, contentType, length, content}</c>, bytes in base 64), contentType.</summary>
    public static JObject Payload(string method, string path, JObject routeData, JObject query, JObject headers, JToken? body, JArray? files, string? contentType) => new()
    {
        ["method"] = method,
        ["path"] = path,
        ["routeData"] = routeData,
        ["queryStringData"] = query,
        ["headers"] = headers,
        ["parsedContent"] = body,
        ["files"] = files,
        ["contentType"] = contentType,
    };
}
