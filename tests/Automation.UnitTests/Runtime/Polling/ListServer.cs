using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Runtime.Polling;

/// <summary>A list of items behind HTTP, in pages of skip and limit; misbehaves when told to.</summary>
internal sealed class ListServer : IAsyncDisposable
{
    private readonly WebApplication app;

    private ListServer(WebApplication app) => this.app = app;

    public Uri Url => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <summary>Items in the order in which the list has them: any JSON, so that broken ones can stand among them.</summary>
    public List<JToken> Items { get; set; } = [];

    public int Requests { get; private set; }

    /// <summary>Called before a page is answered, with the number of items skipped; answers itself and returns true to stop there.</summary>
    public Func<HttpContext, int, Task<bool>>? Before { get; set; }

    public static async Task<ListServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0));
        var server = new ListServer(builder.Build());
        server.app.Run(server.AnswerAsync);
        await server.app.StartAsync();
        return server;
    }

    /// <summary>Adds an item, or replaces the one of the same id.</summary>
    public void Put(string id, string name, string? updatedAt = null)
    {
        var item = new JObject { ["id"] = id, ["name"] = name, ["email"] = $"{id}@example.com", ["updatedAt"] = updatedAt };
        var index = Items.FindIndex(other => other is JObject known && (string?)known["id"] == id);
        if (index < 0)
        {
            Items.Add(item);
        }
        else
        {
            Items[index] = item;
        }
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        Requests++;
        var skip = int.TryParse(context.Request.Query["skip"], out var wantedSkip) ? wantedSkip : 0;
        var limit = int.TryParse(context.Request.Query["limit"], out var wanted) ? wanted : 100;
        if (Before is { } before && await before(context, skip))
        {
            return;
        }

        await WriteAsync(context, new JObject { ["things"] = new JArray(Items.Skip(skip).Take(limit)) });
    }

    public static async Task WriteAsync(HttpContext context, JObject body)
    {
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(body.ToString());
    }
}
