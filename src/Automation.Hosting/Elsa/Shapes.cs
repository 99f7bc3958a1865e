using System.Text;
using Automation.Engine;
using Automation.Hosting.Web;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>The JSON of Elsa's API. Arrays are never null: its clients are strict.</summary>
internal static class Shapes
{
    /// <summary>How every definition is kept.</summary>
    public const string Materializer = "Json";

    /// <summary>Links of a list: the designer hides its tools without <c>bulk-publish</c>.</summary>
    private static readonly (string Rel, string Method, string Path)[] ListLinks =
    [
        ("self", "GET", "/workflow-definitions"),
        ("is-name-unique", "GET", "/workflow-definitions/validation/is-name-unique"),
        ("count", "GET", "/workflow-definitions/query/count"),
        ("many-by-id", "GET", "/workflow-definitions/many-by-id"),
        ("bulk-delete-by-definition-id", "POST", "/bulk-actions/delete/workflow-definitions/by-definition-id"),
        ("bulk-delete-by-id", "POST", "/bulk-actions/delete/workflow-definitions/by-id"),
        ("bulk-publish", "POST", "/bulk-actions/publish/workflow-definitions/by-definition-ids"),
        ("bulk-retract", "POST", "/bulk-actions/retract/workflow-definitions/by-definition-ids"),
        ("import", "POST", "/workflow-definitions/import"),
        ("import-files", "POST", "/workflow-definitions/import-files"),
        ("create", "POST", "/workflow-definitions"),
    ];

    /// <summary>A version with its root, as GET and the answer of a save show it.</summary>
    public static JObject Definition(DefinitionService definitions, DefinitionVersion version)
    {
        var json = definitions.Describe(version);
        json["providerName"] = version.Provider;
        json["materializerName"] = Materializer;
        json["materializerContext"] = null;
        json["links"] = Links(version);
        return json;
    }

    /// <summary>A version in a list.</summary>
    public static JObject Summary(DefinitionVersion version) => new()
    {
        ["id"] = version.Id,
        ["definitionId"] = version.DefinitionId,
        ["name"] = version.Name ?? "",
        ["description"] = version.Description,
        ["version"] = version.Version,
        ["toolVersion"] = System.Version.TryParse(version.ToolVersion, out var tool) ? tool.ToString() : null,
        ["isLatest"] = version.IsLatest,
        ["isPublished"] = version.IsPublished,
        ["providerName"] = version.Provider,
        ["materializerName"] = Materializer,
        ["createdAt"] = Reply.Utc(version.CreatedAt),
        ["isReadonly"] = version.IsReadonly,
        ["isSystem"] = version.IsSystem,
        ["isMaterializerAvailable"] = true,
        ["links"] = Links(version),
    };

    public static JArray LinksOfList() => new(ListLinks.Select(l => Link(l.Rel, l.Method, l.Path)));

    /// <summary><c>{items, count}</c>.</summary>
    public static JObject Counted(IEnumerable<JToken> items)
    {
        var array = new JArray(items);
        return new JObject { ["items"] = array, ["count"] = array.Count };
    }

    /// <summary>An instance in a list.</summary>
    public static JObject Instance(InstanceRecord run) => new()
    {
        ["id"] = run.Id,
        ["definitionId"] = run.DefinitionId,
        ["definitionVersionId"] = run.VersionId,
        ["version"] = run.Version,
        ["status"] = run.Status.ToString(),
        ["subStatus"] = run.SubStatus.ToString(),
        ["isExecuting"] = run.SubStatus == WorkflowSubStatus.Executing,
        ["correlationId"] = run.CorrelationId,
        ["name"] = run.Name,
        ["incidentCount"] = run.IncidentCount,
        ["isSystem"] = false,
        ["parentId"] = run.ParentInstanceId,
        ["createdAt"] = Reply.Utc(run.CreatedAt),
        ["updatedAt"] = Reply.Utc(run.UpdatedAt),
        ["finishedAt"] = Reply.Utc(run.FinishedAt),
    };

