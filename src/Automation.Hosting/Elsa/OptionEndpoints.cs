using System.Collections.Concurrent;
using Automation.Connectors;
using Automation.Engine;
using Automation.Hosting.Web;
using Automation.Runtime.Connections;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.Elsa;

/// <summary>Live options of drop-downs: connections, and what a connection has (pipelines, users, tags…).</summary>
internal static class OptionEndpoints
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/descriptors/activities/{typeName}/options/{property}", OptionsAsync);

    private static async Task<IResult> OptionsAsync(string typeName, string property, HttpContext context, LiveOptions options, ActivityRegistry activities)
    {
        if (activities.Find(typeName) is not { } activity || !activity.Inputs.Any(input => input.Name.Equals(property, StringComparison.OrdinalIgnoreCase)))
        {
            return Problem.NotFound($"There is no activity type '{typeName}' with an input '{property}'.");
        }

        var body = await RequestBody.ReadObjectAsync(context, context.RequestAborted);
        return new Reply(await options.ReadAsync(typeName, property, Literals(Bodies.Object(body, "context") ?? []), context.RequestAborted));
    }

    /// <summary>The designer sends its inputs as they are in the definition; only literal values can be looked up.</summary>
    private static JObject Literals(JObject inputs)
    {
        var literals = new JObject();
        foreach (var input in inputs.Properties())
        {
            var value = (input.Value as JObject)?["expression"] is JObject expression
                ? (string?)(expression["type"] as JValue) is "Literal" ? expression["value"] : null
                : input.Value;
            if (value is JValue { Value: not null } literal)
            {
                literals[input.Name] = literal;
            }
        }

        return literals;
    }
}

/// <summary>Reads options and keeps them for a moment: the designer asks for the same ones dozens of times when an activity is selected.</summary>
internal sealed class LiveOptions(OperationCatalog operations, ActivityRegistry activities, ConnectionVault vault, InputOptions inputs, TimeProvider clock, ILogger<LiveOptions> logger)
{
    private const int EntryLimit = 500;

    /// <summary>How long an answer is good for.</summary>
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<string, (DateTimeOffset At, Lazy<Task<JObject>> Answer)> answers = new(StringComparer.Ordinal);

    public Task<JObject> ReadAsync(string typeName, string property, JObject literals, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (answers.Count > EntryLimit)
        {
            answers.Clear();
        }

        // One reading serves all who ask meanwhile; whoever goes away does not stop it for the others.
        var key = $"{typeName}\n{property}\n{Json.Write(literals)}";
        var entry = answers.AddOrUpdate(key, _ => (now, Start()), (_, old) => now - old.At < Life ? old : (now, Start()));
        return entry.Answer.Value.WaitAsync(cancellationToken);

        Lazy<Task<JObject>> Start() => new(() => FetchAsync(typeName, property, literals));
    }

    private async Task<JObject> FetchAsync(string typeName, string property, JObject literals)
    {
        var operation = operations.Find(typeName);
        var isList = operation?.Inputs.FirstOrDefault(i => i.PropertyName.Equals(property, StringComparison.OrdinalIgnoreCase))?.Type == "array";
        var connectionId = (string?)literals.GetValue("connectionId", StringComparison.OrdinalIgnoreCase);
        IReadOnlyList<InputOption> options = [];
        string? instead = null;
        try
        {
            var connector = operation?.Connector ?? (string?)activities.Find(typeName)?.CustomProperties["connector"];
            if (connector is not null && property.Equals("ConnectionId", StringComparison.OrdinalIgnoreCase))
            {
                options = (await vault.ListAsync(CancellationToken.None)).Where(c => c.Connector == connector).Select(c => new InputOption(c.IsSandbox ? $"{c.Name} (sandbox)" : c.Name, c.Id)).ToList();
                instead = "No connection yet: add one under Connections";
            }
            else
            {
                options = await inputs.ReadAsync(typeName, property, connectionId, literals, CancellationToken.None);
                instead = string.IsNullOrEmpty(connectionId) ? "Choose a connection first, then select the activity again" : "The connection has none, or an input above is needed first";
            }
        }
        catch (ConnectorException error)
        {
            logger.LogWarning("The options of {Property} of {ActivityType} could not be read: {Reason}", property, typeName, error.Message);
            instead = $"Not read: {error.Message} {error.Action}".TrimEnd();
        }

        var items = new JArray(options.Select(o => new JObject { ["text"] = o.Text, ["value"] = o.Value }));
        if (isList)
        {
            foreach (var item in items)
            {
                item["isChecked"] = false;
            }

            return Answer("checklist", new JObject { ["checkList"] = new JObject { ["items"] = items } });
        }

        // The designer shows no error of its own here: the list says why it is empty. Choosing that line chooses nothing.
        if (items.Count == 0)
        {
            items.Add(new JObject { ["text"] = instead, ["value"] = "" });
        }

        return Answer("dropdown", new JObject { ["selectList"] = new JObject { ["items"] = items, ["isFlagsEnum"] = false }, ["providerName"] = null });
    }

    private static JObject Answer(string hint, JObject specification) => new() { ["items"] = new JObject { [hint] = specification, ["Refresh"] = true } };
}
