using Microsoft.Data.Sqlite;
using Newtonsoft.Json;

namespace Automation.Persistence.Sqlite;

/// <summary>Values to columns and back.</summary>
internal static class Columns
{
    /// <summary>The database's clock in UTC ticks, to a millisecond. Leases are judged by it alone.</summary>
    public const string Now = "(CAST(unixepoch('subsec') * 1000 AS INTEGER) * 10000 + 621355968000000000)";

    public static long Ticks(DateTimeOffset time) => time.UtcTicks;
    public static object? Ticks(DateTimeOffset? time) => time?.UtcTicks;

    public static DateTimeOffset Time(this SqliteDataReader reader, int column) => new(reader.GetInt64(column), TimeSpan.Zero);
    public static DateTimeOffset? TimeOrNull(this SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.Time(column);
    public static string? Text(this SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
    public static bool Flag(this SqliteDataReader reader, int column) => reader.GetInt64(column) != 0;
    public static byte[]? Blob(this SqliteDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);

    /// <summary>A list of values as one argument, unfolded in SQL by <c>json_each</c>.</summary>
    public static string Array(IEnumerable<string> values) => JsonConvert.SerializeObject(values);

    /// <inheritdoc cref="Array(IEnumerable{string})"/>
    public static string Array(IEnumerable<long> values) => "[" + string.Join(',', values) + "]";

    /// <summary>Subject keys as stored and searched: trimmed, lower case, each once.</summary>
    public static IEnumerable<string> Subjects(IEnumerable<string> subjects) => subjects.Select(Subject).Where(s => s.Length > 0).Distinct(StringComparer.Ordinal);

    /// <inheritdoc cref="Subjects"/>
    public static string Subject(string subject) => subject.Trim().ToLowerInvariant();

    /// <summary>A pattern for <c>LIKE … ESCAPE '\'</c> that finds a text anywhere.</summary>
    public static string Contains(string text) => "%" + text.Trim().Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal) + "%";
}
