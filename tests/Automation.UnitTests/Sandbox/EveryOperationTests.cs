using Automation.Activities.Flocksy;
using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using Automation.Engine;
using Automation.UnitTests.Conventions;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Sandbox;

/// <summary>Each operation of both catalogues is called once, with inputs made of its own data and records that are there.</summary>
public sealed class EveryOperationTests : IAsyncLifetime
{
    /// <summary>Inputs whose type alone does not say what the API takes.</summary>
    private static readonly JObject Known = (JObject)Json.Parse("""
        {
          "locationId": "loc-1", "location_id": "loc-1", "companyId": "co-1", "contactId": "contact-1-01", "businessId": "business-1", "calendarId": "calendar-1",
          "groupId": "group-1", "appointmentId": "appointment-1-1", "notificationId": "notification-1-1", "resourceType": "rooms", "userId": "user-1a", "campaignId": "ghl-campaign-1",
          "workflowId": "workflow-1", "pipelineId": "pipeline-1", "conversationId": "conversation-1", "messageId": "message-1-1", "associationId": "association-1",
          "relationId": "relation-1-1", "recordId": "contact-1-01", "key_name": "business_owner", "objectKey": "contact", "postId": "post-1-1", "blogId": "blog-1",
          "taskId": "task-1-1", "noteId": "appointment-note-1-1", "email": "new@every.example", "startTime": "1767225600000", "endTime": "1767312000000", "startDate": 1767225600000, "endDate": 1767312000000,
          "dashboardId": "dashboard-1", "reportId": "report-1", "profileId": "user-1a", "projectId": "project-1", "ghlTag": "vip", "segmentIds": ["segment-1-vip"],
          "values": [{"metricId": "likes", "date": "2026-01-01", "value": 5, "locationId": "loc-1"}], "contacts": ["contact-1-01"], "ids": ["contact-1-05"], "followers": ["user-1b"], "tags": ["vip"], "tagIds": ["tag-1-vip"], "title": "Call back", "body": "Prefers the morning", "name": "First call",
          "dueDate": "2026-01-09T10:00:00.000Z", "firstName": "Nora", "lastName": "Novak", "phone": "+15551234567", "urlSlug": "hello", "slug": "first-call-new", "description": "Thirty minutes", "emails": "owner1@sandbox.example",
          "monetaryValue": 900, "slotDuration": 30, "slotDurationUnit": "mins", "calendarType": "round_robin", "companyName": "Acme Ltd.", "tagId": "location-tag-1-newsletter", "file": {"name": "a.txt", "contentType": "text/plain", "text": "Hello"}, "message": "Hello", "pageLimit": 10, "limit": 10, "skip": 0, "offset": 0
        }
        """);

    private SandboxHost host = null!;

    public async Task InitializeAsync()
    {
        host = await SandboxHost.StartAsync();
        await AddRecordsAsync();
    }

    public async Task DisposeAsync() => await host.DisposeAsync();

    [Fact]
    public async Task EveryOperation_WithWhatItRequires_AnswersItsStatusAndShape()
    {
        var problems = new List<string>();
        var operations = GoHighLevelConnector.Create().Operations.Concat(FlocksyConnector.Create().Operations).ToList();

        // What deletes goes last, so that the rest still finds its records.
        foreach (var operation in operations.OrderBy(o => o.Method == "DELETE"))
        {
            if (operation.Method == "DELETE")
            {
                await host.ControlAsync("DELETE", "/ghl");
                await AddRecordsAsync();
            }

            var reply = await CallAsync(operation);
            var shape = operation.Response;
            if (reply.Status != shape.Status)
            {
                problems.Add($"{operation.Method} {operation.Path}: {reply.Status} {reply.Text}");
            }
            else if (shape.CollectionPath is { } path && !path.Contains('*') && !path.Split('|').Any(p => (p.Trim() == "$" ? reply.Json : reply.Json.SelectToken(p.Trim())) is JArray))
            {
                problems.Add($"{operation.Method} {operation.Path}: no list at {path} in {reply.Text}");
            }
            else if (shape.RecordPath is { } record && record != "$" && reply.Json is JObject && record.Split('|').All(r => reply.Json.SelectToken(r) is null))
            {
                problems.Add($"{operation.Method} {operation.Path}: no record at {record} in {reply.Text}");
            }
        }

        string.Join("\n", problems).Should().BeEmpty();
        operations.Should().HaveCountGreaterThan(126);
    }

