using System.IO.Compression;

namespace Automation.Hosting.Web;

/// <summary>Definition files of an upload: JSON as it is, archives unpacked. What is neither is left out.</summary>
public sealed class DefinitionUpload
{
    /// <summary>Files of one import at most.</summary>
    private const int FileLimit = 2000;

    private readonly List<(string FileName, string Text)> files = [];
    private long total;

    public IReadOnlyList<(string FileName, string Text)> Files => files;

    /// <exception cref="ProblemException">413: too much, or 400: a file is no text.</exception>
    /// <exception cref="InvalidDataException">An archive cannot be read.</exception>
    public async Task AddAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        if (name.EndsWith(".zip", StringComparison.OrdinalIgnoreCase))
        {
            using var packed = new MemoryStream();
            await content.CopyToAsync(packed, cancellationToken);
            using var archive = new ZipArchive(packed, ZipArchiveMode.Read);
            foreach (var entry in archive.Entries.Where(e => e.FullName.EndsWith(".json", StringComparison.OrdinalIgnoreCase) && !e.FullName.Contains("__MACOSX", StringComparison.Ordinal)))
            {
                using var unpacked = entry.Open();
                await TakeAsync(entry.FullName, unpacked, cancellationToken);
            }
        }
        else if (name.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            await TakeAsync(name, content, cancellationToken);
        }
    }

    private async Task TakeAsync(string name, Stream content, CancellationToken cancellationToken)
    {
        using var text = new MemoryStream();
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await content.ReadAsync(buffer, cancellationToken)) > 0)
        {
            // Counted while unpacking: a small archive may hold far more than it weighs.
            total += read;
            if (total > RequestBody.ImportLimit || files.Count >= FileLimit)
            {
                throw new ProblemException(Problem.TooLarge(RequestBody.ImportLimit));
            }

            text.Write(buffer, 0, read);
        }

        files.Add((name, RequestBody.TextOf(text.ToArray())));
    }
}
