using Automation.Hosting;
using Automation.Runtime;

namespace Automation.Server.Commands;

/// <summary>One server per SQLite data folder. The lock is the open file, so it ends with the process, however that ends.</summary>
internal static class DataFolderLock
{
    /// <returns>What holds the lock; null where the database is shared on purpose.</returns>
    /// <exception cref="IOException">Another server uses the folder.</exception>
    public static FileStream? Take(IServiceProvider services)
    {
        if (services.GetRequiredService<AutomationOptions>().Storage.IsPostgreSql)
        {
            return null;
        }

        return Take(services.GetRequiredService<HostPaths>().Data);
    }

    /// <inheritdoc cref="Take(IServiceProvider)"/>
    public static FileStream Take(string data)
    {
        Directory.CreateDirectory(data);
        try
        {
            return new FileStream(Path.Combine(data, "server.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException error)
        {
            throw new IOException($"Another server uses the data folder {data}. Stop it, or set Automation__DataDirectory to another folder. ({error.Message})", error);
        }
    }
}
