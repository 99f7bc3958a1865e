using System.Data.Common;
using System.Text.RegularExpressions;
using Automation.Persistence.Sql;
using Npgsql;

namespace Automation.Persistence.PostgreSql;

/// <summary>
/// A connection to PostgreSQL. Statements that are posted wait for the next one whose answer is needed and go with it in one round trip, prepared by Npgsql after their first uses.
/// </summary>
internal sealed partial class PostgreSqlSession(NpgsqlConnection connection) : Session
{
    private readonly Dictionary<string, (string Sql, int Parameters)> _translated = new(StringComparer.Ordinal);
    private NpgsqlBatch? _posted;

    /// <summary>Posted statements that answer with rows, to be passed over by a reader.</summary>
    private int _results;

    /// <summary>The first of them is the transaction's number.</summary>
    private bool _isNumbered;
    private long? _transaction;

    public override long? Transaction => _transaction;

    public override bool TakesLists => true;

    /// <summary>Longest wait for an answer; 0: as long as it takes.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Text of SQL that changes from call to call (filters) is translated anew once this many are kept.</summary>
    private const int MostStatements = 512;

    /// <summary>A page of ten thousand items travels in several portions.</summary>
    private const int MostPosted = 500;

    /// <summary>The clock in UTC ticks; not the transaction's time: a group of writes may have waited for a lock.</summary>
    private const string Now = "((EXTRACT(EPOCH FROM clock_timestamp()) * 10000000)::bigint + 621355968000000000)";

    public override void Post(string sql, params ReadOnlySpan<object?> arguments)
    {
        if (_posted?.BatchCommands.Count >= MostPosted)
        {
            Flush();
        }

        Add(sql, arguments);
    }

    public override int Run(string sql, params ReadOnlySpan<object?> arguments)
    {
        var command = Add(sql, arguments);
        Flush();
        return (int)command.RecordsAffected;
    }

    public override DbDataReader Query(string sql, params ReadOnlySpan<object?> arguments)
    {
        Add(sql, arguments);
        return Execute();
    }

