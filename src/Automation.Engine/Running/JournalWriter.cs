using System.Text;
using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>Writes journal records of a burst.</summary>
internal sealed class JournalWriter(WorkflowRun run, EngineOptions options, TimeProvider clock)
{
    private const int CutHead = 64 * 1024;

    public void Write(ActivityContext context, string eventName, string? message = null, JObject? state = null, JObject? outputs = null, IReadOnlyList<string>? outcomes = null, Fault? fault = null) =>
        run.PendingJournal.Add(new JournalRecord
        {
            Sequence = ++run.LastSequence,
            At = clock.GetUtcNow(),
            EventName = eventName,
            ActivityInstanceId = context.ActivityInstanceId,
            ParentActivityInstanceId = context.Parent?.ActivityInstanceId,
            ActivityId = context.Planned.Id,
            NodeId = context.Planned.NodeId,
            ActivityType = context.Planned.Descriptor.TypeName,
            ActivityTypeVersion = context.Planned.Version,
            ActivityName = context.Planned.Name,
            Iteration = context.Iteration,
            Message = message,
            State = state,
            Outputs = outputs,
            Outcomes = outcomes,
            Fault = fault,
        });

    /// <summary>Completed, Faulted or Suspended, with the evaluated inputs and the outputs: whoever looks at a run that waits sees what for.</summary>
    public void WriteEnd(ActivityContext context, string eventName, IReadOnlyList<string>? outcomes, Fault? fault) =>
        Write(context, eventName, fault?.Message, options.JournalValues ? Inputs(context) : null, options.JournalValues ? Outputs(context) : null, outcomes, fault);

    private JObject? Inputs(ActivityContext context)
    {
        if (context.Inputs is not { } values)
        {
            return null;
        }

        JObject? state = null;
        var inputs = context.Planned.Inputs;
        for (var i = 0; i < values.Length; i++)
        {
            if (inputs[i].IsSet && !inputs[i].Descriptor.IsSensitive && context.Planned.HiddenInputs?[i] != true)
            {
                (state ??= []).Add(inputs[i].Descriptor.Name, Value(values[i]));
            }
        }

        return state;
    }

    private JObject? Outputs(ActivityContext context)
    {
        if (context.Outputs is not { } values)
        {
            return null;
        }

        var outputs = new JObject();
        for (var i = 0; i < values.Length; i++)
        {
            if (values[i] is { } value && context.Planned.HiddenOutputs?[i] != true)
            {
                outputs.Add(context.Planned.Outputs[i].Name, Value(value));
            }
        }

        return outputs;
    }

    private JToken Value(object? value)
    {
        // A string or token that is still being used elsewhere must not change with it, so containers are copied.
        var token = value switch
        {
            null => JValue.CreateNull(),
            string text => new JValue(text),
            JContainer container => container.DeepClone(),
            _ => ValueConverter.ToJson(value),
        };
        if (token is JValue { Value: string plain })
        {
            if (plain.Length * 3L <= options.JournalValueLimit)
            {
                return token;
            }

            var bytes = Encoding.UTF8.GetByteCount(plain);
            return bytes <= options.JournalValueLimit ? token : Cut(plain, bytes);
        }

        if (token is JContainer large && IsLarger(large, options.JournalValueLimit))
        {
            var text = Json.Write(large);
            return Cut(text, Encoding.UTF8.GetByteCount(text));
        }

        return token;
    }

    private static JObject Cut(string text, int bytes) => new()
    {
        ["$cut"] = true,
        ["bytes"] = bytes,
        ["head"] = text[..Math.Min(text.Length, CutHead)],
    };

    /// <summary>Whether its text may be larger than a limit, counted without writing it; stops when it is.</summary>
    private static bool IsLarger(JContainer container, int limit)
    {
        long size = 0;
        foreach (var token in container.DescendantsAndSelf())
        {
            size += token switch
            {
                JProperty property => property.Name.Length + 4,
                JValue { Value: string text } => text.Length + 3,
                JValue { Value: byte[] data } => data.Length * 4L / 3,
                _ => 6,
            };
            if (size > limit)
            {
                return true;
            }
        }

        return false;
    }
}
