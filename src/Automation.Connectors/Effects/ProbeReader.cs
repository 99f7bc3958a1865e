using System.Globalization;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Finds out by a read whether a write that got no answer happened.</summary>
public sealed class ProbeReader(IPollReader reader, OperationCatalog catalog, TimeProvider clock)
{
    /// <summary>Pages of a list that a probe reads before it gives up.</summary>
    private const int Pages = 20;

    /// <summary>The provider's clock and ours may differ by this much.</summary>
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(2);

    /// <summary>The answer the write would have had, made from the record that is there; null: there is none, so it did not happen.</summary>
    /// <exception cref="ConnectorException">The read failed, so nothing is known.</exception>
    public async ValueTask<ConnectorResponse?> FindAsync(Operation write, Connection connection, ConnectorRequest request, DateTimeOffset intentAt, CancellationToken cancellationToken)
    {
        var probe = write.Probe ?? throw new InvalidOperationException($"{write.ActivityType} has no probe.");
        var read = catalog.Find(probe.Operation) ?? throw new InvalidOperationException($"The probe of {write.ActivityType} names the unknown operation {probe.Operation}.");

        // A location that nobody asked for would narrow the search: what was made may be elsewhere (a user of another location).
        read = read with { Inputs = [.. read.Inputs.Where(input => input.Required || input.Name is not ("locationId" or "location_id") || probe.Inputs.ContainsKey(input.Name))] };
        var inputs = new JObject();
        foreach (var (name, template) in probe.Inputs)
        {
            if (ValueOf(write, connection, request, template) is { } value)
            {
                inputs[name] = value;
            }
        }

        var position = new ScanPosition(null, clock.GetUtcNow(), null);
        for (var page = 0; page < Pages; page++)
        {
            PollPage answer;
            try
            {
                answer = await reader.ReadPageAsync(read, connection, inputs, position, CallPriority.Action, cancellationToken);
            }
            catch (ConnectorException exception) when (exception.Status == 404)
            {
                return null;
            }

            var found = answer.Items.FirstOrDefault(item => Matches(probe.Match, item.Payload, intentAt, template => ValueOf(write, connection, request, template)));
            if (found is not null)
            {
                return new ConnectorResponse { Status = write.Response.Status, Body = Wrap(write, found.Payload) };
            }

            if (answer.NextPageToken is null)
            {
                return null;
            }

            position = position with { PageToken = answer.NextPageToken };
        }

        throw new ConnectorException($"Whether {write.Name} happened cannot be told: the list to look in has more than {Pages} pages.")
        {
            Code = "outcome-unknown",
            Action = "Look in the account yourself, then settle the incident.",
        };
    }

    internal static bool Matches(JObject match, JObject item, DateTimeOffset intentAt, Func<JToken?, JToken?> valueOf)
    {
        var compared = 0;
        foreach (var (path, template) in match)
        {
            if (path == "$createdAfterIntent")
            {
                // Where the record says when it was made, one that is older than the intent is another.
                if (PollItems.TimeOf(JsonPaths.Find(item, JsonPaths.Text(template))) is { } made && made < intentAt - ClockSkew)
                {
                    return false;
                }
            }
            else if (path == "$any")
            {
                if (!((JObject)template!).Properties().Any(p => valueOf(p.Value) is { } wanted && IsSame(JsonPaths.Find(item, p.Name), wanted)))
                {
                    return false;
                }

                compared++;
            }
            else if (valueOf(template) is { } wanted)
            {
                if (!IsSame(JsonPaths.Find(item, path), wanted))
                {
                    return false;
                }

                compared++;
            }
        }

        return compared > 0;
    }

    /// <summary>Equal as text without regard to case, or the same moment.</summary>
    private static bool IsSame(JToken? found, JToken wanted) =>
        string.Equals(JsonPaths.Text(found), JsonPaths.Text(wanted), StringComparison.OrdinalIgnoreCase)
        || (PollItems.TimeOf(found) is { } one && PollItems.TimeOf(wanted) is { } other && one == other);

    private static JToken? ValueOf(Operation write, Connection connection, ConnectorRequest request, JToken? template)
    {
        if (template is not JValue { Value: string text } || !text.StartsWith('$'))
        {
            return template;
        }

        var (isTime, path) = text.StartsWith("$epochMs.", StringComparison.Ordinal) ? (true, text["$epochMs.".Length..]) : (false, text[1..]);
        var value = path switch
        {
            _ when path.StartsWith("body", StringComparison.Ordinal) => JsonPaths.Find(request.Body, path["body".Length..].TrimStart('.')),
            _ when path.StartsWith("path.", StringComparison.Ordinal) => FromPath(write, connection, request, path["path.".Length..]),
            _ when path.StartsWith("query.", StringComparison.Ordinal) => FromQuery(request, path["query.".Length..]),
            _ => null,
        };
        if (JsonPaths.Text(value) is null)
        {
            return null;
        }

        return isTime && PollItems.TimeOf(value) is { } time ? new JValue(time.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)) : value;
    }

    /// <summary>A path parameter, read back from the recorded URL beside the operation's path.</summary>
    private static JValue? FromPath(Operation write, Connection connection, ConnectorRequest request, string name)
    {
        var names = write.Path.Split('/');
        var values = request.Url.Split('?')[0][connection.BaseUrl.AbsoluteUri.TrimEnd('/').Length..].Split('/');
        var index = Array.IndexOf(names, "{" + name + "}");
        return index >= 0 && index < values.Length ? new JValue(Uri.UnescapeDataString(values[index])) : null;
    }

    private static JValue? FromQuery(ConnectorRequest request, string name)
    {
        var pair = request.Url.Split('?', 2).ElementAtOrDefault(1)?.Split('&').FirstOrDefault(p => p.StartsWith(name + "=", StringComparison.Ordinal));
        return pair is null ? null : new JValue(Uri.UnescapeDataString(pair[(name.Length + 1)..]));
    }

    private static JToken Wrap(Operation write, JObject record) => write.Response.RecordPath?.Split('|')[0] switch
    {
        null => record,
        "[0]" => new JArray(record),
        var path => new JObject { [path] = record },
    };
}
