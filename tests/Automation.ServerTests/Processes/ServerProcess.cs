using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using Newtonsoft.Json.Linq;

namespace Automation.ServerTests.Processes;

/// <summary>The real server as a process of its own, on a port and a data folder that outlive it: it can be killed and started again.</summary>
public sealed class ServerProcess : IDisposable
{
    public const string ApiKey = "test-administrator-key";

    private readonly string folder = Directory.CreateTempSubdirectory("automation-process-").FullName;
    private readonly StringBuilder log = new();
    private readonly IReadOnlyDictionary<string, string> settings;
    private Process? process;

    /// <param name="settings">Settings beside or in place of the usual ones; an empty one is left out.</param>
    public ServerProcess(IReadOnlyDictionary<string, string>? settings = null)
    {
        this.settings = settings ?? new Dictionary<string, string>();
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)probe.LocalEndpoint).Port}");
        Client = new HttpClient { BaseAddress = Url, Timeout = TimeSpan.FromSeconds(60) };
        Client.DefaultRequestHeaders.Add("Authorization", "ApiKey " + ApiKey);
    }

    /// <summary>Its data folder.</summary>
    public string DataDirectory => Path.Combine(folder, "data");

    /// <summary>The program that is started: the build beside the tests, or a published one.</summary>
    public string Program { get; init; } = Path.Combine(AppContext.BaseDirectory, "Automation.Server.dll");

    public Uri Url { get; }
    public HttpClient Client { get; }

    /// <summary>What the processes printed.</summary>
    public string Log
    {
        get
        {
            lock (log)
            {
                return log.ToString();
            }
        }
    }

    /// <summary>Starts a process and waits until it is ready.</summary>
    public async Task StartAsync()
    {
        Launch();
        await Eventually.HoldsAsync("the server is ready", TimeSpan.FromSeconds(60), async () =>
        {
            if (process!.HasExited)
            {
                throw new InvalidOperationException("The server ended:\n" + Log);
            }

            try
            {
                using var response = await Client.GetAsync(new Uri("/health/ready", UriKind.Relative));
                return response.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        });
    }

    /// <summary>Starts a process and does not wait.</summary>
    public void Launch()
    {
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.ArgumentList.Add(Program);
        start.Environment["ASPNETCORE_URLS"] = Url.ToString();
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Production";
        start.Environment["Automation__DataDirectory"] = Path.Combine(folder, "data");
        start.Environment["Automation__Definitions__Directory"] = Path.Combine(folder, "definitions");
        start.Environment["Automation__Security__BootstrapApiKey"] = ApiKey;
        start.Environment["Automation__Security__BootstrapPassword"] = "test-password-1";
        start.Environment["Automation__Sandbox__Enabled"] = "true";
        start.Environment["Automation__Sandbox__Demo"] = "false";
        start.Environment["Automation__Http__AllowPrivateNetworks"] = "true";
        start.Environment["Automation__Storage__Durability"] = "Normal";
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value.Length == 0 ? null : value;
        }

        process = Process.Start(start)!;
        process.OutputDataReceived += (_, e) => Append(e.Data);
        process.ErrorDataReceived += (_, e) => Append(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>SIGKILL: nothing in the process gets to run any more.</summary>
    public async Task KillAsync()
    {
        process!.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    /// <summary>SIGTERM: the process ends in order. Its exit code.</summary>
    public async Task<int> StopAsync()
    {
        Signal("TERM");
        return await WaitForExitAsync();
    }

    /// <summary>Waits until a process that was launched has ended by itself. Its exit code.</summary>
    public async Task<int> WaitForExitAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await process!.WaitForExitAsync(patience.Token);
        return process.ExitCode;
    }

    /// <summary>SIGSTOP: the process stands still, with all it has in its hands.</summary>
    public void Freeze() => Signal("STOP");

    /// <summary>SIGCONT: it goes on as if nothing had happened.</summary>
    public void Thaw() => Signal("CONT");

    /// <summary>The process's own id.</summary>
    public int Pid => process!.Id;

    /// <summary>Its name among servers that share a database.</summary>
    public async Task<string> NodeAsync()
    {
        await using var bundle = await Client.GetStreamAsync(new Uri("/api/support-bundle", UriKind.Relative));
        using var copy = new MemoryStream();
        await bundle.CopyToAsync(copy);
        using var zip = new System.IO.Compression.ZipArchive(copy);
        using var about = new StreamReader(zip.GetEntry("about.json")!.Open());
        return (string)JObject.Parse(await about.ReadToEndAsync())["node"]!;
    }

    private void Signal(string name)
    {
        using var kill = Process.Start(new ProcessStartInfo("kill") { ArgumentList = { "-" + name, process!.Id.ToString(System.Globalization.CultureInfo.InvariantCulture) } })!;
        kill.WaitForExit();
    }

    public async Task<JToken> GetAsync(string path)
    {
        using var response = await Client.GetAsync(new Uri(path, UriKind.Relative));
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode ? JToken.Parse(text) : throw new InvalidOperationException($"GET {path}: {(int)response.StatusCode} {text}");
    }

    public async Task<JToken> PostAsync(string path, JToken body)
    {
        using var content = new StringContent(body.ToString(), Encoding.UTF8, "application/json");
        using var response = await Client.PostAsync(new Uri(path, UriKind.Relative), content);
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode ? (text.Length == 0 ? JValue.CreateNull() : JToken.Parse(text)) : throw new InvalidOperationException($"POST {path}: {(int)response.StatusCode} {text}");
    }

    public void Dispose()
    {
        if (process is { HasExited: false })
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }

        process?.Dispose();
        Client.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    private void Append(string? line)
    {
        if (line is not null)
        {
            lock (log)
            {
                log.AppendLine(line);
            }
        }
    }
}
