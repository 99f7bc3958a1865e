using Automation.Runtime.Connections;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Connections;

public sealed class AuthorizationsTests
{
    [Fact]
    public async Task BeginAsync_SendsToTheProvidersChooserWithStateAndLeastScopes()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.Vault.SaveAsync(world.New() with { BaseUrl = new Uri("https://services.leadconnectorhq.com"), LocationId = "loc-1" }, default);

        var page = await world.Get<Authorizations>().BeginAsync("gohighlevel", "The account", "https://me.example/oauth/gohighlevel/callback", "browser", null, [], default);

        page.GetLeftPart(UriPartial.Path).Should().Be("https://marketplace.gohighlevel.com/v2/oauth/chooselocation");
        var query = Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(page.Query);
        query["response_type"].ToString().Should().Be("code");
        query["client_id"].ToString().Should().Be("app-1");
        query["redirect_uri"].ToString().Should().Be("https://me.example/oauth/gohighlevel/callback");
        query["scope"].ToString().Should().Be("locations.readonly", "nothing uses it yet but its test");
        query["state"].ToString().Should().HaveLength(64);
        page.ToString().Should().NotContain("a-client-secret");
    }

    [Fact]
    public async Task NeededScopesAsync_IsTheUnionOfWhatPublishedFlowsNeed()
    {
        await using var world = await AccountWorld.StartAsync();
        var record = await world.Vault.SaveAsync(world.New() with { LocationId = "loc-1" }, default);
        var model = JObject.Parse("""
            {"definitionId":"f","name":"f","root":{"type":"Elsa.Sequence","id":"s","activities":[
              {"type":"GoHighLevel.Contacts.AddTagsToContact","id":"a","connectionId":{"typeName":"String","expression":{"type":"Literal","value":"account"}}},
              {"type":"GoHighLevel.Businesses.ListBusinessesByLocation","id":"b","connectionId":{"typeName":"String","expression":{"type":"Literal","value":"account"}}},
              {"type":"GoHighLevel.Calendars.ListCalendars","id":"c","connectionId":{"typeName":"String","expression":{"type":"Literal","value":"other"}}}]}}
            """);
        await world.Get<Automation.Runtime.Definitions.DefinitionService>().SaveAsync(model, publish: false, default);

        (await world.Vault.NeededScopesAsync(record, default)).Should().Equal("businesses.readonly", "contacts.write", "locations.readonly");
    }

    [Fact]
    public async Task CompleteAsync_Denied_SaysSoAndChangesNothing()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.Vault.SaveAsync(world.New(), default);

        await RefusedAsync(world, await world.ChooseAsync("deny"), "denied");

        (await world.Vault.FindTokenAsync(AccountWorld.Connection, default)).Should().BeNull();
    }

    [Fact]
    public async Task CompleteAsync_StateUsedTwice_IsRefused()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.Vault.SaveAsync(world.New(), default);
        var back = await world.ChooseAsync("loc-1");
        await world.Get<Authorizations>().CompleteAsync("gohighlevel", back, default);

        await RefusedAsync(world, back, "unknown-state");
    }

    [Fact]
    public async Task CompleteAsync_WrongStateOrNone_IsRefused()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.Vault.SaveAsync(world.New(), default);
        var back = await world.ChooseAsync("loc-1");

        await RefusedAsync(world, back with { State = new string('0', 64) }, "unknown-state");
        await RefusedAsync(world, back with { State = null }, "unknown-state");
    }

    [Fact]
    public async Task CompleteAsync_OtherBrowserOrOtherUser_IsRefused()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.Vault.SaveAsync(world.New(), default);

        await RefusedAsync(world, await world.ChooseAsync("loc-1") with { Session = "another" }, "other-session");
        await RefusedAsync(world, await world.ChooseAsync("loc-1") with { Session = null }, "other-session");
        await RefusedAsync(world, await world.ChooseAsync("loc-1") with { UserName = "somebody" }, "other-session");
    }

    [Fact]
    public async Task CompleteAsync_TooLate_IsRefused()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.Vault.SaveAsync(world.New(), default);
        var back = await world.ChooseAsync("loc-1");
        world.Clock.Advance(Authorizations.Patience);

        await RefusedAsync(world, back, "expired");
    }

    [Fact]
    public async Task CompleteAsync_AnotherAccountThanTheConnections_IsRefused()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.Vault.SaveAsync(world.New() with { LocationId = "loc-1" }, default);

        await RefusedAsync(world, await world.ChooseAsync("loc-2"), "other-account");

        (await world.Vault.FindTokenAsync(AccountWorld.Connection, default)).Should().BeNull();
    }

    [Fact]
    public async Task CompleteAsync_WrongClientSecret_IsToldWithoutIt()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync();
        var connection = (await world.Vault.FindAsync(AccountWorld.Connection, default))!;
        await world.Vault.SaveAsync(connection with { Credential = connection.Credential with { ClientSecret = "a-wrong-secret" } }, default);
        var back = await world.ChooseAsync("loc-1");

        var act = () => world.Get<Authorizations>().CompleteAsync("gohighlevel", back, default);

        var failure = (await act.Should().ThrowAsync<Automation.Connectors.ConnectorException>()).Which;
        failure.Message.Should().Contain("Invalid client");
        failure.ToString().Should().NotContain("a-wrong-secret").And.NotContain(back.Code);
    }

    private static async Task RefusedAsync(AccountWorld world, AuthorizationReturn back, string code)
    {
        var act = () => world.Get<Authorizations>().CompleteAsync("gohighlevel", back, default);

        var error = (await act.Should().ThrowAsync<AuthorizationException>()).Which;
        error.Code.Should().Be(code);
        error.Action.Should().NotBeEmpty();
    }
}
