using Automation.Persistence;
using Microsoft.Extensions.DependencyInjection;

namespace Automation.UnitTests.Persistence;

/// <summary>A SQLite file of a test's own, gone with it.</summary>
internal sealed class SqliteFile
{
    private readonly string _folder = Directory.CreateTempSubdirectory("automation-store-").FullName;

    public string Path => System.IO.Path.Combine(_folder, "data", "automation.db");

    public void AddTo(IServiceCollection services) => services.AddSqliteStores(Path, fullDurability: false);

    public void Delete() => Directory.Delete(_folder, recursive: true);
}
