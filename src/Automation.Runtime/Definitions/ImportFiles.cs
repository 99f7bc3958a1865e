using System.IO.Compression;
using System.Text;
using Automation.Engine;

namespace Automation.Runtime.Definitions;

/// <summary>
/// The definition files of an import: JSON files and zip archives (archives in archives too) read into memory within limits. Nothing is written to disk; names that
/// reach out of their archive are refused all the same, because whoever packed them meant harm.
/// </summary>
public sealed class ImportFiles
{
    /// <summary>Bytes of all files together, unpacked.</summary>
    public const long MaximumBytes = 100L * 1024 * 1024;

    /// <summary>Definition files of one import.</summary>
    public const int MaximumFiles = 2000;

    /// <summary>Entries of one archive, other files and folders included.</summary>
    private const int MaximumEntries = 10_000;

    /// <summary>Archives within archives.</summary>
    private const int MaximumNesting = 3;

    /// <summary>Unpacked bytes per packed byte, looked at from <see cref="RatioFrom"/> on. Definitions pack to a twentieth or so.</summary>
    private const int MaximumRatio = 200;

    private const int RatioFrom = 1024 * 1024;

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<(string FileName, string Text)> files = [];
    private long total;

    /// <summary>Name and text of each; a file of an archive has the archive's name before its own (<c>flows.zip/a.json</c>).</summary>
    public IReadOnlyList<(string FileName, string Text)> All => files;

    /// <summary>Takes a <c>.json</c> file, or those of a <c>.zip</c>. Others are left aside.</summary>
    /// <returns>False: it was left aside.</returns>
    /// <exception cref="DefinitionRejectedException">It is too large, cannot be unpacked, or is not text; the message names it.</exception>
    public async Task<bool> AddAsync(string fileName, Stream content, CancellationToken cancellationToken)
    {
        if (fileName.EndsWith(".zip", StringComparison.OrdinalIgnoreCase))
        {
            await UnpackAsync(fileName, await ReadAsync(fileName, content, null, cancellationToken), 1, cancellationToken);
            return true;
        }

        if (!fileName.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        Take(fileName, await ReadAsync(fileName, content, null, cancellationToken));
        return true;
    }

    /// <summary>Takes a file of the disk, or all of a folder and those below it. Templates of a folder are left aside: they are for the gallery.</summary>
    /// <exception cref="DefinitionRejectedException">As <see cref="AddAsync"/>.</exception>
    public async Task AddPathAsync(string path, CancellationToken cancellationToken)
    {
        IEnumerable<string> names = Directory.Exists(path)
            ? Directory.EnumerateFiles(path, "*", SearchOption.AllDirectories).Where(name => !name.EndsWith(".template.json", StringComparison.OrdinalIgnoreCase)).Order(StringComparer.Ordinal)
            : [path];
        foreach (var name in names)
        {
            await using var content = File.OpenRead(name);
            await AddAsync(name, content, cancellationToken);
        }
    }

    private async Task UnpackAsync(string archiveName, MemoryStream packed, int nesting, CancellationToken cancellationToken)
    {
        if (nesting > MaximumNesting)
        {
            throw Rejected("nested-archives", archiveName, $"Archives are nested deeper than {MaximumNesting}. Unpack the inner ones first.");
        }

        try
        {
            using var archive = new ZipArchive(packed, ZipArchiveMode.Read);
            if (archive.Entries.Count > MaximumEntries)
            {
                throw Rejected("too-many-files", archiveName, $"The archive has {archive.Entries.Count:N0} entries; at most {MaximumEntries:N0} are taken. Split it.");
            }

            foreach (var entry in archive.Entries)
            {
                var name = $"{archiveName}/{entry.FullName}";
                if (ReachesOut(entry.FullName))
                {
                    throw Rejected("unsafe-path", name, "The name of this entry leads out of the archive. Pack the files again with plain relative names.");
                }

                // What macOS puts beside the files is not theirs.
                var isArchive = entry.FullName.EndsWith(".zip", StringComparison.OrdinalIgnoreCase);
                if (entry.FullName.Split('/').Any(part => part is "__MACOSX") || entry.Name.StartsWith("._", StringComparison.Ordinal)
                    || (!isArchive && !entry.FullName.EndsWith(".json", StringComparison.OrdinalIgnoreCase)))
                {
                    continue;
                }

                using var unpacked = entry.Open();
                var bytes = await ReadAsync(name, unpacked, Math.Max(1, entry.CompressedLength), cancellationToken);
                if (isArchive)
                {
                    await UnpackAsync(name, bytes, nesting + 1, cancellationToken);
                }
                else
                {
                    Take(name, bytes);
                }
            }
        }
        catch (InvalidDataException error)
        {
            throw Rejected("bad-archive", archiveName, $"The archive cannot be read: {error.Message} Pack the files again as an ordinary zip without a password.");
        }
    }

    private static bool ReachesOut(string name)
    {
        var plain = name.Replace('\\', '/');
        return plain.StartsWith('/') || plain is [_, ':', ..] || plain.Contains('\0', StringComparison.Ordinal) || plain.Split('/').Contains("..");
    }

    /// <summary>Reads all of it, counting: what an archive says about sizes is not to be trusted.</summary>
    private async Task<MemoryStream> ReadAsync(string fileName, Stream content, long? packedBytes, CancellationToken cancellationToken)
    {
        var bytes = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await content.ReadAsync(buffer, cancellationToken)) > 0)
        {
            total += read;
            if (total > MaximumBytes)
            {
                throw Rejected("too-large", fileName, $"The import is larger than {MaximumBytes / (1024 * 1024)} MB when unpacked. Import it in several parts.");
            }

            bytes.Write(buffer, 0, read);
            if (packedBytes is { } packed && bytes.Length > RatioFrom && bytes.Length > packed * MaximumRatio)
            {
                throw Rejected("archive-bomb", fileName, $"This entry unpacks to more than {MaximumRatio} times its size in the archive, which no definition does. If it is one, import the file itself.");
            }
        }

        bytes.Position = 0;
        return bytes;
    }

    private void Take(string fileName, MemoryStream content)
    {
        if (files.Count >= MaximumFiles)
        {
            throw Rejected("too-many-files", fileName, $"The import has more than {MaximumFiles:N0} definition files. Import them in several parts.");
        }

        files.Add((fileName, TextOf(fileName, content.GetBuffer().AsSpan(0, (int)content.Length))));
    }

    /// <summary>Text of a file.</summary>
    /// <exception cref="DefinitionRejectedException">It is not UTF-8.</exception>
    public static string TextOf(string fileName, ReadOnlySpan<byte> bytes)
    {
        if (bytes is [0xFF, 0xFE, ..] or [0xFE, 0xFF, ..])
        {
            throw Rejected("not-text", fileName, "The file is UTF-16 text. Save it as UTF-8.");
        }

        try
        {
            // A byte order mark is no part of the text.
            return Utf8.GetString(bytes is [0xEF, 0xBB, 0xBF, ..] ? bytes[3..] : bytes);
        }
        catch (DecoderFallbackException)
        {
            throw Rejected("not-text", fileName, "The file is not UTF-8 text. Save it as UTF-8.");
        }
    }

    private static DefinitionRejectedException Rejected(string code, string fileName, string message) =>
        new($"{fileName}: {message} Nothing was imported.", [new DefinitionProblem(ProblemSeverity.Error, code, message)], fileName);
}
