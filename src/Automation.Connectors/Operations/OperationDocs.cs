using System.Globalization;
using System.Text;
using Automation.Engine;
using Newtonsoft.Json;

namespace Automation.Connectors;

/// <summary>The catalogue as pages of Markdown: an index, and one page per category, made of the operations' own data.</summary>
public static class OperationDocs
{
    public const string Index = "README.md";

    private const string Made = "<!-- Made by `automation operations --docs docs/operations` from the connectors' data. Change the data, then run it again. -->";

    /// <summary>The pages' text by file name. The same connectors always make the same text.</summary>
    public static IReadOnlyDictionary<string, string> Pages(IEnumerable<Connector> connectors)
    {
        var pages = new Dictionary<string, string>(StringComparer.Ordinal);
        var index = new StringBuilder($"{Made}\n\n# Operations\n\nEach is an activity, and a trigger too where it can be polled. What the columns mean stands [below](#words).\n");
        foreach (var connector in connectors.OrderBy(c => c.Name == "gohighlevel" ? 0 : 1).ThenBy(c => c.Name, StringComparer.Ordinal))
        {
            var all = connector.Operations.OrderBy(o => o.Number ?? int.MaxValue).ToList();
            index.Append(CultureInfo.InvariantCulture, $"\n## {connector.Name}\n\n{all.Count} operations; {all.Count(o => o.Poll is not null)} of them are triggers.\n\n| category | triggers | actions |\n|---|---|---|\n");
            foreach (var category in all.GroupBy(o => o.Category))
            {
                var file = FileOf(connector.Name, category.Key);
                pages[file] = Page(category.Key, [.. category], connector.Samples);
                index.Append(CultureInfo.InvariantCulture, $"| [{category.Key}]({file}) | {category.Count(o => o.Poll is not null)} | {category.Count(o => o.Poll is null)} |\n");
            }
        }

        index.Append("""

            ## Words

            **After a crash** says what happens to a write whose answer was lost:

            | effect | what happens |
            |---|---|
            | read | changes nothing; it is read again |
            | safe | is sent again: twice is as good as once |
            | probe | a read finds out whether it happened; only if not is it sent again |
            | unsafe | a person decides: the run stops with an incident and its choices |

            **Polled** says how a trigger sees a change:

            | mode | what fires |
            |---|---|
            | updated | every new item, and every change of one |
            | new | every new item |
            | changed | a change of the one record that is watched |
            | edge | a value that becomes true, becomes the one that is waited for, or becomes another |

            Inputs named here are the API's own. In a definition an input has the same name, but for a few that Elsa uses itself: `type` is `inputType` there.
            Location and company come from the connection when they are left empty.

            """.ReplaceLineEndings("\n"));
        pages[Index] = index.ToString();
        return pages;
    }

    private static string FileOf(string connector, string category) =>
        connector + "-" + string.Join('-', new string([.. category.ToLowerInvariant().Select(c => char.IsAsciiLetterOrDigit(c) ? c : ' ')]).Split(' ', StringSplitOptions.RemoveEmptyEntries)) + ".md";

    private static string Page(string category, IReadOnlyList<Operation> operations, OperationSamples? samples)
    {
        var page = new StringBuilder($"{Made}\n\n# {category}\n\n[All categories]({Index})\n\n| operation | kind | after a crash |\n|---|---|---|\n");
        foreach (var operation in operations)
        {
            page.Append(CultureInfo.InvariantCulture, $"| [{operation.Name}](#{Anchor(operation.Name)}) | {Kind(operation)} | {Word(operation.Effect)} |\n");
        }

        foreach (var operation in operations)
        {
            Write(page, operation);
            if (!operation.Response.Binary && samples?.Of(operation.ActivityType) is { } sample)
            {
                page.Append(CultureInfo.InvariantCulture, $"\n<details><summary>Sample answer</summary>\n\n```json\n{sample.ToString(Formatting.Indented).ReplaceLineEndings("\n")}\n```\n\n</details>\n");
            }
        }

        return page.ToString();
    }