    /// <summary>Sends what is posted; the reader stands at the result of the last statement.</summary>
    private NpgsqlDataReader Execute()
    {
        var (batch, results, isNumbered) = Take();
        var reader = batch.ExecuteReader();
        try
        {
            if (isNumbered && reader.Read())
            {
                _transaction = reader.GetInt64(0);
            }

            for (; results > 0; results--)
            {
                reader.NextResult();
            }

            return reader;
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    public override void PostQuery(string sql, params ReadOnlySpan<object?> arguments)
    {
        Post(sql, arguments);
        _results++;
    }

    /// <remarks>Keys that others refer to stay usable for them: a foreign key's check does not wait for this lock.</remarks>
    public override void Lock(string table, string column, string value)
    {
        Post($"SELECT 1 FROM {table} WHERE {column} = @value FOR NO KEY UPDATE", value);
        _results++;
    }

    public override void LockAll(string name)
    {
        Post("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '/' || @name))", name);
        _results++;
    }

    /// <summary>The transaction's number comes with the first answer: should the connection break at COMMIT, the database is asked by it what became of the transaction.</summary>
    public override void Begin()
    {
        _transaction = null;
        Post("BEGIN");
        Post("SELECT txid_current()");
        _results++;
        _isNumbered = true;
    }

    public override bool? OutcomeOf(long transaction) => Scalar("SELECT txid_status(@transaction)", transaction) switch
    {
        "committed" => true,
        "in progress" => null,
        _ => false,
    };

    /// <summary>Posted statements go with COMMIT: the database passes over it when one of them fails.</summary>
    public override void Commit()
    {
        if (_isNumbered)
        {
            // COMMIT does not leave before the transaction's number is known.
            Flush();
        }

        Run("COMMIT");
    }

    public override bool RollBack()
    {
        Forget();
        try
        {
            Run("ROLLBACK");
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException or IOException)
        {
            return false;
        }
    }

    public override void BeginPart() => Post("SAVEPOINT part");

    public override void KeepPart() => Run("RELEASE part");

    public override bool DropPart()
    {
        Forget();
        try
        {
            Post("ROLLBACK TO part");
            Run("RELEASE part");
            return true;
        }
        catch (Exception exception) when (exception is NpgsqlException or InvalidOperationException or IOException)
        {
            return false;
        }
    }

    public override bool IsWorthRetrying(Exception exception) =>
        exception is PostgresException { SqlState: PostgresErrorCodes.DeadlockDetected or PostgresErrorCodes.SerializationFailure };

    /// <summary>Runs a script of several statements.</summary>
    public void Script(string sql)
    {
        Flush();
        using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = (int)Patience.TotalSeconds };
        command.ExecuteNonQuery();
    }

    private void Flush()
    {
        if (_isNumbered)
        {
            using var reader = Execute();
            while (reader.NextResult())
            {
                // Each answer is passed over; a statement that failed throws here.
            }
        }
        else if (_posted is not null)
        {
            Take().Batch.ExecuteNonQuery();
        }
    }

    private (NpgsqlBatch Batch, int Results, bool IsNumbered) Take()
    {
        var taken = (_posted!, _results, _isNumbered);
        Forget();
        return taken;
    }

    private void Forget() => (_posted, _results, _isNumbered) = (null, 0, false);

    private NpgsqlBatchCommand Add(string sql, ReadOnlySpan<object?> arguments)
    {
        if (!_translated.TryGetValue(sql, out var statement))
        {
            if (_translated.Count >= MostStatements)
            {
                _translated.Clear();
            }

            _translated.Add(sql, statement = Translate(sql));
        }

        if (statement.Parameters != arguments.Length)
        {
            throw new ArgumentException($"{arguments.Length} arguments for {statement.Parameters} parameters of: {sql}");
        }

        var command = new NpgsqlBatchCommand(statement.Sql);
        foreach (var argument in arguments)
        {
            command.Parameters.Add(argument switch
            {
                null => new NpgsqlParameter { Value = DBNull.Value },
                string text => new NpgsqlParameter<string> { TypedValue = Storable(text) },
                long number => new NpgsqlParameter<long> { TypedValue = number },
                int number => new NpgsqlParameter<long> { TypedValue = number },
                bool flag => new NpgsqlParameter<long> { TypedValue = flag ? 1 : 0 },
                byte[] data => new NpgsqlParameter<byte[]> { TypedValue = data },
                string[] texts => new NpgsqlParameter<string[]> { TypedValue = Array.Exists(texts, IsNotStorable) ? Array.ConvertAll(texts, text => text is null ? null! : Storable(text)) : texts },
                long[] numbers => new NpgsqlParameter<long[]> { TypedValue = numbers },
                long?[] numbers => new NpgsqlParameter<long?[]> { TypedValue = numbers },
                byte[][] data => new NpgsqlParameter<byte[][]> { TypedValue = data },
                _ => throw new ArgumentException($"No column holds a {argument.GetType().Name}."),
            });
        }

        (_posted ??= new NpgsqlBatch(connection) { Timeout = (int)Patience.TotalSeconds }).BatchCommands.Add(command);
        return command;
    }

    /// <summary>PostgreSQL holds no NUL character in texts and refuses the whole transaction: one in a name, a message or a search would stop all that is committed with it.</summary>
    private static string Storable(string text) => IsNotStorable(text) ? text.Replace('\0', '\uFFFD') : text;

    // The elements of an array may be null.
    private static bool IsNotStorable(string? text) => text?.Contains('\0', StringComparison.Ordinal) == true;

    /// <summary>The SQL in PostgreSQL's words, its parameters numbered.</summary>
    private static (string Sql, int Parameters) Translate(string sql)
    {
        var names = ParameterNames(sql);
        var translated = Marks().Replace(Lists().Replace(sql, "= ANY($1)"), mark => mark.Groups[1].Value switch
        {
            "now" => Now,
            "like" => "ILIKE",
            "instr" => "strpos",
            "cross" => "JOIN",
            "each" => $"SELECT unnest({mark.Groups[2].Value}) AS value",
            "lock" => "FOR NO KEY UPDATE",
            "skip_locked" => mark.Groups[2].Value is { Length: > 0 } table ? $"FOR NO KEY UPDATE OF {table} SKIP LOCKED" : "FOR NO KEY UPDATE SKIP LOCKED",
            _ => throw new ArgumentException($"No such mark: {mark.Value}"),
        });
        return (Names().Replace(translated, name => "$" + (names.IndexOf(name.Value) + 1)), names.Count);
    }

    protected override void Dispose(bool disposing) => connection.Dispose();

    [GeneratedRegex(@"#([a-z_]+)(?: (@?[a-z_]+))?#")]
    private static partial Regex Marks();

    /// <summary>A list that a column is looked for in: found by one descent of the index each, without a plan for a join.</summary>
    [GeneratedRegex(@"(?<!NOT )IN \(#each (@[a-z_]+)#\)")]
    private static partial Regex Lists();

    [GeneratedRegex("@[A-Za-z0-9_]+")]
    private static partial Regex Names();
}
