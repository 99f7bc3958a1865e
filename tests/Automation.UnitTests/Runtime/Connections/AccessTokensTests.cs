using System.Text;
using Automation.Connectors;
using Automation.Runtime.Connections;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Connections;

public sealed class AccessTokensTests
{
    [Fact]
    public async Task Connect_ThroughTheChooser_StoresWhatWasChosenAndCalls()
    {
        await using var world = await AccountWorld.StartAsync();

        var connection = await world.ConnectAsync("loc-2");
        var answer = await world.CallAsync(inputs: new JObject { ["contactId"] = "contact-2-01" });

        answer.Status.Should().Be(200);
        (connection.LocationId, connection.CompanyId).Should().Be(("loc-2", "co-1"));
        var token = (await world.Vault.FindTokenAsync(AccountWorld.Connection, default))!;
        (token.UserType, token.ExpiresAt).Should().Be(("Location", world.Clock.GetUtcNow().AddSeconds(86399)));
        (await world.Vault.TestAsync(AccountWorld.Connection, default)).Succeeded.Should().BeTrue();
    }

    [Fact]
    public async Task Call_BeforeFourFifthsOfTheLife_DoesNotRefresh()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync(expiresIn: 100);
        world.Clock.Advance(TimeSpan.FromSeconds(79));

        await world.CallAsync();

