using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;

namespace Automation.Activities.Csv;

/// <summary>Makes rows into CSV; with a file name it also writes them to the installation's files folder.</summary>
[Activity("Automation.Csv.WriteCsv", "Data", "Writes rows as CSV, to a file in the data folder or as text.", DisplayName = "Write CSV")]
public sealed class WriteCsv : Activity
{
    /// <summary>Largest text, in characters.</summary>
    private const int Largest = 50 * 1024 * 1024;

    [Input(Required = true, UIHint = "multi-line", Description = "List of objects (or of lists of values).")]
    public Input<object> Rows { get; init; } = default!;

    [Input(Description = "Columns, in this order; empty: all that the rows name.")]
    public Input<string[]> Columns { get; init; } = default!;

    [Input(DisplayName = "File Name", Description = "Name of the file, without folders; a file of this name is replaced. Empty: no file is written.")]
    public Input<string> FileName { get; init; } = default!;

    [Input(Default = ",", Description = "Character between two values.")]
    public Input<string> Delimiter { get; init; } = default!;

    [Output(Description = "The CSV as text.")]
    public Output<string> Result { get; init; } = default!;

    [Output(Description = "Name of the file in the files folder; empty where none was written.")]
    public Output<string> File { get; init; } = default!;

    [Output(DisplayName = "Row Count")] public Output<long> RowCount { get; init; } = default!;

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var rows = context.Get(Rows) switch
        {
            null => new JArray(),
            JArray list => list,
            JToken single => new JArray(single),
            var value => JToken.FromObject(value) is var token && token is JArray list ? list : new JArray(token),
        };
        var name = context.Get(FileName)?.Trim() ?? "";
        if (name.Length > 0 && !FolderFiles.IsPlain(name))
        {
            return Fault("bad-file-name", "fileName", $"'{name}' cannot be the name of a file.", "Use letters, digits, spaces, dots, dashes and underscores, and no folders.");
        }

        var delimiter = context.Get(Delimiter) is { Length: > 0 } given ? given : ",";
        if (delimiter.Length > 1 || delimiter is "\"" or "\r" or "\n")
        {
            return Fault("bad-delimiter", "delimiter", $"'{delimiter}' cannot stand between two values.", "Use a comma, a semicolon or a tab.");
        }

        var columns = context.Get(Columns) is { Length: > 0 } chosen ? chosen : CsvTable.ColumnsOf(rows);
        var text = CsvTable.Write(rows, columns, delimiter);
        if (text.Length > Largest)
        {
            return Fault("csv-too-large", "rows", $"The rows come to {text.Length / (1024 * 1024)} MB of CSV; {Largest / (1024 * 1024)} MB is the most.", "Write fewer rows at once.");
        }

        if (name.Length > 0 && context.Run.IsDryRun)
        {
            context.Journal("DryRun", $"Would write {rows.Count} rows to {name}");
        }
        else if (name.Length > 0)
        {
            // Excel takes a file without the mark for one in the machine's old encoding.
            await context.Services.GetRequiredService<IFileStore>().WriteAsync(name, [.. Encoding.UTF8.Preamble, .. Encoding.UTF8.GetBytes(text)], cancellationToken);
        }

        context.Set(Result, text);
        context.Set(File, name);
        context.Set(RowCount, rows.Count);
        return ActivityResult.Done;
    }

    private static ActivityResult Fault(string code, string property, string message, string action) =>
        ActivityResult.Faulted(new Fault(message) { Code = code, Property = property, Action = action });
}
