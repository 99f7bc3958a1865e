using Automation.Connectors;
using Automation.Hosting.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/files</c>: files that runs wrote, whichever server they ran on.</summary>
internal static class FileEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/files").WithTags("files");
        group.MapGet("", ListAsync).WithSummary("Files that runs wrote: name, size, time.");
        group.MapGet("/{name}", ReadAsync).WithSummary("A file, to be saved.");
    }

    private static async Task<IResult> ListAsync(HttpContext context, IFileStore files)
    {
        var all = await files.ListAsync(context.RequestAborted);
        return Reply.List(context, all, file => new JObject { ["name"] = file.Name, ["size"] = file.Size, ["updatedAt"] = Reply.Utc(file.UpdatedAt) });
    }

    private static async Task<IResult> ReadAsync(string name, HttpContext context, IFileStore files) =>
        await files.ReadAsync(name, context.RequestAborted) is { } data
            ? Results.File(data, name.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) ? "text/csv; charset=utf-8" : "application/octet-stream", name)
            : Problem.NotFound($"There is no file '{name}'.");
}
