using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>
/// The state blob: the format's version first, then the run, keyed by node ids and iterations. A reader of format N reads all formats up to N;
/// what a format means never changes (golden files in the tests hold it).
/// </summary>
internal static class StateBlob
{
    public static byte[] Write(WorkflowRun run)
    {
        var writer = new StateWriter();
        writer.Number(WorkflowEngine.StateFormat);
        writer.Text(run.InstanceId);
        writer.Text(run.Lineage);
        writer.Text(run.CorrelationId);
        writer.Text(run.Name);
        writer.Text(run.LocationId);
        writer.Text(run.ParentInstanceId);
        writer.Flag(run.IsDryRun);
        writer.Text(run.TriggerActivityId);
        writer.Token(run.TriggerPayload);
        writer.Token(run.Input);
        writer.Token(run.Output);
        writer.Text(run.Status.ToString());
        writer.Text(run.SubStatus.ToString());
        writer.Time(run.CreatedAt);
        writer.Time(run.UpdatedAt);
        writer.Flag(run.FinishedAt is not null);
        if (run.FinishedAt is { } finished)
        {
            writer.Time(finished);
        }

        writer.Number(run.ActivityCount);
        writer.Number(run.RunningTime.Ticks);
        writer.Number(run.LastOrdinal);
        writer.Number(run.LastBookmark);
        writer.Number(run.LastSequence);
        writer.Token(run.VariableOverrides);
        writer.Number(run.LooseVariables?.Count ?? 0);
        foreach (var (name, value) in run.LooseVariables ?? [])
        {
            writer.Text(name);
            writer.Value(value);
        }

        writer.Value(run.LastResult);
        WriteContexts(writer, run);
        WriteQueue(writer, run);
        WriteBookmarks(writer, run);
        WriteIncidents(writer, run);
        WriteIterations(writer, run);
        WriteOutputs(writer, run);
        return writer.ToArray();
    }

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

    private static void WriteContexts(StateWriter writer, WorkflowRun run)
    {
        // Those that run, and those that have ended but are still above or behind something: parents come before their children, for their ordinals do.
        var contexts = new SortedDictionary<int, ActivityContext>();
        foreach (var context in run.Contexts)
        {
            Add(context);
        }

        if (run.Current is { } current)
        {
            Add(current.Context);
            Add(current.Owner);
        }

        foreach (var item in run.Queue)
        {
            Add(item.Context);
            Add(item.Owner);
        }

        writer.Number(contexts.Count);
        foreach (var context in contexts.Values)
        {
            WriteContext(writer, context, run.Contexts.Contains(context));
        }

        void Add(ActivityContext? context)
        {
            for (; context is not null && contexts.TryAdd(context.Ordinal, context); context = context.Parent)
            {
            }
        }
    }

