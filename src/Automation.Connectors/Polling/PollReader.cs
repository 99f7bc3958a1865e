using System.Globalization;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Reads pages of lists and watched records as their operations describe them.</summary>
public sealed class PollReader(OperationClient client) : IPollReader
{
    /// <inheritdoc />
    public async ValueTask<PollPage> ReadPageAsync(Operation operation, Connection connection, JObject inputs, ScanPosition position, CallPriority priority, CancellationToken cancellationToken)
    {
        var token = PageToken.Read(position.PageToken);
        var effective = Merge(operation, inputs, position);
        var pageSize = Paging.Apply(operation.Pagination, effective, token);
        var request = client.Build(operation, connection, effective);
        ConnectorResponse response;
        try
        {
            response = await client.SendAsync(operation, connection, request, priority, null, cancellationToken);
        }
        catch (ConnectorException absent) when (absent.Status == 404 && operation.Poll is { MayBeAbsent: true })
        {
            return new PollPage([], [], null);
        }

        var items = PollItems.Find(operation, connection, response, effective);
        var good = new List<PolledItem>(items.Count);
        var bad = new List<BadItem>();
        foreach (var item in items)
        {
            PollItems.Take(operation, item, effective, good, bad);
        }

        var next = Paging.Next(operation.Pagination, token, response.Body, items, good, pageSize)?.ToString();
        if (RollingWindow.EndOf(operation.Poll, inputs) is not { } span || position.Since is not { } since)
        {
            return new PollPage(good, bad, next);
        }

        var rolledIn = good.ToLookup(item => RollingWindow.HasRolledIn(item, operation.Poll!, since, span));
        return new PollPage([.. rolledIn[false]], bad, next) { RolledIn = [.. rolledIn[true]] };
    }

    /// <inheritdoc />
    public ValueTask<PollPage> ReadItemAsync(Operation operation, Connection connection, JObject inputs, JObject find, CancellationToken cancellationToken)
    {
        var narrowed = (JObject)inputs.DeepClone();
        Join(narrowed, find);
        var whole = operation with { Poll = operation.Poll! with { Window = null, Rolling = null } };
        return ReadPageAsync(whole, connection, narrowed, new ScanPosition(null, DateTimeOffset.MaxValue, null), CallPriority.Poll, cancellationToken);
    }

    /// <summary>The first item of an answer, as a poll would take it, for a person to see; null: there is none, or it has no id.</summary>
    public static PolledItem? Sample(Operation operation, Connection connection, ConnectorResponse response, JObject inputs)
    {
        IReadOnlyList<JToken> items;
        try
        {
            items = PollItems.Find(operation, connection, response, inputs);
        }
        catch (ConnectorException)
        {
            // A poll would say so; who only looks at one answer sees it in full.
            return null;
        }

        var good = new List<PolledItem>();
        foreach (var item in items.Take(1))
        {
            PollItems.Take(operation, item, inputs, good, []);
        }

        return good is [var first, ..] ? first : null;
    }

    /// <summary>The user's inputs, the operation's fixed ones and the scan's window; lists (filters) are joined.</summary>
    private static JObject Merge(Operation operation, JObject inputs, ScanPosition position)
    {
        var merged = (JObject)inputs.DeepClone();
        if (operation.Poll is not { } poll)
        {
            return merged;
        }

        if (poll.Window is not null && Bounded(poll.Window, poll, position) is JObject window)
        {
            Join(merged, window);
        }

        foreach (var (name, value) in poll.Rolling ?? [])
        {
            if (RollingWindow.IsLeftEmpty(inputs, name))
            {
                merged[name] = Bound(position.To + RollingWindow.Span(value!), poll);
            }
        }

        foreach (var (name, value) in poll.Fixed ?? [])
        {
            merged[name] = value?.DeepClone();
        }

        return merged;
    }

    private static void Join(JObject inputs, JObject further)
    {
        foreach (var (name, value) in further)
        {
            if (inputs[name] is JArray own && value is JArray more)
            {
                own.Merge(more);
            }
            else
            {
                inputs[name] = value?.DeepClone();
            }
        }
    }

    /// <summary>The window with its bounds in place; null: it is a bound that this scan does not have, or a condition that is left without any.</summary>
    private static JToken? Bounded(JToken token, PollShape poll, ScanPosition position)
    {
        switch (token)
        {
            case JObject source:
                var copy = new JObject();
                foreach (var property in source.Properties())
                {
                    if (Bounded(property.Value, poll, position) is { } value)
                    {
                        copy[property.Name] = value;
                    }
                    else if (property.Value is JObject)
                    {
                        return null;
                    }
                }

                return copy.Count > 0 ? copy : null;
            case JArray list:
                var conditions = new JArray(list.Select(element => Bounded(element, poll, position)).OfType<JToken>());
                return conditions.Count > 0 ? conditions : null;
            case JValue { Value: "$from" }:
                return position.From is { } from ? Bound(from, poll) : null;
            case JValue { Value: "$to" }:
                return Bound(position.To, poll);
            default:
                return token.DeepClone();
        }
    }

    private static JValue Bound(DateTimeOffset at, PollShape poll) => poll.BoundFormat switch
    {
        "epochMs" => new JValue(at.ToUnixTimeMilliseconds()),
        "date" => new JValue(at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)),
        _ => new JValue(at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)),
    };
}
