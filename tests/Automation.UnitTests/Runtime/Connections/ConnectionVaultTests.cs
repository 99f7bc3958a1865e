using System.Text;
using Automation.Connectors;
using Automation.Runtime.Connections;
using Automation.Runtime.Storage;
using Automation.UnitTests.Runtime.Polling;
using FluentAssertions;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Automation.UnitTests.Runtime.Connections;

public sealed class ConnectionVaultTests
{
    [Fact]
    public async Task SaveAsync_Credential_IsNowhereInTheFileAndComesBack()
    {
        await using var world = await PollingWorld.StartAsync();
        var vault = world.Get<ConnectionVault>();

        var found = await vault.FindAsync("The shop", default);

        found!.Credential.Bearer.Should().Be("secret-key");
        found.ToString().Should().NotContain("secret-key");
        foreach (var file in Directory.GetFiles(world.Folder))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            (await reader.ReadToEndAsync()).Should().NotContain("secret-key");
        }
    }

    [Fact]
    public async Task SaveAsync_ChangedCredential_IsUsedAtOnce()
    {
        await using var world = await PollingWorld.StartAsync();
        var vault = world.Get<ConnectionVault>();
        var before = (await vault.FindAsync(PollingWorld.Connection, default))!;

        await vault.SaveAsync(before with { Credential = new Credential { Kind = "apiKey", ApiKey = "rotated" } }, default);

        (await vault.FindAsync(PollingWorld.Connection, default))!.Credential.ApiKey.Should().Be("rotated");
    }

    [Theory]
    [InlineData("services.example.com", "baseUrl")]
    [InlineData("ftp://example.com", "baseUrl")]
    [InlineData("https://user:pass@example.com", "baseUrl")]
    [InlineData("https://example.com?x=1", "baseUrl")]
    public async Task SaveAsync_BaseUrlThatIsNone_IsRefused(string url, string property)
    {
        await using var world = await PollingWorld.StartAsync();
        var connection = New() with { BaseUrl = new Uri(url, UriKind.RelativeOrAbsolute) };

        var act = () => world.Get<ConnectionVault>().SaveAsync(connection, default);

        (await act.Should().ThrowAsync<InvalidConnectionException>()).Which.Property.Should().Be(property);
    }

    [Fact]
    public async Task SaveAsync_UnknownConnectorTakenNameOrMissingKey_IsRefused()
    {
        await using var world = await PollingWorld.StartAsync();
        var vault = world.Get<ConnectionVault>();

        await Refused(New() with { Connector = "nowhere" }, "connector");
        await Refused(New() with { Name = "the SHOP" }, "name");
        await Refused(New() with { Credential = new Credential { Kind = "apiKey" } }, "auth.apiKey");
        await Refused(New() with { Credential = new Credential { Kind = "magic" } }, "auth.kind");
        (await vault.ListAsync(default)).Should().ContainSingle();

        async Task Refused(Connection connection, string property) =>
            (await FluentActions.Invoking(() => vault.SaveAsync(connection, default)).Should().ThrowAsync<InvalidConnectionException>()).Which.Property.Should().Be(property);
    }

    [Fact]
    public async Task TestAsync_GoodAndBadAnswer_SaysHowItWent()
    {
        await using var world = await PollingWorld.StartAsync();
        var vault = world.Get<ConnectionVault>();

        var good = await vault.TestAsync(PollingWorld.Connection, default);
        world.Server.Before = (context, _) =>
        {
            context.Response.StatusCode = 401;
            return Task.FromResult(true);
        };
        var bad = await vault.TestAsync(PollingWorld.Connection, default);

        good.Succeeded.Should().BeTrue();
        bad.Succeeded.Should().BeFalse();
        bad.Status.Should().Be(401);
        bad.Action.Should().NotBeNullOrEmpty();
        (await vault.TestAsync("nowhere", default)).Succeeded.Should().BeFalse();
    }

    [Fact]
    public async Task DeleteAsync_UsedByAPublishedFlow_IsRefusedUnlessForced()
    {
        await using var world = await PollingWorld.StartAsync();
        var vault = world.Get<ConnectionVault>();
        await world.PublishAsync("flow", name: "Watches the shop");

        var act = () => vault.DeleteAsync(PollingWorld.Connection, force: false, default);

        (await act.Should().ThrowAsync<ConnectionInUseException>()).WithMessage("*Watches the shop*").Which.Uses.Single().ActivityIds.Should().Equal("watch");
        (await vault.DeleteAsync(PollingWorld.Connection, force: true, default)).Should().BeTrue();
        (await vault.FindAsync(PollingWorld.Connection, default)).Should().BeNull();
    }

    [Fact]
    public async Task FindAsync_OtherKeys_SaysThatTheyAreOther()
    {
        await using var world = await PollingWorld.StartAsync();
        var other = new ConnectionVault(world.Get<IConnectionStore>(), world.Get<IDefinitionStore>(), world.Get<OperationCatalog>(), world.Get<OperationClient>(), world.Get<ITokenStore>(), world.Get<AccessTokens>(), world.Get<TokenSeal>(), new EphemeralDataProtectionProvider(), Microsoft.Extensions.Options.Options.Create(new SmtpOptions()), world.Clock);

        var act = async () => await other.FindAsync(PollingWorld.Connection, default);

        (await act.Should().ThrowAsync<ConnectorException>()).Which.Code.Should().Be("credential-unreadable");
    }

    private static Connection New() => new()
    {
        Id = "new",
        Name = "New",
        Connector = "shop",
        BaseUrl = new Uri("https://example.com"),
        Credential = new Credential { Kind = "apiKey", ApiKey = "k" },
    };
}