    private static void WriteContext(StateWriter writer, ActivityContext context, bool isLive)
    {
        var planned = context.Planned;
        writer.Number(context.Ordinal);
        writer.Number(context.Parent?.Ordinal ?? 0);
        writer.Text(planned.NodeId);
        writer.Number(context.Iteration);
        writer.Byte((byte)((isLive ? 1 : 0) + (context.IsStarted ? 2 : 0) + (context.HasInputs ? 4 : 0) + (context.IsBackward ? 8 : 0)));
        writer.Text(context.Status.ToString());
        writer.Text(context.Tag);
        writer.Number(context.FaultCount);
        writer.Number(context.Cursor);

        // Evaluated inputs are kept, so that what is executed again or resumed sees what it saw before; secrets are evaluated again.
        var inputs = isLive ? context.Inputs : null;
        var kept = inputs is null ? [] : Enumerable.Range(0, inputs.Length).Where(i => planned.Inputs[i] is { IsSet: true, Descriptor.IsSensitive: false }).ToList();
        writer.Number(kept.Count);
        foreach (var slot in kept)
        {
            writer.Text(planned.Inputs[slot].Descriptor.Name);
            writer.Value(inputs![slot]);
        }

        var variables = context.Variables ?? [];
        writer.Number(variables.Length);
        for (var i = 0; i < variables.Length; i++)
        {
            writer.Text(planned.Variables[i].Id);
            writer.Value(variables[i]);
        }

        var outputs = isLive ? context.Outputs ?? [] : [];
        writer.Number(outputs.Length);
        for (var i = 0; i < outputs.Length; i++)
        {
            writer.Text(planned.Outputs[i].Name);
            writer.Value(outputs[i]);
        }

        writer.Number(context.State?.Count ?? 0);
        foreach (var (key, value) in context.State ?? new Dictionary<string, JToken?>())
        {
            writer.Text(key);
            writer.Token(value);
        }

        writer.Flag(context.ContainerState is not null);
        context.ContainerState?.Write(writer);
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

    private static void WriteQueue(StateWriter writer, WorkflowRun run)
    {
        writer.Number(run.Queue.Count + (run.Current is null ? 0 : 1));
        if (run.Current is { } current)
        {
            WriteItem(writer, current);
        }

        foreach (var item in run.Queue)
        {
            WriteItem(writer, item);
        }
    }

    private static void WriteItem(StateWriter writer, WorkItem item)
    {
        writer.Text(item.Kind.ToString());
        writer.Text(item.Activity.NodeId);
        writer.Number(item.Owner?.Ordinal ?? 0);
        writer.Number(item.Context?.Ordinal ?? 0);
        writer.Text(item.Tag);
        writer.Flag(item.IsBackward);
        writer.Number(item.Locals?.Length ?? 0);
        foreach (var local in item.Locals ?? [])
        {
            writer.Value(local);
        }

        writer.Flag(item.Resumption is not null);
        if (item.Resumption is { } resumption)
        {
            writer.Text(resumption.BookmarkName);
            writer.Text(resumption.Tag);
            writer.Token(resumption.Payload);
            writer.Token(resumption.Input);
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

    private static void WriteBookmarks(StateWriter writer, WorkflowRun run)
    {
        writer.Number(run.AllBookmarks.Count);
        foreach (var bookmark in run.AllBookmarks)
        {
            writer.Text(bookmark.Id);
            writer.Text(bookmark.Name);
            writer.Text(bookmark.Key);
            writer.Text(bookmark.Tag);
            writer.Text(bookmark.ActivityId);
            writer.Text(bookmark.NodeId);
            writer.Text(bookmark.ActivityInstanceId);
            writer.Flag(bookmark.DueAt is not null);
            if (bookmark.DueAt is { } due)
            {
                writer.Time(due);
            }

            writer.Token(bookmark.Payload);
            writer.Time(bookmark.CreatedAt);
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

    private static void WriteIncidents(StateWriter writer, WorkflowRun run)
    {
        writer.Number(run.Incidents.Count);
        foreach (var incident in run.Incidents)
        {
            writer.Text(incident.Id);
            writer.Text(incident.ActivityId);
            writer.Text(incident.NodeId);
            writer.Text(incident.ActivityInstanceId);
            writer.Text(incident.ActivityType);
            writer.Text(incident.ActivityName);
            writer.Time(incident.At);
            writer.Text(incident.Fault.Message);
            writer.Text(incident.Fault.Code);
            writer.Text(incident.Fault.Detail);
            writer.Text(incident.Fault.Action);
            writer.Text(incident.Fault.Property);
            writer.Text(incident.Fault.ExceptionType);
            writer.Flag(incident.Fault.IsTransient);
        }
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

    private static void WriteIterations(StateWriter writer, WorkflowRun run)
    {
        writer.Number(run.Iterations.Count(i => i > 0));
        for (var i = 0; i < run.Iterations.Length; i++)
        {
            if (run.Iterations[i] > 0)
            {
                writer.Text(run.Plan.Activities[i].NodeId);
                writer.Number(run.Iterations[i]);
            }
        }
    }

    private static void WriteOutputs(StateWriter writer, WorkflowRun run)
    {
        var kept = run.OutputsByActivity ?? [];
        writer.Number(kept.Count(o => o is not null));
        for (var i = 0; i < kept.Length; i++)
        {
            if (kept[i] is { } values)
            {
                var planned = run.Plan.Activities[i];
                writer.Text(planned.NodeId);
                writer.Number(values.Length);
                for (var slot = 0; slot < values.Length; slot++)
                {
                    writer.Text(planned.Outputs[slot].Name);
                    writer.Value(values[slot]);
                }
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
