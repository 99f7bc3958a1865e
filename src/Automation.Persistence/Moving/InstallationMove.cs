using Automation.Persistence.PostgreSql;
using Automation.Persistence.Sqlite;
using Automation.Runtime.Storage;
using Microsoft.Data.Sqlite;
using Npgsql;
using NpgsqlTypes;

namespace Automation.Persistence.Moving;

/// <summary>How far a table is.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Rows">Rows done.</param>
/// <param name="Of">Rows in all.</param>
/// <param name="IsChecked">They are read back from the target and compared.</param>
public sealed record MoveProgress(string Table, long Rows, long Of, bool IsChecked);

/// <summary>
/// Copies the tables of a SQLite installation that is stopped into an empty PostgreSQL database, and compares counts and hashes of what arrived. A mark in the target says that it is not whole yet: servers refuse it, and a move
/// that finds it begins anew.
/// </summary>
public sealed class InstallationMove : IAsyncDisposable
{
    private const int ReportEach = 5_000;

    private readonly SqliteDatabase _source;
    private readonly PostgreSqlDatabase _target;
    private readonly SqliteConnection _from;
    private readonly NpgsqlConnection _to;

    private sealed record Column(string Name, NpgsqlDbType Type, bool IsIdentity);

    public InstallationMove(string sqlitePath, string connectionString)
    {
        _source = new SqliteDatabase(sqlitePath, fullDurability: true);
        _target = new PostgreSqlDatabase(connectionString) { IsMoving = true };
        _from = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = sqlitePath, Mode = SqliteOpenMode.ReadOnly, Pooling = false }.ToString());
        _to = new NpgsqlConnection(PostgreSqlDatabase.Read(connectionString).ConnectionString);
    }

    /// <summary>Brings both to this program's schema, and looks whether the target may be written to.</summary>
    /// <returns>Whether a move was stopped in the middle before: what it left is dropped.</returns>
    /// <exception cref="StartRefusedException">The target cannot be used, or holds something.</exception>
    public async Task<bool> PrepareAsync(CancellationToken cancellationToken)
    {
        await _source.MigrateAsync(cancellationToken).ConfigureAwait(false);
        await _target.MigrateAsync(cancellationToken).ConfigureAwait(false);
        await _from.OpenAsync(cancellationToken).ConfigureAwait(false);
        await _to.OpenAsync(cancellationToken).ConfigureAwait(false);
        var tables = await TablesAsync(cancellationToken).ConfigureAwait(false);
        var isAgain = await ScalarAsync($"SELECT to_regclass('{PostgreSqlDatabase.MoveMark}') IS NOT NULL", cancellationToken).ConfigureAwait(false) is true;
        if (isAgain)
        {
            await ExecuteAsync($"TRUNCATE {string.Join(", ", tables.Select(Quoted))}", cancellationToken).ConfigureAwait(false);
            return true;
        }

        foreach (var table in tables)
        {
            if (await ScalarAsync($"SELECT 1 FROM {Quoted(table)} LIMIT 1", cancellationToken).ConfigureAwait(false) is not null)
            {
                throw new StartRefusedException($"{_target.Description} is not empty: its table {table} holds rows. A move needs a database, or a schema, of its own.");
            }
        }

        // From here on the target is half an installation: no server starts on it.
        await ExecuteAsync($"CREATE TABLE {PostgreSqlDatabase.MoveMark} (begun_at TIMESTAMPTZ NOT NULL DEFAULT now())", cancellationToken).ConfigureAwait(false);
        return false;
    }

    /// <summary>Copies every table, then reads it back and compares.</summary>
    /// <returns>Rows by table.</returns>
    /// <exception cref="StartRefusedException">What arrived is not what was sent, or cannot be stored there.</exception>
    public async Task<IReadOnlyDictionary<string, long>> CopyAsync(IProgress<MoveProgress> progress, CancellationToken cancellationToken)
    {
        var moved = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var table in await TablesAsync(cancellationToken).ConfigureAwait(false))
        {
            var columns = await ColumnsAsync(table, cancellationToken).ConfigureAwait(false);
            var sent = await SendAsync(table, columns, progress, cancellationToken).ConfigureAwait(false);
            var arrived = await ReadBackAsync(table, columns, sent.Rows, progress, cancellationToken).ConfigureAwait(false);
            if (sent != arrived)
            {
                throw new StartRefusedException($"The table {table} did not arrive as it was sent: {sent.Rows} rows with hash {sent.Hash:x16}, {arrived.Rows} rows with hash {arrived.Hash:x16}. Nothing uses the target; run the move again.");
            }

            moved.Add(table, sent.Rows);
        }

        return moved;
    }

    /// <summary>All is there: leases of the stopped server are freed, and servers may start.</summary>
    public async Task FinishAsync(CancellationToken cancellationToken)
    {
        await _target.FreeLeasesAsync(cancellationToken).ConfigureAwait(false);
        await ExecuteAsync($"DROP TABLE {PostgreSqlDatabase.MoveMark}", cancellationToken).ConfigureAwait(false);
        await ExecuteAsync("ANALYZE", cancellationToken).ConfigureAwait(false);
    }

    private async Task<RowHash> SendAsync(string table, IReadOnlyList<Column> columns, IProgress<MoveProgress> progress, CancellationToken cancellationToken)
    {
        var names = string.Join(", ", columns.Select(column => Quoted(column.Name)));
        long total;
        using (var count = _from.CreateCommand())
        {
            count.CommandText = $"SELECT COUNT(*) FROM {Quoted(table)}";
            total = (long)(await count.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
        }

        var hash = new RowHash();
        using var select = _from.CreateCommand();
        select.CommandText = $"SELECT {names} FROM {Quoted(table)}";
        await using var reader = await select.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await using (var copy = await _to.BeginBinaryImportAsync($"COPY {Quoted(table)} ({names}) FROM STDIN (FORMAT BINARY)", cancellationToken).ConfigureAwait(false))
            {
                while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
                {
                    await copy.StartRowAsync(cancellationToken).ConfigureAwait(false);
                    for (var i = 0; i < columns.Count; i++)
                    {
                        var value = reader.IsDBNull(i) ? null : Value(reader.GetValue(i), columns[i].Type);
                        hash = hash.Add(value);
                        await (value is null ? copy.WriteNullAsync(cancellationToken) : copy.WriteAsync(value, columns[i].Type, cancellationToken)).ConfigureAwait(false);
                    }

                    hash = hash.EndRow();
                    if (hash.Rows % ReportEach == 0)
                    {
                        progress.Report(new MoveProgress(table, hash.Rows, total, false));
                    }
                }

                await copy.CompleteAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (PostgresException error)
        {
            throw new StartRefusedException($"The table {table} cannot be stored in {_target.Description}: {error.MessageText}. {error.Detail} The SQLite file is as it was; mend it there, and run the move again.", error);
        }

        foreach (var column in columns.Where(column => column.IsIdentity))
        {
            await ExecuteAsync($"SELECT setval(pg_get_serial_sequence('{Quoted(table)}', '{column.Name}'), COALESCE((SELECT MAX({Quoted(column.Name)}) FROM {Quoted(table)}), 0) + 1, false)", cancellationToken).ConfigureAwait(false);
        }

        progress.Report(new MoveProgress(table, hash.Rows, total, false));
        return hash;
    }

    private async Task<RowHash> ReadBackAsync(string table, IReadOnlyList<Column> columns, long total, IProgress<MoveProgress> progress, CancellationToken cancellationToken)
    {
        var hash = new RowHash();
        await using var select = new NpgsqlCommand($"SELECT {string.Join(", ", columns.Select(column => Quoted(column.Name)))} FROM {Quoted(table)}", _to) { CommandTimeout = 0 };
        await using var reader = await select.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            for (var i = 0; i < columns.Count; i++)
            {
                hash = hash.Add(reader.IsDBNull(i) ? null : reader.GetValue(i));
            }

            hash = hash.EndRow();
            if (hash.Rows % ReportEach == 0)
            {
                progress.Report(new MoveProgress(table, hash.Rows, total, true));
            }
        }

        progress.Report(new MoveProgress(table, hash.Rows, total, true));
        return hash;
    }

    /// <summary>SQLite keeps what it is given; the target's column says what it is.</summary>
    private static object Value(object value, NpgsqlDbType type) => type switch
    {
        NpgsqlDbType.Bigint => Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture),
        NpgsqlDbType.Integer => Convert.ToInt32(value, System.Globalization.CultureInfo.InvariantCulture),
        NpgsqlDbType.Text => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture)!,
        NpgsqlDbType.Bytea => value as byte[] ?? System.Text.Encoding.UTF8.GetBytes((string)value),
        _ => throw new NotSupportedException($"No value of type {type} is moved."),
    };

    /// <summary>Tables of the target, those that others refer to before them.</summary>
    private async Task<IReadOnlyList<string>> TablesAsync(CancellationToken cancellationToken)
    {
        var tables = await ListAsync($"SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname NOT IN ('schema_versions', '{PostgreSqlDatabase.MoveMark}') ORDER BY relname", cancellationToken).ConfigureAwait(false);
        var references = (await ListAsync("SELECT c.relname || ' ' || f.relname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace AND c.oid <> f.oid", cancellationToken).ConfigureAwait(false))
            .Select(pair => pair.Split(' ')).ToLookup(pair => pair[0], pair => pair[1]);
        var ordered = new List<string>();
        void Visit(string table)
        {
            if (!ordered.Contains(table))
            {
                foreach (var referred in references[table])
                {
                    Visit(referred);
                }

                ordered.Add(table);
            }
        }

        foreach (var table in tables)
        {
            Visit(table);
        }

        return ordered;
    }

    private async Task<IReadOnlyList<Column>> ColumnsAsync(string table, CancellationToken cancellationToken) =>
        [.. (await ListAsync($"SELECT column_name || ' ' || data_type || ' ' || is_identity FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = '{table}' ORDER BY ordinal_position", cancellationToken).ConfigureAwait(false))
            .Select(text => text.Split(' '))
            .Select(parts => new Column(parts[0], Enum.Parse<NpgsqlDbType>(parts[1], ignoreCase: true), parts[2] == "YES"))];

    private async Task<List<string>> ListAsync(string sql, CancellationToken cancellationToken)
    {
        var list = new List<string>();
        await using var command = new NpgsqlCommand(sql, _to);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            list.Add(reader.GetString(0));
        }

        return list;
    }

    private async Task ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, _to) { CommandTimeout = 0 };
        await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task<object?> ScalarAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, _to) { CommandTimeout = 0 };
        return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
    }

    private static string Quoted(string name) => $"\"{name}\"";

    public async ValueTask DisposeAsync()
    {
        await _from.DisposeAsync().ConfigureAwait(false);
        await _to.DisposeAsync().ConfigureAwait(false);
        _source.Dispose();
        _target.Dispose();
    }
}
