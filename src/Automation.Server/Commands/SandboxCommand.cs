using System.CommandLine;

namespace Automation.Server.Commands;

/// <summary><c>sandbox</c>: the stand-ins of both APIs alone, for connections of another process.</summary>
internal static class SandboxCommand
{
    public static Command Create()
    {
        var url = new Option<string>("--url") { Description = "Address to serve on.", DefaultValueFactory = _ => "http://localhost:5010" };
        var data = new Option<string>("--data") { Description = "Folder of its state.", DefaultValueFactory = _ => "data" };
        var command = new Command("sandbox", "Serves the stand-ins of the GoHighLevel and Flocksy APIs alone.") { url, data };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var app = ServerComposition.BuildSandbox(parsed.GetValue(url)!, parsed.GetValue(data)!);
            await app.RunAsync(cancellationToken);
            return CommandLine.Done;
        });
        return command;
    }
}
