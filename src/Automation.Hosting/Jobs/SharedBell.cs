using Automation.Persistence;
using Automation.Runtime.Storage;
using Hangfire.PostgreSql;
using Npgsql;

namespace Automation.Hosting.Jobs;

/// <summary>
/// Hangfire's storage in the PostgreSQL that servers share, in a schema of its own. What is set here is set for a quiet database: a ring is told by a notification, so that nobody has to ask for it, and what a
/// notification misses is asked for now and then.
/// </summary>
internal sealed class SharedBell
{
    /// <summary>A worker takes one batch of ids at a time, and works on many of them at once; each worker asks the database for itself.</summary>
    public const int Workers = 3;

    private static readonly TimeSpan Ask = TimeSpan.FromSeconds(15);

    private const string Refused =
        """
        SELECT bool_or(relkind = 'r' AND NOT (has_table_privilege(oid, 'SELECT') AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE') AND has_table_privilege(oid, 'DELETE'))
            OR relkind = 'S' AND NOT has_sequence_privilege(oid, 'USAGE'))
        FROM pg_class WHERE relnamespace = to_regnamespace(@schema)
        """;

    private readonly string connectionString;
    private readonly string schema;

    public SharedBell(string connectionString)
    {
        // One that cannot be read is told by the validation of the settings, which comes after the endpoints are mapped.
        var settings = PersistenceServices.PostgreSqlSettings(PersistenceServices.PostgreSqlProblem(connectionString) is null ? connectionString : "Host=none");

        // Installations that share a database have schemas of their own, and so have their bells.
        var own = settings.SearchPath?.Split(',')[0].Trim().Trim('"');
        schema = own is { Length: > 0 } and not "public" ? own + "_hangfire" : "hangfire";
        settings.ApplicationName = "Automation doorbell";
        settings.MaxPoolSize = 20;
        this.connectionString = settings.ConnectionString;
    }

    /// <summary>Makes or upgrades Hangfire's tables. One server at a time.</summary>
    /// <exception cref="StartRefusedException">The user may not.</exception>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            await ExecuteAsync("SELECT pg_advisory_lock(hashtext('Automation doorbell'))");
            try
            {
                PostgreSqlObjectsInstaller.Install(connection, schema);
            }
            finally
            {
                await ExecuteAsync("SELECT pg_advisory_unlock(hashtext('Automation doorbell'))");
            }

            // Rings that fail would only be warnings in the log, and every run would wait for the next sweep.
            if (await ExecuteAsync(Refused) is true)
            {
                throw new StartRefusedException($"The user {connection.UserName} may not use the doorbell's tables in the schema {schema}. {Grants()}");
            }
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            var isThere = await ExecuteAsync($"SELECT to_regnamespace('{schema}') IS NOT NULL") is true;
            throw new StartRefusedException(
                $"The doorbell's tables cannot be made or used in the schema {schema} ({error.MessageText}). {(isThere ? Grants() : $"Let the database's owner run: CREATE SCHEMA {schema} AUTHORIZATION {connection.UserName}.")}", error);
        }

        string Grants() =>
            $"Let the schema's owner start this version once, then run: GRANT USAGE ON SCHEMA {schema} TO {connection.UserName}; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {connection.UserName}; GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {connection.UserName}.";

        async Task<object?> ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            command.Parameters.AddWithValue("schema", schema);
            return await command.ExecuteScalarAsync(CancellationToken.None);
        }
    }

    /// <summary>The storage; connects when it is used.</summary>
    public PostgreSqlStorage Open()
    {
        var options = new PostgreSqlStorageOptions
        {
            SchemaName = schema,
            PrepareSchemaIfNecessary = false,
            EnableLongPolling = true,
            QueuePollInterval = Ask,
            UseSlidingInvisibilityTimeout = true,
            InvisibilityTimeout = TimeSpan.FromMinutes(1),
            JobExpirationCheckInterval = TimeSpan.FromMinutes(5),
            CountersAggregateInterval = TimeSpan.FromMinutes(5),
        };
        return new PostgreSqlStorage(new Hangfire.PostgreSql.Factories.NpgsqlConnectionFactory(connectionString, options), options);
    }
}
