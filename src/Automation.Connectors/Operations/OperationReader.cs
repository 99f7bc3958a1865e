using System.Globalization;
using System.Text.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>
/// Reads records of operations from their data. By hand and by the JSON reader that the runtime brings compiled: a serializer that finds out about the types by reflection, and is
/// compiled anew at each start, took four times as long. A test holds that no property of a record is forgotten here.
/// </summary>
internal static class OperationReader
{
    /// <exception cref="JsonException">The text is no JSON, or holds what operations do not have.</exception>
    public static List<Operation> Read(Stream stream, string connector)
    {
        using var document = JsonDocument.Parse(stream);
        if (document.RootElement.ValueKind != JsonValueKind.Array)
        {
            throw new JsonException("The file is no list.");
        }

        return [.. document.RootElement.EnumerateArray().Select(element => Fields.Whole(element, fields => ReadOperation(fields, connector)))];
    }

    /// <exception cref="JsonException">The text is no JSON, or holds what triggers in a user's words do not have.</exception>
    public static List<Meaning> ReadMeanings(Stream stream)
    {
        using var document = JsonDocument.Parse(stream);
        return [.. document.RootElement.EnumerateArray().Select(element => Fields.Whole(element, fields => new Meaning(
            fields.Text("of") ?? throw new JsonException("A trigger names no list."),
            fields.Text("activityType") ?? throw new JsonException("A trigger has no activity type."),
            fields.Text("name") ?? throw new JsonException("A trigger has no name."),
            fields.Text("firesOn") ?? throw new JsonException("A trigger does not say what it fires on."),
            fields.Text("description") ?? "",
            fields.Texts("modes"),
            fields.Token("when") as JArray)))];
    }

    private static Operation ReadOperation(Fields fields, string connector) => new()
    {
        Number = (int?)fields.Number("number"),
        Connector = connector,
        Category = fields.Text("category") ?? "",
        Kind = fields.OneOf<OperationKind>("kind", OperationKind.Action),
        Name = fields.Text("name") ?? "",
        ActivityType = fields.Text("activityType") ?? "",
        Description = fields.Text("description") ?? "",
        FiresOn = fields.Text("firesOn"),
        Method = fields.Text("method") ?? "",
        Path = fields.Text("path") ?? "",
        VersionHeader = fields.Text("versionHeader"),
        Scopes = fields.Texts("scopes") ?? [],
        TokenType = fields.Text("tokenType") ?? "location",
        Effect = fields.OneOf<EffectClass>("effect", EffectClass.Read),
        Probe = fields.Record("probe", ReadProbe),
        Inputs = fields.Records("inputs", ReadInput),
        OneOf = fields.Texts("oneOf") ?? [],
        ContentType = fields.Text("contentType"),
        Response = fields.Record("response", ReadResponse) ?? new(),
        Pagination = fields.Record("pagination", ReadPagination) ?? new(),
        Poll = fields.Record("poll", ReadPoll),
        SubjectPaths = fields.Texts("subjectPaths") ?? [],
        DocsUrl = fields.Text("docsUrl"),
        Deprecated = fields.Flag("deprecated"),
        Notice = fields.Text("notice"),
        SecretResult = fields.Flag("secretResult"),
        Destructive = fields.Flag("destructive"),
    };

    private static OperationInput ReadInput(Fields fields) => new()
    {
        Name = fields.Text("name") ?? throw new JsonException("An input has no name."),
        Place = fields.OneOf<InputPlace>("place", null),
        Type = fields.Text("type") ?? "string",
        ItemType = fields.Text("itemType"),
        Required = fields.Flag("required"),
        Nullable = fields.Flag("nullable"),
        Sensitive = fields.Flag("sensitive"),
        Format = fields.Text("format"),
        Enum = fields.Texts("enum"),
        Suggestions = fields.Texts("suggestions"),
        Several = fields.Flag("several"),
        Default = fields.Token("default"),
        Example = fields.Token("example"),
        DisplayName = fields.Text("displayName"),
        Description = fields.Text("description"),
        Maximum = fields.Number("maximum"),
        Minimum = fields.Number("minimum"),
        OptionsFrom = fields.Text("optionsFrom"),
        OptionsPath = fields.Text("optionsPath"),
        Fields = fields.Record("fields", source => new FieldSource
        {
            Operation = source.Text("operation") ?? throw new JsonException("Fields name no operation."),
            Inputs = source.Object("inputs") ?? [],
            AsText = source.Flag("asText"),
        }),
    };

    private static ResponseShape ReadResponse(Fields fields) => new()
    {
        Status = (int?)fields.Number("status") ?? 200,
        CollectionPath = fields.Text("collectionPath"),
        RecordPath = fields.Text("recordPath"),
        IdPath = fields.Text("idPath") ?? "id",
        UpdatedAtPath = fields.Text("updatedAtPath"),
        Binary = fields.Flag("binary"),
    };

    private static Pagination ReadPagination(Fields fields)
    {
        var standard = new Pagination();
        return new Pagination
        {
            Style = fields.Text("style") ?? standard.Style,
            Params = fields.Texts("params") ?? [],
            PageSize = (int?)fields.Number("pageSize") ?? standard.PageSize,
            NextPath = fields.Text("nextPath"),
            MorePath = fields.Text("morePath"),
            CursorOverlap = (long?)fields.Number("cursorOverlap") ?? 0,
        };
    }

