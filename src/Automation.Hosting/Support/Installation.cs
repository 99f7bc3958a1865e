using System.Reflection;
using System.Runtime.InteropServices;
using Automation.Runtime;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Support;

/// <summary>What this installation is and where its things are, for people who look after it. Nothing of it is secret.</summary>
public sealed class Installation(AutomationOptions options, HostPaths paths, Node node)
{
    public string Version { get; } = Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    public string Database => options.Storage.IsPostgreSql ? "PostgreSQL" : $"SQLite, {paths.Database}";

    public string Keys => paths.Keys;

    public string Data => paths.Data;

    public string Definitions => paths.Definitions;

    /// <summary>As a table: name and value.</summary>
    public JObject Describe() => new()
    {
        ["version"] = Version,
        ["node"] = node.Id,
        ["runtime"] = RuntimeInformation.FrameworkDescription,
        ["system"] = RuntimeInformation.OSDescription,
        ["processors"] = Environment.ProcessorCount,
        ["database"] = Database,
        ["durability"] = options.Storage.Durability,
        ["dataFolder"] = Data,
        ["keysFolder"] = Keys,
        ["definitionsFolder"] = Definitions,
        ["sandbox"] = options.Sandbox.Enabled == true,
        ["privateNetworks"] = options.Http.AllowPrivateNetworks == true,
        ["flowchartMode"] = options.Flowchart.Mode,
        ["minimumInterval"] = options.Polling.MinimumInterval.ToString("c"),
        ["concurrency"] = options.Runner.Concurrency,
        ["retention"] = options.Runner.Retention?.ToString("c"),
    };
}
