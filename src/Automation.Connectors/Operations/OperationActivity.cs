using Automation.Engine;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>The one activity that sends every operation: validates inputs, reads or writes through the client, sets <c>result</c>; as the trigger of a run it hands out its <c>event</c>.</summary>
public sealed class OperationActivity(Operation operation) : Activity
{
    public Operation Operation { get; } = operation;

    /// <summary>The descriptor of an operation's activity: connection, interval and mode for triggers, the API's inputs, outputs, publish checks.</summary>
    public static ActivityDescriptor Describe(Operation operation) => OperationDescriptors.Describe(operation);

    /// <inheritdoc />
    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (Operation.Poll is not null && context.IsTriggerOfRun && context.TriggerPayload is JObject payload)
        {
            return HandOut(context, payload);
        }

        try
        {
            var connection = await FindConnectionAsync(context, cancellationToken);
            var inputs = InputsOf(context);
            if (connection.IsBrief)
            {
                return await context.Services.GetRequiredService<OperationBrief>().HandOverAsync(context, Operation, connection, inputs, cancellationToken);
            }

            await SendAsync(context, connection, inputs, cancellationToken);
            return ActivityResult.Done;
        }
        catch (ConnectorException exception)
        {
            return ActivityResult.Faulted(FaultOf(exception));
        }
    }

    /// <summary>The task that the operation became has ended.</summary>
    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken) =>
        ValueTask.FromResult(OperationBrief.TakeBack(context, Operation, TaskAnswer.Of(resumption.Input)));

    /// <summary>A failure of a call as the fault of an activity.</summary>
    public static Fault FaultOf(ConnectorException exception) => new(exception.Message)
    {
        Code = exception.Code,
        Detail = exception.ProviderMessage is null ? null : exception.TraceId is null ? exception.ProviderMessage : $"{exception.ProviderMessage} [trace {exception.TraceId}]",
        Action = exception.Action,
        Property = exception.Property,
        ExceptionType = typeof(ConnectorException).FullName,
        IsTransient = exception.IsTransient,
    };

    /// <summary>What an activity makes of an answer: its body, or of a file its type, size and content.</summary>
    public static JToken? ResultOf(ConnectorResponse response)
    {
        if (response.Content is not { } content)
        {
            return response.Body;
        }

        var file = new JObject { ["contentType"] = response.ContentType, ["size"] = content.Length };
        if (response.ContentType is { } type && (type.StartsWith("text/", StringComparison.OrdinalIgnoreCase) || type.Contains("json", StringComparison.OrdinalIgnoreCase)))
        {
            file["text"] = System.Text.Encoding.UTF8.GetString(content);
        }
        else
        {
            file["base64"] = Convert.ToBase64String(content);
        }

        return file;
    }

    private ActivityResult HandOut(ActivityContext context, JObject payload)
    {
        var item = payload["item"];
        context.SetOutput("Event", payload);
        context.SetOutput("Result", item);
        AddSubjects(context, item);
        return ActivityResult.Done;
    }

    private async ValueTask SendAsync(ActivityContext context, Connection connection, JObject inputs, CancellationToken cancellationToken)
    {
        var client = context.Services.GetRequiredService<OperationClient>();
        inputs = await context.Services.GetRequiredService<FieldValues>().ResolveAsync(Operation, connection, inputs, cancellationToken);
        var request = client.Build(Operation, connection, inputs);
        if (Operation.Effect != EffectClass.Read && context.Run.IsDryRun)
        {
            var shown = Redaction.Show(request, connection.Credential);
            context.Journal("DryRun", $"Would send {request.Method} {(string?)shown["url"]}", new JObject { ["request"] = shown });
            context.SetOutput("Result", new JObject { ["dryRun"] = true, ["request"] = shown });
            AddSubjects(context, inputs);
            return;
        }

        // Before the call, so that a run is found by whom it is about also when the call fails.
        AddSubjects(context, inputs);
        var response = Operation.Effect == EffectClass.Read
            ? await client.SendAsync(Operation, connection, request, PriorityOf(context), null, cancellationToken, BeforeSend(context))
            : await WriteAsync(context, client, connection, request, cancellationToken);
        var result = ResultOf(response);
        context.SetOutput("Result", result);
        AddSubjects(context, result, JsonPaths.Find(result, Operation.Response.RecordPath));
    }

    private ValueTask<ConnectorResponse> WriteAsync(ActivityContext context, OperationClient client, Connection connection, ConnectorRequest request, CancellationToken cancellationToken)
    {
        var effect = new Effect
        {
            Key = context.EffectKey,
            Class = Operation.Effect,
            Operation = Operation.ActivityType,
            ConnectionId = connection.Id,
            LocationId = connection.LocationId,
            Request = request,
            HoldsSecret = Operation.Inputs.Any(input => input.Sensitive),
        };
        var probe = Operation.Probe is null ? null : context.Services.GetRequiredService<ProbeReader>();
        return context.Services.GetRequiredService<IEffectLedger>().SendAsync(
            context,
            effect,
            (recorded, token) => client.SendAsync(Operation, connection, recorded, PriorityOf(context), effect.Key, token, BeforeSend(context)),
            probe is null ? null : (recorded, intentAt, token) => probe.FindAsync(Operation, connection, recorded, intentAt, token),
            cancellationToken);
    }

    private static Action? BeforeSend(ActivityContext context) => context.Run.Host is { } host ? host.EnsureHeld : null;

    /// <summary>What a backfill started waits behind everything else.</summary>
    private static CallPriority PriorityOf(ActivityContext context) => context.Run.TriggerPayload is JObject payload && payload["backfill"] is JValue { Value: true } ? CallPriority.Backfill : CallPriority.Action;

    private async ValueTask<Connection> FindConnectionAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var id = context.GetInput("ConnectionId") as string;
        if (string.IsNullOrWhiteSpace(id))
        {
            throw Refused("missing-input", $"{Operation.Name} has no connection.", $"Choose a connection of {Operation.Connector}.");
        }

        var connection = await context.Services.GetRequiredService<IConnections>().FindAsync(id, cancellationToken)
            ?? throw Refused("unknown-connection", $"There is no connection '{id}'.", "Choose one that exists, or make it first.");
        // An agency's connection works in the location that the run is about.
        return connection.Connector == Operation.Connector
            ? connection.LocationId is null && context.Run.LocationId is { } location ? connection with { LocationId = location } : connection
            : throw Refused("wrong-connection", $"Connection '{connection.Name}' is of {connection.Connector}, and {Operation.Name} needs one of {Operation.Connector}.", "Choose another connection.");
    }

    private JObject InputsOf(ActivityContext context)
    {
        var inputs = new JObject();
        foreach (var input in Operation.Inputs)
        {
            var value = context.GetInput(input.PropertyName);

            // A field that was cleared in the designer is left empty, and empties nothing on the other side; an expression that says "" does.
            if (value is not null and not "" and not JValue { Value: "" } || (value is not null && context.IsComputed(input.PropertyName)))
            {
                inputs[input.Name] = value as JToken ?? Engine.Expressions.ValueConverter.ToJson(value);
            }
            else if (input is { Required: true, Nullable: true } && context.IsComputed(input.PropertyName))
            {
                inputs[input.Name] = JValue.CreateNull();
            }
        }

        return inputs;
    }

    private void AddSubjects(ActivityContext context, params JToken?[] places)
    {
        foreach (var subject in Subjects.Of(Operation, places))
        {
            context.AddSubject(subject);
        }
    }

    private static ConnectorException Refused(string code, string message, string action) => new(message) { Code = code, Action = action, Property = "connectionId" };
}
