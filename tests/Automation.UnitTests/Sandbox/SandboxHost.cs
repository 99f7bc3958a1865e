using System.Net;
using System.Net.Http.Headers;
using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Automation.Sandbox;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Sandbox;

/// <summary>The stand-ins on a loopback port, as drivers reach them.</summary>
internal sealed class SandboxHost : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly bool ownsFolder;

    private SandboxHost(WebApplication app, string folder, bool ownsFolder)
    {
        this.app = app;
        this.ownsFolder = ownsFolder;
        Folder = folder;
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
    }

    public HttpClient Client { get; }
    public string Folder { get; }

    public static async Task<SandboxHost> StartAsync(Func<SandboxSettings, SandboxSettings>? change = null, string? folder = null, TimeProvider? clock = null)
    {
        var owns = folder is null;
        folder ??= Directory.CreateTempSubdirectory("sandbox-").FullName;
        var settings = new SandboxSettings { DataDirectory = folder, GhlLimit = null, FlocksyLimit = null };
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        if (clock is not null)
        {
            builder.Services.AddSingleton(clock);
        }

        builder.Services.AddSandbox(change?.Invoke(settings) ?? settings);
        var app = builder.Build();
        app.MapSandbox();
        await app.StartAsync();
        return new SandboxHost(app, folder, owns);
    }

    public Task<Reply> GhlAsync(string method, string path, JToken? body = null, string? version = "2021-07-28", string? token = "sandbox-ghl-token") =>
        SendAsync(method, "/sandbox/ghl" + path, body, token, version, null);

    /// <summary>Sends what the client itself would send where the API takes a form.</summary>
    public async Task<Reply> GhlFormAsync(Operation operation, string path, JObject fields, string token = "sandbox-ghl-token")
    {
        using var request = new HttpRequestMessage(new HttpMethod(operation.Method), "/sandbox/ghl" + path)
        {
            Content = RequestContent.Of(new ConnectorRequest { Method = operation.Method, Url = path, Headers = new Dictionary<string, string> { ["Content-Type"] = operation.ContentType! }, Body = fields }),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add("Version", operation.VersionHeader);
        return await SendAsync(request);
    }

    public async Task<Reply> FormAsync(string path, IReadOnlyDictionary<string, string> fields, string? token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/sandbox/ghl" + path) { Content = new FormUrlEncodedContent(fields) };
        request.Headers.Authorization = token is null ? null : new AuthenticationHeaderValue("Bearer", token);
        request.Headers.Add("Version", "2021-07-28");
        return await SendAsync(request);
    }

    public Task<Reply> FlocksyAsync(string method, string path, JToken? body = null, string? key = null, string? token = "sandbox-flocksy-token") =>
        SendAsync(method, "/sandbox/flocksy" + path, body, token, null, key);

    public Task<Reply> ControlAsync(string method, string path, JToken? body = null) => SendAsync(method, "/sandbox/control" + path, body, null, null, null);

    public async Task<Reply> SendAsync(string method, string path, JToken? body, string? token, string? version, string? key, string? rawBody = null)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null || rawBody is not null)
        {
            request.Content = new StringContent(rawBody ?? Json.Write(body), Encoding.UTF8, "application/json");
        }

        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (version is not null)
        {
            request.Headers.Add("Version", version);
        }

        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await SendAsync(request);
    }

    private async Task<Reply> SendAsync(HttpRequestMessage request)
    {
        using var response = await Client.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var json = response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) == true ? Json.Parse(text) : null;
        return new Reply((int)response.StatusCode, json ?? JValue.CreateNull(), text, response.Headers.ToDictionary(h => h.Key, h => h.Value.First(), StringComparer.OrdinalIgnoreCase));
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await app.DisposeAsync();
        if (ownsFolder)
        {
            Directory.Delete(Folder, recursive: true);
        }
    }
}

internal sealed record Reply(int Status, JToken Json, string Text, IReadOnlyDictionary<string, string> Headers);
