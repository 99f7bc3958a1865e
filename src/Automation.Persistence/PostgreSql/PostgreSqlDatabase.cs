using System.Net.Sockets;
using Automation.Persistence.Sql;
using Automation.Runtime.Storage;
using Npgsql;

namespace Automation.Persistence.PostgreSql;

/// <summary>
/// A PostgreSQL database, shared by any number of nodes. Each node writes on a few connections: while one waits for the disk or for an answer, the others go on. What several of them may change is fenced by row locks
/// and by conditions of the statement that writes.
/// </summary>
internal sealed class PostgreSqlDatabase : SqlDatabase
{
    /// <summary>Transactions that write at a time, of one node; and most writes of each: short ones, since they hold row locks that others wait for.</summary>
    public const int Writers = 4;
    public const int MostWrites = 128;

    /// <summary>The first with all that the SQL uses; also in the README.</summary>
    private const int OldestVersion = 13;

    /// <summary>Of PostgreSQL: it ended a connection whose transaction stood still.</summary>
    private const string IdleInTransaction = "25P03";

    /// <summary>Reads are short: compiling one costs more than it saves.</summary>
    private const string ReaderSettings = "SET jit = off";

    /// <summary>
    /// Statements that write find their rows by an index, and keep their plan. A planner that goes by statistics of a minute ago would rather read the whole of a table that was empty then, or the index of all that is runnable.
    /// </summary>
    private const string WriterSettings = "SET jit = off; SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";

    /// <summary>Names the lock of migrations among the advisory locks of a database.</summary>
    private const long MigrationLock = 0x4175_746F_6D61_7465;

    /// <summary>How long a start waits for a server that does not answer yet.</summary>
    private readonly TimeSpan _patienceAtStart;

    // Read when first used: a string that cannot work is told by the validation of the settings, which comes after the services are made.
    private readonly Lazy<(NpgsqlDataSource Readers, NpgsqlDataSource Writers, string Name)> _opened;

    /// <param name="connectionString">Of Npgsql.</param>
    /// <param name="patienceAtStart">How long a start waits for a server that does not answer yet; null: 20 s.</param>
    public PostgreSqlDatabase(string connectionString, TimeSpan? patienceAtStart = null)
        : base("PostgreSql", Writers, MostWrites)
    {
        _patienceAtStart = patienceAtStart ?? TimeSpan.FromSeconds(20);
        _opened = new(() => Prepare(Read(connectionString)));
    }

    /// <summary>Table that says: an installation is being moved into this database, and is not whole.</summary>
    public const string MoveMark = "move_in_progress";

    /// <summary>Opened by the move itself.</summary>
    public bool IsMoving { get; init; }

    public override string Description => $"PostgreSQL {Name}";

    protected override string Name => _opened.Value.Name;

    private NpgsqlDataSource Readers => _opened.Value.Readers;

    /// <summary>
    /// How long the database waits for the rest of a transaction: a process that stands still, or whose machine is gone, in the middle of one would keep its rows, and API budgets among them, from all others for
    /// as long as that lasts. The process itself finds its transaction ended, and makes it anew.
    /// </summary>
    public TimeSpan PatienceWithTransactions { get; init; } = TimeSpan.FromSeconds(10);

    private (NpgsqlDataSource Readers, NpgsqlDataSource Writers, string Name) Prepare(NpgsqlConnectionStringBuilder settings)
    {
        // Statements are few and come again and again: each is prepared once per connection.
        settings.MaxAutoPrepare = 300;
        settings.AutoPrepareMinUsages = 2;
        settings.ApplicationName ??= "Automation";
        settings.NoResetOnClose = true;
        return (Build(settings, ReaderSettings), Build(settings, WriterSettings), $"{settings.Database ?? settings.Username} on {settings.Host}:{settings.Port}");
    }

    /// <param name="settings">Where to.</param>
    /// <param name="initially">Settings of the connection: by statements, for a proxy in between may not pass parameters of the connection on.</param>
    private NpgsqlDataSource Build(NpgsqlConnectionStringBuilder settings, string initially)
    {
        initially = $"SET idle_in_transaction_session_timeout = {(long)PatienceWithTransactions.TotalMilliseconds}; {initially}";
        var builder = new NpgsqlDataSourceBuilder(settings.ConnectionString);
        builder.UsePhysicalConnectionInitializer(
            connection =>
            {
                using var command = new NpgsqlCommand(initially, connection);
                command.ExecuteNonQuery();
            },
            async connection =>
            {
                await using var command = new NpgsqlCommand(initially, connection);
                await command.ExecuteNonQueryAsync().ConfigureAwait(false);
            });
        return builder.Build();
    }

