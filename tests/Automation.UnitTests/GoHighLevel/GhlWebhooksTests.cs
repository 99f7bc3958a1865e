using System.Security.Cryptography;
using System.Text;
using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using Automation.Sandbox;
using Automation.UnitTests.Conventions;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Xunit;

namespace Automation.UnitTests.GoHighLevel;

public sealed class GhlWebhooksTests
{
    private static readonly byte[] Body = Encoding.UTF8.GetBytes("{\"type\":\"ContactUpdate\",\"id\":\"c1\"}");
    private readonly GhlWebhooks webhooks = new();

    [Fact]
    public void IsAuthentic_Ed25519OverTheRawBody_AcceptsTheSignersAlone()
    {
        using var folder = new TemporaryFolder();
        var keys = new WebhookKeys(new SandboxSettings { DataDirectory = folder.Path });
        var signature = keys.Sign(Body);

        Judge(Body, keys.PublicKey, (GhlWebhooks.SignatureHeader, signature)).Should().BeTrue();
        Judge([.. Body, (byte)' '], keys.PublicKey, (GhlWebhooks.SignatureHeader, signature)).Should().BeFalse("one byte more is another body");
        Judge(Body, null, (GhlWebhooks.SignatureHeader, signature)).Should().BeFalse("the published key is another");
        Judge(Body, keys.PublicKey, (GhlWebhooks.SignatureHeader, "not base64!")).Should().BeFalse();
        Judge(Body, keys.PublicKey, (GhlWebhooks.SignatureHeader, "AAAA")).Should().BeFalse();
        Judge(Body, keys.PublicKey).Should().BeFalse();
    }

    [Fact]
    public void IsAuthentic_KeyInAnyOfItsForms_IsTheSameKey()
    {
        var key = new Ed25519PrivateKeyParameters(RandomNumberGenerator.GetBytes(32));
        var signer = new Ed25519Signer();
        signer.Init(true, key);
        signer.BlockUpdate(Body);
        var signature = Convert.ToBase64String(signer.GenerateSignature());
        var raw = key.GeneratePublicKey().GetEncoded();
        byte[] der = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, .. raw];

        foreach (var form in (string[])[Convert.ToBase64String(raw), Convert.ToHexString(raw), Convert.ToBase64String(der), $"-----BEGIN PUBLIC KEY-----\n{Convert.ToBase64String(der)}\n-----END PUBLIC KEY-----\n"])
        {
            webhooks.IsKey(form).Should().BeTrue(form);
            Judge(Body, form, (GhlWebhooks.SignatureHeader, signature)).Should().BeTrue(form);
        }

        webhooks.IsKey("hello").Should().BeFalse();
    }

    [Fact]
    public void IsAuthentic_OlderRsaSignature_CountsWhereTheNewerIsAbsent()
    {
        using var rsa = RSA.Create(2048);
        var key = rsa.ExportSubjectPublicKeyInfoPem();
        var signature = Convert.ToBase64String(rsa.SignData(Body, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

        Judge(Body, key, (GhlWebhooks.OlderSignatureHeader, signature)).Should().BeTrue();
        Judge([.. Body, (byte)' '], key, (GhlWebhooks.OlderSignatureHeader, signature)).Should().BeFalse();
        Judge(Body, key, (GhlWebhooks.SignatureHeader, signature), (GhlWebhooks.OlderSignatureHeader, signature)).Should().BeFalse("a newer signature that is wrong is not made good by an older one");
        Judge(Body, null, (GhlWebhooks.OlderSignatureHeader, signature)).Should().BeFalse();
    }

    [SkippableFact]
    public void Read_EveryExampleOfTheVendor_IsKnownAndHasItsRecord()
    {
        var read = 0;
        foreach (var example in Shared.Webhooks().Where(example => example["example"] is JObject { HasValues: true }))
        {
            var body = (JObject)example["example"]!.DeepClone();
            var name = (string)example["doc"]!;

            // Twenty of the examples name no type, or another's.
            body["type"] = name switch { "AppInstall" => "INSTALL", "AppUninstall" => "UNINSTALL", "PlanChange" => "PLAN_CHANGE", _ => name };
            var message = webhooks.Read(body);

            message.Kind.Should().NotBe(WebhookKind.Unknown, name);
            if (message is { Entity: not null and not "Message" })
            {
                message.ItemId.Should().NotBeNullOrEmpty(name);
            }

            read++;
        }

        read.Should().BeGreaterThan(40);
    }

    [Fact]
    public void Hints_NameKindsOfRecordsThatWebhooksTellOf()
    {
        var entities = webhooks.Types.Select(type => webhooks.Read(new JObject { ["type"] = type }).Entity).ToHashSet();
        var hinted = GoHighLevelConnector.Create().Operations.Where(operation => operation.Poll is { Hints.Count: > 0 }).ToList();

        hinted.Should().HaveCountGreaterThan(25);
        foreach (var operation in hinted)
        {
            foreach (var hint in operation.Poll!.Hints)
            {
                entities.Should().Contain(hint.Entity, operation.ActivityType);
                hint.Match.Properties().Select(property => property.Name).Should().BeSubsetOf(operation.Inputs.Select(input => input.Name), operation.ActivityType);
                hint.Read?.Properties().Select(property => property.Name).Should().BeSubsetOf(operation.Inputs.Select(input => input.Name), operation.ActivityType);
            }
        }
    }

    private bool Judge(byte[] body, string? key, params (string Name, string Value)[] headers) =>
        webhooks.IsAuthentic(body, name => headers.FirstOrDefault(header => header.Name == name).Value, key);

    private sealed class TemporaryFolder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("keys-").FullName;

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
