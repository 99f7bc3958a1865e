using System.Security.Cryptography;
using System.Text;
using Automation.Runtime.Storage;

namespace Automation.Hosting.Security;

/// <summary>
/// The key file of servers that share a database: it encrypts the key ring in the database and makes the key of tokens, so that sessions, tokens and credentials are good on every server. Whoever has
/// the database alone can read no credential.
/// </summary>
internal sealed class InstallationKey(HostPaths paths, IKeyStore store)
{
    private const int Size = 32;
    private const string Setting = "key-file";
    private byte[]? key;

    /// <summary>Reads the file, or makes it for a database that has none yet, and compares it with what the database was set up with. Before anything is decrypted.</summary>
    /// <exception cref="StartRefusedException">The file is missing, unreadable, or another one.</exception>
    public async Task CheckAsync(CancellationToken cancellationToken)
    {
        var isNew = !File.Exists(paths.KeyFile);
        if (isNew)
        {
            if ((await store.ListAsync(cancellationToken)).Count > 0)
            {
                throw new StartRefusedException($"There is no key file {paths.KeyFile}, and the keys in the database are encrypted with one. Copy it from another server of this installation, or from the backup, or set Automation__Security__KeyFile to where it is.");
            }

            Make();
        }

        var mine = Fingerprint(Read());
        var settled = await store.SettleAsync(Setting, mine, cancellationToken);
        if (settled != mine)
        {
            if (isNew)
            {
                // Another server was first with a file of its own in this moment: a key that fits nothing must not lie about.
                File.Delete(paths.KeyFile);
            }

            throw new StartRefusedException($"The key file {paths.KeyFile} (fingerprint {mine}) is not the one that the database was set up with (fingerprint {settled}). Every server of an installation uses the same file: copy it from a server that works, or from the backup, or set Automation__Security__KeyFile to where it is.");
        }
    }

    /// <summary>A key for one purpose.</summary>
    public byte[] Derive(string purpose, int size = Size) => HKDF.DeriveKey(HashAlgorithmName.SHA256, Read(), size, info: Encoding.UTF8.GetBytes("Automation " + purpose));

    private byte[] Read()
    {
        if (key is not null)
        {
            return key;
        }

        byte[] read;
        try
        {
            read = Convert.FromBase64String(File.ReadAllText(paths.KeyFile).Trim());
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or FormatException)
        {
            throw new StartRefusedException($"The key file {paths.KeyFile} cannot be read: {error.Message} It holds {Size} random bytes in Base64, as `openssl rand -base64 {Size}` prints them.", error);
        }

        return read.Length >= Size ? key = read : throw new StartRefusedException($"The key file {paths.KeyFile} holds {read.Length} bytes; it must hold {Size} or more, in Base64, as `openssl rand -base64 {Size}` prints them.");
    }

    /// <summary>Tells a key without giving it away.</summary>
    private static string Fingerprint(byte[] key) => Convert.ToHexStringLower(HMACSHA256.HashData(key, "Automation key file"u8))[..16];

    private void Make()
    {
        // Written aside and moved, so that a process killed here leaves no half key; whoever moves first wins.
        var draft = $"{paths.KeyFile}.{Environment.ProcessId}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(paths.KeyFile)!);
            File.WriteAllText(draft, Convert.ToBase64String(RandomNumberGenerator.GetBytes(Size)) + "\n");
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(draft, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            File.Move(draft, paths.KeyFile, overwrite: false);
        }
        catch (IOException) when (File.Exists(paths.KeyFile))
        {
            File.Delete(draft);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new StartRefusedException($"The key file {paths.KeyFile} cannot be made: {error.Message} Make it (`openssl rand -base64 {Size}`), or set Automation__Security__KeyFile to a place that can be written.", error);
        }
    }
}
