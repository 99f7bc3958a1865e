using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <content>Reading.</content>
internal static partial class StateBlob
{
    public static WorkflowRun Read(WorkflowPlan plan, byte[] blob, string? replayAs = null)
    {
        var reader = new StateReader(blob);
        var format = (int)reader.Number();
        if (format > WorkflowEngine.StateFormat)
        {
            throw new StateFormatException(format);
        }

        var instanceId = reader.Text()!;
        var lineage = reader.Text()!;
        var correlationId = reader.Text();
        var name = reader.Text();
        var run = new WorkflowRun(plan, replayAs ?? instanceId, lineage)
        {
            CorrelationId = correlationId,
            Name = name,
            LocationId = reader.Text(),
            ParentInstanceId = reader.Text(),
            IsDryRun = reader.Flag(),
            TriggerActivityId = reader.Text(),
            TriggerPayload = reader.Token(),
            Input = (JObject)reader.Token()!,
            Output = (JObject)reader.Token()!,
            Status = Enum.Parse<WorkflowStatus>(reader.Text()!),
            SubStatus = Enum.Parse<WorkflowSubStatus>(reader.Text()!),
            CreatedAt = reader.Time(),
            UpdatedAt = reader.Time(),
            FinishedAt = reader.Flag() ? reader.Time() : null,
            ActivityCount = (int)reader.Number(),
            RunningTime = new TimeSpan(reader.Number()),
            LastOrdinal = (int)reader.Number(),
            LastBookmark = (int)reader.Number(),
            LastSequence = reader.Number(),
            VariableOverrides = (JObject?)reader.Token(),
            Iterations = new int[plan.Activities.Count],
        };
        for (var count = reader.Count(); count > 0; count--)
        {
            var variable = reader.Text()!;
            (run.LooseVariables ??= new(StringComparer.Ordinal))[variable] = reader.Value();
        }

        run.LastResult = reader.Value();
        var contexts = ReadContexts(reader, run);
        ReadQueue(reader, run, contexts);
        ReadBookmarks(reader, run, instanceId);
        ReadIncidents(reader, run, isKept: replayAs is null);
        for (var count = reader.Count(); count > 0; count--)
        {
            var nodeId = reader.Text()!;
            run.Iterations[Node(plan, nodeId).Index] = (int)reader.Number();
        }

        ReadOutputs(reader, run);
        if (replayAs is not null)
        {
            run.ActivityCount = 0;
            run.RunningTime = TimeSpan.Zero;
            run.LastSequence = 0;
        }

        return run;
    }

    private static Dictionary<int, ActivityContext> ReadContexts(StateReader reader, WorkflowRun run)
    {
        var contexts = new Dictionary<int, ActivityContext>();
        for (var count = reader.Count(); count > 0; count--)
        {
            var ordinal = (int)reader.Number();
            var parent = contexts.GetValueOrDefault((int)reader.Number());
            var planned = Node(run.Plan, reader.Text()!);
            var iteration = (int)reader.Number();
            var flags = reader.Byte();
            var status = Enum.Parse<ContextStatus>(reader.Text()!);
            var context = new ActivityContext(run, planned, parent, ordinal, iteration)
            {
                Status = status,
                IsStarted = (flags & 2) != 0,
                IsBackward = (flags & 8) != 0,
                Tag = reader.Text(),
                FaultCount = (int)reader.Number(),
                Cursor = reader.Number(),
            };
            ReadInputs(reader, context, (flags & 4) != 0);
            ReadVariables(reader, context);
            for (var outputs = reader.Count(); outputs > 0; outputs--)
            {
                var slot = planned.Shape.OutputSlot(reader.Text()!);
                context.RestoreOutput(slot, reader.Value());
            }

            Dictionary<string, JToken?>? state = null;
            for (var values = reader.Count(); values > 0; values--)
            {
                var key = reader.Text()!;
                (state ??= new(StringComparer.Ordinal))[key] = reader.Token();
            }

            context.RestoreState(state);
            if (reader.Flag())
            {
                context.ContainerState = ((Flowchart)planned.Activity).ReadState(reader);
            }

            contexts[ordinal] = context;
            if ((flags & 1) != 0)
            {
                run.Contexts.Add(context);
                if (parent is not null)
                {
                    parent.RunningChildren++;
                }
            }
        }

        return contexts;
    }

