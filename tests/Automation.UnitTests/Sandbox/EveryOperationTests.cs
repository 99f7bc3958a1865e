using Automation.Activities.Flocksy;
using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using Automation.Engine;
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
          "groupId": "group-1", "appointmentId": "appointment-1", "notificationId": "notification-1", "resourceType": "rooms", "userId": "user-1a", "campaignId": "ghl-campaign-1",
          "workflowId": "workflow-1", "pipelineId": "pipeline-1", "conversationId": "conversation-1", "messageId": "message-1-1", "associationId": "association-1",
          "relationId": "relation-1", "recordId": "contact-1-01", "key_name": "business_owner", "objectKey": "contact", "postId": "post-1", "blogId": "blog-1",
          "taskId": "task-1", "noteId": "appointment-note-1", "email": "new@every.example", "startTime": "1767225600000", "endTime": "1767312000000", "startDate": 1767225600000, "endDate": 1767312000000,
          "dashboardId": "dashboard-1", "reportId": "report-1", "profileId": "user-1a", "projectId": "project-1", "ghlTag": "vip", "segmentIds": ["segment-1-vip"],
          "values": [{"metricId": "likes", "date": "2026-01-01", "value": 5, "locationId": "loc-1"}], "tagId": "location-tag-1-newsletter", "file": {"name": "a.txt", "contentType": "text/plain", "text": "Hello"}, "message": "Hello", "pageLimit": 10, "limit": 10, "skip": 0, "offset": 0
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

    private async Task AddRecordsAsync()
    {
        foreach (var (collection, record) in (IEnumerable<(string, string)>)
        [
            ("ghl/contact-tasks", """{"id":"task-1","contactId":"contact-1-01","locationId":"loc-1","title":"Call"}"""),
            ("ghl/contact-notes", """{"id":"note-1","contactId":"contact-1-01","locationId":"loc-1","body":"Nice"}"""),
            ("ghl/appointments", """{"id":"appointment-1","contactId":"contact-1-01","calendarId":"calendar-1","locationId":"loc-1","startTime":"2026-01-01T10:00:00Z"}"""),
            ("ghl/blocked-slots", """{"id":"blocked-1","calendarId":"calendar-1","locationId":"loc-1","startTime":"2026-01-01T12:00:00Z"}"""),
            ("ghl/appointment-notes", """{"id":"appointment-note-1","appointmentId":"appointment-1","body":"Bring papers"}"""),
            ("ghl/calendar-notifications", """{"id":"notification-1","calendarId":"calendar-1","isActive":true}"""),
            ("ghl/calendar-resources", """{"id":"room-1","resourceType":"rooms","locationId":"loc-1","name":"Blue"}"""),
            ("ghl/relations", """{"id":"relation-1","associationId":"association-1","locationId":"loc-1","firstRecordId":"contact-1-01","secondRecordId":"business-1"}"""),
            ("ghl/blog-posts", """{"id":"post-1","blogId":"blog-1","locationId":"loc-1","title":"Hello","urlSlug":"hello"}"""),
            ("flocksy/reports", """{"id":"report-1","locationId":"loc-1","dashboardId":"dashboard-1","from":"2026-01-01","to":"2026-01-31","status":"ready"}"""),
        ])
        {
            (await host.ControlAsync("POST", "/" + collection, Json.Parse(record))).Status.Should().Be(200);
        }
    }

    private async Task<Reply> CallAsync(Operation operation)
    {
        var path = operation.Path;
        var query = new List<string>();
        var body = new JObject();
        JToken? whole = null;
        foreach (var input in operation.Inputs)
        {
            if (!input.Required && !operation.OneOf.Take(1).Contains(input.Name) && !(operation.Path == "/conversations/messages" && input.Name == "message") && !(operation.Path.StartsWith("/calendars/", StringComparison.Ordinal) && input is { Name: "calendarId", Place: InputPlace.Query }))
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
                var p when p.StartsWith("/contacts/", StringComparison.Ordinal) => "note-1",
                var p when p.StartsWith("/locations/", StringComparison.Ordinal) => "custom-value-1-1",
                var p when p.StartsWith("/calendars/", StringComparison.Ordinal) => "room-1",
                var p when p.StartsWith("/opportunities/", StringComparison.Ordinal) => "opportunity-1-1",
                _ => "message-1-1",
            };
        }

        if (input.Name == "eventId")
        {
            return operation.Path.Contains("block", StringComparison.Ordinal) ? "blocked-1" : "appointment-1";
        }

        if (operation.Connector == "flocksy" && input.Name == "campaignId")
        {
            return "campaign-1a";
        }

        if (input.Name == "startTime" && input.Place == InputPlace.Body)
        {
            return "2026-01-02T10:00:00Z";
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
