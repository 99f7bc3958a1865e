using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>One call of a connector, described by data. Adding a record adds an activity; no code is needed.</summary>
public sealed record Operation
{
    /// <summary>Number in the catalogue of 126; null for those of ours beyond it.</summary>
    public int? Number { get; init; }

    /// <summary>Connector name: <c>gohighlevel</c>, <c>flocksy</c>.</summary>
    public required string Connector { get; init; }

    public required string Category { get; init; }
    public required OperationKind Kind { get; init; }
    public required string Name { get; init; }

    /// <summary>Activity type, fixed for good.</summary>
    public required string ActivityType { get; init; }

    public string Description { get; init; } = "";

    /// <summary>As a trigger, in a user's words: <c>Contact created or changed</c>.</summary>
    public string? FiresOn { get; init; }

    public required string Method { get; init; }

    /// <summary>Path with <c>{name}</c> placeholders, verbatim: some end with a slash.</summary>
    public required string Path { get; init; }

    /// <summary>Value of the Version header; null: none is sent.</summary>
    public string? VersionHeader { get; init; }

    public IReadOnlyList<string> Scopes { get; init; } = [];

    /// <summary><c>location</c> or <c>agency</c>.</summary>
    public string TokenType { get; init; } = "location";

    public EffectClass Effect { get; init; }

    /// <summary>How to find out whether an unanswered write happened, for <see cref="EffectClass.Probe"/>.</summary>
    public Probe? Probe { get; init; }

    public IReadOnlyList<OperationInput> Inputs { get; init; } = [];

    /// <summary>
    /// Inputs of which at least one must be given; empty: no such rule. Publishing holds it. A call does not: the specifications know no such rule, and the API says it better itself.
    /// </summary>
    public IReadOnlyList<string> OneOf { get; init; } = [];

    public string? ContentType { get; init; }
    public ResponseShape Response { get; init; } = new();
    public Pagination Pagination { get; init; } = new();

    /// <summary>How it is polled; null: it cannot be a trigger.</summary>
    public PollShape? Poll { get; init; }

    /// <summary>JSON paths in an item, the body sent or the answer, whose values become subject keys of the run.</summary>
    public IReadOnlyList<string> SubjectPaths { get; init; } = [];

    public string? DocsUrl { get; init; }
    public bool Deprecated { get; init; }
    public string? Notice { get; init; }

    /// <summary>The answer holds a credential: it is hidden before a run, a ledger or a person sees it.</summary>
    public bool SecretResult { get; init; }

    /// <summary>Deletes, or changes many at once.</summary>
    public bool Destructive { get; init; }
}

public enum OperationKind
{
    Trigger,
    Action,
}

/// <summary>What sending a call twice means.</summary>
public enum EffectClass
{
    /// <summary>Changes nothing.</summary>
    Read,

    /// <summary>Sent again after a crash: upsert, PUT, DELETE, or with an idempotency key.</summary>
    Safe,

    /// <summary>After a crash a read finds out whether it happened.</summary>
    Probe,

    /// <summary>After a crash a person decides.</summary>
    Unsafe,
}

/// <summary>Where an input goes in the request.</summary>
public enum InputPlace
{
    Path,
    Query,
    Body,

    /// <summary>The whole body: an input named <c>items</c>.</summary>
    WholeBody,
}

/// <summary>An input of an operation, by the API's own name.</summary>
public sealed record OperationInput
{
    /// <summary>The API's name.</summary>
    public required string Name { get; init; }

    public required InputPlace Place { get; init; }

    /// <summary><c>string</c>, <c>number</c>, <c>integer</c>, <c>boolean</c>, <c>array</c>, <c>object</c>, <c>any</c>.</summary>
    public string Type { get; init; } = "string";

    /// <summary>Type of an array's elements.</summary>
    public string? ItemType { get; init; }

    public bool Required { get; init; }

    /// <summary>An explicit null is a value of its own and is sent.</summary>
    public bool Nullable { get; init; }

    /// <summary>A secret: kept out of the journal.</summary>
    public bool Sensitive { get; init; }

    /// <summary>
    /// How the API writes a time: <c>date</c> (2026-01-31), <c>date-time</c> (ISO 8601), <c>us-date</c> (01-31-2026), <c>epoch-ms</c>, <c>epoch-s</c>; null: it is none. A time in ISO 8601
    /// is turned into it; what is none stays, for the API to judge.
    /// </summary>
    public string? Format { get; init; }

