using System.Text;
using Automation.Connectors;
using Automation.Engine;
using Microsoft.AspNetCore.DataProtection;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Effects;

/// <summary>Encrypts the body of a recorded request that holds a secret (a new user's password), so that it can be sent again but not read.</summary>
public sealed class RequestSeal(IDataProtectionProvider protection)
{
    private const string Mark = "$sealed";
    private readonly IDataProtector protector = protection.CreateProtector("Automation.Effects.v1");

    /// <summary>The request as it is stored.</summary>
    public ConnectorRequest Close(Effect effect) => effect is { HoldsSecret: true, Request.Body: { } body }
        ? effect.Request with { Body = new JObject { [Mark] = Convert.ToBase64String(protector.Protect(Encoding.UTF8.GetBytes(Json.Write(body)))) } }
        : effect.Request;

    /// <summary>The request as it is sent.</summary>
    public ConnectorRequest Open(ConnectorRequest stored) => stored.Body is JObject { Count: 1 } body && body[Mark] is JValue { Value: string text }
        ? stored with { Body = Json.Parse(Encoding.UTF8.GetString(protector.Unprotect(Convert.FromBase64String(text)))) }
        : stored;
}
