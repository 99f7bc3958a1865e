namespace Automation.Server.Commands;

/// <summary><c>serve</c>: the server until it is stopped.</summary>
internal static class ServeCommand
{
    public static async Task<int> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        var app = ServerComposition.Build(args);
        await app.RunAsync(cancellationToken);
        return CommandLine.Done;
    }
}
