using Microsoft.Extensions.Options;

namespace Automation.Connectors;

/// <summary>Where activities write files.</summary>
public sealed class FilesOptions
{
    /// <summary>The folder; the host sets it to <c>files</c> in its data folder. Where several servers share a database the files are in it instead.</summary>
    public string Directory { get; set; } = Path.Combine("data", "files");
}

/// <summary>A file that a run wrote.</summary>
public sealed record StoredFile(string Name, long Size, DateTimeOffset UpdatedAt);

/// <summary>Files that runs write. A name is plain: no folders.</summary>
public interface IFileStore
{
    /// <summary>Writes a file, in place of one of its name. A crash leaves it as it was, or whole.</summary>
    Task WriteAsync(string name, byte[] data, CancellationToken cancellationToken);

    Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken);

    Task<IReadOnlyList<StoredFile>> ListAsync(CancellationToken cancellationToken);
}

/// <summary>Files in a folder.</summary>
public sealed class FolderFiles(IOptions<FilesOptions> options) : IFileStore
{
    private const string Unfinished = ".part";

    /// <summary>Whether a text can be the name of a file.</summary>
    public static bool IsPlain(string name) =>
        name.Length is > 0 and <= 150 && name[0] != '.' && !name.EndsWith(Unfinished, StringComparison.OrdinalIgnoreCase) && name.All(c => char.IsLetterOrDigit(c) || c is ' ' or '.' or '-' or '_');

    /// <inheritdoc />
    public async Task WriteAsync(string name, byte[] data, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(options.Value.Directory);
        var path = PathOf(name);

        // Written aside and renamed. Written again after a crash, it is the same file.
        await File.WriteAllBytesAsync(path + Unfinished, data, cancellationToken);
        File.Move(path + Unfinished, path, overwrite: true);
    }

    /// <inheritdoc />
    public async Task<byte[]?> ReadAsync(string name, CancellationToken cancellationToken) =>
        IsPlain(name) && File.Exists(PathOf(name)) ? await File.ReadAllBytesAsync(PathOf(name), cancellationToken) : null;

    /// <inheritdoc />
    public Task<IReadOnlyList<StoredFile>> ListAsync(CancellationToken cancellationToken)
    {
        var folder = new DirectoryInfo(options.Value.Directory);
        return Task.FromResult<IReadOnlyList<StoredFile>>(!folder.Exists ? [] : [.. folder.EnumerateFiles()
            .Where(file => IsPlain(file.Name))
            .OrderBy(file => file.Name, StringComparer.Ordinal)
            .Select(file => new StoredFile(file.Name, file.Length, new DateTimeOffset(file.LastWriteTimeUtc)))]);
    }

    private string PathOf(string name) => Path.Combine(options.Value.Directory, name);
}
