using Xunit;

namespace Automation.UnitTests.Sandbox;

/// <summary>One sandbox for the tests of a class; each test uses records of its own.</summary>
public sealed class SandboxFixture : IAsyncLifetime
{
    internal SandboxHost Host { get; private set; } = null!;

    public async Task InitializeAsync() => Host = await SandboxHost.StartAsync();

    public async Task DisposeAsync() => await Host.DisposeAsync();
}