    /// <summary>The samples of both catalogues are answers of the sandbox: the same properties of the same kinds. Lists are cut to their first element.</summary>
    [Fact]
    public async Task Samples_AreWhatTheSandboxAnswers()
    {
        foreach (var (connector, folder) in (IEnumerable<(Connector, string)>)[(GoHighLevelConnector.Create(), "GoHighLevel"), (FlocksyConnector.Create(), "Flocksy")])
        {
            var answers = new JObject();
            foreach (var operation in connector.Operations.Where(o => !o.Response.Binary && o.Poll?.Source is null))
            {
                await host.ControlAsync("DELETE", "/" + (connector.Name == "flocksy" ? "flocksy" : "ghl"));
                await AddRecordsAsync();
                var reply = await CallAsync(operation, isSample: true);
                reply.Status.Should().Be(operation.Response.Status, "{0} {1}", operation.ActivityType, reply.Text);
                if (reply.Json.Type != JTokenType.Null)
                {
                    answers[operation.ActivityType] = Cut(operation.SecretResult ? Redaction.Clean(reply.Json) : reply.Json);
                }
            }

            var path = Path.Combine(Repository.Root, "activities", "Automation.Activities." + folder, "samples.json");
            var before = (JObject)Json.Parse(File.ReadAllText(path));
            foreach (var same in answers.Properties().Where(p => before[p.Name] is { } old && JToken.DeepEquals(OperationOutputs.SchemaOf(old), OperationOutputs.SchemaOf(p.Value))))
            {
                // Ids and times alone are no change.
                same.Value = before[same.Name]!;
            }

            if (Environment.GetEnvironmentVariable(BodyTableTests.Update) is not null)
            {
                File.WriteAllText(path, "{\n" + string.Join(",\n", answers.Properties().Select(p => $"  \"{p.Name}\": {p.Value.ToString(Newtonsoft.Json.Formatting.None)}")) + "\n}\n");
            }

            // What has not changed is what is kept already: the answer itself.
            var kept = (JObject)Json.Parse(File.ReadAllText(path));
            kept.Properties().Select(p => p.Name).Should().Equal(answers.Properties().Select(p => p.Name), $"{path} is written by this test with {BodyTableTests.Update}=1");
            answers.Properties().Where(p => !JToken.DeepEquals(p.Value, kept[p.Name])).Select(p => p.Name).Should().BeEmpty($"these answer otherwise now; {path} is written by this test with {BodyTableTests.Update}=1");
        }
    }

    /// <summary>Answers whose specification is another's, or contradicts its own example.</summary>
    private static readonly Dictionary<int, string> MisdescribedAnswers = new()
    {
        [18] = "texts, and objects in the example",
        [65] = "stages are lists of nothing",
        [84] = "the object around the messages is missing",
        [86] = "one sentence instead of a list",
        [106] = "one association instead of a list",
        [109] = "one association instead of a list",
        [110] = "one association instead of relations",
        [113] = "requires a name that no category has",
        [121] = "an association instead of a relation",
        [122] = "an association instead of success",
    };

    [SkippableFact]
    public void Samples_FitTheOfficialAnswers()
    {
        var samples = GoHighLevelConnector.Create().Samples!;
        var misfits = new Dictionary<int, string>();
        foreach (var fact in Shared.Operations())
        {
            var file = Shared.Spec((string)fact["specFile"]!);
            var answer = ((JObject)file["paths"]![(string)fact["path"]!]![((string)fact["method"]!).ToLowerInvariant()]!["responses"]!).Properties().First(p => p.Name.StartsWith('2')).Value;
            if ((answer["content"] as JObject)?.Properties().First().Value["schema"] is { } schema && samples.Of((string)fact["activityType"]!) is { } sample && Misfit(file, schema, sample, "", 0) is { } misfit)
            {
                misfits[(int)fact["number"]!] = misfit;
            }
        }

        misfits.Where(m => !MisdescribedAnswers.ContainsKey(m.Key)).Should().BeEmpty();
        misfits.Keys.Should().BeEquivalentTo(MisdescribedAnswers.Keys);
    }

    /// <summary>The first required property that is missing, or value of another kind; what the specification does not name is no misfit, nor is null.</summary>
    private static string? Misfit(JObject file, JToken token, JToken value, string at, int depth)
    {
        var schema = Shared.Resolve(file, token);
        if (depth > 8 || value.Type == JTokenType.Null)
        {
            return null;
        }

        var (type, kind) = ((string?)schema["type"], (string?)OperationOutputs.SchemaOf(value)["type"]);
        if (type is not null && kind != type && !(type == "integer" && kind == "number") && !(type == "object" && schema["properties"] is null))
        {
            return $"{at} is {kind}, not {type}";
        }

        return value switch
        {
            JObject fields when (schema["required"] as JArray ?? []).Values<string>().FirstOrDefault(name => fields[name!] is null) is { } missing => $"{at}.{missing} is missing",
            JObject fields => (schema["properties"] as JObject ?? []).Properties().Where(p => fields[p.Name] is not null).Select(p => Misfit(file, p.Value, fields[p.Name]!, $"{at}.{p.Name}", depth + 1)).FirstOrDefault(m => m is not null),
            JArray { Count: > 0 } list when schema["items"] is { } items => Misfit(file, items, list[0], at + "[]", depth + 1),
            _ => null,
        };
    }

