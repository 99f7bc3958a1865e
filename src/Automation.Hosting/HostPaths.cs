using Automation.Runtime;

namespace Automation.Hosting;

/// <summary>Absolute places of an installation's files.</summary>
public sealed record HostPaths
{
    /// <summary>The data folder.</summary>
    public required string Data { get; init; }

    /// <summary>Key ring and token key: whoever has them can read every credential.</summary>
    public required string Keys { get; init; }

    /// <summary>The key file of servers that share a database.</summary>
    public required string KeyFile { get; init; }

    public required string Database { get; init; }

    /// <summary>Definitions and templates of the installation.</summary>
    public required string Definitions { get; init; }

    internal string TokenKeyFile => Path.Combine(Keys, "tokens.key");

    public static HostPaths Of(AutomationOptions options, string contentRoot)
    {
        var data = Path.GetFullPath(options.DataDirectory, contentRoot);
        return new HostPaths
        {
            Data = data,
            Keys = Path.Combine(data, "keys"),
            KeyFile = options.Security.KeyFile is { Length: > 0 } file ? Path.GetFullPath(file, contentRoot) : Path.Combine(data, "keys", "installation.key"),
            Database = Path.Combine(data, "automation.db"),
            Definitions = Path.GetFullPath(options.Definitions.Directory, contentRoot),
        };
    }

    /// <summary>Makes the folders that are missing, for their owner only: people's data is in the one, keys are in the other.</summary>
    internal void Create()
    {
        foreach (var folder in new[] { Data, Keys })
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(folder);
            }
            else
            {
                Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }
    }
}
