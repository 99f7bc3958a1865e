using System.Text.RegularExpressions;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Takes out of text and JSON all that looks like a credential, before a person, a log or a journal sees it.</summary>
public static partial class Redaction
{
    /// <summary>What stands in a secret's place.</summary>
    public const string Mark = "•••";

    /// <summary>Text without tokens, keys and passwords; the connection's own secrets go wherever they stand.</summary>
    public static string Clean(string text, Credential? credential = null)
    {
        if (credential is not null)
        {
            foreach (var secret in new[] { credential.ApiKey, credential.AccessToken, credential.RefreshToken, credential.ClientSecret })
            {
                if (secret is { Length: >= 4 })
                {
                    text = text.Replace(secret, Mark, StringComparison.Ordinal);
                }
            }
        }

        text = Scheme().Replace(text, "$1 " + Mark);
        text = Token().Replace(text, Mark);
        return Named().Replace(text, "$1" + Mark);
    }

    /// <summary>A copy of JSON whose secret properties are hidden and whose text is cleaned.</summary>
    public static JToken Clean(JToken token, Credential? credential = null)
    {
        switch (token)
        {
            case JObject source:
                var copy = new JObject();
                foreach (var property in source.Properties())
                {
                    copy[property.Name] = IsSecretName(property.Name) && property.Value.Type is not (JTokenType.Null or JTokenType.Boolean)
                        ? Mark
                        : Clean(property.Value, credential);
                }

                return copy;
            case JArray list:
                return new JArray(list.Select(item => Clean(item, credential)));
            case JValue { Value: string text }:
                return new JValue(Clean(text, credential));
            default:
                return token.DeepClone();
        }
    }

    /// <summary>A request as it may be shown: method, URL, headers, body, secrets hidden.</summary>
    public static JObject Show(ConnectorRequest request, Credential? credential = null)
    {
        var headers = new JObject();
        foreach (var (name, value) in request.Headers)
        {
            headers[name] = IsSecretName(name) ? Mark : Clean(value, credential);
        }

        headers["Authorization"] = "Bearer " + Mark;
        return new JObject
        {
            ["method"] = request.Method,
            ["url"] = Clean(request.Url, credential),
            ["headers"] = headers,
            ["body"] = request.Body is null ? null : Clean(request.Body, credential),
        };
    }

    /// <summary>A property or header of this name holds a secret.</summary>
    public static bool IsSecretName(string name) => SecretName().IsMatch(name);

    [GeneratedRegex("(?i)\\b(bearer|basic|apikey)\\s+[A-Za-z0-9._~+/=-]{6,}")]
    private static partial Regex Scheme();

    // Private integration tokens, JSON web tokens, keys with a well-known beginning.
    [GeneratedRegex("\\bpit-[0-9a-fA-F-]{8,}|\\beyJ[A-Za-z0-9_-]{6,}(?:\\.[A-Za-z0-9_-]*){1,2}|\\b(?:sk|pk|rk)_(?:live|test)_[A-Za-z0-9]{6,}")]
    private static partial Regex Token();

    // name=value in queries and forms, "name":"value" and name: value in bodies and headers.
    [GeneratedRegex("(?i)((?:access_?token|refresh_?token|id_?token|client_?secret|api[_-]?key|password|passwd|authorization|secret|x-api-key)[\"']?\\s*[:=]\\s*[\"']?)[^\\s\"'&,;}•]{3,}")]
    private static partial Regex Named();

    [GeneratedRegex("(?i)^(?:(?:x-)?api[_-]?key|.*password|passwd|authorization|proxy-authorization|cookie|set-cookie|.*secret|(?:access|refresh|id|auth|bearer)[_-]?token|token)$")]
    private static partial Regex SecretName();
}