    private static JToken Cut(JToken token) => token switch
    {
        JObject fields => new JObject(fields.Properties().Select(p => new JProperty(p.Name, Cut(p.Value)))),
        JArray list => new JArray(list.Take(1).Select(Cut)),
        _ => token,
    };

    private async Task AddRecordsAsync()
    {
        foreach (var (collection, record) in (IEnumerable<(string, string)>)
        [
            ("flocksy/reports", """{"id":"report-1","locationId":"loc-1","dashboardId":"dashboard-1","from":"2026-01-01","to":"2026-01-31","status":"ready"}"""),
        ])
        {
            (await host.ControlAsync("POST", "/" + collection, Json.Parse(record))).Status.Should().Be(200);
        }
    }

    /// <summary>Inputs that a good sample has although they are not required.</summary>
    private static readonly HashSet<string> Nice = ["firstName", "lastName", "phone", "tags", "companyName", "title", "body", "dueDate", "monetaryValue", "startTime", "endTime", "slotDuration", "slotDurationUnit", "calendarType", "description"];

    private async Task<Reply> CallAsync(Operation operation, bool isSample = false)
    {
        var path = operation.Path;
        var query = new List<string>();
        var body = new JObject();
        JToken? whole = null;
        foreach (var input in operation.Inputs)
        {
            if (!input.Required && !(isSample && input.Place == InputPlace.Body && Nice.Contains(input.Name)) && !operation.OneOf.Take(1).Contains(input.Name) && !(operation.Path == "/conversations/messages" && input.Name == "message") && !(operation.Path.StartsWith("/calendars/", StringComparison.Ordinal) && input is { Name: "calendarId", Place: InputPlace.Query }))
            {
                continue;
            }

            var value = ValueOf(operation, input);
            switch (input.Place)
            {
                case InputPlace.Path:
                    path = path.Replace("{" + input.Name + "}", value.ToString(), StringComparison.Ordinal);
                    break;
                case InputPlace.Query:
                    query.Add($"{input.Name}={Uri.EscapeDataString(value.ToString())}");
                    break;
                case InputPlace.Body:
                    body[input.Name] = value;
                    break;
                case InputPlace.WholeBody:
                    whole = new JArray(new JObject { ["receiverType"] = "contact", ["channel"] = "email", ["notificationType"] = "booked" });
                    break;
            }
        }

        var sends = whole ?? (operation.Method is "GET" || (operation.ContentType is null && body.Count == 0) ? null : body);
        if (sends is JObject && operation.ContentType is "application/x-www-form-urlencoded" or "multipart/form-data")
        {
            return await host.GhlFormAsync(operation, path, (JObject)sends);
        }

        path += query.Count > 0 ? "?" + string.Join('&', query) : "";
        return operation.Connector == "flocksy"
            ? await host.FlocksyAsync(operation.Method, path, sends, operation.ActivityType)
            : await host.GhlAsync(operation.Method, path, sends, operation.VersionHeader);
    }

    private static JToken ValueOf(Operation operation, OperationInput input)
    {
        if (input.Name == "id")
        {
            return operation.Path switch
            {
                var p when p.StartsWith("/contacts/", StringComparison.Ordinal) => "note-1-1",
                var p when p.Contains("/customFields/", StringComparison.Ordinal) => "field-1-size",
                var p when p.StartsWith("/locations/", StringComparison.Ordinal) => "custom-value-1-1",
                var p when p.StartsWith("/calendars/", StringComparison.Ordinal) => "room-1-1",
                var p when p.StartsWith("/opportunities/", StringComparison.Ordinal) => "opportunity-1-1",
                var p when p.Contains("/email/", StringComparison.Ordinal) => "message-1-3",
                _ => "message-1-1",
            };
        }

        if (input.Name == "eventId")
        {
            return operation.Path.Contains("block", StringComparison.Ordinal) ? "blocked-1-1" : "appointment-1-1";
        }

        if (operation.Connector == "flocksy" && input.Name == "campaignId")
        {
            return "campaign-1a";
        }

        if (input.Name is "startTime" or "endTime" && input.Place == InputPlace.Body)
        {
            return input.Name == "startTime" ? "2026-01-02T10:00:00Z" : "2026-01-02T10:30:00Z";
        }

        if (input.Name == "email" && operation.Effect == EffectClass.Read)
        {
            return "ada.bauer.1@example.com";
        }

        return Known[input.Name]?.DeepClone() ?? ((input.Enum ?? input.Suggestions) is { Count: > 0 } allowed
            ? (input.Type == "array" ? new JArray(allowed[0]) : allowed[0])
            : input.Type switch
            {
                "number" or "integer" => 1,
                "boolean" => true,
                "array" => input.ItemType is "object" ? new JArray(new JObject()) : new JArray("x"),
                "object" => new JObject(),
                _ => "x",
            });
    }
}