    /// <summary>The values that the specification allows: any other is refused.</summary>
    public IReadOnlyList<string>? Enum { get; init; }

    /// <summary>Values to choose from where the specification does not list them: offered, and not enforced.</summary>
    public IReadOnlyList<string>? Suggestions { get; init; }

    /// <summary>A text that may name several of the values, separated by commas.</summary>
    public bool Several { get; init; }

    /// <summary>Sent where a required input is left empty.</summary>
    public JToken? Default { get; init; }
    public JToken? Example { get; init; }
    public string? DisplayName { get; init; }
    public string? Description { get; init; }

    /// <summary>Largest number, most elements of an array, most characters of a text.</summary>
    public double? Maximum { get; init; }

    /// <summary>Least number, fewest elements of an array.</summary>
    public double? Minimum { get; init; }

    /// <summary>Operation whose items are the live options of this input (pipelines, calendars, users, tags…).</summary>
    public string? OptionsFrom { get; init; }

    /// <summary>
    /// List inside those items whose elements are the options (the stages of pipelines): of the item that another input of the operation names, of all items where it names none.
    /// </summary>
    public string? OptionsPath { get; init; }

    /// <summary>Where the fields are defined whose values this input takes by name; null: it takes none by name.</summary>
    public FieldSource? Fields { get; init; }

    /// <summary>Name in a definition: the API's name, or <c>input</c> + name where Elsa uses the name itself.</summary>
    public string PropertyName => OperationNames.PropertyOf(Name);
}

/// <summary>A list of definitions of fields that a location adds to its records.</summary>
public sealed record FieldSource
{
    /// <summary>Activity type of the list.</summary>
    public required string Operation { get; init; }

    /// <summary>Inputs of the list, by the API's names; the location comes from the call.</summary>
    public JObject Inputs { get; init; } = [];

    /// <summary>Plain values go as text, numbers too.</summary>
    public bool AsText { get; init; }
}

/// <summary>Names of inputs in definitions.</summary>
public static class OperationNames
{
    private static readonly HashSet<string> Taken = new(StringComparer.Ordinal)
    {
        "id", "nodeId", "name", "type", "version", "kind", "metadata", "customProperties", "runAsynchronously", "canStartWorkflow",
        "connectionId", "interval", "mode", "timeZone", "filter", "backfill", "result", "event",
    };

    /// <summary>camelCase JSON key of an input in a definition.</summary>
    public static string PropertyOf(string apiName) =>
        Taken.Contains(apiName) ? "input" + char.ToUpperInvariant(apiName[0]) + apiName[1..] : apiName;
}

/// <summary>
/// Where things are in an answer. Paths are dotted: <c>results.tags</c>; <c>$</c> is the whole answer, <c>*</c> every member of an object, <c>[0]</c> an element,
/// and <c>|</c> parts alternatives of which the first that is there counts.
/// </summary>
public sealed record ResponseShape
{
    public int Status { get; init; } = 200;
    public string? CollectionPath { get; init; }
    public string? RecordPath { get; init; }

    /// <summary>Property of an item that is its id: <c>id</c>, <c>_id</c>. <c>$value</c>: the item is a plain value and its own id; <c>$input.x</c>: the value of an input.</summary>
    public string IdPath { get; init; } = "id";

    /// <summary>Property of an item that says when it was changed; null: only its content tells.</summary>
    public string? UpdatedAtPath { get; init; }

    /// <summary>The answer is a file (recording, transcript).</summary>
    public bool Binary { get; init; }
}

/// <summary>How a list is read page by page.</summary>
public sealed record Pagination
{
    /// <summary><c>none</c>, <c>skipLimit</c>, <c>pageLimit</c>, <c>searchAfter</c>, <c>startAfter</c>, <c>cursor</c>.</summary>
    public string Style { get; init; } = "none";

    /// <summary>Names of the paging inputs, in the order of the style: (skip, limit), (page, pageLimit), …</summary>
    public IReadOnlyList<string> Params { get; init; } = [];

    public int PageSize { get; init; } = 100;

    /// <summary>Path in the answer of the next token, for <c>cursor</c>, <c>searchAfter</c>, <c>startAfter</c>; behind <c>$last.</c> a path in the page's last item.</summary>
    public string? NextPath { get; init; }

    /// <summary>Path in the answer of a flag that is false on the last page; null: there is none.</summary>
    public string? MorePath { get; init; }

