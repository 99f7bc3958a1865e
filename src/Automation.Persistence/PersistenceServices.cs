using Automation.Persistence.Sqlite;
using Automation.Runtime.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Automation.Persistence;

/// <summary>Registers the stores.</summary>
public static class PersistenceServices
{
    /// <summary>Stores in a SQLite file. It is opened when first used, after <see cref="IDatabase.MigrateAsync"/> has made or upgraded it.</summary>
    /// <param name="services">The services.</param>
    /// <param name="path">Path of the file; its folder is made.</param>
    /// <param name="fullDurability">True survives power loss, false a killed process.</param>
    public static IServiceCollection AddSqliteStores(this IServiceCollection services, string path, bool fullDurability) => services
        .AddSingleton(_ => new SqliteDatabase(path, fullDurability))
        .AddSingleton<IDatabase>(provider => provider.GetRequiredService<SqliteDatabase>())
        .AddSingleton<IDefinitionStore, SqliteDefinitionStore>()
        .AddSingleton<IDocumentStore, SqliteDocumentStore>()
        .AddSingleton<IConnectionStore, SqliteConnectionStore>()
        .AddSingleton<IAccessStore, SqliteAccessStore>()
        .AddSingleton<IPollStore, SqlitePollStore>()
        .AddSingleton<IRunStore, SqliteRunStore>()
        .AddSingleton<IEffectStore, SqliteEffectStore>()
        .AddSingleton<IIncidentStore, SqliteIncidentStore>()
        .AddSingleton<IDueStore, SqliteDueStore>();
}
