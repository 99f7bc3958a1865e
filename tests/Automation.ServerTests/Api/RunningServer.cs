using System.Net.Http.Headers;
using System.Text;
using Automation.Server;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Api;

/// <summary>The whole server in this process: real Kestrel on a port of its own, real SQLite in a folder of its own, the sandbox mounted.</summary>
public class RunningServer : IAsyncLifetime
{
    public const string ApiKey = "in-process-test-key";
    public const string Password = "a long test password";

    private readonly string folder = Directory.CreateTempSubdirectory("automation-api-").FullName;
    private WebApplication? app;

    public Uri Url { get; private set; } = null!;

    /// <summary>An administrator by API key.</summary>
    public HttpClient Client { get; private set; } = null!;

    public IServiceProvider Services => app!.Services;

    protected virtual IEnumerable<string> Settings =>
    [
        $"--Automation:Security:BootstrapPassword={Password}",
        "--Automation:Sandbox:Demo=false",
        $"--Automation:Definitions:Directory={Path.Combine(folder, "definitions")}",
    ];

    public async Task InitializeAsync()
    {
        app = ServerComposition.Build(
        [
            $"--contentRoot={folder}",
            "--environment=Development",
            "--urls=http://127.0.0.1:0",
            "--Logging:LogLevel:Default=Warning",
            $"--Automation:Security:BootstrapApiKey={ApiKey}",
            .. Settings,
        ]);
        await app.StartAsync();
        Url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Client = NewClient();
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("ApiKey", ApiKey);
    }

    public async Task DisposeAsync()
    {
        Client?.Dispose();
        if (app is not null)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }

        Directory.Delete(folder, recursive: true);
    }

    /// <summary>A client that brings no credential and follows no redirect.</summary>
    public HttpClient NewClient() => new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Url, Timeout = TimeSpan.FromSeconds(60) };

    public async Task<(int Status, JToken Body)> SendAsync(HttpMethod method, string path, JToken? body = null) =>
        await SendTextAsync(method, path, body?.ToString());

    public async Task<(int Status, JToken Body)> SendTextAsync(HttpMethod method, string path, string? text)
    {
        using var request = new HttpRequestMessage(method, path);
        if (text is not null)
        {
            request.Content = new StringContent(text, Encoding.UTF8, "application/json");
        }

        using var response = await Client.SendAsync(request);
        return ((int)response.StatusCode, await ReadAsync(response));
    }

    public static async Task<JToken> ReadAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        return text.Length == 0 ? JValue.CreateNull() : Automation.Engine.Json.Parse(text, Automation.Engine.Json.DefinitionDepth);
    }

    public Task<(int Status, JToken Body)> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<(int Status, JToken Body)> PostAsync(string path, JToken body) => SendAsync(HttpMethod.Post, path, body);

    /// <summary>Saves and publishes a definition.</summary>
    public async Task PublishAsync(JObject model)
    {
        var (status, body) = await PostAsync("/elsa/api/workflow-definitions", new JObject { ["model"] = model, ["publish"] = true });
        Assert.True(status == 200, $"{status} {body}");
    }
}