    /// <summary>Added to a cursor that is a number (a time in milliseconds) and leaves out what equals it: items that share the last one's time are read again rather than passed over.</summary>
    public long CursorOverlap { get; init; }
}

/// <summary>How an operation is polled.</summary>
public sealed record PollShape
{
    /// <summary>Modes a trigger may choose; the first is the default: <c>updated</c> (every revision), <c>new</c> (first revision only), <c>changed</c> (one watched record), <c>edge</c> (a predicate becomes true).</summary>
    public IReadOnlyList<string> Modes { get; init; } = ["updated", "new"];

    /// <summary>
    /// Inputs merged into the request of an incremental scan: strings <c>$from</c> and <c>$to</c> become the scan's lower and upper bound in
    /// <see cref="BoundFormat"/>. Null: each scan reads the whole list.
    /// </summary>
    public JObject? Window { get; init; }

    /// <summary>
    /// Times that move with the clock, for inputs that the user leaves empty: <c>-1d</c> is a day before the scan, <c>30d</c> thirty days after it, in <see cref="BoundFormat"/>.
    /// The last is the window's end. What comes into the list only because the window moved on fires nothing.
    /// </summary>
    public JObject? Rolling { get; init; }

    /// <summary>Path of an item's own time, for items of a rolling window that do not say when they were changed.</summary>
    public string? TimePath { get; init; }

    /// <summary>An answer 404 says that the watched thing is not there yet, and is no failure.</summary>
    public bool MayBeAbsent { get; init; }

    /// <summary>An item that a whole list does not have any more is forgotten: when it comes back, it is new (a time that was booked and became free again). For lists of one page.</summary>
    public bool Forgets { get; init; }

    /// <summary>Inputs merged into every page of a scan (a stable sort).</summary>
    public JObject? Fixed { get; init; }

    /// <summary><c>iso</c>, <c>epochMs</c>, <c>date</c> (whole days of UTC: the overlap must be a day where the other side counts days of its own zone).</summary>
    public string BoundFormat { get; init; } = "iso";

    /// <summary>How far an incremental scan looks back behind its watermark, for search indexes that lag.</summary>
    public TimeSpan Overlap { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Interval used where a trigger gives none.</summary>
    public TimeSpan DefaultInterval { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Pages one scan may read before it is stopped as endless.</summary>
    public int MaxPages { get; init; } = 5000;

    /// <summary>Properties that change without the item having changed (counters, signed links): left out of the content hash.</summary>
    public IReadOnlyList<string> IgnoreInHash { get; init; } = [];

    /// <summary>Path of the value whose change to truth fires, for <c>edge</c>.</summary>
    public string? EdgePath { get; init; }

    /// <summary>For <c>edge</c>: the value must become this one; <c>*</c>: it must become another than it was. Null: it must become true.</summary>
    public string? EdgeValue { get; init; }

    /// <summary>What webhooks lead to: one item read, or the list polled; empty: no webhook tells of it.</summary>
    public IReadOnlyList<HintShape> Hints { get; init; } = [];

    /// <summary>What the operation can do when a webhook tells of its items: <c>read</c> one, <c>list</c> them all, or <c>none</c>.</summary>
    public string OnWebhook() => Hints.Count == 0 ? "none" : Hints.Any(hint => hint.Read is not null || hint.Match.Properties().Any(property => property.Value is JValue { Value: "$id" })) ? "read" : "list";

    /// <summary>Activity type of the list that this trigger watches: triggers of one list share its polls. Null: its own.</summary>
    public string? Source { get; init; }

    /// <summary>What must be true of an event besides (<see cref="ItemConditions"/>): the meaning of the trigger.</summary>
    public JArray? When { get; init; }
}

/// <summary>A read that tells whether a write happened.</summary>
public sealed record Probe
{
    /// <summary>Activity type of the read.</summary>
    public required string Operation { get; init; }

    /// <summary>Inputs of the read, by name; <c>$body.x</c>, <c>$path.x</c>, <c>$query.x</c> take values of the write, <c>$epochMs.body.x</c> a time of it in milliseconds.</summary>
    public JObject Inputs { get; init; } = [];

    /// <summary>
    /// Properties of an item that must equal those of the write, by item path; values that the write left out are not compared. Of the properties under <c>$any</c> one must
    /// be equal. <c>$createdAfterIntent</c> names a time that must not be before the intent.
    /// </summary>
    public JObject Match { get; init; } = [];
}
