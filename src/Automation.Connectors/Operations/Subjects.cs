using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Subject keys: the ids, e-mail addresses and phone numbers by which a run is found.</summary>
public static class Subjects
{
    private const int Longest = 200;

    /// <summary>The distinct values at the operation's subject paths in these places (an item, the inputs, the answer).</summary>
    public static IReadOnlyList<string> Of(Operation operation, params ReadOnlySpan<JToken?> places)
    {
        var found = new List<string>();
        foreach (var place in places)
        {
            foreach (var path in operation.SubjectPaths)
            {
                if (place is JObject && JsonPaths.Text(JsonPaths.Find(place, path)) is { Length: <= Longest } text && Normalise(text) is var key && !found.Contains(key))
                {
                    found.Add(key);
                }
            }
        }

        return found;
    }

    /// <summary>E-mail addresses are compared without case.</summary>
    private static string Normalise(string text) => text.Contains('@', StringComparison.Ordinal) ? text.Trim().ToLowerInvariant() : text.Trim();
}
