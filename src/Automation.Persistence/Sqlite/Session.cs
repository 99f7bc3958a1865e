using Microsoft.Data.Sqlite;

namespace Automation.Persistence.Sqlite;

/// <summary>
/// One connection with the commands it has prepared, each kept by its SQL text. Arguments are given in the order in which the
/// <c>@names</c> first appear in the SQL. Used by one thread at a time; a reader is disposed before its SQL runs again.
/// </summary>
internal sealed class Session(SqliteConnection connection) : IDisposable
{
    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);

    /// <summary>Text of SQL that changes from call to call (filters) is prepared anew once this many are kept.</summary>
    private const int MostCommands = 256;

    public SqliteConnection Connection => connection;

    /// <summary>Runs a statement; returns the number of rows changed.</summary>
    public int Run(string sql, params ReadOnlySpan<object?> arguments) => Bind(sql, arguments).ExecuteNonQuery();

    /// <summary>First column of the first row; null when there is none or it is NULL.</summary>
    public object? Scalar(string sql, params ReadOnlySpan<object?> arguments)
    {
        using var reader = Bind(sql, arguments).ExecuteReader();
        return reader.Read() && !reader.IsDBNull(0) ? reader.GetValue(0) : null;
    }

    public long? Long(string sql, params ReadOnlySpan<object?> arguments) => (long?)Scalar(sql, arguments);

    /// <summary>Runs a query; the caller disposes the reader.</summary>
    public SqliteDataReader Query(string sql, params ReadOnlySpan<object?> arguments) => Bind(sql, arguments).ExecuteReader();

    /// <summary>All rows of a query.</summary>
    public List<T> List<T>(Func<SqliteDataReader, T> read, string sql, params ReadOnlySpan<object?> arguments)
    {
        var rows = new List<T>();
        using var reader = Bind(sql, arguments).ExecuteReader();
        while (reader.Read())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>The first row of a query, or null.</summary>
    public T? First<T>(Func<SqliteDataReader, T> read, string sql, params ReadOnlySpan<object?> arguments)
        where T : class
    {
        using var reader = Bind(sql, arguments).ExecuteReader();
        return reader.Read() ? read(reader) : null;
    }

    private SqliteCommand Bind(string sql, ReadOnlySpan<object?> arguments)
    {
        if (!_commands.TryGetValue(sql, out var command))
        {
            command = Prepare(sql);
        }

        var parameters = command.Parameters;
        if (parameters.Count != arguments.Length)
        {
            throw new ArgumentException($"{arguments.Length} arguments for {parameters.Count} parameters of: {sql}");
        }

        for (var i = 0; i < arguments.Length; i++)
        {
            parameters[i].Value = arguments[i] ?? DBNull.Value;
        }

        return command;
    }

    private SqliteCommand Prepare(string sql)
    {
        if (_commands.Count >= MostCommands)
        {
            DisposeCommands();
        }

        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var name in ParameterNames(sql))
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = name, Value = DBNull.Value });
        }

        command.Prepare();
        _commands.Add(sql, command);
        return command;
    }

    private static IEnumerable<string> ParameterNames(string sql)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var start = sql.IndexOf('@'); start >= 0; start = sql.IndexOf('@', start + 1))
        {
            var end = start + 1;
            while (end < sql.Length && (char.IsAsciiLetterOrDigit(sql[end]) || sql[end] == '_'))
            {
                end++;
            }

            var name = sql[start..end];
            if (name.Length > 1 && seen.Add(name))
            {
                yield return name;
            }
        }
    }

    private void DisposeCommands()
    {
        foreach (var command in _commands.Values)
        {
            command.Dispose();
        }

        _commands.Clear();
    }

    public void Dispose()
    {
        DisposeCommands();
        connection.Dispose();
    }
}
