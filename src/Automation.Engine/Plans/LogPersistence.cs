using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>
/// Which values of an activity the journal keeps, as Elsa's <c>logPersistenceConfig</c> (and the older <c>logPersistenceMode</c>) says in the custom properties of the activity
/// and of its workflow: <c>Include</c>, <c>Exclude</c>, or <c>Inherit</c> from what is around it. Without a word all are kept.
/// </summary>
internal static class LogPersistence
{
    private const string Exclude = "Exclude";
    private const string Inherit = "Inherit";

    /// <summary>Which of the names are not kept; null: all are.</summary>
    /// <param name="workflow">Custom properties of the workflow that the activity is written in.</param>
    /// <param name="activity">Custom properties of the activity.</param>
    /// <param name="section"><c>inputs</c> or <c>outputs</c>.</param>
    /// <param name="names">Names as the descriptor has them.</param>
    public static bool[]? Hidden(JObject workflow, JObject? activity, string section, IReadOnlyList<string> names)
    {
        var general = Mode(activity, "default") is var own and not (null or Inherit) ? own : Mode(workflow, "default");
        bool[]? hidden = null;
        for (var i = 0; i < names.Count; i++)
        {
            var mode = Mode(activity, section, ActivityShape.CamelCase(names[i])) is var said and not (null or Inherit) ? said : general;
            if (mode == Exclude)
            {
                (hidden ??= new bool[names.Count])[i] = true;
            }
        }

        return hidden;
    }

    private static string? Mode(JObject? properties, params string[] path) =>
        At(properties?["logPersistenceConfig"], path) is JObject { } chosen
            ? chosen["strategyType"].AsText()?.Split(',')[0].Split('.')[^1]
            : At(properties?["logPersistenceMode"], path).AsText();

    private static JToken? At(JToken? token, string[] path)
    {
        foreach (var name in path)
        {
            token = (token as JObject)?[name];
        }

        return token;
    }
}
