using System.Globalization;
using Automation.Engine;
using CsvHelper;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Activities.Csv;

/// <summary>Rows as CSV (RFC 4180). Text that a spreadsheet would take for a formula gets a quote in front; numbers stay numbers.</summary>
internal static class CsvTable
{
    private static readonly System.Buffers.SearchValues<char> FormulaStarts = System.Buffers.SearchValues.Create("=+-@\t\r");

    /// <summary>Columns in the order in which the rows name them.</summary>
    public static IReadOnlyList<string> ColumnsOf(JArray rows) =>
        [.. rows.OfType<JObject>().SelectMany(row => row.Properties()).Select(property => property.Name).Distinct(StringComparer.Ordinal)];

    /// <summary>Writes rows: objects by the columns' names, arrays by position, plain values as the only column.</summary>
    public static string Write(JArray rows, IReadOnlyList<string> columns, string delimiter)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture);
        using (var csv = CsvWriter.Create(text, new CsvWriterOptions { Separator = delimiter[0], NewLine = "\r\n" }, true))
        {
            if (columns.Count > 0)
            {
                foreach (var column in columns)
                {
                    csv.WriteField(Guarded(column));
                }

                csv.EndRecord();
            }

            foreach (var row in rows)
            {
                foreach (var cell in Cells(row, columns))
                {
                    csv.WriteField(Text(cell));
                }

                csv.EndRecord();
            }
        }

        return text.ToString();
    }

    private static IEnumerable<JToken?> Cells(JToken row, IReadOnlyList<string> columns) => row switch
    {
        JObject item => columns.Select(column => item[column]),
        JArray cells => cells,
        _ => [row],
    };

    private static string Text(JToken? cell) => cell switch
    {
        null or { Type: JTokenType.Null or JTokenType.Undefined } => "",
        JValue { Value: string text } => Guarded(text),
        JValue { Value: bool flag } => flag ? "true" : "false",
        JValue value => value.ToString(CultureInfo.InvariantCulture),
        _ => Guarded(Json.Write(cell)),
    };

    private static string Guarded(string text) => text.Length > 0 && FormulaStarts.Contains(text[0]) ? "'" + text : text;
}