    private static PollShape ReadPoll(Fields fields)
    {
        var standard = new PollShape();
        return new PollShape
        {
            Modes = fields.Texts("modes") ?? standard.Modes,
            Window = fields.Object("window"),
            Rolling = fields.Object("rolling"),
            TimePath = fields.Text("timePath"),
            MayBeAbsent = fields.Flag("mayBeAbsent"),
            Forgets = fields.Flag("forgets"),
            Fixed = fields.Object("fixed"),
            BoundFormat = fields.Text("boundFormat") ?? standard.BoundFormat,
            Overlap = fields.Span("overlap") ?? standard.Overlap,
            DefaultInterval = fields.Span("defaultInterval") ?? standard.DefaultInterval,
            MaxPages = (int?)fields.Number("maxPages") ?? standard.MaxPages,
            IgnoreInHash = fields.Texts("ignoreInHash") ?? [],
            EdgePath = fields.Text("edgePath"),
            EdgeValue = fields.Text("edgeValue"),
            Source = fields.Text("source"),
            When = fields.Token("when") as JArray,
            Hints = fields.Records("hints", ReadHint),
        };
    }

    private static HintShape ReadHint(Fields fields) => new()
    {
        Entity = fields.Text("entity") ?? throw new JsonException("A hint names no kind of record."),
        Read = fields.Object("read"),
        IdPath = fields.Text("idPath"),
        Match = fields.Object("match") ?? [],
    };

    private static Probe ReadProbe(Fields fields) => new()
    {
        Operation = fields.Text("operation") ?? throw new JsonException("A probe names no operation."),
        Inputs = fields.Object("inputs") ?? [],
        Match = fields.Object("match") ?? [],
    };

    /// <summary>A trigger in a user's words: a list, and what of it is meant.</summary>
    public sealed record Meaning(string Of, string ActivityType, string Name, string FiresOn, string Description, IReadOnlyList<string>? Modes, JArray? When);

    /// <summary>The properties of one record. What is asked for is known; what nobody asked for is refused in the end.</summary>
    private sealed class Fields(JsonElement element)
    {
        private HashSet<string>? asked;
        private int found;

        public string? Text(string name) => Find(name) is { } value ? value.GetString() : null;

        public bool Flag(string name) => Find(name) is { } value && value.GetBoolean();

        public double? Number(string name) => Find(name)?.GetDouble();

        public TimeSpan? Span(string name) => Text(name) is { } text ? TimeSpan.Parse(text, CultureInfo.InvariantCulture) : null;

        public T OneOf<T>(string name, T? otherwise)
            where T : struct, Enum =>
            Text(name) is not { } text ? otherwise ?? throw new JsonException($"'{name}' is missing.")
            : Enum.TryParse<T>(text, ignoreCase: true, out var value) ? value
            : throw new JsonException($"'{name}' is '{text}', which is none of {string.Join(", ", Enum.GetNames<T>())}.");

        public string[]? Texts(string name)
        {
            if (Find(name) is not { } list)
            {
                return null;
            }

            var texts = new string[list.GetArrayLength()];
            var i = 0;
            foreach (var text in list.EnumerateArray())
            {
                texts[i++] = text.GetString()!;
            }

            return texts;
        }

        public JObject? Object(string name) => Token(name) as JObject;

        public JToken? Token(string name) => Find(name) is { } value ? ToToken(value) : null;

        public T? Record<T>(string name, Func<Fields, T> read)
            where T : class => Find(name) is { } value ? Whole(value, read) : null;

        public IReadOnlyList<T> Records<T>(string name, Func<Fields, T> read)
        {
            if (Find(name) is not { } list)
            {
                return [];
            }

            var records = new T[list.GetArrayLength()];
            var i = 0;
            foreach (var record in list.EnumerateArray())
            {
                records[i++] = Whole(record, read);
            }

            return records;
        }

        /// <summary>Reads one record.</summary>
        /// <exception cref="JsonException">A property was not asked for: it is misspelt, or this reader does not know it.</exception>
        public static T Whole<T>(JsonElement element, Func<Fields, T> read)
        {
            var fields = new Fields(element);
            var record = read(fields);
            if (fields.found == element.GetPropertyCount())
            {
                return record;
            }

            // Read again, to say which one it is.
            var asked = new HashSet<string>(StringComparer.Ordinal);
            read(new Fields(element) { asked = asked });
            throw new JsonException($"There is no property '{element.EnumerateObject().First(p => !asked.Contains(p.Name)).Name}', in {InputBinding.Cut(element.GetRawText(), 120)}");
        }

        private JsonElement? Find(string name)
        {
            asked?.Add(name);
            if (!element.TryGetProperty(name, out var value))
            {
                return null;
            }

            found++;
            return value.ValueKind == JsonValueKind.Null ? null : value;
        }

        private static JToken ToToken(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Object => new JObject(value.EnumerateObject().Select(p => new JProperty(p.Name, ToToken(p.Value)))),
            JsonValueKind.Array => new JArray(value.EnumerateArray().Select(ToToken)),
            JsonValueKind.String => new JValue(value.GetString()),
            JsonValueKind.Number => value.TryGetInt64(out var whole) ? new JValue(whole) : new JValue(value.GetDouble()),
            JsonValueKind.True or JsonValueKind.False => new JValue(value.GetBoolean()),
            _ => JValue.CreateNull(),
        };
    }
}