        (await world.RefreshesAsync()).Should().Be(0);
    }

    [Fact]
    public async Task Call_AfterFourFifthsOfTheLife_RefreshesFirstAndRotates()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync(expiresIn: 100);
        world.Clock.Advance(TimeSpan.FromSeconds(81));

        await world.CallAsync();
        await world.CallAsync();

        (await world.RefreshesAsync()).Should().Be(1);
        var token = (await world.Vault.FindTokenAsync(AccountWorld.Connection, default))!;
        (token.Version, token.RefreshedAt, token.ExpiresAt).Should().Be((2L, world.Clock.GetUtcNow(), world.Clock.GetUtcNow().AddSeconds(100)));

        // The rotated refresh token was stored: the next refresh works, long after the grace.
        world.Clock.Advance(TimeSpan.FromSeconds(200));
        (await world.CallAsync()).Status.Should().Be(200);
        (await world.RefreshesAsync()).Should().Be(2);
    }

    [Fact]
    public async Task Call_TokenWithMuchLifeLeft_GoesWithTheOldOneWhileAnotherIsFetched()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync();
        world.Clock.Advance(TimeSpan.FromHours(20));

        (await world.CallAsync()).Status.Should().Be(200);

        for (var i = 0; i < 200 && (await world.Vault.FindTokenAsync(AccountWorld.Connection, default))!.Version == 1; i++)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(25), TimeProvider.System);
        }

        (await world.Vault.FindTokenAsync(AccountWorld.Connection, default))!.Version.Should().Be(2);
        (await world.RefreshesAsync()).Should().Be(1);
    }

    [Fact]
    public async Task Call_AfterARefreshThatNobodyWaitedFor_IsNotToldOfItsFailure()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync(expiresIn: 100);
        world.Clock.Advance(TimeSpan.FromSeconds(200));
        var (_, lease) = (await world.Tokens.TryLeaseAsync(AccountWorld.Connection, "", "another node", TimeSpan.FromMinutes(10), default))!.Value;
        var connection = (await world.Vault.FindAsync(AccountWorld.Connection, default))!;
        var operation = world.Get<OperationCatalog>().Find("GoHighLevel.Contacts.GetContact")!;
        using var impatience = new CancellationTokenSource();

        // It leaves while another node holds the lease; the refresh goes on, and ends in vain.
        var first = world.Get<AccessTokens>().AuthorizeAsync(connection, operation, null, impatience.Token).AsTask();
        await impatience.CancelAsync();
        await first.Awaiting(task => task).Should().ThrowAsync<OperationCanceledException>();
        for (var i = 0; i < 20; i++)
        {
            world.Clock.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }

        await world.Tokens.ReleaseAsync(AccountWorld.Connection, "", lease, default);
        (await world.CallAsync()).Status.Should().Be(200);
    }

    [Fact]
    public async Task Watch_AccessThatNobodyCanRenew_IsToldOnceAheadOfItsEnd_AndOverWithTheNextOne()
    {
        await using var world = await AccountWorld.StartAsync();
        Connection With(string access, string? refresh) => world.New() with { Credential = world.New().Credential with { AccessToken = access, RefreshToken = refresh, ExpiresAt = world.Clock.GetUtcNow().AddDays(3) } };
        await world.Vault.SaveAsync(With("alone", null), default);
        var watch = world.Get<TokenWatch>();
        async Task<IReadOnlyList<string>> OpenAsync(TimeSpan later)
        {
            world.Clock.Advance(later);
            await watch.CheckAsync(default);
            await watch.CheckAsync(default);
            return [.. (await world.IncidentsAsync()).Select(incident => incident.Code)];
        }

        (await OpenAsync(TimeSpan.FromDays(2))).Should().BeEmpty("a fifth of its life is not left yet");
        (await OpenAsync(TimeSpan.FromHours(12))).Should().Equal("access-ends");
        await world.Vault.SaveAsync(With("another", "renews it"), default);
        (await OpenAsync(TimeSpan.Zero)).Should().BeEmpty();
        (await OpenAsync(TimeSpan.FromHours(70))).Should().BeEmpty("it is renewed by itself");
    }

    [Fact]
    public async Task Call_ManyAtOnceWithAnEndedToken_RefreshOnce()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync(expiresIn: 100);
        world.Clock.Advance(TimeSpan.FromSeconds(150));

        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => world.CallAsync()));

        answers.Should().OnlyContain(answer => answer.Status == 200);
        (await world.RefreshesAsync()).Should().Be(1);
    }

    [Fact]
    public async Task Call_TwoNodesAtOnceWithAnEndedToken_RefreshOnce()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync(expiresIn: 100);
        await using var other = world.AnotherNode();
        await other.CallAsync();
        world.Clock.Advance(TimeSpan.FromSeconds(150));

        // Who waits for the other's lease waits by the clock.
        var calls = Task.WhenAll(Enumerable.Range(0, 8).Select(i => (i % 2 == 0 ? world : other).CallAsync()));
        while (!calls.IsCompleted)
        {
            world.Clock.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }

        (await calls).Should().OnlyContain(answer => answer.Status == 200);
        (await world.RefreshesAsync()).Should().Be(1);
        (await world.Vault.FindTokenAsync(AccountWorld.Connection, default))!.Version.Should().Be(2);
    }

    [Fact]
    public async Task Call_TokenRevoked_IsRenewedOnceAndSentAgain()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync();
        await RevokeAsync(world);

        var answer = await world.CallAsync();

        answer.Status.Should().Be(200);
        (await world.RefreshesAsync()).Should().Be(1);
    }

    [Fact]
    public async Task Call_NotConnectedYet_SaysSoAndIsNoIncident()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.Vault.SaveAsync(world.New() with { LocationId = "loc-1" }, default);

        var failure = await Failing(() => world.CallAsync());

        failure.Code.Should().Be("not-connected");
        failure.Action.Should().Contain("choose Connect");
        (await world.IncidentsAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task Call_ScopeMissing_IsNoReasonToRefresh()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync(scopes: "contacts.readonly");

        var failure = await Failing(() => world.CallAsync("GoHighLevel.Businesses.ListBusinessesByLocation", new JObject { ["locationId"] = "loc-1" }));

        (failure.Status, failure.Code).Should().Be((403, "missing-scope"));
        failure.Message.Should().Contain("not authorized for this scope");
        (await world.RefreshesAsync()).Should().Be(0);
    }

    [Fact]
    public async Task Refresh_AfterACrashBeforeTheAnswerWasStored_WorksWithinTheGrace()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync(expiresIn: 100);
        world.Clock.Advance(TimeSpan.FromSeconds(150));

        // A node that has asked, was answered, and ended: its lease is still there.
        await world.Tokens.TryLeaseAsync(AccountWorld.Connection, "", "dead", TimeSpan.FromMilliseconds(300), default);
        var row = (await world.Tokens.FindAsync(AccountWorld.Connection, "", default))!;
        var (access, refresh) = world.Get<TokenSeal>().Open(row);
        var connection = (await world.Vault.FindAsync(AccountWorld.Connection, default))!;
        var lost = await world.Get<TokenClient>().RefreshAsync(connection with { Credential = connection.Credential with { AccessToken = access, RefreshToken = refresh, UserType = "Location" } }, default);

        var call = world.CallAsync();
        while (!call.IsCompleted)
        {
            world.Clock.Advance(TimeSpan.FromMilliseconds(10));
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }

        (await call).Status.Should().Be(200);
        world.Get<TokenSeal>().Open((await world.Tokens.FindAsync(AccountWorld.Connection, "", default))!).Should().Be((lost.AccessToken, lost.RefreshToken));
    }

    [Fact]
    public async Task Refresh_Refused_KeepsTheTokenAndTellsAPersonWhatToDo()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync(expiresIn: 100);
        var before = (await world.Tokens.FindAsync(AccountWorld.Connection, "", default))!;
        await RevokeAsync(world, refresh: true);
        world.Clock.Advance(TimeSpan.FromSeconds(150));

        var failure = await Failing(() => world.CallAsync());
        var again = await Failing(() => world.CallAsync());

        failure.Code.Should().Be("reconnect");
        failure.Action.Should().Contain("Reconnect the account").And.Contain("The account");
        again.Code.Should().Be("reconnect");
        (await world.RefreshesAsync()).Should().Be(1, "a refused refresh token is not tried over and over");
        var after = (await world.Tokens.FindAsync(AccountWorld.Connection, "", default))!;
        after.Secret.Should().Equal(before.Secret);
        after.IsRefused.Should().BeTrue();
        var incident = (await world.IncidentsAsync()).Should().ContainSingle().Subject;
        (incident.Kind, incident.Code).Should().Be(("connection", "reconnect"));
        NoSecretIn(world, before, failure.ToString() + incident + after.Error);

        // Connected again: the incident is settled by itself.
        await world.Get<Authorizations>().CompleteAsync("gohighlevel", await world.ChooseAsync("loc-1"), default);
        (await world.CallAsync()).Status.Should().Be(200);
        (await world.IncidentsAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task Refresh_ProviderAwayWhileTheTokenIsGood_GoesOnWithIt()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync(expiresIn: 100);
        await world.Sandbox.ControlAsync("POST", "/ghl/faults", new JObject { ["match"] = "POST /oauth/token", ["status"] = 503, ["times"] = 2 });
        world.Clock.Advance(TimeSpan.FromSeconds(85));

        (await world.CallAsync()).Status.Should().Be(200);
        (await world.IncidentsAsync()).Should().BeEmpty("the old token still works");
        (await world.Vault.FindTokenAsync(AccountWorld.Connection, default))!.Error.Should().NotBeNull();

        // Now it has ended: calls fail, and a person hears of it.
        world.Clock.Advance(TimeSpan.FromSeconds(20));
        var failure = await Failing(() => world.CallAsync());
        (failure.Code, failure.IsTransient).Should().Be(("token-unavailable", true));
        (await world.IncidentsAsync()).Should().ContainSingle();

        // The provider is back.
        world.Clock.Advance(TimeSpan.FromSeconds(10));
        (await world.CallAsync()).Status.Should().Be(200);
        (await world.IncidentsAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task SaveAsync_ConnectionRenamed_NeverBringsBackAnOldToken()
    {
        await using var world = await AccountWorld.StartAsync();
        var read = await world.ConnectAsync(expiresIn: 100);
        world.Clock.Advance(TimeSpan.FromSeconds(90));
        await world.CallAsync();

        await world.Vault.SaveAsync(read with { Name = "Renamed" }, default);

        (await world.Vault.FindTokenAsync(AccountWorld.Connection, default))!.Version.Should().Be(2);
        world.Clock.Advance(TimeSpan.FromSeconds(200));
        (await world.CallAsync()).Status.Should().Be(200);
    }

    [Fact]
    public async Task SaveAsync_AnotherAddress_LeavesNoTokenForIt()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync("co-1", scopes: "contacts.readonly contacts.write locations.readonly");
        (await world.CallAsync("GoHighLevel.Contacts.ListContacts", new JObject { ["locationId"] = "loc-1" })).Status.Should().Be(200);
        var connection = (await world.Vault.FindAsync(AccountWorld.Connection, default))!;

        await world.Vault.SaveAsync(connection with { BaseUrl = new Uri("http://127.0.0.1:9/") }, default);

        (await world.Tokens.ListAsync(AccountWorld.Connection, default)).Should().OnlyContain(token => token.Secret == null, "the agency's and those of its locations were given by another server");
        (await Failing(() => world.CallAsync("GoHighLevel.Contacts.ListContacts", new JObject { ["locationId"] = "loc-1" }))).Code.Should().Be("not-connected");

        await world.Vault.SaveAsync(connection, default);
        await world.ConnectAsync("co-1");
        await world.Vault.SaveAsync(connection with { BaseUrl = new Uri(world.Url, "/elsewhere/on/it") }, default);
        (await world.Vault.FindTokenAsync(AccountWorld.Connection, default))!.Secret.Should().NotBeNull("the server is the same");
    }

    [Fact]
    public async Task ReencryptAsync_TokensStayReadable()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync();
        var before = (await world.Tokens.FindAsync(AccountWorld.Connection, "", default))!;

        await world.Vault.ReencryptAsync(default);

        (await world.Tokens.FindAsync(AccountWorld.Connection, "", default))!.Secret.Should().NotEqual(before.Secret);
        (await world.CallAsync()).Status.Should().Be(200);
    }

    [Fact]
    public async Task Tokens_AreNowhereInTheFile()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync();
        await world.CallAsync();
        var (access, refresh) = world.Get<TokenSeal>().Open((await world.Tokens.FindAsync(AccountWorld.Connection, "", default))!);

        foreach (var file in Directory.GetFiles(world.Folder, "automation.db*"))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            var text = await reader.ReadToEndAsync();
            text.Should().NotContain(access!).And.NotContain(refresh!).And.NotContain("a-client-secret");
        }
    }

    [Fact]
    public async Task Call_AgencyConnection_HasATokenPerLocationAndItsOwnForTheAgency()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync("co-1", expiresIn: 1000, scopes: "contacts.readonly contacts.write locations.readonly snapshots.readonly");

        foreach (var location in (string[])["loc-1", "loc-2", "loc-1"])
        {
            (await world.CallAsync("GoHighLevel.Contacts.ListContacts", new JObject { ["locationId"] = location })).Status.Should().Be(200);
        }

        (await world.CallAsync("GoHighLevel.Snapshots.ListSnapshots", [])).Status.Should().Be(200);
        (await world.Vault.TestAsync(AccountWorld.Connection, default)).Succeeded.Should().BeTrue();
        (await LocationTokensAsync(world)).Should().Be(2, "each is fetched once and kept");

        world.Clock.Advance(TimeSpan.FromSeconds(1100));
        (await world.CallAsync("GoHighLevel.Contacts.ListContacts", new JObject { ["locationId"] = "loc-2" })).Status.Should().Be(200);
        ((await LocationTokensAsync(world)), (await world.RefreshesAsync())).Should().Be((3, 1));
    }

    [Fact]
    public async Task Call_AgencyTokenRevoked_IsRenewedForALocationsToken()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync("co-1");
        await RevokeAsync(world);

        (await world.CallAsync("GoHighLevel.Contacts.ListContacts", new JObject { ["locationId"] = "loc-1" })).Status.Should().Be(200);

        (await world.RefreshesAsync()).Should().Be(1);
    }

    [Fact]
    public async Task Call_AgencyConnectionWithoutALocation_SaysWhatToDo()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync("co-1");

        var failure = await Failing(() => world.CallAsync());

        failure.Message.Should().Contain("Nothing was sent");
        failure.Action.Should().Contain("location");
    }

    [Fact]
    public async Task Call_LocationTheAppIsNotIn_SaysSo()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync("co-1&locations=loc-1");

        var failure = await Failing(() => world.CallAsync("GoHighLevel.Contacts.ListContacts", new JObject { ["locationId"] = "loc-3" }));

        failure.Code.Should().Be("not-installed");
        failure.Message.Should().Contain("loc-3");
        (await world.IncidentsAsync()).Should().ContainSingle().Which.LocationId.Should().Be("loc-3");
        (await world.CallAsync("GoHighLevel.Contacts.ListContacts", new JObject { ["locationId"] = "loc-1" })).Status.Should().Be(200, "the others go on");
    }

    [Fact]
    public async Task Call_AgencyOperationOnALocationsConnection_IsRefusedBeforeItIsSent()
    {
        await using var world = await AccountWorld.StartAsync();
        await world.ConnectAsync("loc-1");

        var failure = await Failing(() => world.CallAsync("GoHighLevel.Snapshots.ListSnapshots", []));

        failure.Code.Should().Be("wrong-token");
        failure.Action.Should().Contain("agency");
    }

    private static async Task<ConnectorException> Failing(Func<Task> call) => (await call.Should().ThrowAsync<ConnectorException>()).Which;

    private static async Task<int> LocationTokensAsync(AccountWorld world) =>
        (await world.Sandbox.ControlAsync("GET", "/requests?api=ghl")).Json["items"]!.Count(r => (string?)r["path"] == "/oauth/locationToken");

    /// <summary>Takes all tokens back on the provider's side.</summary>
    private static async Task RevokeAsync(AccountWorld world, bool refresh = false)
    {
        foreach (var kind in refresh ? ["oauth-tokens", "oauth-refresh-tokens"] : (string[])["oauth-tokens"])
        {
            foreach (var token in (await world.Sandbox.ControlAsync("GET", "/ghl/" + kind)).Json["items"]!)
            {
                await world.Sandbox.ControlAsync("DELETE", $"/ghl/{kind}/{token["id"]}");
            }
        }
    }

    private static void NoSecretIn(AccountWorld world, Automation.Runtime.Storage.TokenRecord row, string text)
    {
        var (access, refresh) = world.Get<TokenSeal>().Open(row);
        text.Should().NotContain(access!).And.NotContain(refresh!).And.NotContain("a-client-secret");
    }
}
