using Automation.Runtime.Storage;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Tokens: one holder of a lease at a time, nothing written without it, states used once.</summary>
public abstract class TokenCompliance : StoreCompliance
{
    private static readonly TimeSpan Expired = TimeSpan.FromSeconds(-1);

    private static TokenRecord Token(byte secret = 1) => new()
    {
        ConnectionId = "c1",
        LocationId = "",
        Secret = [secret],
        UserType = "Location",
        Scopes = ["contacts.readonly", "contacts.write"],
        IssuedAt = T0,
        ExpiresAt = T0.AddDays(1),
    };

    [SkippableFact]
    public async Task ConnectAsync_NewAccount_ReplacesTheTokenAndDropsThoseOfLocations()
    {
        await Tokens.ConnectAsync(Token(), default);
        var (_, lease) = (await Tokens.TryLeaseAsync("c1", "loc-1", "a", LeaseTime, default))!.Value;
        await Tokens.ReplaceAsync(Token(2) with { LocationId = "loc-1" }, lease, default);

        await Tokens.ConnectAsync(Token(3), default);

        var all = await Tokens.ListAsync("c1", default);
        all.Should().ContainSingle().Which.Should().BeEquivalentTo(Token(3) with { Version = 2 });
    }

    [SkippableFact]
    public async Task TryLeaseAsync_WhileHeld_IsNull()
    {
        await Tokens.ConnectAsync(Token(), default);

        var first = await Tokens.TryLeaseAsync("c1", "", "a", LeaseTime, default);
        var second = await Tokens.TryLeaseAsync("c1", "", "b", LeaseTime, default);
        await Tokens.ReleaseAsync("c1", "", first!.Value.Lease, default);
        var third = await Tokens.TryLeaseAsync("c1", "", "b", LeaseTime, default);

        first!.Value.Token.Secret.Should().Equal(1);
        second.Should().BeNull();
        third.Should().NotBeNull();
    }

