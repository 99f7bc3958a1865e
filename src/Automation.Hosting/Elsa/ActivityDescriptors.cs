using System.IO.Compression;
using System.Security.Cryptography;
using Automation.Engine;
using Automation.Runtime.Definitions;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Hosting;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>
/// Every activity type as the designer reads it. The designer fetches all of them after each save, so the answer is made once, kept compressed, and known by a tag.
/// </summary>
internal sealed class ActivityDescriptors(ActivityRegistry registry, WorkflowLibrary library) : BackgroundService
{
    private volatile Page? page;

    public async Task<JObject?> FindAsync(string typeName, CancellationToken cancellationToken) =>
        (registry.Find(typeName) ?? (await library.ListAsync(cancellationToken)).FirstOrDefault(d => d.TypeName == typeName)) is { } descriptor ? Describe(descriptor) : null;

    public async Task<IResult> ReplyAsync(HttpContext context)
    {
        var page = await PageAsync(context.RequestAborted);
        var headers = context.Response.Headers;
        headers.ETag = page.Tag;
        headers.CacheControl = "private, no-cache";
        headers.Vary = "Accept-Encoding, Authorization, Cookie";
        if (context.Request.Headers.IfNoneMatch.ToString().Contains(page.Tag, StringComparison.Ordinal))
        {
            return Results.StatusCode(StatusCodes.Status304NotModified);
        }

        if (context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
        {
            headers.ContentEncoding = "gzip";
            return Results.Bytes(page.Compressed, "application/json; charset=utf-8");
        }

        return Results.Bytes(page.Plain, "application/json; charset=utf-8");
    }

    /// <summary>Makes the first page as soon as the server is up, so that the first designer does not wait for it.</summary>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => PageAsync(stoppingToken);

    private async Task<Page> PageAsync(CancellationToken cancellationToken)
    {
        // The workflows among them are kept by the library: only when one was published or retracted is the page made anew.
        var workflows = await library.ListAsync(cancellationToken);
        var page = this.page;
        if (page is null || !page.Workflows.SequenceEqual(workflows, ReferenceEqualityComparer.Instance))
        {
            this.page = page = new Page(registry, workflows);
        }

        return page;
    }

    private static JObject Describe(ActivityDescriptor descriptor) => new()
    {
        ["typeName"] = descriptor.TypeName,
        ["namespace"] = descriptor.Namespace,
        ["name"] = descriptor.Name,
        ["version"] = descriptor.Version,
        ["category"] = descriptor.Category,
        ["displayName"] = descriptor.DisplayName,
        ["description"] = descriptor.Description,
        ["kind"] = descriptor.Kind.ToString(),
        ["runAsynchronously"] = false,
        ["isContainer"] = descriptor.IsContainer,
        ["isBrowsable"] = descriptor.IsBrowsable,
        ["isStart"] = descriptor.IsStart,
        ["isTerminal"] = descriptor.IsTerminal,
        ["inputs"] = new JArray(descriptor.Inputs.Select(Describe)),
        ["outputs"] = new JArray(descriptor.Outputs.Select(Describe)),
        ["ports"] = new JArray(descriptor.Ports.Select(p => new JObject
        {
            ["name"] = p.Name,
            ["displayName"] = p.DisplayName,
            ["type"] = p.IsEmbedded ? "Embedded" : "Flow",
            ["isBrowsable"] = p.IsBrowsable,
        })),
        ["customProperties"] = descriptor.CustomProperties.DeepClone(),
        ["constructionProperties"] = descriptor.ConstructionProperties.DeepClone(),
    };

    private static JObject Describe(InputDescriptor input) => new()
    {
        ["name"] = input.Name,
        ["typeName"] = input.TypeName,

        // The designer has no mark of its own for what must be given.
        ["displayName"] = (input.DisplayName ?? input.Name) + (input.Required ? " *" : ""),
        ["description"] = input.Description,
        ["order"] = input.Order,
        ["isBrowsable"] = input.IsBrowsable,
        ["isSerializable"] = true,
        ["isSynthetic"] = input.IsSynthetic,
        ["isWrapped"] = input.IsWrapped,
        ["uiHint"] = input.UIHint,
        ["category"] = input.Category,
        ["defaultValue"] = input.DefaultValue?.DeepClone(),
        ["defaultSyntax"] = input.DefaultSyntax ?? "Literal",
        ["isReadOnly"] = false,
        ["isSensitive"] = input.IsSensitive,
        ["storageDriverType"] = null,
        ["autoEvaluate"] = input.AutoEvaluate,
        ["uiSpecifications"] = input.UISpecifications?.DeepClone(),
    };

    private static JObject Describe(OutputDescriptor output) => new()
    {
        ["name"] = output.Name,
        ["typeName"] = output.TypeName,
        ["displayName"] = output.DisplayName ?? output.Name,
        ["description"] = output.Description,
        ["order"] = 0,
        ["isBrowsable"] = true,
        ["isSerializable"] = true,
        ["isSynthetic"] = output.IsSynthetic,
    };

    private sealed class Page
    {
        public Page(ActivityRegistry registry, IReadOnlyList<ActivityDescriptor> workflows)
        {
            Workflows = workflows;
            var json = Shapes.Counted(registry.All.Concat(workflows).OrderBy(d => d.TypeName, StringComparer.Ordinal).Select(Describe));
            Plain = Web.Reply.Bytes(json).ToArray();
            using var packed = new MemoryStream();
            using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            {
                gzip.Write(Plain);
            }

            Compressed = packed.ToArray();
            Tag = $"\"{Convert.ToHexStringLower(SHA256.HashData(Plain))[..32]}\"";
        }

        public IReadOnlyList<ActivityDescriptor> Workflows { get; }
        public byte[] Plain { get; }
        public byte[] Compressed { get; }
        public string Tag { get; }
    }
}
