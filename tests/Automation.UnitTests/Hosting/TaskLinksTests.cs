using Automation.Hosting.People;
using Automation.Runtime;
using FluentAssertions;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Automation.UnitTests.Hosting;

/// <summary>Links that decide approvals: ours alone, and for a time.</summary>
public sealed class TaskLinksTests
{
    private readonly FakeTimeProvider clock = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly EphemeralDataProtectionProvider keys = new();

    private TaskLinks Links(string? publicUrl = "https://flows.test/") =>
        new(keys, Options.Create(new AutomationOptions { Http = new HttpOptions { PublicUrl = publicUrl } }), new Listening("http://[::]:5000"), clock);

    private static string TokenOf(Uri link) => link.Segments[^1];

    [Fact]
    public void Link_IsReadUntilItExpires()
    {
        var link = Links().DecisionOf("t 1", clock.GetUtcNow().AddHours(1));

        link.ToString().Should().StartWith("https://flows.test/decide/").And.NotContain("t 1");
        Links().Read(TokenOf(link)).Should().Be(("t 1", false));
        clock.Advance(TimeSpan.FromHours(1));
        Links().Read(TokenOf(link)).Should().Be(("t 1", false));
        clock.Advance(TimeSpan.FromSeconds(1));
        Links().Read(TokenOf(link)).Should().Be(("t 1", true));
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense")]
    [InlineData("CfDJ8A")]
    public void Link_OfSomebodyElse_IsNone(string token) => Links().Read(token).Should().BeNull();

    [Fact]
    public void Link_OfAnotherInstallation_IsNone() =>
        Links().Read(TokenOf(new TaskLinks(new EphemeralDataProtectionProvider(), Options.Create(new AutomationOptions()), new Listening("http://x"), clock).DecisionOf("t1", clock.GetUtcNow().AddDays(1)))).Should().BeNull();

    [Fact]
    public void Link_WithoutAPublicUrl_LeadsToWhereTheServerListens() =>
        Links(null).PageOf("t/1").ToString().Should().Be("http://localhost:5000/tasks/t%2F1");

    private sealed class Listening(string address) : IServer
    {
        public IFeatureCollection Features { get; } = Of(address);

        public Task StartAsync<TContext>(IHttpApplication<TContext> application, CancellationToken cancellationToken)
            where TContext : notnull => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public void Dispose()
        {
        }

        private static FeatureCollection Of(string address)
        {
            var features = new FeatureCollection();
            var addresses = new ServerAddressesFeature();
            addresses.Addresses.Add(address);
            features.Set<IServerAddressesFeature>(addresses);
            return features;
        }
    }
}
