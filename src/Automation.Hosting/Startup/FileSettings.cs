using System.Collections;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Configuration;

namespace Automation.Hosting.Startup;

/// <summary>
/// Secrets by file, as containers get them: a variable <c>Automation__…_FILE</c> or <c>ConnectionStrings__…_FILE</c> names a file whose text is the setting.
/// </summary>
public static class FileSettings
{
    private const string Ending = "_FILE";

    /// <summary>Adds the settings that files hold; they win over those of variables.</summary>
    /// <exception cref="StartRefusedException">A file cannot be read.</exception>
    public static IConfigurationBuilder AddSettingsFromFiles(this IConfigurationBuilder configuration, IDictionary variables)
    {
        var settings = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (DictionaryEntry variable in variables)
        {
            if (variable is not { Key: string name, Value: string { Length: > 0 } path } || !name.EndsWith(Ending, StringComparison.Ordinal)
                || !(name.StartsWith("Automation__", StringComparison.OrdinalIgnoreCase) || name.StartsWith("ConnectionStrings__", StringComparison.OrdinalIgnoreCase)))
            {
                continue;
            }

            try
            {
                settings[name[..^Ending.Length].Replace("__", ":", StringComparison.Ordinal)] = File.ReadAllText(path).Trim();
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new StartRefusedException($"{name} names the file {path}, which cannot be read: {error.Message}", error);
            }
        }

        return configuration.AddInMemoryCollection(settings);
    }
}