    private static void Write(StringBuilder page, Operation operation)
    {
        page.Append(CultureInfo.InvariantCulture, $"\n## {operation.Name}\n\n{operation.Description}\n\n");
        if (operation.Notice is { } notice)
        {
            page.Append(CultureInfo.InvariantCulture, $"> {(operation.Deprecated ? "Deprecated. " : "")}{notice}\n\n");
        }

        page.Append("| | |\n|---|---|\n");
        Row("activity type", $"`{operation.ActivityType}`");
        Row("number", operation.Number?.ToString(CultureInfo.InvariantCulture));
        Row("request", $"`{operation.Method} {operation.Path}`{(operation.VersionHeader is { } version ? $", version {version}" : "")}{(operation.ContentType is { } type and not "application/json" ? $", as {type}" : "")}");
        Row("token", operation.TokenType);
        Row("scopes", operation.Scopes.Count == 0 ? null : string.Join(", ", operation.Scopes.Select(scope => $"`{scope}`")));
        Row("after a crash", AfterCrash(operation));
        Row("destructive", operation.Destructive ? "deletes, or changes many at once" : null);
        Row("fires on", operation.FiresOn);
        Row("polled", Polled(operation));
        Row("answer", operation.Response.Binary ? "a file" : operation.Response.CollectionPath is { } list ? $"a list at `{Escape(list)}`" : operation.Response.RecordPath is { } record and not "$" ? $"a record at `{Escape(record)}`" : null);
        Row("documentation", operation.DocsUrl is { } url ? $"[of the vendor]({url})" : null);
        if (operation.Inputs.Count == 0)
        {
            page.Append("\nIt takes no inputs.\n");
            return;
        }

        page.Append("\n| input | in | type | required | |\n|---|---|---|---|---|\n");
        foreach (var input in operation.Inputs)
        {
            page.Append(CultureInfo.InvariantCulture, $"| `{input.Name}` | {(input.Place == InputPlace.WholeBody ? "body" : Word(input.Place))} | {TypeOf(input)} | {(input.Required ? "yes" : operation.OneOf.Contains(input.Name) ? $"one of {string.Join(", ", operation.OneOf)}" : "")} | {Remarks(input)} |\n");
        }

        void Row(string name, string? value)
        {
            if (value is not null)
            {
                page.Append(CultureInfo.InvariantCulture, $"| {name} | {value} |\n");
            }
        }
    }

    private static string AfterCrash(Operation operation) => operation.Effect switch
    {
        EffectClass.Read => "read: it changes nothing and is read again",
        EffectClass.Safe => "safe: it is sent again",
        EffectClass.Probe => $"probe: `{operation.Probe!.Operation}` finds out whether it happened",
        _ => "unsafe: a person decides",
    };

    private static string? Polled(Operation operation)
    {
        if (operation.Poll is not { } poll)
        {
            return null;
        }

        var how = poll.Window is not null ? "reads what changed since the last scan"
            : poll.Rolling is not null ? $"reads a window that moves with the clock ({string.Join(", ", poll.Rolling.Properties().Select(p => $"`{p.Name}` {p.Value}"))})"
            : operation.Response.CollectionPath is not null ? "reads the whole list"
            : "reads the record";
        var pages = operation.Pagination.Style == "none" ? "" : string.Create(CultureInfo.InvariantCulture, $" in pages of {operation.Pagination.PageSize}");
        return string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", poll.Modes)}; {how}{pages}; every {poll.DefaultInterval.TotalMinutes:0.#} min unless set{Meaning(poll)}{Told(poll)}");
    }

    private static string Meaning(PollShape poll) => poll.Source is null ? ""
        : $"; shares the calls of `{poll.Source}`{(poll.When is { } when ? $"; fires when `{Escape(Json.Write(when))}`" : "")}";

    private static string Told(PollShape poll) => poll.OnWebhook() switch
    {
        "read" => "; read at once when a webhook tells of it",
        "list" => "; polled at once when a webhook tells of one",
        _ => "",
    };

    private static string TypeOf(OperationInput input) => input.Type == "array" ? $"list{(input.ItemType is { } item ? $" of {item}" : "")}" : input.Type;

    private static string Remarks(OperationInput input)
    {
        var remarks = new List<string>();
        if (!string.IsNullOrEmpty(input.Description))
        {
            remarks.Add(input.Description);
        }

        if (input.Enum is { Count: > 0 } allowed)
        {
            remarks.Add($"Allowed: {string.Join(", ", allowed.Take(30).Select(value => $"`{value}`"))}{(allowed.Count > 30 ? $" and {allowed.Count - 30} more" : "")}.");
        }

        if (input.Format is { } format)
        {
            remarks.Add(format switch { "date" => "A day, as 2026-01-31.", "date-time" => "A time, as 2026-01-31T08:00:00Z.", _ => "A time, as 2026-01-31T08:00:00Z, or in the API's own form." });
        }

        if (input.Several)
        {
            remarks.Add("Several are separated by commas.");
        }

        if (input.Suggestions is { } suggested)
        {
            remarks.Add($"Offered: {string.Join(", ", suggested.Select(value => $"`{value}`"))}.");
        }

        if (input.Default is { } standard)
        {
            remarks.Add($"`{Json.Write(standard)}` when left empty.");
        }

        if (input.Maximum is { } maximum)
        {
            remarks.Add(string.Create(CultureInfo.InvariantCulture, $"At most {maximum}{(input.Type == "array" ? " elements" : input.Type == "string" ? " characters" : "")}."));
        }

        if (input.Nullable)
        {
            remarks.Add("An explicit null is sent.");
        }

        if (input.Fields is { } fields)
        {
            remarks.Add($"By name as {{\"Name or key\": value}}, with the definitions of `{fields.Operation}`.");
        }

        if (input.OptionsFrom is { } source)
        {
            remarks.Add($"The editor offers those of `{source}`.");
        }

        return Escape(string.Join(' ', remarks));
    }

    private static string Kind(Operation operation) => operation.Poll is null ? "action" : "trigger";

    private static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");

    /// <summary>The anchor that renderers make of a heading.</summary>
    private static string Anchor(string name) => new([.. name.ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-').Select(c => c == ' ' ? '-' : c)]);
}