    internal override bool WritesTogether => true;

    /// <summary>An error may leave a connection in the middle of something.</summary>
    protected override bool SurvivesErrors => false;

    /// <summary>Why a connection string cannot work, without what is secret in it; null: it can be read.</summary>
    public static string? Problem(string? connectionString)
    {
        try
        {
            Read(connectionString ?? "");
            return null;
        }
        catch (ArgumentException error)
        {
            return error.Message;
        }
    }

    public override async Task MigrateAsync(CancellationToken cancellationToken)
    {
        using var session = new PostgreSqlSession(await ConnectAsync(cancellationToken).ConfigureAwait(false)) { Patience = TimeSpan.Zero };
        try
        {
            CheckServer(session);

            // One node migrates, the others wait here and then find it done. A node that dies lets go of the lock with its connection.
            session.Run("SELECT pg_advisory_lock(@lock)", MigrationLock);
            try
            {
                // Of those that are there, before they are read; then of the new ones.
                CheckRights(session);
                Migrate(session, s => s.Long("SELECT 1 WHERE to_regclass('schema_versions') IS NOT NULL") is not null, (_, script) => session.Script(script), cancellationToken);
                if (!IsMoving && session.Long($"SELECT 1 WHERE to_regclass('{MoveMark}') IS NOT NULL") is not null)
                {
                    throw new StartRefusedException($"An installation is being moved into PostgreSQL {Name}, or its move was stopped in the middle. Wait for its end, or run `automation move --to postgres` again: it begins anew.");
                }

                CheckRights(session);
            }
            finally
            {
                if (session.RollBack())
                {
                    session.Run("SELECT pg_advisory_unlock(@lock)", MigrationLock);
                }
            }
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new StartRefusedException(
                $"PostgreSQL {Name}: the user may not make or change the tables ({error.MessageText}). Grant it CREATE on the schema, or let the owner of the tables start this version once.", error);
        }
        catch (Exception error) when (IsFromDatabase(error))
        {
            throw new StartRefusedException(Explain(error) ?? $"PostgreSQL {Name} could not be brought up to date: {Reason(error)} Nothing of the script that failed was kept; the next start tries it again.", error);
        }
    }

    /// <summary>A connection; where nobody answers yet (both are being started), it is waited for a while.</summary>
    private async Task<NpgsqlConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        var since = Environment.TickCount64;
        while (true)
        {
            try
            {
                return await Readers.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (IsAway(error) && TimeSpan.FromMilliseconds(Environment.TickCount64 - since) < _patienceAtStart)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (IsFromDatabase(error))
            {
                throw new StartRefusedException($"PostgreSQL {Name} cannot be opened: {Reason(error)} Check ConnectionStrings:Automation (host, port, database, user, password) and that the server takes connections from here.", error);
            }
        }
    }

    /// <exception cref="StartRefusedException">Nothing could ever work here, whatever the tables are.</exception>
    private void CheckServer(PostgreSqlSession session)
    {
        if (Unfit((long)session.Long("SELECT current_setting('server_version_num')::bigint")!, (string)session.Scalar("SELECT current_setting('server_encoding')")!, session.Long("SELECT 1 FROM pg_collation WHERE collprovider = 'i' LIMIT 1") is not null) is { } reason)
        {
            throw new StartRefusedException($"PostgreSQL {Name} {reason}");
        }

        // A standby whose tables are all there would let the start come far.
        if (session.Scalar("SELECT current_setting('transaction_read_only')") is "on")
        {
            throw new StartRefusedException(ReadOnly);
        }

        if (session.Scalar("SELECT current_schema()") is null)
        {
            throw new StartRefusedException(
                $"PostgreSQL {Name}: the user {session.Scalar("SELECT current_user")} has none of the schemas of its search path ({session.Scalar("SELECT current_setting('search_path')")}). Make the schema that ConnectionStrings:Automation names as SearchPath (CREATE SCHEMA … AUTHORIZATION that user), or grant the user USAGE on it.");
        }
    }

    /// <summary>Why a server cannot be used; null: it can.</summary>
    internal static string? Unfit(long version, string encoding, bool hasIcu) =>
        version < OldestVersion * 10_000 ? $"is of version {version / 10_000}; version {OldestVersion} or later is needed."
        : encoding != "UTF8" ? $"keeps texts in the encoding {encoding}, which has no room for many names and messages. Make the database with the encoding UTF8: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0."
        : !hasIcu ? "is built without ICU, by which names are compared in any case. Take a build that has it: those of the distributions and of postgresql.org do."
        : null;

