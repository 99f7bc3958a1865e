using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.Extensions.DependencyInjection;

namespace Automation.Hosting.Security;

/// <summary>The key ring in the database.</summary>
internal sealed class DatabaseKeyRing(IKeyStore store, TimeProvider clock) : IXmlRepository
{
    // The contract is synchronous; the stores work on the caller's thread or their writers', and wait for no other.
    public IReadOnlyCollection<XElement> GetAllElements() => [.. store.ListAsync(CancellationToken.None).GetAwaiter().GetResult().Select(xml => XElement.Parse(xml))];

    public void StoreElement(XElement element, string friendlyName) =>
        store.AddAsync(friendlyName, element.ToString(SaveOptions.DisableFormatting), clock.GetUtcNow(), CancellationToken.None).GetAwaiter().GetResult();
}

/// <summary>Encrypts the elements of the key ring with the installation's key file.</summary>
internal sealed class KeyFileEncryptor(InstallationKey key) : IXmlEncryptor
{
    internal const string Purpose = "key ring";

    public EncryptedXmlInfo Encrypt(XElement plaintextElement)
    {
        var plain = Encoding.UTF8.GetBytes(plaintextElement.ToString(SaveOptions.DisableFormatting));
        var sealedData = new byte[AesGcm.NonceByteSizes.MaxSize + AesGcm.TagByteSizes.MaxSize + plain.Length];
        var (nonce, tag, cipher) = KeyFileDecryptor.Parts(sealedData);
        RandomNumberGenerator.Fill(nonce);
        using var aes = new AesGcm(key.Derive(Purpose), AesGcm.TagByteSizes.MaxSize);
        aes.Encrypt(nonce, plain, cipher, tag);
        return new EncryptedXmlInfo(new XElement("underKeyFile", Convert.ToBase64String(sealedData)), typeof(KeyFileDecryptor));
    }
}

/// <summary>Made by the framework from the name of its type that stands in the element.</summary>
internal sealed class KeyFileDecryptor(IServiceProvider services) : IXmlDecryptor
{
    public XElement Decrypt(XElement encryptedElement)
    {
        var sealedData = Convert.FromBase64String(encryptedElement.Value);
        var (nonce, tag, cipher) = Parts(sealedData);
        var plain = new byte[cipher.Length];
        using var aes = new AesGcm(services.GetRequiredService<InstallationKey>().Derive(KeyFileEncryptor.Purpose), AesGcm.TagByteSizes.MaxSize);
        aes.Decrypt(nonce, cipher, tag, plain);
        return XElement.Parse(Encoding.UTF8.GetString(plain));
    }

    internal static (Memory Nonce, Memory Tag, Memory Cipher) Parts(byte[] data)
    {
        var nonce = AesGcm.NonceByteSizes.MaxSize;
        var tag = AesGcm.TagByteSizes.MaxSize;
        return (new(data, 0, nonce), new(data, nonce, tag), new(data, nonce + tag, data.Length - nonce - tag));
    }

    /// <summary>A stretch of an array, usable as a span.</summary>
    internal readonly record struct Memory(byte[] Data, int Start, int Length)
    {
        public static implicit operator Span<byte>(Memory part) => part.Data.AsSpan(part.Start, part.Length);
        public static implicit operator ReadOnlySpan<byte>(Memory part) => part.Data.AsSpan(part.Start, part.Length);
    }
}
