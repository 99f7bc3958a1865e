using System.Globalization;
using System.Security.Cryptography;
using Automation.Connectors;
using Newtonsoft.Json.Linq;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace Automation.Activities.GoHighLevel;

/// <summary>
/// GoHighLevel's webhooks: <c>x-ghl-signature</c> (Ed25519 over the raw body) and the older <c>x-wh-signature</c> (RSA-SHA256), which is no longer sent. The platform has no Ed25519; BouncyCastle has.
/// </summary>
public sealed class GhlWebhooks : IWebhookFormat
{
    public const string SignatureHeader = "x-ghl-signature";
    public const string OlderSignatureHeader = "x-wh-signature";

    /// <summary>GoHighLevel's published keys: one for all apps and accounts.</summary>
    private const string PublishedKey = "MCowBQYDK2VwAyEAi2HR1srL4o18O8BRa7gVJY7G7bupbN3H9AwJrHCDiOg=";

    private const string PublishedOlderKey =
        """
        MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEAokvo/r9tVgcfZ5DysOSCFrm602qYV0MaAiNnX9O8KxMbiyRKWeL9JpCpVpt4XHIcBOK4u3cLSqJGOLaPuXw6dO0t6Q/ZVdAV5Phz+ZtzPL16iCGeK9po6D6JHBpbi989mmzMryUnQJezlYJ3DVfB
        csedpinheNnyYeFXolrJvcsjDtfAeRx5ByHQmTnSdFUzuAnC9/GepgLT9SM4nCpvuxmZMxrJt5Rw+VUaQ9B8JSvbMPpez4peKaJPZHBbU3OdeCVx5klVXXZQGNHOs8gF3kvoV5rTnXV0IknLBXlcKKAQLZcY/Q9rG6Ifi9c+5vqlvHPCUJFT5XUGG5RKgOKU
        J062fRtN+rLYZUV+BjafxQauvC8wSWeYja63VSUruvmNj8xkx2zE/Juc+yjLjTXpIocmaiFeAO6fUtNjDeFVkhf5LNb59vECyrHD2SQIrhgXpO4Q3dVNA5rw576PwTzNh/AMfHKIjE4xQA1SZuYJmNnmVZLIZBlQAF9Ntd03rfadZ+yDiOXCCs9FkHibELhC
        HULgCsnuDJHcrGNd5/Ddm5hxGQ0ASitgHeMZ0kcIOwKDOzOU53lDza6/Y09T7sYJPQe7z0cvj7aE4B+Ax1ZoZGPzpJlZtGXCsu9aTEGEnKzmsFqwcSsnw3JB31IGKAykT1hhTiaCeIY/OwwwNUY2yvcCAwEAAQ==
        """;

    private static readonly byte[] Ed25519Prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

    public string Name => "ghl";
    public string Connector => GoHighLevelConnector.Name;
    public IReadOnlyList<string> Types { get; } = [.. WebhookTypes.All.Keys];

    public IReadOnlyDictionary<string, string> Deletions { get; } = WebhookTypes.All.Where(type => type.Value.Kind == WebhookKind.Deletion).ToDictionary(type => type.Value.Entity!, type => type.Key, StringComparer.Ordinal);

    /// <inheritdoc />
    public bool IsAuthentic(ReadOnlySpan<byte> body, Func<string, string?> header, string? key)
    {
        // Whoever sends the newer signature is judged by it alone: a forger must not choose the weaker way.
        if (header(SignatureHeader) is { Length: > 0 } signature)
        {
            return Bytes(signature) is { } signed && Ed25519KeyOf(key ?? PublishedKey) is { } publicKey && Verify(publicKey, body, signed);
        }

        return header(OlderSignatureHeader) is { Length: > 0 } older && Bytes(older) is { } olderSigned && RsaKeyOf(key ?? PublishedOlderKey) is { } rsa && VerifyAndDispose(rsa, body, olderSigned);
    }

    /// <inheritdoc />
    public bool IsKey(string text)
    {
        using var rsa = RsaKeyOf(text);
        return rsa is not null || Ed25519KeyOf(text) is not null;
    }

    /// <inheritdoc />
    public WebhookMessage Read(JObject body)
    {
        var type = Text(body["type"]) ?? "";
        var (kind, entity, idPath) = WebhookTypes.All.TryGetValue(type, out var known) ? known : (WebhookKind.Unknown, null, "id");
        return new WebhookMessage
        {
            Id = Text(body["webhookId"]),
            Type = type,
            SentAt = TimeOf(body["timestamp"]),
            Kind = kind,
            Entity = entity,
            ItemId = idPath.Length == 0 ? null : Text(body.SelectToken(idPath)),
            LocationId = Text(body["locationId"]) ?? (Text(body["altType"]) == "location" ? Text(body["altId"]) : null) ?? Text(body.SelectToken("appointment.locationId")) ?? (entity == "Location" ? Text(body["id"]) : null),
            CompanyId = Text(body["companyId"]),
            AppId = Text(body["appId"]),
        };
    }

    private static bool Verify(byte[] key, ReadOnlySpan<byte> body, byte[] signature)
    {
        var verifier = new Ed25519Signer();
        verifier.Init(forSigning: false, new Ed25519PublicKeyParameters(key));
        verifier.BlockUpdate(body);
        return verifier.VerifySignature(signature);
    }

    private static bool VerifyAndDispose(RSA key, ReadOnlySpan<byte> body, byte[] signature)
    {
        using (key)
        {
            return key.VerifyData(body, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        }
    }

    /// <summary>The 32 bytes of a key given as PEM, as its DER in base 64, or bare in base 64 or hex; null: it is none.</summary>
    private static byte[]? Ed25519KeyOf(string text)
    {
        var bytes = text.Trim() is { Length: 64 } hex && hex.All(char.IsAsciiHexDigit) ? Convert.FromHexString(hex) : Bytes(Bare(text));
        return bytes is { Length: 32 } ? bytes : bytes is { Length: 44 } && bytes.AsSpan().StartsWith(Ed25519Prefix) ? bytes[12..] : null;
    }

    private static RSA? RsaKeyOf(string text)
    {
        if (Bytes(Bare(text)) is not { Length: > 100 } bytes)
        {
            return null;
        }

        var rsa = RSA.Create();
        try
        {
            rsa.ImportSubjectPublicKeyInfo(bytes, out _);
            return rsa;
        }
        catch (CryptographicException)
        {
            rsa.Dispose();
            return null;
        }
    }

    private static string Bare(string text) => string.Concat(text.Split('\n').Where(line => !line.StartsWith("-----", StringComparison.Ordinal)).Select(line => line.Trim()));

    private static byte[]? Bytes(string base64)
    {
        var bytes = new byte[base64.Length];
        return Convert.TryFromBase64String(base64, bytes, out var length) ? bytes[..length] : null;
    }

    private static DateTimeOffset? TimeOf(JToken? token) => token switch
    {
        JValue { Type: JTokenType.Integer } number when (long)number is > 30_000_000_000 and < 100_000_000_000_000 => DateTimeOffset.FromUnixTimeMilliseconds((long)number),
        JValue { Type: JTokenType.Integer } number when (long)number is > 0 and <= 30_000_000_000 => DateTimeOffset.FromUnixTimeSeconds((long)number),
        JValue { Value: string text } when DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) => at,
        _ => null,
    };

    private static string? Text(JToken? token) => token is JValue { Value: string { Length: > 0 } text } ? text : null;
}
