using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>
/// The state blob: the format's version first, then the run, keyed by node ids and iterations. A reader of format N reads all formats up to N;
/// what a format means never changes (golden files in the tests hold it).
/// </summary>
internal static partial class StateBlob
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

        var live = run.Contexts.ToHashSet();
        writer.Number(contexts.Count);
        foreach (var context in contexts.Values)
        {
            WriteContext(writer, context, live.Contains(context));
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
}