    /// <exception cref="StartRefusedException">The user may not read or write a table.</exception>
    private void CheckRights(PostgreSqlSession session)
    {
        var refused = session.Scalar(
            """
            SELECT string_agg(relname, ', ' ORDER BY relname) FROM pg_class
            WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
                AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
            """);
        if (refused is string tables)
        {
            throw new StartRefusedException(
                $"PostgreSQL {Name}: the user {session.Scalar("SELECT current_user")} may not read and write the tables {tables}. Let their owner run: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {session.Scalar("SELECT current_schema()")} TO that user.");
        }
    }

    protected override Session OpenReader() => new PostgreSqlSession(Readers.OpenConnection());

    internal override Session OpenWriter() => new PostgreSqlSession(_opened.Value.Writers.OpenConnection());

    protected override bool IsFromDatabase(Exception exception) => exception is NpgsqlException or SocketException or TimeoutException;

    /// <summary>It shuts down, starts, or takes no more connections; or nothing is at the other end. What the server refused for another reason it would refuse again.</summary>
    internal override bool IsAway(Exception exception) => exception switch
    {
        PostgresException refused => refused.SqlState.StartsWith("57P", StringComparison.Ordinal) || refused.SqlState.StartsWith("08", StringComparison.Ordinal) || refused.SqlState is PostgresErrorCodes.TooManyConnections or IdleInTransaction,
        NpgsqlException or SocketException or TimeoutException or IOException => true,
        _ => false,
    };

    protected override string? Explain(Exception exception) => (exception as PostgresException)?.SqlState switch
    {
        PostgresErrorCodes.DiskFull => $"The disk of PostgreSQL {Name} is full: nothing can be written. Free some space there; work goes on by itself.",
        PostgresErrorCodes.InsufficientPrivilege => $"PostgreSQL {Name} refuses a write: {((PostgresException)exception).MessageText}. Grant the user SELECT, INSERT, UPDATE and DELETE on all tables of the schema.",
        PostgresErrorCodes.ReadOnlySqlTransaction => ReadOnly,
        PostgresErrorCodes.TooManyConnections => $"PostgreSQL {Name} takes no more connections: {((PostgresException)exception).MessageText}. A server uses up to {Writers + MostReaders} for its work, and up to 20 for its doorbell. Raise max_connections, or the role's limit, or stop what else is connected; work goes on by itself.",

        // On a full disk it may not even open a connection, and say no more than that a file of its own could not be written.
        { } state when state.StartsWith("XX", StringComparison.Ordinal) || state.StartsWith("58", StringComparison.Ordinal) || state.StartsWith("53", StringComparison.Ordinal) =>
            $"PostgreSQL {Name} cannot do its work: {((PostgresException)exception).MessageText} ({state}). Its disk may be full; its own log says more. Work goes on by itself when the cause is gone.",
        _ => null,
    };

    private string ReadOnly => $"PostgreSQL {Name} is read-only: it is a standby, or was set so. Let ConnectionStrings:Automation name the primary server.";

    /// <summary>A connection string with what we add to it.</summary>
    /// <exception cref="ArgumentException">It cannot be read.</exception>
    internal static NpgsqlConnectionStringBuilder Read(string connectionString)
    {
        NpgsqlConnectionStringBuilder settings;
        try
        {
            settings = new NpgsqlConnectionStringBuilder(connectionString);
        }
        catch (Exception error) when (error is ArgumentException or FormatException or InvalidCastException or KeyNotFoundException)
        {
            // The parser's own message may quote a value.
            throw new ArgumentException("The connection string cannot be read: it must be of the form Host=…;Port=5432;Database=…;Username=…;Password=….");
        }

        if (!settings.ShouldSerialize("GSS Encryption Mode"))
        {
            // The driver would look for Kerberos first. Images of .NET have no library of it, and its absence is printed as an error at every start.
            settings.GssEncryptionMode = GssEncryptionMode.Disable;
        }

        return string.IsNullOrWhiteSpace(settings.Host)
            ? throw new ArgumentException("The connection string names no host: it must be of the form Host=…;Port=5432;Database=…;Username=…;Password=….")
            : settings;
    }

    private static string Reason(Exception error) => error switch
    {
        PostgresException refused => refused.MessageText + ".",
        { InnerException: SocketException network } => network.Message + ".",
        _ => error.Message + ".",
    };

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (_opened.IsValueCreated)
        {
            _opened.Value.Readers.Dispose();
            _opened.Value.Writers.Dispose();
        }
    }
}
