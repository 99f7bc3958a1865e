using Automation.Connectors;
using Automation.Persistence;
using Automation.Runtime;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Automation.Hosting.Startup;

/// <summary>Refuses settings that cannot work, before anything is opened: names the setting, what is wrong, and what to do.</summary>
internal sealed class OptionsValidation(HostPaths paths, IConfiguration configuration, IEnumerable<IWebhookFormat> webhooks) : IValidateOptions<AutomationOptions>
{
    public ValidateOptionsResult Validate(string? name, AutomationOptions options)
    {
        var failures = new List<string>();
        void Check(bool holds, string failure)
        {
            if (!holds)
            {
                failures.Add(failure);
            }
        }

        Check(Is(options.Storage.Provider, "Sqlite", "PostgreSql"), $"Automation:Storage:Provider is '{options.Storage.Provider}'; it must be Sqlite or PostgreSql.");
        if (options.Storage.IsPostgreSql && PersistenceServices.PostgreSqlProblem(configuration.GetConnectionString("Automation")) is { } problem)
        {
            failures.Add($"Automation:Storage:Provider is PostgreSql, and ConnectionStrings:Automation does not do: {problem}");
        }

        Check(Is(options.Storage.Durability, "Normal", "Full"), $"Automation:Storage:Durability is '{options.Storage.Durability}'; it must be Normal (survives a killed process) or Full (survives power loss).");
        Check(Is(options.Flowchart.Mode, "Token", "Counter"), $"Automation:Flowchart:Mode is '{options.Flowchart.Mode}'; it must be Token or Counter.");
        foreach (var (sender, key) in options.Webhooks.PublicKeys)
        {
            Check(
                webhooks.Any(format => format.Name.Equals(sender, StringComparison.OrdinalIgnoreCase) && format.IsKey(key)),
                $"Automation:Webhooks:PublicKeys:{sender} is no public key of a sender that is known here. Give it as PEM or in base 64; senders: {string.Join(", ", webhooks.Select(format => format.Name))}.");
        }

        Check(options.Http.PublicUrl is null or "" || (Uri.TryCreate(options.Http.PublicUrl, UriKind.Absolute, out var address) && address.Scheme is "http" or "https"), $"Automation:Http:PublicUrl is '{options.Http.PublicUrl}'; it must be an address such as https://automation.example.com.");
        Check(options.Http.Concurrency is >= 1 and <= 100_000, "Automation:Http:Concurrency must be from 1 to 100000.");
        Check(options.Polling.MinimumInterval >= TimeSpan.FromSeconds(1), $"Automation:Polling:MinimumInterval is {options.Polling.MinimumInterval}; it must be a second or longer (00:01:00 is a minute).");
        Check(options.Polling.SandboxMinimumInterval >= TimeSpan.FromSeconds(1), $"Automation:Polling:SandboxMinimumInterval is {options.Polling.SandboxMinimumInterval}; it must be a second or longer.");
        Check(options.Polling.Concurrency is >= 1 and <= 256, "Automation:Polling:Concurrency must be from 1 to 256.");
        Check(options.Runner.Concurrency is >= 1 and <= 4096, "Automation:Runner:Concurrency must be from 1 to 4096.");
        Check(options.Runner.LeaseDuration > options.Runner.LeaseRenewal && options.Runner.LeaseRenewal > TimeSpan.Zero, "Automation:Runner:LeaseDuration must be longer than Automation:Runner:LeaseRenewal, and both longer than nothing.");
        if (failures.Count == 0 && Unwritable() is { } reason)
        {
            failures.Add($"Automation:DataDirectory: the folder {paths.Data} cannot be written ({reason}). Give the process rights to it, or set another folder.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }

    private static bool Is(string? value, params string[] choices) => choices.Contains(value, StringComparer.OrdinalIgnoreCase);

    private string? Unwritable()
    {
        try
        {
            paths.Create();
            var probe = Path.Combine(paths.Data, $".probe-{Environment.ProcessId}");
            File.WriteAllText(probe, "");
            File.Delete(probe);
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return error.Message;
        }
    }
}
