using System.Data.Common;
using System.Text.RegularExpressions;
using Automation.Persistence.Sql;
using Microsoft.Data.Sqlite;
using Newtonsoft.Json;
using SQLitePCL;

namespace Automation.Persistence.Sqlite;

/// <summary>A connection to a SQLite file with the commands it has prepared, each kept by its SQL text.</summary>
internal sealed partial class SqliteSession(SqliteConnection connection) : Session
{
    private readonly Dictionary<string, SqliteCommand> _commands = new(StringComparer.Ordinal);

    /// <summary>Text of SQL that changes from call to call (filters) is prepared anew once this many are kept.</summary>
    private const int MostCommands = 256;

    /// <summary>The clock to a millisecond.</summary>
    public const string Now = "(CAST(unixepoch('subsec') * 1000 AS INTEGER) * 10000 + 621355968000000000)";

    public SqliteConnection Connection => connection;

    public override int Run(string sql, params ReadOnlySpan<object?> arguments) => Bind(sql, arguments).ExecuteNonQuery();

    public override void Post(string sql, params ReadOnlySpan<object?> arguments) => Run(sql, arguments);

    public override DbDataReader Query(string sql, params ReadOnlySpan<object?> arguments) => Bind(sql, arguments).ExecuteReader();

    public override void Lock(string table, string column, string value)
    {
        // The writer's transaction is the only one that writes.
    }

    public override void LockAll(string name)
    {
        // As above.
    }

    public override void Begin() => Run("BEGIN IMMEDIATE");

    public override void Commit() => Run("COMMIT");

    public override bool RollBack()
    {
        try
        {
            if (IsInTransaction)
            {
                Run("ROLLBACK");
            }

            return true;
        }
        catch (SqliteException)
        {
            return false;
        }
    }

    public override void BeginPart() => Run("SAVEPOINT part");

    public override void KeepPart() => Run("RELEASE part");

    public override bool DropPart()
    {
        if (!IsInTransaction)
        {
            // Disk full, I/O error, out of memory: SQLite has rolled the whole transaction back by itself.
            return false;
        }

        Run("ROLLBACK TO part");
        Run("RELEASE part");
        return true;
    }

    /// <summary>The SQL in SQLite's words.</summary>
    public static string Translate(string sql) => Marks().Replace(sql, mark => mark.Groups[1].Value switch
    {
        "now" => Now,
        "like" => "LIKE",
        "instr" => "instr",
        "cross" => "CROSS JOIN",
        "each" => $"SELECT value FROM json_each({mark.Groups[2].Value})",
        "lock" or "skip_locked" => "",
        _ => throw new ArgumentException($"No such mark: {mark.Value}"),
    });

    private bool IsInTransaction => raw.sqlite3_get_autocommit(connection.Handle) == 0;

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
            parameters[i].Value = arguments[i] switch
            {
                null => DBNull.Value,
                string[] or long[] => JsonConvert.SerializeObject(arguments[i]),
                var value => value,
            };
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
        command.CommandText = Translate(sql);
        foreach (var name in ParameterNames(command.CommandText))
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = name, Value = DBNull.Value });
        }

        command.Prepare();
        _commands.Add(sql, command);
        return command;
    }

    private void DisposeCommands()
    {
        foreach (var command in _commands.Values)
        {
            command.Dispose();
        }

        _commands.Clear();
    }

    protected override void Dispose(bool disposing)
    {
        DisposeCommands();
        connection.Dispose();
    }

    [GeneratedRegex(@"#([a-z_]+)(?: (@?[a-z_]+))?#")]
    private static partial Regex Marks();
}
