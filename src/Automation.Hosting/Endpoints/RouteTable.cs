using Automation.Engine.Http;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Template;

namespace Automation.Hosting.Endpoints;

/// <summary>
/// Which flows answer which paths: triggers of published flows, and the paths that suspended runs wait at. Cached; read again after a publication on this node,
/// and now and then for those of others.
/// </summary>
internal sealed class RouteTable(IPollStore polls, IRunStore runs, TimeProvider clock) : IDisposable
{
    private const int PageSize = 500;

    /// <summary>How long a table is good for, publications of other nodes in mind.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(5);

    /// <summary>How soon a path that is not in the table makes it be read again.</summary>
    private static readonly TimeSpan MissLife = TimeSpan.FromMilliseconds(200);

    private readonly SemaphoreSlim reading = new(1, 1);
    private volatile Table? triggers;

    /// <summary>Publications so far. A table that was begun before the last one may lack it, however new it is.</summary>
    private int changes;

    private volatile Table? waiting;

    /// <summary>Something was published, retracted or deleted here.</summary>
    public void Invalidate() => Interlocked.Increment(ref changes);

    /// <summary>The trigger that answers a request.</summary>
    public async ValueTask<Match?> FindTriggerAsync(string method, string path, CancellationToken cancellationToken)
    {
        var table = triggers;
        if (table is null || Age(table) > Life || table.Changes != Volatile.Read(ref changes))
        {
            table = await ReadTriggersAsync(table, cancellationToken);
        }

        if (table.Find(method, path) is { } match)
        {
            return match;
        }

        return Age(table) > MissLife ? (await ReadTriggersAsync(table, cancellationToken)).Find(method, path) : null;
    }

    /// <summary>The path, as suspended runs wait at it, that answers a request.</summary>
    public async ValueTask<Match?> FindWaitingAsync(string method, string path, CancellationToken cancellationToken)
    {
        // A run may have begun to wait since the table was read: a miss reads it again.
        var table = waiting;
        return table?.Find(method, path) ?? (await ReadAsync(() => waiting, table, read => waiting = read, ReadKeysAsync, cancellationToken)).Find(method, path);

        async Task<List<(string, TriggerRecord?)>> ReadKeysAsync() =>
            (await runs.ListBookmarkKeysAsync(HttpEndpointBookmark.Name, cancellationToken)).Select(key => (key, (TriggerRecord?)null)).ToList();
    }

    public void Dispose() => reading.Dispose();

    private TimeSpan Age(Table table) => clock.GetElapsedTime(table.ReadAt);

    private Task<Table> ReadTriggersAsync(Table? seen, CancellationToken cancellationToken) =>
        ReadAsync(() => triggers, seen, read => triggers = read, async () =>
        {
            var found = new List<(string, TriggerRecord?)>();
            for (var page = 0; ; page++)
            {
                var read = await polls.ListTriggersAsync(new TriggerQuery { Kind = "http", Page = page, PageSize = PageSize }, cancellationToken);
                found.AddRange(read.Items.Where(t => !t.IsPaused && t.Configured is not null).Select(t => (t.Configured!, (TriggerRecord?)t)));
                if (read.Items.Count < PageSize)
                {
                    return found;
                }
            }
        }, cancellationToken);

    /// <summary>Reads a table again, unless another request has done so meanwhile.</summary>
    private async Task<Table> ReadAsync(Func<Table?> current, Table? seen, Action<Table> keep, Func<Task<List<(string Key, TriggerRecord? Trigger)>>> read, CancellationToken cancellationToken)
    {
        await reading.WaitAsync(cancellationToken);
        try
        {
            var before = Volatile.Read(ref changes);
            if (current() is { } newer && !ReferenceEquals(newer, seen) && newer.Changes == before)
            {
                return newer;
            }

            // Taken before reading: what is published while it reads is not missed for longer than the table's life.
            var table = new Table(clock.GetTimestamp(), before, await read());
            keep(table);
            return table;
        }
        finally
        {
            reading.Release();
        }
    }

    /// <summary>A route that answers a request.</summary>
    /// <param name="Key">Key of its bookmark: <c>get:/orders/{id}</c>.</param>
    /// <param name="Trigger">The trigger; null for waiting runs.</param>
    /// <param name="Values">Values of the path's parameters.</param>
    internal sealed record Match(string Key, TriggerRecord? Trigger, RouteValueDictionary Values);

    private sealed class Table
    {
        private static readonly RouteValueDictionary None = [];
        private readonly Dictionary<string, (string Key, TriggerRecord? Trigger)> fixedRoutes = new(StringComparer.OrdinalIgnoreCase);
        private readonly List<(string Method, TemplateMatcher Matcher, decimal Precedence, string Key, TriggerRecord? Trigger)> templates = [];

        public Table(long readAt, int changes, IEnumerable<(string Key, TriggerRecord? Trigger)> routes)
        {
            ReadAt = readAt;
            Changes = changes;
            foreach (var (key, trigger) in routes)
            {
                var colon = key.IndexOf(':', StringComparison.Ordinal);
                var path = key[(colon + 1)..].Trim('/');
                if (!path.Contains('{', StringComparison.Ordinal))
                {
                    fixedRoutes.TryAdd(key, (key, trigger));
                }
                else if (TryParse(path) is { } template)
                {
                    templates.Add((key[..colon], new TemplateMatcher(template, []), RoutePrecedence.ComputeInbound(template), key, trigger));
                }
            }

            templates.Sort((left, right) => left.Precedence.CompareTo(right.Precedence));
        }

        public long ReadAt { get; }
        public int Changes { get; }

        public Match? Find(string method, string path)
        {
            if (fixedRoutes.TryGetValue(HttpEndpointBookmark.KeyOf(method, path), out var route))
            {
                return new Match(route.Key, route.Trigger, None);
            }

            foreach (var template in templates)
            {
                var values = new RouteValueDictionary();
                if (string.Equals(template.Method, method, StringComparison.OrdinalIgnoreCase) && template.Matcher.TryMatch("/" + path.Trim('/'), values))
                {
                    return new Match(template.Key, template.Trigger, values);
                }
            }

            return null;
        }

        private static RouteTemplate? TryParse(string path)
        {
            try
            {
                return TemplateParser.Parse(path);
            }
            catch (ArgumentException)
            {
                // Publishing warns of it; here it answers nothing.
                return null;
            }
        }
    }
}
