using Automation.Connectors;
using Automation.Persistence.PostgreSql;
using Automation.Persistence.Sql;
using Automation.Persistence.Sqlite;
using Automation.Runtime.Storage;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Automation.Persistence;

/// <summary>Registers the stores.</summary>
public static class PersistenceServices
{
    /// <summary>Stores in a SQLite file. It is opened when first used, after <see cref="IDatabase.MigrateAsync"/> has made or upgraded it.</summary>
    /// <param name="services">The services.</param>
    /// <param name="path">Path of the file; its folder is made.</param>
    /// <param name="fullDurability">True survives power loss, false a killed process.</param>
    public static IServiceCollection AddSqliteStores(this IServiceCollection services, string path, bool fullDurability) =>
        services.AddSingleton<SqlDatabase>(_ => new SqliteDatabase(path, fullDurability)).AddStores();

    /// <summary>Stores in a PostgreSQL database, which any number of nodes may share. A commit is as durable as that database makes it (<c>synchronous_commit</c>).</summary>
    /// <param name="services">The services.</param>
    /// <param name="connectionString">Of Npgsql; see <see cref="PostgreSqlProblem"/>.</param>
    public static IServiceCollection AddPostgreSqlStores(this IServiceCollection services, string connectionString) =>
        services.AddSingleton<SqlDatabase>(_ => new PostgreSqlDatabase(connectionString)).AddStores().AddSingleton<IFileStore, FileStore>();

    /// <summary>Why a connection string cannot work, without what is secret in it; null: it can be read.</summary>
    public static string? PostgreSqlProblem(string? connectionString) => PostgreSqlDatabase.Problem(connectionString);

    /// <summary>The connection string as the stores use it, for others that connect to the same database.</summary>
    /// <exception cref="ArgumentException">It cannot be read.</exception>
    public static NpgsqlConnectionStringBuilder PostgreSqlSettings(string connectionString) => PostgreSqlDatabase.Read(connectionString);

    private static IServiceCollection AddStores(this IServiceCollection services) => services
        .AddSingleton<IDatabase>(provider => provider.GetRequiredService<SqlDatabase>())
        .AddSingleton<IDefinitionStore, DefinitionStore>()
        .AddSingleton<IDocumentStore, DocumentStore>()
        .AddSingleton<IConnectionStore, ConnectionStore>()
        .AddSingleton<ITokenStore, TokenStore>()
        .AddSingleton<IWebhookStore, WebhookStore>()
        .AddSingleton<IAccessStore, AccessStore>()
        .AddSingleton<IPollStore, PollStore>()
        .AddSingleton<IRunStore, RunStore>()
        .AddSingleton<IHeldEventStore, HeldEventStore>()
        .AddSingleton<IEffectStore, EffectStore>()
        .AddSingleton<IIncidentStore, IncidentStore>()
        .AddSingleton<ITaskStore, TaskStore>()
        .AddSingleton<IGateStore, GateStore>()
        .AddSingleton<IDueStore, DueStore>()
        .AddSingleton<IKeyStore, KeyStore>()
        .AddSingleton<IBudgetStore, BudgetStore>()
        .AddSingleton<IChangeStore, ChangeStore>();
}
