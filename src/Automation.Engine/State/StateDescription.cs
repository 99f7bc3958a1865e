using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>A run's state in the shape of Elsa's <c>workflowState</c>.</summary>
internal static class StateDescription
{
    public static JObject Describe(WorkflowRun run)
    {
        var isFinished = run.Status == WorkflowStatus.Finished;
        var state = new JObject
        {
            ["id"] = run.InstanceId,
            ["definitionId"] = run.Plan.Definition.DefinitionId,
            ["definitionVersionId"] = run.Plan.Definition.Id,
            ["definitionVersion"] = run.Plan.Definition.Version,
            ["correlationId"] = run.CorrelationId,
            ["name"] = run.Name,
            ["parentWorkflowInstanceId"] = run.ParentInstanceId,
            ["status"] = run.Status.ToString(),
            ["subStatus"] = run.SubStatus.ToString(),
            ["isExecuting"] = run.SubStatus == WorkflowSubStatus.Executing,
            ["bookmarks"] = new JArray(run.Bookmarks.Select(Bookmark)),
            ["incidents"] = new JArray(run.Incidents.Select(Incident)),
            ["fault"] = run.SubStatus == WorkflowSubStatus.Faulted && run.Incidents.Count > 0 ? WorkflowFault(run.Incidents[^1]) : null,
            ["completionCallbacks"] = new JArray(),
            ["activityExecutionContexts"] = new JArray(run.Contexts.Where(c => !isFinished || c.Status != ContextStatus.Completed).Select(c => Context(c))),
            ["input"] = run.Input.DeepClone(),
            ["output"] = run.Output.DeepClone(),
            ["properties"] = run.Contexts.Count > 0 ? Properties(run.Contexts[0]) : [],
            ["createdAt"] = run.CreatedAt.UtcDateTime,
            ["updatedAt"] = run.UpdatedAt.UtcDateTime,
            ["finishedAt"] = run.FinishedAt?.UtcDateTime,
        };
        return state;
    }

    private static JObject Bookmark(Bookmark bookmark) => new()
    {
        ["id"] = bookmark.Id,
        ["name"] = bookmark.Name,
        ["hash"] = bookmark.Hash,
        ["payload"] = bookmark.Payload?.DeepClone(),
        ["activityId"] = bookmark.ActivityId,
        ["activityNodeId"] = bookmark.NodeId,
        ["activityInstanceId"] = bookmark.ActivityInstanceId,
        ["createdAt"] = bookmark.CreatedAt.UtcDateTime,
        ["autoBurn"] = true,
        ["callbackMethodName"] = null,
        ["autoComplete"] = true,
        ["metadata"] = new JObject(),
    };

    private static JObject WorkflowFault(Incident incident)
    {
        var fault = Incident(incident);
        fault["faultedActivityId"] = incident.ActivityId;
        return fault;
    }

    private static JObject Incident(Incident incident) => new()
    {
        ["activityId"] = incident.ActivityId,
        ["activityNodeId"] = incident.NodeId,
        ["activityInstanceId"] = incident.ActivityInstanceId,
        ["activityType"] = incident.ActivityType,
        ["message"] = incident.Fault.Message,
        ["exception"] = DescribeException(incident.Fault),
        ["timestamp"] = incident.At.UtcDateTime,
    };

    /// <summary>A fault as Elsa shows an exception. Its clients take only text in the metadata. There is no stack trace: it is the program's own.</summary>
    public static JObject DescribeException(Fault fault)
    {
        var metadata = new JObject { ["code"] = fault.Code };
        foreach (var (name, value) in new[] { ("detail", fault.Detail), ("action", fault.Action), ("property", fault.Property) })
        {
            if (value is not null)
            {
                metadata[name] = value;
            }
        }

        return new JObject
        {
            ["type"] = fault.ExceptionType ?? "Elsa.Workflows.Exceptions.FaultException",
            ["message"] = fault.Message,
            ["stackTrace"] = null,
            ["innerException"] = fault.Detail is null ? null : new JObject { ["type"] = "System.Exception", ["message"] = fault.Detail, ["stackTrace"] = null, ["innerException"] = null, ["metadata"] = new JObject() },
            ["metadata"] = metadata,
        };
    }

    private static JObject Context(ActivityContext context) => new()
    {
        ["id"] = context.ActivityInstanceId,
        ["parentContextId"] = context.Parent?.ActivityInstanceId,
        ["scheduledActivityNodeId"] = context.NodeId,
        ["ownerActivityNodeId"] = context.Parent?.NodeId,
        ["properties"] = Properties(context),
        ["activityState"] = Inputs(context),
        ["dynamicVariables"] = new JArray(),
        ["status"] = context.Status.ToString(),
        ["aggregateFaultCount"] = context.FaultCount,
        ["isExecuting"] = false,
        ["tag"] = context.Tag,
    };

    private static JObject Properties(ActivityContext context)
    {
        var properties = new JObject();
        if (context.Variables is { } values)
        {
            var variables = new JObject();
            for (var i = 0; i < values.Length; i++)
            {
                // Those that a loop provides are stored too: the run could not go on without them.
                if (context.Planned.Variables[i].IsStored || i < context.Planned.ProvidedVariables)
                {
                    variables[context.Planned.Variables[i].Id] = ValueConverter.ToJson(values[i]);
                }
            }

            if (variables.Count > 0)
            {
                properties["Variables"] = variables;
            }
        }

        foreach (var (key, value) in context.State ?? new Dictionary<string, JToken?>())
        {
            properties[key] = value?.DeepClone();
        }

        return properties;
    }

    private static JObject Inputs(ActivityContext context)
    {
        var inputs = new JObject();
        for (var i = 0; i < (context.Inputs?.Length ?? 0); i++)
        {
            if (context.Planned.Inputs[i] is { IsSet: true, Descriptor.IsSensitive: false } input)
            {
                inputs[input.Descriptor.Name] = ValueConverter.ToJson(context.Inputs![i]);
            }
        }

        return inputs;
    }
}
