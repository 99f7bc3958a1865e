using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>
/// A task for a person, as an activity asks for it. It travels as a bookmark: the transaction that stores the bookmark makes the task, and the bookmark's end
/// ends the task. So neither is ever without the other.
/// </summary>
public sealed record TaskRequest
{
    /// <summary>Name of the bookmarks that are tasks; their key is the task's id.</summary>
    public const string BookmarkName = "Automation.Task";

    public const int LongestTitle = 200;
    public const string OrdinaryKind = "task";
    public const string ApprovalKind = "approval";

    /// <summary>The same when the activity is executed again after a crash.</summary>
    public required string Id { get; init; }

    /// <summary><see cref="OrdinaryKind"/> or <see cref="ApprovalKind"/>.</summary>
    public string Kind { get; init; } = OrdinaryKind;

    public required string Title { get; init; }
    public string? Instructions { get; init; }

    /// <summary>User name or e-mail address; null: whoever takes it.</summary>
    public string? Assignee { get; init; }

    public DateTimeOffset? DueAt { get; init; }
    public IReadOnlyList<TaskField> Fields { get; init; } = [];

    /// <summary>Id of the n-th task of an execution: the same after a crash and in a replay, as the mail that tells of it is not sent again.</summary>
    public static string IdOf(ActivityContext context, int index = 0) => Bookmark.HashOf(BookmarkName, $"{context.EffectKey}/{index}");

    /// <summary>A title of at most <see cref="LongestTitle"/> characters.</summary>
    public static string Short(string title) => title.Length <= LongestTitle ? title : title[..(LongestTitle - 1)] + "…";

    /// <summary>The bookmark to suspend on. It is resumed with a <see cref="TaskAnswer"/>, and when it is due without input.</summary>
    /// <param name="endsWhenDue">The due time ends the task; otherwise it only counts as overdue.</param>
    public BookmarkRequest ToBookmark(bool endsWhenDue) => new(BookmarkName, Id, endsWhenDue ? DueAt : null, ToJson());

    /// <summary>The task that a bookmark is; null: it is none.</summary>
    public static TaskRequest? Of(Bookmark bookmark) =>
        bookmark is { Name: BookmarkName, Key: { } id, Payload: JObject json } ? Read(id, json) : null;

    /// <summary>Reads the payload of a task's bookmark.</summary>
    public static TaskRequest Read(string id, JObject payload) => new()
    {
        Id = id,
        Kind = (string?)payload["kind"] ?? OrdinaryKind,
        Title = (string?)payload["title"] ?? "",
        Instructions = (string?)payload["instructions"],
        Assignee = (string?)payload["assignee"],
        DueAt = (string?)payload["dueAt"] is { } due ? DateTimeOffset.Parse(due, Json.Settings.Culture) : null,
        Fields = TaskForm.Read(payload["fields"]),
    };

    private JObject ToJson() => new()
    {
        ["taskId"] = Id,
        ["kind"] = Kind,
        ["title"] = Title,
        ["instructions"] = Instructions,
        ["assignee"] = Assignee,
        ["dueAt"] = DueAt?.UtcDateTime.ToString("O", Json.Settings.Culture),
        ["fields"] = TaskForm.Write(Fields),
    };
}

/// <summary>How a task ended: what resumes the run.</summary>
public sealed record TaskAnswer
{
    /// <summary><c>done</c> or <c>cancelled</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Of an approval: <c>Approved</c> or <c>Rejected</c>.</summary>
    public string? Outcome { get; init; }

    public JObject Answers { get; init; } = [];
    public string? Comment { get; init; }

    /// <summary>Who ended it.</summary>
    public string? By { get; init; }

    public DateTimeOffset? At { get; init; }

    public JObject ToJson() => new()
    {
        ["status"] = Status,
        ["outcome"] = Outcome,
        ["answers"] = Answers.DeepClone(),
        ["comment"] = Comment,
        ["by"] = By,
        ["at"] = At?.UtcDateTime.ToString("O", Json.Settings.Culture),
    };

    /// <summary>What a bookmark was resumed with; null: it is due. A client that resumes the bookmark itself brings the answers alone.</summary>
    public static TaskAnswer? Of(JToken? input) => input switch
    {
        null or { Type: JTokenType.Null } => null,
        JObject json when (string?)(json["status"] as JValue) is { } status => new TaskAnswer
        {
            Status = status,
            Outcome = (string?)json["outcome"],
            Answers = json["answers"] as JObject ?? [],
            Comment = (string?)json["comment"],
            By = (string?)json["by"],
            At = (string?)json["at"] is { } at ? DateTimeOffset.Parse(at, Json.Settings.Culture) : null,
        },
        JObject answers => new TaskAnswer { Status = "done", Answers = answers },
        _ => new TaskAnswer { Status = "done", Answers = new JObject { ["result"] = input } },
    };
}
