using System.Collections.Frozen;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.StaticFiles;
using Microsoft.Net.Http.Headers;
using Newtonsoft.Json.Linq;

namespace Automation.Server.Designer;

/// <summary>
/// The files of the designer's package, as they lie on disk. Known once at the start: a request can name only what is in the list. The package brings its files compressed;
/// what the browser takes is sent as it is.
/// </summary>
internal sealed partial class DesignerFiles
{
    private const string Package = "src/Automation.Server/Designer/node_modules/@elsa-workflows/elsa-studio-wasm";

    private readonly FrozenDictionary<string, Asset> assets;
    private readonly string version;

    public DesignerFiles(string? folder)
    {
        version = folder is null ? "" : VersionOf(folder);
        assets = folder is null ? FrozenDictionary<string, Asset>.Empty : Read(folder).ToFrozenDictionary(a => a.Path, StringComparer.Ordinal);
    }

    public bool IsInstalled => assets.Count > 0;

    /// <summary>Where the package is: beside a published program, or restored in the source tree that the program was built in. Null: nowhere.</summary>
    public static string? FindFolder(string programFolder)
    {
        var beside = Path.Combine(programFolder, "designer");
        if (IsPackage(beside))
        {
            return beside;
        }

        for (var folder = new DirectoryInfo(programFolder); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Automation.sln")))
            {
                var restored = Path.Combine(folder.FullName, Package);
                return IsPackage(restored) ? restored : null;
            }
        }

        return null;
    }

    public IResult Reply(HttpContext context, string path)
    {
        if (!assets.TryGetValue(path, out var asset))
        {
            return Results.NotFound();
        }

        var accepted = context.Request.Headers.AcceptEncoding.ToString();
        var encoding = asset.HasBrotli && accepted.Contains("br", StringComparison.OrdinalIgnoreCase) ? "br"
            : asset.HasGzip && accepted.Contains("gzip", StringComparison.OrdinalIgnoreCase) ? "gzip"
            : null;
        var headers = context.Response.Headers;
        headers.Vary = "Accept-Encoding";
        headers.XContentTypeOptions = "nosniff";
        headers.CacheControl = asset.IsFingerprinted ? "public, max-age=31536000, immutable" : "no-cache";
        if (encoding is not null)
        {
            headers.ContentEncoding = encoding;
        }

        var file = encoding switch { "br" => asset.File + ".br", "gzip" => asset.File + ".gz", _ => asset.File };
        return Results.File(file, asset.ContentType, entityTag: new EntityTagHeaderValue($"\"{version}-{asset.Length.ToString("x", CultureInfo.InvariantCulture)}-{encoding ?? "plain"}\""));
    }

    private static IEnumerable<Asset> Read(string folder)
    {
        var types = new FileExtensionContentTypeProvider();
        types.Mappings[".dat"] = "application/octet-stream";
        types.Mappings[".map"] = "application/json";
        var files = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).ToHashSet(StringComparer.Ordinal);
        foreach (var file in files)
        {
            var path = Path.GetRelativePath(folder, file).Replace(Path.DirectorySeparatorChar, '/');
            // The package's own page is a demonstration, and names a backend; neither is ours to serve.
            if (Path.GetExtension(file) is ".br" or ".gz" || path is "index.html" or "appsettings.json" or "package.json" || !types.TryGetContentType(file, out var type))
            {
                continue;
            }

            yield return new Asset(path, file, type.StartsWith("text/", StringComparison.Ordinal) ? type + "; charset=utf-8" : type, new FileInfo(file).Length, Fingerprint().IsMatch(path), files.Contains(file + ".br"), files.Contains(file + ".gz"));
        }
    }

    private static bool IsPackage(string folder) => File.Exists(Path.Combine(folder, "_framework", "blazor.webassembly.js"));

    private static string VersionOf(string folder) => (string?)JObject.Parse(File.ReadAllText(Path.Combine(folder, "package.json")))["version"] ?? "";

    /// <summary>Ten small letters and digits between two dots: the build's hash of the content, so that the name never has another content.</summary>
    [GeneratedRegex(@"\.(?=[a-z]*[0-9])[a-z0-9]{10}\.")]
    private static partial Regex Fingerprint();

    private sealed record Asset(string Path, string File, string ContentType, long Length, bool IsFingerprinted, bool HasBrotli, bool HasGzip);
}
