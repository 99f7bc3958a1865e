using System.CommandLine;
using Automation.Runtime.Connections;

namespace Automation.Server.Commands;

/// <summary><c>connections test NAME</c>: one harmless call with a connection's credential.</summary>
internal static class ConnectionsCommand
{
    public static Command Create()
    {
        var name = new Argument<string>("name") { Description = "Name or id of a connection." };
        var test = new Command("test", "Makes one harmless call with the connection's credential.") { name };
        test.SetAction((parsed, cancellationToken) => Offline.RunAsync(
            async services =>
            {
                var result = await services.GetRequiredService<ConnectionVault>().TestAsync(parsed.GetValue(name)!, cancellationToken);
                Console.WriteLine(result.Message);
                return result.Succeeded ? CommandLine.Done : CommandLine.Fail(result.Action ?? "The connection does not work.");
            },
            needsDatabase: true,
            cancellationToken));
        return new Command("connections", "Connections of the vault.") { test };
    }
}
