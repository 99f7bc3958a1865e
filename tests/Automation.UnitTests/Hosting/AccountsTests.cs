using System.Net;
using Automation.Hosting.Security;
using Automation.UnitTests.Persistence;
using FluentAssertions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Automation.UnitTests.Hosting;

/// <summary>Wrong passwords, many of them.</summary>
public sealed class AccountsTests : StoreCompliance
{
    private const string Password = "the right password";
    private readonly SqliteFile file = new();

    protected override void AddStores(IServiceCollection services) => file.AddTo(services);

    [Fact]
    public async Task SignIn_ManyWrongPasswordsAtOnce_AreStoppedAtTheLimit_AndTheRightOneIsTakenLater()
    {
        var clock = new FakeTimeProvider();
        var accounts = new Accounts(Access, new SetupLink(), clock);
        await accounts.CreateFirstAsync(Password, default);

        var attempts = await Task.WhenAll(Enumerable.Range(0, 40).Select(_ => Task.Run(() => Try("wrong"))));

        attempts.Count(attempt => attempt == "wrong").Should().Be(10);
        attempts.Count(attempt => attempt == "wait").Should().Be(30);
        (await Try(Password)).Should().Be("wait");
        (await accounts.SignInAsync("admin", Password, "elsewhere", default)).Should().NotBeNull();
        clock.Advance(TimeSpan.FromMinutes(5));
        (await Try(Password)).Should().Be("in");

        async Task<string> Try(string password)
        {
            try
            {
                return await accounts.SignInAsync("admin", password, "here", default) is null ? "wrong" : "in";
            }
            catch (TooManyAttemptsException refused)
            {
                refused.Wait.Should().BePositive().And.BeLessThanOrEqualTo(TimeSpan.FromMinutes(5));
                return "wait";
            }
        }
    }

    [Theory]
    [InlineData("203.0.113.7", "::ffff:203.0.113.7", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true)]
    [InlineData("2001:db8:1:2::1", "2001:db8:1:3::1", false)]
    [InlineData("203.0.113.7", "203.0.113.8", false)]
    public void Address_IsThatOfTheNetworkThatItsHolderHas(string one, string other, bool same) => (Of(one) == Of(other)).Should().Be(same);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        file.Delete();
    }

    private static string Of(string address)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(address);
        return AccountEndpoints.AddressOf(context);
    }
}
