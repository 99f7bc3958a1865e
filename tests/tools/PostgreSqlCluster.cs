using System.Diagnostics;
using Npgsql;
using Xunit;

namespace Automation.Tests;

/// <summary>
/// The PostgreSQL that tests run on: the one of <c>AUTOMATION_TEST_POSTGRES</c> (a connection string), else a private cluster of this run. Without either the tests are skipped and say why.
/// Every test has a schema of its own.
/// </summary>
public sealed class PostgreSqlCluster : IAsyncLifetime
{
    private static int _clusters;

    private string _folder = Path.Combine(Path.GetTempPath(), $"automation-postgres-{Environment.ProcessId}-{Interlocked.Increment(ref _clusters)}");
    private string? _connectionString = Environment.GetEnvironmentVariable("AUTOMATION_TEST_POSTGRES");
    private readonly bool _isDurable;
    private string? _whyNot;
    private string? _walFolder;
    private bool _isPrivate;
    private int _schemas;

    public PostgreSqlCluster()
    {
    }

    /// <summary>A cluster of a test's own, which flushes as a real one does: it may be restarted as by a crash.</summary>
    public static async Task<PostgreSqlCluster> StartDurableAsync()
    {
        var cluster = new PostgreSqlCluster(isDurable: true);
        await cluster.InitializeAsync();
        return cluster;
    }

    /// <summary>The same in a folder that is there, its log (WAL) in one that is not there yet.</summary>
    public static async Task<PostgreSqlCluster> StartInAsync(string folder, string walFolder)
    {
        var cluster = new PostgreSqlCluster(isDurable: true) { _folder = folder, _walFolder = walFolder };
        await cluster.InitializeAsync();
        return cluster;
    }

    /// <summary>Starts it again where it ended itself.</summary>
    public Task EnsureRunningAsync() => ScriptAsync("ensure", _folder);

    private PostgreSqlCluster(bool isDurable) => (_isDurable, _connectionString) = (isDurable, null);

    public async Task InitializeAsync()
    {
        if (!string.IsNullOrWhiteSpace(_connectionString))
        {
            return;
        }

        var (exitCode, output, errors) = _isDurable ? await ScriptAsync("start", _folder, "durable", _walFolder) : await ScriptAsync("start", _folder);
        _isPrivate = true;
        _connectionString = exitCode == 0 ? output.Trim() : null;
        _whyNot = exitCode == 0 ? null : $"There is no PostgreSQL to test on: set AUTOMATION_TEST_POSTGRES to a connection string, or let tests/tools/postgres.sh start one. It said: {errors.Trim()}";
    }

    public async Task DisposeAsync()
    {
        if (_isPrivate)
        {
            await ScriptAsync("stop", _folder);
        }
    }

    /// <summary>Stops it as a crash would, and starts it again.</summary>
    public async Task RestartAsync()
    {
        var (exitCode, _, errors) = await ScriptAsync("restart", _folder);
        if (exitCode != 0)
        {
            throw new InvalidOperationException("The cluster was not restarted: " + errors);
        }
    }

    /// <summary>Connection string of a new, empty schema.</summary>
    public async Task<string> NewSchemaAsync()
    {
        Skip.If(_whyNot is not null, _whyNot);
        var name = $"test_{Environment.ProcessId}_{Interlocked.Increment(ref _schemas)}";
        await ExecuteAsync($"CREATE SCHEMA {name}");
        return new NpgsqlConnectionStringBuilder(_connectionString) { SearchPath = name }.ConnectionString;
    }

    public Task DropSchemaAsync(string connectionString) => ExecuteAsync($"DROP SCHEMA IF EXISTS {new NpgsqlConnectionStringBuilder(connectionString).SearchPath} CASCADE");

    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_connectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<(int ExitCode, string Output, string Errors)> ScriptAsync(string action, string folder, params string?[] more)
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "tests", "tools", "postgres.sh")))
        {
            root = root.Parent;
        }

        if (root is null || OperatingSystem.IsWindows())
        {
            return (1, "", "tests/tools/postgres.sh is not here, or this system cannot run it.");
        }

        var start = new ProcessStartInfo("bash") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(root.FullName, "tests", "tools", "postgres.sh"));
        start.ArgumentList.Add(action);
        start.ArgumentList.Add(folder);
        foreach (var argument in more.OfType<string>())
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await errors);
    }
}
