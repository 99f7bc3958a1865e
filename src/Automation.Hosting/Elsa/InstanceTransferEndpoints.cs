using System.IO.Compression;
using System.Text;
using Automation.Hosting.Web;
using Automation.Runtime.Running;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Records of runs as files.</summary>
internal static class InstanceTransferEndpoints
{
    /// <summary>Runs of one archive at most.</summary>
    private const int RunLimit = 1000;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/workflow-instances/{id}/export", ExportAsync);
        routes.MapPost("/bulk-actions/export/workflow-instances", ExportManyAsync);
        routes.MapPost("/bulk-actions/import/workflow-instances", ImportAsync).DisableAntiforgery();
    }

    private static async Task<IResult> ExportAsync(string id, HttpContext context, RunTransfer transfer) =>
        await transfer.ExportAsync(id, context.RequestAborted) is { } run ? Results.File(Bytes(run), "application/json", FileName(id)) : InstanceEndpoints.NoInstance(id);

    private static async Task<IResult> ExportManyAsync(HttpContext context, RunTransfer transfer)
    {
        var ids = Bodies.Texts(await RequestBody.ReadObjectAsync(context, context.RequestAborted), "ids").Distinct().ToList();
        if (ids.Count > RunLimit)
        {
            return Problem.BadRequest($"At most {RunLimit} runs are exported at once; there are {ids.Count}.", "ids");
        }

        using var stream = new MemoryStream();
        var count = 0;
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var id in ids)
            {
                if (await transfer.ExportAsync(id, context.RequestAborted) is { } run)
                {
                    count++;
                    await using var entry = await archive.CreateEntry(FileName(id)).OpenAsync(context.RequestAborted);
                    await entry.WriteAsync(Bytes(run), context.RequestAborted);
                }
            }
        }

        return count == 0 ? Problem.NotFound("There is none of these workflow instances.") : Results.File(stream.ToArray(), "application/zip", "workflow-instances.zip");
    }

    private static async Task<IResult> ImportAsync(HttpContext context, RunTransfer transfer) =>
        new Reply(new JObject { ["count"] = await transfer.ImportAsync(await UploadedFiles.ReadAsync(context, context.RequestAborted), context.RequestAborted) });

    private static string FileName(string id) => $"workflow-instance-{id}.json";

    private static byte[] Bytes(JObject run) => Encoding.UTF8.GetBytes(run.ToString(Formatting.Indented));
}
