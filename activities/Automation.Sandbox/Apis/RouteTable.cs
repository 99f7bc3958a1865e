using Automation.Connectors;

namespace Automation.Sandbox;

/// <summary>Finds the operation of a request: literal segments win over placeholders, a slash at the end does not matter.</summary>
internal sealed class RouteTable
{
    private readonly Dictionary<(string Method, int Length), List<Route>> routes = [];

    public RouteTable(IEnumerable<Operation> operations)
    {
        foreach (var operation in operations)
        {
            var segments = Split(operation.Path);
            var key = (operation.Method.ToUpperInvariant(), segments.Length);
            if (!routes.TryGetValue(key, out var list))
            {
                routes[key] = list = [];
            }

            list.Add(new Route(operation, segments, string.Concat(segments.Select(s => IsPlaceholder(s) ? '1' : '0'))));
        }

        foreach (var list in routes.Values)
        {
            list.Sort((a, b) => string.CompareOrdinal(a.Rank, b.Rank));
        }
    }

    public (Operation Operation, IReadOnlyDictionary<string, string> Values)? Match(string method, string path)
    {
        var segments = Split(path);
        if (!routes.TryGetValue((method.ToUpperInvariant(), segments.Length), out var list))
        {
            return null;
        }

        foreach (var route in list)
        {
            if (route.Matches(segments))
            {
                var values = new Dictionary<string, string>(StringComparer.Ordinal);
                for (var i = 0; i < segments.Length; i++)
                {
                    if (IsPlaceholder(route.Segments[i]))
                    {
                        // The server decodes all but the slash, which would make two segments of one.
                        values[route.Segments[i][1..^1]] = segments[i].Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
                    }
                }

                return (route.Operation, values);
            }
        }

        return null;
    }

    private static string[] Split(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    private static bool IsPlaceholder(string segment) => segment[0] == '{';

    private sealed record Route(Operation Operation, string[] Segments, string Rank)
    {
        public bool Matches(string[] path)
        {
            for (var i = 0; i < path.Length; i++)
            {
                if (!IsPlaceholder(Segments[i]) && !string.Equals(Segments[i], path[i], StringComparison.Ordinal))
                {
                    return false;
                }
            }

            return true;
        }
    }
}