    private static void ReadInputs(StateReader reader, ActivityContext context, bool hadInputs)
    {
        var inputs = context.Planned.Inputs;
        var missing = hadInputs ? inputs.Count(i => i.IsSet) : 0;
        for (var count = reader.Count(); count > 0; count--)
        {
            var slot = context.Planned.Shape.InputSlot(reader.Text()!);
            var value = reader.Value();
            if (slot < 0)
            {
                continue;
            }

            var type = inputs[slot].Descriptor.ValueType;
            context.Inputs ??= new object?[inputs.Length];
            context.RestoredInputs ??= new bool[inputs.Length];
            context.Inputs[slot] = value is null || type.IsInstanceOfType(value) ? value : ValueConverter.Convert(value, type);
            context.RestoredInputs[slot] = true;
            missing--;
        }

        // Secrets were left out: they are evaluated again before the activity goes on.
        context.HasInputs = hadInputs && missing <= 0;
    }

    private static void ReadVariables(StateReader reader, ActivityContext context)
    {
        var declared = context.Planned.Variables;
        if (declared.Length > 0)
        {
            context.Variables = [.. declared.Select(d => d.Initial)];
        }

        for (var count = reader.Count(); count > 0; count--)
        {
            var id = reader.Text();
            var value = reader.Value();
            var index = Array.FindIndex(declared, d => d.Id == id);
            if (index >= 0)
            {
                context.Variables![index] = declared[index].Convert(value);
            }
        }
    }

    private static void ReadQueue(StateReader reader, WorkflowRun run, Dictionary<int, ActivityContext> contexts)
    {
        for (var count = reader.Count(); count > 0; count--)
        {
            var kind = Enum.Parse<WorkKind>(reader.Text()!);
            var planned = Node(run.Plan, reader.Text()!);
            var owner = contexts.GetValueOrDefault((int)reader.Number());
            var context = contexts.GetValueOrDefault((int)reader.Number());
            var tag = reader.Text();
            var isBackward = reader.Flag();
            var locals = new object?[reader.Count()];
            for (var i = 0; i < locals.Length; i++)
            {
                locals[i] = reader.Value();
            }

            var resumption = reader.Flag() ? new Resumption(reader.Text()!, reader.Text(), reader.Token(), reader.Token()) : null;
            run.Queue.Enqueue(new WorkItem(kind, planned, owner, context, locals.Length == 0 ? null : locals, tag, resumption, isBackward));
            if (context is null && owner is not null)
            {
                owner.QueuedChildren++;
            }
        }
    }

    private static void ReadBookmarks(StateReader reader, WorkflowRun run, string writtenAs)
    {
        for (var count = reader.Count(); count > 0; count--)
        {
            var id = reader.Text()!;
            var name = reader.Text()!;
            var key = reader.Text();
            run.RestoreBookmark(new Bookmark
            {
                Id = Own(id),
                Name = name,
                Key = key,
                Hash = Bookmark.HashOf(name, key),
                Tag = reader.Text(),
                ActivityId = reader.Text()!,
                NodeId = reader.Text()!,
                ActivityInstanceId = Own(reader.Text()!),
                DueAt = reader.Flag() ? reader.Time() : null,
                Payload = reader.Token(),
                CreatedAt = reader.Time(),
            });
        }

        // A replay is a run of its own: its ids are too.
        string Own(string id) => writtenAs != run.InstanceId && id.StartsWith(writtenAs, StringComparison.Ordinal) ? run.InstanceId + id[writtenAs.Length..] : id;
    }

    private static void ReadIncidents(StateReader reader, WorkflowRun run, bool isKept)
    {
        for (var count = reader.Count(); count > 0; count--)
        {
            var incident = new Incident
            {
                Id = reader.Text()!,
                ActivityId = reader.Text(),
                NodeId = reader.Text(),
                ActivityInstanceId = reader.Text(),
                ActivityType = reader.Text(),
                ActivityName = reader.Text(),
                At = reader.Time(),
                Fault = new Fault(reader.Text()!)
                {
                    Code = reader.Text()!,
                    Detail = reader.Text(),
                    Action = reader.Text(),
                    Property = reader.Text(),
                    ExceptionType = reader.Text(),
                    IsTransient = reader.Flag(),
                },
            };
            if (isKept)
            {
                run.RestoreIncident(incident);
            }
        }
    }

    private static void ReadOutputs(StateReader reader, WorkflowRun run)
    {
        for (var count = reader.Count(); count > 0; count--)
        {
            var planned = Node(run.Plan, reader.Text()!);
            var values = new object?[planned.Outputs.Length];
            for (var outputs = reader.Count(); outputs > 0; outputs--)
            {
                var slot = planned.Shape.OutputSlot(reader.Text()!);
                var value = reader.Value();
                if (slot >= 0)
                {
                    values[slot] = value;
                }
            }

            (run.OutputsByActivity ??= new object?[]?[run.Plan.Activities.Count])[planned.Index] = values;
        }
    }

    private static PlannedActivity Node(WorkflowPlan plan, string nodeId) =>
        plan.FindNode(nodeId) ?? throw new InvalidDataException($"The state holds the activity '{nodeId}', which the definition version '{plan.Definition.Id}' does not have. It is the state of another version.");
}
