using System.Data.Common;

namespace Automation.Persistence.Sql;

/// <summary>Values to columns and back, and the marks of SQL that every <see cref="Session"/> puts into its database's words.</summary>
internal static class Columns
{
    /// <summary>The database's clock in UTC ticks, to a millisecond. Leases are judged by it alone.</summary>
    public const string Now = "#now#";

    /// <summary>At the end of a query: its rows stay as they are until the transaction ends.</summary>
    public const string Lock = "#lock#";

    /// <summary>At the end of a query: rows that others hold are left to them.</summary>
    public const string SkipLocked = "#skip_locked#";

    public static long Ticks(DateTimeOffset time) => time.UtcTicks;
    public static object? Ticks(DateTimeOffset? time) => time?.UtcTicks;

    public static DateTimeOffset Time(this DbDataReader reader, int column) => new(reader.GetInt64(column), TimeSpan.Zero);
    public static DateTimeOffset? TimeOrNull(this DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.Time(column);
    public static long? LongOrNull(this DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);
    public static string? Text(this DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
    public static bool Flag(this DbDataReader reader, int column) => reader.GetInt64(column) != 0;
    public static byte[]? Blob(this DbDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<byte[]>(column);

    /// <summary>Subject keys as stored and searched: trimmed, lower case, each once.</summary>
    public static IEnumerable<string> Subjects(IEnumerable<string> subjects) => subjects.Select(Subject).Where(s => s.Length > 0).Distinct(StringComparer.Ordinal);

    /// <inheritdoc cref="Subjects"/>
    public static string Subject(string subject) => subject.Trim().ToLowerInvariant();

    /// <summary>A pattern for <c>LIKE … ESCAPE '\'</c> that finds a text anywhere.</summary>
    public static string Contains(string text) => "%" + text.Trim().Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal) + "%";
}
