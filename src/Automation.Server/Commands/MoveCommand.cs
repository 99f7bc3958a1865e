using System.CommandLine;
using System.Globalization;
using Automation.Connectors;
using Automation.Hosting;
using Automation.Hosting.Security;
using Automation.Persistence;
using Automation.Persistence.Moving;
using Automation.Runtime.Storage;
using Microsoft.Extensions.Options;

namespace Automation.Server.Commands;

/// <summary><c>move --to postgres</c>: a stopped SQLite installation into an empty PostgreSQL database, keys and files included.</summary>
internal static class MoveCommand
{
    public static Command Create()
    {
        var to = new Option<string>("--to") { Description = "Where to: postgres.", Required = true };
        to.AcceptOnlyFromAmong("postgres");
        var connection = new Option<string?>("--connection") { Description = "Connection string of the empty database; without it the one of the settings (ConnectionStrings:Automation)." };
        var command = new Command("move", "Copies a stopped SQLite installation to PostgreSQL, and checks what arrived.") { to, connection };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                return await MoveAsync(parsed.GetValue(connection), cancellationToken);
            }
            catch (Exception error) when (error is StartRefusedException or IOException)
            {
                return CommandLine.Fail(error.Message);
            }
        });
        return command;
    }

    private static async Task<int> MoveAsync(string? connection, CancellationToken cancellationToken)
    {
        // The services are those of the installation as it will be.
        string[] settings = connection is null ? ["--Automation:Storage:Provider=PostgreSql"] : ["--Automation:Storage:Provider=PostgreSql", $"--ConnectionStrings:Automation={connection}"];
        var builder = ServerComposition.CreateBuilder(settings);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        await using var app = builder.Build();
        connection ??= app.Configuration.GetConnectionString("Automation");
        if (PersistenceServices.PostgreSqlProblem(connection) is { } problem)
        {
            return CommandLine.Fail($"There is no database to move to: {problem} Give it with --connection, or set ConnectionStrings__Automation.");
        }

        var paths = app.Services.GetRequiredService<HostPaths>();
        if (!File.Exists(paths.Database))
        {
            return CommandLine.Fail($"There is no SQLite installation in {paths.Data}: {Path.GetFileName(paths.Database)} is missing. Set Automation__DataDirectory to its folder.");
        }

        // Stopped: whoever served this folder has let go of it, and nobody can begin while it is copied.
        await using var folder = DataFolderLock.Take(paths.Data);
        await using var move = new InstallationMove(paths.Database, connection!);
        if (await move.PrepareAsync(cancellationToken))
        {
            Console.WriteLine("A move was stopped in the middle before: what it left is dropped, and all is copied anew.");
        }

        var tables = await move.CopyAsync(new Bar(), cancellationToken);
        var keys = await app.Services.GetRequiredService<KeyImport>().RunAsync(cancellationToken);
        var files = await MoveFilesAsync(app.Services, cancellationToken);
        await move.FinishAsync(cancellationToken);
        Console.WriteLine($"Moved: {tables.Values.Sum():N0} rows of {tables.Count} tables, {keys} keys, {files} files; counts and hashes agree. The SQLite file is as it was.");
        Console.WriteLine($"Start the server with Automation__Storage__Provider=PostgreSql and ConnectionStrings__Automation set. The key file is {paths.KeyFile}: every server needs it, and a backup, apart from the database.");
        return CommandLine.Done;
    }

    private static async Task<int> MoveFilesAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        var from = new FolderFiles(services.GetRequiredService<IOptions<FilesOptions>>());
        var to = services.GetRequiredService<IFileStore>();
        var files = await from.ListAsync(cancellationToken);
        foreach (var file in files)
        {
            var data = await from.ReadAsync(file.Name, cancellationToken);
            await to.WriteAsync(file.Name, data!, cancellationToken);
            if (await to.ReadAsync(file.Name, cancellationToken) is not { } arrived || !arrived.AsSpan().SequenceEqual(data))
            {
                throw new StartRefusedException($"The file {file.Name} did not arrive as it was sent. Run the move again.");
            }
        }

        return files.Count;
    }

    /// <summary>A bar per table; where nobody looks (a pipe), a line per table that is done.</summary>
    private sealed class Bar : IProgress<MoveProgress>
    {
        private const int Width = 30;

        public void Report(MoveProgress value)
        {
            var isDone = value.IsChecked && value.Rows == value.Of;
            if (Console.IsOutputRedirected)
            {
                if (isDone)
                {
                    Console.WriteLine($"{value.Table}: {value.Rows.ToString("N0", CultureInfo.InvariantCulture)} rows copied and checked");
                }

                return;
            }

            // Copying is the first half of a table's bar, checking the second.
            var share = value.Of == 0 ? 1 : ((value.IsChecked ? 0.5 : 0) + (value.Rows / (2.0 * value.Of)));
            var filled = (int)(share * Width);
            Console.Write($"\r[{new string('#', filled)}{new string('-', Width - filled)}] {value.Table,-20} {value.Rows,12:N0} of {value.Of:N0} {(value.IsChecked ? "checked" : "copied "),-8}");
            if (isDone)
            {
                Console.WriteLine();
            }
        }
    }
}
