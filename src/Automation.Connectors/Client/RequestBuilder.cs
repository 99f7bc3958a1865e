using System.Text;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Makes the request of an operation from inputs by API name. All that can be known to be wrong is refused here, before anything is sent.</summary>
internal static class RequestBuilder
{
    /// <summary>Largest body, in characters of JSON.</summary>
    internal const int MaximumBody = 10 * 1024 * 1024;

    public static ConnectorRequest Build(Operation operation, Connection connection, JObject inputs)
    {
        RefuseUnknown(operation, inputs);
        var path = operation.Path;
        var query = new StringBuilder();
        JToken? body = null;
        foreach (var input in operation.Inputs)
        {
            var value = ValueOf(operation, connection, input, inputs);
            if (value is null)
            {
                continue;
            }

            switch (input.Place)
            {
                case InputPlace.Path:
                    path = path.Replace("{" + input.Name + "}", Segment(operation, input, value), StringComparison.Ordinal);
                    break;
                case InputPlace.Query:
                    AddToQuery(query, input.Name, value);
                    break;
                case InputPlace.Body:
                    ((JObject)(body ??= new JObject()))[input.Name] = value;
                    break;
                default:
                    body = value;
                    break;
            }
        }

        if (body is null && operation.ContentType is not null && operation.Method is not "GET")
        {
            // Some calls want a JSON body although nothing is left to say.
            body = new JObject();
        }

        if (body is not null && Json.Write(body).Length > MaximumBody)
        {
            throw Invalid(operation, null, $"The inputs of {operation.Name} come to more than {MaximumBody / (1024 * 1024)} MB.", "Send less at once.");
        }

        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["Accept"] = operation.Response.Binary ? "*/*" : "application/json" };
        if (operation.VersionHeader is { } version)
        {
            headers["Version"] = version;
        }

        if (body is not null)
        {
            headers["Content-Type"] = operation.ContentType ?? "application/json";
        }

