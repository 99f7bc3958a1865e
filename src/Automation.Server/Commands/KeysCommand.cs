using System.CommandLine;
using Automation.Hosting;
using Automation.Hosting.Security;
using Automation.Runtime;

namespace Automation.Server.Commands;

/// <summary><c>keys rotate</c>: a new key, and the vault encrypted with it. A server that runs meanwhile finds the new key by itself.</summary>
internal static class KeysCommand
{
    public static Command Create()
    {
        var rotate = new Command("rotate", "Makes a new key and encrypts every credential with it.");
        rotate.SetAction((_, cancellationToken) => Offline.RunAsync(
            async services =>
            {
                var count = await services.GetRequiredService<KeyRotation>().RotateAsync(cancellationToken);
                var place = services.GetRequiredService<AutomationOptions>().Storage.IsPostgreSql ? "the database" : services.GetRequiredService<HostPaths>().Keys;
                Console.WriteLine($"A new key is in {place}; {count} credentials are encrypted with it.");
                return CommandLine.Done;
            },
            needsDatabase: true,
            cancellationToken));
        return new Command("keys", "Keys of the installation.") { rotate };
    }
}
