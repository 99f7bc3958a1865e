using Automation.Engine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>What of an operation's activity can be known to be wrong before it runs. Values that come from expressions are left to the run.</summary>
internal static class OperationChecks
{
    public static async ValueTask CheckAsync(Operation operation, PublishCheckContext context)
    {
        var connection = await CheckConnectionAsync(operation.Connector, operation.Name, context);
        if (connection?.Credential.Scopes is { } granted && operation.Scopes.Except(granted).ToList() is { Count: > 0 } missing)
        {
            Add(context, "missing-scope", "connectionId", $"Connection '{connection.Name}' is not allowed {string.Join(", ", missing)}, which {operation.Name} needs. Open the connection and choose Connect again, with it added to the app.");
        }

        if (connection?.IsBrief == true && operation.Effect == EffectClass.Read)
        {
            Add(context, "no-api", "connectionId", $"Connection '{connection.Name}' hands work to people and has no API, so nothing can be read or watched there. Take {operation.Name} out of the flow, or choose a connection with an API.");
        }

        foreach (var input in operation.Inputs)
        {
            CheckInput(operation, input, connection, context);
        }

        if (operation.OneOf.Count > 0 && !operation.OneOf.Any(name => IsGiven(operation, name, context)))
        {
            Add(context, "missing-input", OperationNames.PropertyOf(operation.OneOf[0]), $"{operation.Name} needs one of {string.Join(", ", operation.OneOf)}. Set one of them.");
        }

        if (operation.Poll is { } poll)
        {
            CheckInterval(connection, context);
            if (Literal(context, "mode") is { } mode && !poll.Modes.Contains(mode))
            {
                Add(context, "wrong-enum", "mode", $"The mode '{mode}' is not one of {string.Join(", ", poll.Modes)}. Choose one of these.");
            }
        }
    }

    public static async ValueTask<Connection?> CheckConnectionAsync(string connector, string name, PublishCheckContext context)
    {
        if (!context.SetInputs.Contains("connectionId") || (context.Literals.ContainsKey("connectionId") && Literal(context, "connectionId") is null))
        {
            Add(context, "missing-input", "connectionId", $"No connection is chosen. Choose a connection of {connector}.");
            return null;
        }

        // Without a vault (a file being validated on its own) nothing is known of connections.
        if (Literal(context, "connectionId") is not { } id || context.Services.GetService<IConnections>() is not { } connections)
        {
            return null;
        }

        var connection = await connections.FindAsync(id, context.CancellationToken);
        if (connection is null && id.Trim() is ['{', '{', .., '}', '}'] slot)
        {
            Add(context, "unfilled-slot", "connectionId", $"The slot '{slot[2..^2].Trim().Replace("slot:", "", StringComparison.Ordinal)}' has no connection yet. Choose a connection of {connector}.");
            return null;
        }

        if (connection is null)
        {
            Add(context, "unknown-connection", "connectionId", $"There is no connection '{id}'. Choose one that exists, or make it first.");
            return null;
        }

        if (connection.Connector != connector)
        {
            Add(context, "wrong-connection", "connectionId", $"Connection '{connection.Name}' is of {connection.Connector}, and {name} needs one of {connector}. Choose another.");
            return null;
        }

        return connection;
    }

    private static bool IsGiven(Operation operation, string name, PublishCheckContext context)
    {
        var input = operation.Inputs.Single(i => i.Name == name);
        return context.SetInputs.Contains(input.PropertyName) && !(context.Literals.TryGetValue(input.PropertyName, out var value) && RequestBuilder.IsEmpty(input, value));
    }

    private static void CheckInput(Operation operation, OperationInput input, Connection? connection, PublishCheckContext context)
    {
        var property = input.PropertyName;
        var isLiteral = context.Literals.TryGetValue(property, out var value);
        if (!context.SetInputs.Contains(property) || (isLiteral && RequestBuilder.IsEmpty(input, value)))
        {
            // The connection fills in location and company; the poll fills in the page.
            var isOwn = input.Name is "locationId" or "location_id" or "companyId";
            var isFilled = input.Default is not null || (operation.Poll is { } poll && (operation.Pagination.Params.Contains(input.Name) || poll.Rolling?[input.Name] is not null))
                || (isOwn && (connection is null || RequestBuilder.FromConnection(input, connection) is not null));
            if (input.Required && !isFilled)
            {
                var also = isOwn ? $", or give connection '{connection!.Name}' its {(input.Name == "companyId" ? "company" : "location")}" : "";
                Add(context, "missing-input", property, $"Input '{input.Name}' of {operation.Name} is required and is missing. Set it{also}{(input.Nullable ? ", or give it null on purpose by an expression" : "")}.");
            }

            return;
        }

        // Fields by name are known only to the location.
        if (isLiteral && value is not null && !(input.Fields is not null && FieldValues.ByName(value) is not null) && InputBinding.Bind(input, value.DeepClone()).Problem is { } problem)
        {
            Add(context, input.Enum is null ? "wrong-type" : "wrong-enum", property, $"Input '{input.Name}' of {operation.Name} {problem}. Correct it.");
        }
    }

    private static void CheckInterval(Connection? connection, PublishCheckContext context)
    {
        if (Literal(context, "interval") is not { } text)
        {
            return;
        }

        Schedule schedule;
        try
        {
            schedule = Schedule.Parse(text, Literal(context, "timeZone"));
        }
        catch (FormatException exception)
        {
            Add(context, "bad-interval", "interval", $"The interval '{text}' of the trigger cannot be read: {exception.Message} Write it as 30s, 5m or 1h, or as a cron of five fields, six with seconds.");
            return;
        }

        if (connection is null)
        {
            return;
        }

        var minimum = (context.Services.GetService<IOptions<PollingLimits>>()?.Value ?? new PollingLimits()).For(connection);
        var clock = context.Services.GetService<TimeProvider>() ?? TimeProvider.System;
        if (schedule.Shortest(clock.GetUtcNow()) < minimum)
        {
            Add(context, "interval-too-short", "interval", $"The interval '{text}' is shorter than {Words(minimum)}, the shortest that connection '{connection.Name}' may be polled at. Lengthen it.");
        }
    }

    private static string? Literal(PublishCheckContext context, string name) => JsonPaths.Text(context.Literals[name]);

    private static string Words(TimeSpan span) => span.TotalSeconds % 60 == 0 ? $"{span.TotalMinutes:0} min" : $"{span.TotalSeconds:0} s";

    public static void Add(PublishCheckContext context, string code, string property, string message) =>
        context.Problems.Add(new DefinitionProblem(ProblemSeverity.PublishError, code, message)
        {
            ActivityId = context.Activity.Id,
            ActivityType = context.Activity.Descriptor.TypeName,
            Property = property,
        });
}