        return new ConnectorRequest
        {
            Method = operation.Method,
            Url = connection.BaseUrl.AbsoluteUri.TrimEnd('/') + path + query,
            Headers = headers,
            Body = body,
        };
    }

    /// <summary>The connection's own value of an input that names its location or company; null: it is no such input, or the connection has none.</summary>
    internal static string? FromConnection(OperationInput input, Connection connection) => input.Name switch
    {
        "locationId" or "location_id" => connection.LocationId,
        "companyId" => connection.CompanyId,
        _ => null,
    };

    /// <summary>The location that a built request is about; null: it names none.</summary>
    internal static string? LocationOf(Operation operation, ConnectorRequest request)
    {
        foreach (var input in operation.Inputs.Where(input => input.Name is "locationId" or "location_id"))
        {
            var found = input.Place switch
            {
                InputPlace.Body => JsonPaths.Text((request.Body as JObject)?[input.Name]),
                InputPlace.Query => FromQuery(new Uri(request.Url).Query, input.Name),
                InputPlace.Path => FromPath(operation.Path, new Uri(request.Url).AbsolutePath, input.Name),
                _ => null,
            };
            if (!string.IsNullOrEmpty(found))
            {
                return found;
            }
        }

        return null;
    }

    private static string? FromQuery(string query, string name)
    {
        foreach (var part in query.TrimStart('?').Split('&'))
        {
            if (part.StartsWith(name + "=", StringComparison.Ordinal))
            {
                return Uri.UnescapeDataString(part[(name.Length + 1)..]);
            }
        }

        return null;
    }

    /// <summary>Counted from the end: a base URL may have a path of its own.</summary>
    private static string? FromPath(string template, string path, string name)
    {
        var segments = template.Split('/');
        var fromEnd = segments.Length - Array.IndexOf(segments, "{" + name + "}");
        var given = path.Split('/');
        return fromEnd <= given.Length ? Uri.UnescapeDataString(given[^fromEnd]) : null;
    }

    internal static bool IsEmpty(OperationInput input, JToken? value) => value switch
    {
        null => true,
        { Type: JTokenType.Null or JTokenType.Undefined } => !input.Nullable && (input.Required || input.Place is not InputPlace.Body),
        { Type: JTokenType.String } => ((string?)value)!.Length == 0 && (input.Required || input.Enum is not null || input.Type is not ("string" or "any") || input.Place is not InputPlace.Body),
        _ => false,
    };

    private static JToken? ValueOf(Operation operation, Connection connection, OperationInput input, JObject inputs)
    {
        var value = inputs[input.Name];
        if ((value is null || JsonPaths.Text(value) is null && value is JValue) && FromConnection(input, connection) is { } own)
        {
            return new JValue(own);
        }

        if (IsEmpty(input, value))
        {
            return !input.Required ? null : input.Default?.DeepClone() ?? throw Missing(operation, connection, input);
        }

        var (bound, problem) = InputBinding.Bind(input, value!.DeepClone());
        if (bound is JObject file && operation.ContentType == "multipart/form-data")
        {
            problem = RequestContent.DefectOfFile(file);
        }

        return problem is null ? bound : throw Invalid(operation, input.Name, $"Input '{input.Name}' of {operation.Name} {problem}.", $"Correct '{input.Name}'.");
    }

    private static ConnectorException Missing(Operation operation, Connection connection, OperationInput input)
    {
        var whose = input.Name is "locationId" or "location_id" or "companyId"
            ? $"Set '{input.Name}', or give connection '{connection.Name}' its {(input.Name == "companyId" ? "company" : "location")}."
            : input.Nullable ? $"Set '{input.Name}', or give it null on purpose (in a flow by an expression)."
            : $"Set '{input.Name}'{(input.Enum is { Count: > 0 and <= 40 } allowed ? " to one of " + string.Join(", ", allowed) : "")}.";
        return Invalid(operation, input.Name, $"Input '{input.Name}' of {operation.Name} is required and is missing.", whose);
    }

    private static void RefuseUnknown(Operation operation, JObject inputs)
    {
        foreach (var property in inputs.Properties())
        {
            // The specifications list the Version header beside the parameters: who names it, and rightly, asks for nothing else than what is sent.
            if (!operation.Inputs.Any(i => i.Name == property.Name) && !(property.Name == "Version" && operation.VersionHeader is { } version && JsonPaths.Text(property.Value) == version))
            {
                var known = operation.Inputs.Count == 0 ? "It takes none." : $"It takes {string.Join(", ", operation.Inputs.Select(i => i.Name))}.";
                throw Invalid(operation, property.Name, $"{operation.Name} has no input '{property.Name}'.", known);
            }
        }
    }

    private static string Segment(Operation operation, OperationInput input, JToken value)
    {
        var text = JsonPaths.Text(value);

        // A dot segment would silently become another address.
        if (text is null or "." or "..")
        {
            throw Invalid(operation, input.Name, $"Input '{input.Name}' of {operation.Name} cannot be part of an address: '{text}'.", $"Set '{input.Name}' to an id.");
        }

        return Uri.EscapeDataString(text);
    }

    private static void AddToQuery(StringBuilder query, string name, JToken value)
    {
        foreach (var item in value is JArray list ? list : (IEnumerable<JToken>)[value])
        {
            var text = JsonPaths.Text(item) ?? (item is JContainer ? Json.Write(item) : null);
            if (text is not null)
            {
                // EscapeDataString makes '+' %2B, so that phone numbers and e-mail addresses arrive whole.
                query.Append(query.Length == 0 ? '?' : '&').Append(Uri.EscapeDataString(name)).Append('=').Append(Uri.EscapeDataString(text));
            }
        }
    }

    private static ConnectorException Invalid(Operation operation, string? property, string message, string action) => new(message)
    {
        Code = "invalid-input",
        Property = property is null ? null : operation.Inputs.FirstOrDefault(i => i.Name == property)?.PropertyName ?? property,
        Action = action,
    };
}