    [SkippableFact]
    public async Task TryLeaseAsync_ManyAtOnce_GivesItToOne()
    {
        await Tokens.ConnectAsync(Token(), default);

        var taken = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Tokens.TryLeaseAsync("c1", "", $"node-{i}", LeaseTime, default)));

        taken.Count(lease => lease is not null).Should().Be(1);
    }

    [SkippableFact]
    public async Task ReplaceAsync_LeaseTakenOver_WritesNothing()
    {
        await Tokens.ConnectAsync(Token(), default);
        var (_, stale) = (await Tokens.TryLeaseAsync("c1", "", "a", Expired, default))!.Value;
        var (_, lease) = (await Tokens.TryLeaseAsync("c1", "", "b", LeaseTime, default))!.Value;

        (await Tokens.ReplaceAsync(Token(9), stale, default)).Should().BeFalse();
        (await Tokens.FailAsync("c1", "", stale, "no", true, T0, default)).Should().BeFalse();
        (await Tokens.ReplaceAsync(Token(2), lease, default)).Should().BeTrue();

        var found = await Tokens.FindAsync("c1", "", default);
        found!.Secret.Should().Equal(2);
        found.Version.Should().Be(2);
        found.Error.Should().BeNull();
    }

    [SkippableFact]
    public async Task FailAsync_NotesTheErrorAndKeepsTheToken()
    {
        await Tokens.ConnectAsync(Token(), default);
        var (_, lease) = (await Tokens.TryLeaseAsync("c1", "", "a", LeaseTime, default))!.Value;

        await Tokens.FailAsync("c1", "", lease, "refused", true, T0, default);

        var found = (await Tokens.FindAsync("c1", "", default))!;
        (found.Error, found.IsRefused, found.Version).Should().Be(("refused", true, 1));
        found.Secret.Should().Equal(1);
        (await Tokens.TryLeaseAsync("c1", "", "b", LeaseTime, default)).Should().NotBeNull("a failure frees the lease");
    }

    [SkippableFact]
    public async Task ReencryptAsync_SecretChangedMeanwhile_LeavesIt()
    {
        await Tokens.ConnectAsync(Token(2), default);

        (await Tokens.ReencryptAsync("c1", "", [1], [7], default)).Should().BeFalse();
        (await Tokens.ReencryptAsync("c1", "", [2], [8], default)).Should().BeTrue();

        (await Tokens.FindAsync("c1", "", default))!.Secret.Should().Equal(8);
    }

    [SkippableFact]
    public async Task TakeAsync_IsForOneUse_AndOldOnesGo()
    {
        await Tokens.BeginAsync(new AuthorizationRecord("old", "c1", "s", "http://x/callback", null, T0), T0, default);
        await Tokens.BeginAsync(new AuthorizationRecord("new", "c1", "s", "http://x/callback", "admin", T0.AddHours(2)), T0.AddHours(1), default);

        (await Tokens.TakeAsync("old", default)).Should().BeNull();
        (await Tokens.TakeAsync("new", default)).Should().Be(new AuthorizationRecord("new", "c1", "s", "http://x/callback", "admin", T0.AddHours(2)));
        (await Tokens.TakeAsync("new", default)).Should().BeNull();
    }

    [SkippableFact]
    public async Task Incidents_OfTokens_EndWithWhatTheyTellOf()
    {
        static string IdOf(string location, long version) => Automation.Runtime.Connections.AccessTokens.IncidentIdOf("c1", location, version);
        async Task<Lease> FailAsync(string location)
        {
            var (token, lease) = (await Tokens.TryLeaseAsync("c1", location, "a", LeaseTime, default))!.Value;
            await Tokens.FailAsync("c1", location, lease, "refused", isRefused: true, T0, default);
            await Incidents.AddAsync([Incident(IdOf(location, token.Version)) with { Kind = "connection" }], default);
            return (await Tokens.TryLeaseAsync("c1", location, "a", LeaseTime, default))!.Value.Lease;
        }

        await Tokens.ConnectAsync(Token(), default);
        var lease = await FailAsync("");
        await Tokens.ReplaceAsync(Token(2) with { RefreshedAt = T0.AddHours(1) }, lease, default);
        var renewed = await Incidents.FindAsync(IdOf("", 1), default);
        await FailAsync("");
        await FailAsync("loc-1");
        await Tokens.ConnectAsync(Token(3), default);
        var connected = (await Incidents.ListAsync(true, null, null, 0, 10, default)).Total;
        await FailAsync("");
        await Connections.SaveAsync(new ConnectionRecord { Id = "c1", Name = "Agency", Connector = "gohighlevel", BaseUrl = "https://x", AuthKind = "oauth2", Secret = [1], CreatedAt = T0, UpdatedAt = T0 }, null, default);
        await Connections.DeleteAsync("c1", T0.AddDays(1), default);

        (renewed!.ResolvedAt, renewed.Resolution).Should().Be((T0.AddHours(1), "The access was renewed."));
        connected.Should().Be(0, "a new account has nothing to do with what was wrong with the old one, or with its locations");
        var all = (await Incidents.ListAsync(null, null, null, 0, 10, default)).Items;
        all.Should().HaveCount(4).And.OnlyContain(incident => incident.ResolvedAt != null);
        all.Should().ContainSingle(incident => incident.Resolution == "The connection was deleted.");
    }

    [SkippableFact]
    public async Task DeleteAsync_Connection_TakesItsTokensAlong()
    {
        var connection = new ConnectionRecord { Id = "c1", Name = "Agency", Connector = "gohighlevel", BaseUrl = "https://x", AuthKind = "oauth2", Secret = [1], CreatedAt = T0, UpdatedAt = T0 };
        await Connections.SaveAsync(connection, Token(), default);

        await Connections.SaveAsync(connection with { Name = "Renamed" }, null, default);
        (await Tokens.FindAsync("c1", "", default))!.Secret.Should().Equal(1);
        await Connections.DeleteAsync("c1", T0, default);

        (await Tokens.ListAsync(null, default)).Should().BeEmpty();
    }
}
