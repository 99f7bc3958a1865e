using Automation.Runtime.Definitions;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace Automation.Hosting.Web;

/// <summary>Files of a multipart request, archives unpacked.</summary>
internal static class UploadedFiles
{
    /// <exception cref="ProblemException">400: it is no such request, or has no file that is taken; 413: it is too large.</exception>
    /// <exception cref="DefinitionRejectedException">A file cannot be read; the message names it.</exception>
    public static async Task<IReadOnlyList<(string FileName, string Text)>> ReadAsync(HttpContext context, CancellationToken cancellationToken)
    {
        if (!MediaTypeHeaderValue.TryParse(context.Request.ContentType, out var type) || HeaderUtilities.RemoveQuotes(type.Boundary) is not { Length: > 0 } boundary)
        {
            throw new ProblemException(Problem.BadRequest("The body must be multipart/form-data with files in it.", "files"));
        }

        var files = new ImportFiles();
        using var body = new MemoryStream(await RequestBody.ReadBytesAsync(context, RequestBody.ImportLimit, cancellationToken));
        var reader = new MultipartReader(boundary.ToString(), body);
        try
        {
            while (await reader.ReadNextSectionAsync(cancellationToken) is { } section)
            {
                if (ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition))
                {
                    await files.AddAsync(HeaderUtilities.RemoveQuotes(disposition.FileNameStar is { Length: > 0 } star ? star : disposition.FileName).Value ?? "", section.Body, cancellationToken);
                }
            }
        }
        catch (Exception error) when (error is InvalidDataException or IOException)
        {
            throw new ProblemException(Problem.BadRequest($"The files cannot be read: {error.Message}", "files"));
        }

        return files.All.Count > 0
            ? files.All
            : throw new ProblemException(Problem.BadRequest("There is no .json or .zip file in the request, or only archives without .json files.", "files"));
    }
}
