using System.Globalization;
using System.Security.Cryptography;
using Automation.Connectors;
using Automation.Runtime;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Options;

namespace Automation.Hosting.People;

/// <summary>Links to tasks; those to decisions are sealed with the installation's key, so that nobody else can make one.</summary>
internal sealed class TaskLinks(IDataProtectionProvider protection, IOptions<AutomationOptions> options, IServer server, TimeProvider clock) : ITaskLinks
{
    /// <summary>Path of decisions, below which the token stands.</summary>
    public const string Decisions = "/decide";

    private readonly IDataProtector protector = protection.CreateProtector("Automation.Decisions.v1");

    public Uri PageOf(string taskId) => new(Base() + "/tasks/" + Uri.EscapeDataString(taskId));

    public Uri DecisionOf(string taskId, DateTimeOffset expiresAt) =>
        new($"{Base()}{Decisions}/{protector.Protect(expiresAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture) + " " + taskId)}");

    /// <summary>What a token is for; null: it is none of ours.</summary>
    public (string TaskId, bool HasExpired)? Read(string token)
    {
        try
        {
            var text = protector.Unprotect(token);
            var space = text.IndexOf(' ', StringComparison.Ordinal);
            return (text[(space + 1)..], clock.GetUtcNow().ToUnixTimeSeconds() > long.Parse(text.AsSpan(0, space), CultureInfo.InvariantCulture));
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>Where people reach this installation; where no setting says it, the first address that the server listens on.</summary>
    private string Base()
    {
        var address = options.Value.Http.PublicUrl is { Length: > 0 } set ? set : server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault() ?? "http://localhost:5000";
        return address.TrimEnd('/').Replace("://[::]", "://localhost", StringComparison.Ordinal).Replace("://0.0.0.0", "://localhost", StringComparison.Ordinal).Replace("://*", "://localhost", StringComparison.Ordinal).Replace("://+", "://localhost", StringComparison.Ordinal);
    }
}
