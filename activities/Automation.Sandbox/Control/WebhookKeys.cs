using System.Security.Cryptography;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace Automation.Sandbox;

/// <summary>The key pair with which the sandbox signs its webhooks: made once, kept beside its state. It protects nothing but the tests of signatures.</summary>
public sealed class WebhookKeys
{
    private static readonly byte[] Prefix = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    private readonly Ed25519PrivateKeyParameters key;

    public WebhookKeys(SandboxSettings settings)
    {
        Directory.CreateDirectory(settings.DataDirectory);
        var file = Path.Combine(settings.DataDirectory, "sandbox-webhooks.key");
        if (!File.Exists(file))
        {
            File.WriteAllText(file, Convert.ToBase64String(RandomNumberGenerator.GetBytes(32)));
        }

        key = new Ed25519PrivateKeyParameters(Convert.FromBase64String(File.ReadAllText(file)));
        PublicKey = Convert.ToBase64String([.. Prefix, .. key.GeneratePublicKey().GetEncoded()]);
    }

    /// <summary>As a connection takes it: <c>webhookPublicKey</c>.</summary>
    public string PublicKey { get; }

    /// <summary>Signature of a body, in base 64.</summary>
    public string Sign(ReadOnlySpan<byte> body)
    {
        var signer = new Ed25519Signer();
        signer.Init(forSigning: true, key);
        signer.BlockUpdate(body);
        return Convert.ToBase64String(signer.GenerateSignature());
    }
}
