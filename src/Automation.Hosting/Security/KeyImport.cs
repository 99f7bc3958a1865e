using System.Xml.Linq;
using Automation.Hosting.Jobs;
using Automation.Runtime.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace Automation.Hosting.Security;

/// <summary>Takes the key ring of an installation's folder into the database that it moves to, under the key file.</summary>
public sealed class KeyImport(IServiceProvider services, HostPaths paths, IKeyStore store, TimeProvider clock)
{
    private static readonly XNamespace Framework = "http://schemas.asp.net/2015/03/dataProtection";

    /// <returns>How many keys there were.</returns>
    /// <exception cref="StartRefusedException">The key file is missing or does not do.</exception>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        var file = services.GetRequiredService<InstallationKey>();
        await file.CheckAsync(cancellationToken);
        await services.GetRequiredService<SharedBell>().PrepareAsync(cancellationToken);
        var encryptor = new KeyFileEncryptor(file);
        var count = 0;
        foreach (var path in Directory.Exists(paths.Keys) ? Directory.GetFiles(paths.Keys, "*.xml") : [])
        {
            var element = XElement.Parse(await File.ReadAllTextAsync(path, cancellationToken));

            // What the framework marks as secret it encrypts by itself when it stores a new key; these were stored in the clear, in a folder of their own.
            foreach (var secret in element.Descendants().Where(e => (bool?)e.Attribute(Framework + "requiresEncryption") == true).ToList())
            {
                var hidden = encryptor.Encrypt(secret);
                secret.ReplaceWith(new XElement(Framework + "encryptedSecret", new XAttribute("decryptorType", hidden.DecryptorType.AssemblyQualifiedName!), hidden.EncryptedElement));
            }

            await store.AddAsync(Path.GetFileNameWithoutExtension(path), element.ToString(SaveOptions.DisableFormatting), clock.GetUtcNow(), cancellationToken);
            count++;
        }

        return count;
    }
}
