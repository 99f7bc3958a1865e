using System.Diagnostics;
using Automation.Connectors;
using Automation.Engine;
using Automation.Hosting.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Api;

/// <summary><c>/api/operations</c>: the catalogue, and one call of it for testing.</summary>
internal static class OperationEndpoints
{
    /// <summary>What stands in place of a secret.</summary>
    private const string Hidden = "********";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/operations").WithTags("operations");
        group.MapGet("", List).WithSummary("Every operation. Filters: connector, kind, category, search.");
        group.MapGet("/{activityType}", (string activityType, OperationCatalog operations) => new Reply(Describe(Find(operations, activityType), operations))).WithSummary("One operation.");
        group.MapPost("/{activityType}/execute", ExecuteAsync).WithSummary("Tests one operation: {connectionId, inputs, dryRun}. A dry run only shows the request.");
    }

    private static Reply List(HttpContext context, OperationCatalog operations)
    {
        var connector = Query.Text(context, "connector");
        var kind = Query.Name<OperationKind>(context, "kind");
        var category = Query.Text(context, "category");
        var search = Query.Text(context, "search");
        var found = operations.All
            .Where(o => connector is null || string.Equals(o.Connector, connector, StringComparison.OrdinalIgnoreCase))
            .Where(o => kind is null || o.Kind == kind)
            .Where(o => category is null || string.Equals(o.Category, category, StringComparison.OrdinalIgnoreCase))
            .Where(o => search is null || o.Name.Contains(search, StringComparison.OrdinalIgnoreCase) || o.ActivityType.Contains(search, StringComparison.OrdinalIgnoreCase) || o.Path.Contains(search, StringComparison.OrdinalIgnoreCase))
            .OrderBy(o => o.Number ?? int.MaxValue).ThenBy(o => o.ActivityType, StringComparer.Ordinal)
            .ToList();

        return Reply.List(context, found, operation => Describe(operation, operations));
    }

    private static async Task<IResult> ExecuteAsync(string activityType, HttpContext context, OperationCatalog operations, IConnections connections, OperationClient client, FieldValues fields, TimeProvider clock)
    {
        var cancellationToken = context.RequestAborted;
        var operation = Find(operations, activityType);
        var body = await RequestBody.ReadObjectAsync(context, cancellationToken);
        if ((body["connectionId"] as JValue)?.Value is not string { Length: > 0 } connectionId)
        {
            return Problem.BadRequest("The connectionId is missing.", "connectionId", "Give the id or the name of a connection; GET /api/connections lists them.");
        }

        if (await connections.FindAsync(connectionId, cancellationToken) is not { } connection)
        {
            return Problem.BadRequest($"There is no connection '{connectionId}'.", "connectionId", "GET /api/connections lists the connections.", "unknown-connection");
        }

        if (connection.Connector != operation.Connector)
        {
            return Problem.BadRequest($"'{activityType}' is an operation of {operation.Connector}; the connection '{connection.Name}' is to {connection.Connector}.", "connectionId", $"Choose a connection to {operation.Connector}.", "wrong-connector");
        }

        if (body["inputs"] is not (null or JObject or { Type: JTokenType.Null }))
        {
            return Problem.BadRequest("The inputs must be an object of the API's own names.", "inputs");
        }

        var inputs = await fields.ResolveAsync(operation, connection, body["inputs"] as JObject ?? [], cancellationToken);
        var request = client.Build(operation, connection, inputs);
        var shown = Show(request);
        if (body["dryRun"] is JValue { Value: true })
        {
            return new Reply(new JObject { ["request"] = shown, ["status"] = null, ["response"] = null, ["outputs"] = new JObject(), ["durationMs"] = 0, ["dryRun"] = true });
        }

        var started = Stopwatch.GetTimestamp();
        try
        {
            var response = await client.SendAsync(operation, connection, request, CallPriority.Action, operation.Effect == EffectClass.Read ? null : Ids.New(clock), cancellationToken);
            return new Reply(new JObject
            {
                ["request"] = shown,
                ["status"] = response.Status,
                ["response"] = response.Content is { } content ? Convert.ToBase64String(content) : response.Body,
                ["outputs"] = Outputs(operation, connection, response, inputs, clock),
                ["durationMs"] = Math.Round(Stopwatch.GetElapsedTime(started).TotalMilliseconds, 1),
                ["traceId"] = response.TraceId,
            });
        }
        catch (ConnectorException error)
        {
            var problem = Problem.Of(error);
            if (error.MayHaveHappened && operation.Effect is (EffectClass.Probe or EffectClass.Unsafe))
            {
                // Here a person sends, and no ledger finds out: whoever reads "it failed" would send it again.
                problem = problem with
                {
                    Title = "It may have happened all the same.",
                    Action = $"Look in the account of connection '{connection.Name}' before you send it again. In a flow, a read finds out where there is one; else an incident asks you.",
                };
            }

            problem.More!["request"] = shown;
            problem.More["durationMs"] = Math.Round(Stopwatch.GetElapsedTime(started).TotalMilliseconds, 1);
            return problem;
        }
    }

    private static Operation Find(OperationCatalog operations, string activityType) =>
        operations.Find(activityType)
        ?? operations.All.FirstOrDefault(o => string.Equals(o.ActivityType, activityType, StringComparison.OrdinalIgnoreCase))
        ?? throw new ProblemException(Problem.NotFound($"There is no operation '{activityType}'. GET /api/operations lists them."));

    private static JObject Show(ConnectorRequest request)
    {
        var headers = new JObject { ["Authorization"] = "Bearer " + Hidden };
        foreach (var (name, value) in request.Headers)
        {
            headers[name] = IsSecret(name) ? Hidden : value;
        }

        return new JObject { ["method"] = request.Method, ["url"] = request.Url, ["headers"] = headers, ["body"] = request.Body?.DeepClone() };
    }

    private static bool IsSecret(string header) =>
        header.Equals("Authorization", StringComparison.OrdinalIgnoreCase) || header.Contains("key", StringComparison.OrdinalIgnoreCase) && !header.Equals("Idempotency-Key", StringComparison.OrdinalIgnoreCase)
        || header.Contains("token", StringComparison.OrdinalIgnoreCase) || header.Contains("cookie", StringComparison.OrdinalIgnoreCase) || header.Contains("secret", StringComparison.OrdinalIgnoreCase);

    private static JObject Outputs(Operation operation, Connection connection, ConnectorResponse response, JObject inputs, TimeProvider clock)
    {
        var outputs = new JObject { ["result"] = OperationActivity.ResultOf(response)?.DeepClone() };
        if (operation.Kind == OperationKind.Trigger && PollReader.Sample(operation, connection, response, inputs) is { } item)
        {
            outputs["event"] = new JObject
            {
                ["key"] = $"{item.Id}@1",
                ["item"] = item.Payload.DeepClone(),
                ["previous"] = null,
                ["revision"] = 1,
                ["sourceId"] = null,
                ["observedAt"] = Reply.Utc(clock.GetUtcNow()),
                ["sample"] = true,
            };
        }

        return outputs;
    }

    internal static JObject Describe(Operation operation, OperationCatalog operations) => new()
    {
        ["number"] = operation.Number,
        ["connector"] = operation.Connector,
        ["category"] = operation.Category,
        ["kind"] = operation.Kind.ToString().ToLowerInvariant(),
        ["name"] = operation.Name,
        ["activityType"] = operation.ActivityType,
        ["description"] = operation.Description,
        ["firesOn"] = operation.FiresOn,
        ["method"] = operation.Method,
        ["path"] = operation.Path,
        ["version"] = operation.VersionHeader,
        ["scopes"] = new JArray(operation.Scopes),
        ["tokenType"] = operation.TokenType,
        ["effectClass"] = operation.Effect.ToString().ToLowerInvariant(),
        ["destructive"] = operation.Destructive,
        ["deprecated"] = operation.Deprecated,
        ["notice"] = operation.Notice,
        ["pollModes"] = new JArray(operation.Poll?.Modes ?? []),
        ["onWebhook"] = operation.Poll?.OnWebhook(),
        ["docsUrl"] = operation.DocsUrl,
        ["inputs"] = new JArray(operation.Inputs.Select(input => new JObject
        {
            ["name"] = input.Name,
            ["property"] = input.PropertyName,
            ["in"] = input.Place switch { InputPlace.Path => "path", InputPlace.Query => "query", _ => "body" },
            ["type"] = input.Type,
            ["itemType"] = input.ItemType,
            ["format"] = input.Format,
            ["required"] = input.Required,
            ["enum"] = input.Enum is null ? null : new JArray(input.Enum),
            ["suggestions"] = input.Suggestions is null ? null : new JArray(input.Suggestions),
            ["default"] = input.Default?.DeepClone(),
            ["example"] = input.Example?.DeepClone(),
            ["displayName"] = input.DisplayName,
            ["description"] = input.Description,
            ["optionsFrom"] = input.OptionsFrom ?? input.Fields?.Operation,
        })),
        ["outputs"] = OperationOutputs.Describe(operation, operations.ConnectorOf(operation.Connector).Samples),
    };
}