    /// <summary>The state of an instance that has no state blob, or whose definition is gone: what its row and its bookmarks tell.</summary>
    public static JObject BareState(InstanceRecord run, IEnumerable<BookmarkRecord> bookmarks) => new()
    {
        ["id"] = run.Id,
        ["definitionId"] = run.DefinitionId,
        ["definitionVersionId"] = run.VersionId,
        ["definitionVersion"] = run.Version,
        ["correlationId"] = run.CorrelationId,
        ["status"] = run.Status.ToString(),
        ["subStatus"] = run.SubStatus.ToString(),
        ["bookmarks"] = new JArray(bookmarks.Select(b => Bookmark(b.Bookmark))),
        ["incidents"] = new JArray(),
        ["fault"] = null,
        ["completionCallbacks"] = new JArray(),
        ["activityExecutionContexts"] = new JArray(),
        ["input"] = new JObject(),
        ["output"] = new JObject(),
        ["properties"] = new JObject(),
        ["createdAt"] = Reply.Utc(run.CreatedAt),
        ["updatedAt"] = Reply.Utc(run.UpdatedAt),
        ["finishedAt"] = Reply.Utc(run.FinishedAt),
    };

    public static JObject JournalRow(string instanceId, JournalRecord record) => new()
    {
        ["id"] = $"{instanceId}:{record.Sequence}",
        ["activityInstanceId"] = ExecutionId(instanceId, record.ActivityInstanceId),
        ["parentActivityInstanceId"] = record.ParentActivityInstanceId is { } parent ? ExecutionId(instanceId, parent) : null,
        ["activityId"] = record.ActivityId,
        ["activityType"] = record.ActivityType,
        ["activityTypeVersion"] = record.ActivityTypeVersion,
        ["activityName"] = record.ActivityName,
        ["nodeId"] = record.NodeId,
        ["timestamp"] = Reply.Utc(record.At),
        ["sequence"] = record.Sequence,
        ["eventName"] = record.EventName,
        ["message"] = record.Message,
        ["source"] = null,
        ["activityState"] = null,
        ["payload"] = record.Fault?.DescribeException(),
    };

    /// <summary>Id of an execution in this API: it names its instance too, by which it is found.</summary>
    public static string ExecutionId(string instanceId, string activityInstanceId) => $"{instanceId}:{activityInstanceId}";

    private static JObject Bookmark(Bookmark bookmark) => new()
    {
        ["id"] = bookmark.Id,
        ["name"] = bookmark.Name,
        ["hash"] = bookmark.Hash,
        ["payload"] = bookmark.Payload?.DeepClone(),
        ["activityId"] = bookmark.ActivityId,
        ["activityNodeId"] = bookmark.NodeId,
        ["activityInstanceId"] = bookmark.ActivityInstanceId,
        ["createdAt"] = Reply.Utc(bookmark.CreatedAt),
        ["autoBurn"] = true,
        ["autoComplete"] = true,
        ["callbackMethodName"] = null,
        ["metadata"] = new JObject(),
    };

    /// <summary>
    /// Links of a version: without <c>publish</c> the designer shows it read-only. Written as text: eleven objects for each row of a list cost more than all the rest of it. Ids are
    /// escaped for a URL, so they need no escaping of JSON's.
    /// </summary>
    private static JRaw Links(DefinitionVersion version)
    {
        var path = Uri.EscapeDataString(version.DefinitionId);
        var links = new StringBuilder(1500).Append('[');
        Add("self", "GET", "by-id/" + Uri.EscapeDataString(version.Id), "");
        Add("versions", "GET", path, "/versions");
        Add("bulk-dispatch", "POST", path, "/bulk-dispatch");
        Add("dispatch", "POST", path, "/dispatch");
        Add("execute", "POST", path, "/execute");
        Add("export", "GET", path, "/export");
        if (!version.IsReadonly)
        {
            Add("publish", "POST", path, "/publish");
            Add("retract", "POST", path, "/retract");
            Add("delete", "DELETE", path, "");
            Add("import", "PUT", path, "/import");
            Add("update-references", "POST", path, "/update-references");
        }

        links[^1] = ']';
        return new JRaw(links.ToString());

        void Add(string rel, string method, string subject, string action) =>
            links.Append("{\"href\":\"/elsa/api/workflow-definitions/").Append(subject).Append(action).Append("\",\"rel\":\"").Append(rel).Append("\",\"method\":\"").Append(method).Append("\"},");
    }

    private static JObject Link(string rel, string method, string path) => new() { ["href"] = "/elsa/api" + path, ["rel"] = rel, ["method"] = method };
}
