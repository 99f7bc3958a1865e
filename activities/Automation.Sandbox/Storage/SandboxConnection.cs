using System.Text;
using Microsoft.Data.Sqlite;

namespace Automation.Sandbox;

/// <summary>A connection and its prepared commands, used by one transaction at a time. A command's reader must be done before the same SQL runs again.</summary>
internal sealed class SandboxConnection(SqliteConnection connection) : IDisposable
{
    /// <summary>Filters can make any number of texts; the common ones come first.</summary>
    private const int KeptCommands = 200;

    private readonly Dictionary<string, SqliteCommand> commands = new(StringComparer.Ordinal);

    /// <summary>A command with its values; each <c>?</c> stands for one.</summary>
    public SqliteCommand Command(string sql, params ReadOnlySpan<object?> values)
    {
        if (!commands.TryGetValue(sql, out var command))
        {
            command = Create(sql, values.Length);
            if (commands.Count < KeptCommands)
            {
                commands[sql] = command;
            }
        }

        for (var i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        }

        return command;
    }

    /// <summary>Runs SQL without values, which may be several statements.</summary>
    public void Execute(string sql) => Command(sql).ExecuteNonQuery();

    public void Dispose()
    {
        foreach (var command in commands.Values)
        {
            command.Dispose();
        }

        connection.Dispose();
    }

    private SqliteCommand Create(string sql, int count)
    {
        var command = connection.CreateCommand();
        var text = new StringBuilder(sql.Length + (count * 2));
        foreach (var c in sql)
        {
            text.Append(c);
            if (c == '?')
            {
                var name = "?" + (command.Parameters.Count + 1);
                text.Append(name.AsSpan(1));
                command.Parameters.Add(new SqliteParameter(name, null));
            }
        }

        command.CommandText = text.ToString();
        return command;
    }
}
