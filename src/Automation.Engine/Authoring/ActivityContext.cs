using Automation.Engine.Expressions;
using Automation.Engine.Http;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>One execution of one activity in one run: its inputs, outputs, variables and state.</summary>
public sealed class ActivityContext
{
    private const string BreakingKey = "$breaking";

    private string? instanceId;
    private ContextScope? scope;
    private Dictionary<string, JToken?>? state;

    internal ActivityContext(WorkflowRun run, PlannedActivity planned, ActivityContext? parent, int ordinal, int iteration)
    {
        Run = run;
        Planned = planned;
        Parent = parent;
        Ordinal = ordinal;
        Iteration = iteration;
    }

    public WorkflowRun Run { get; }

    /// <summary>The activity of the plan.</summary>
    public PlannedActivity Planned { get; }

    /// <summary>Id of this execution, unique among all runs: the run's id and a number, so that it is the same when the activity is executed again after a crash.</summary>
    public string ActivityInstanceId => instanceId ??= Run.IdOf(Ordinal);

    public string ActivityId => Planned.Id;
    public string ActivityType => Planned.Descriptor.TypeName;
    public string? ActivityName => Planned.Name;

    /// <summary>Path of ids from the root, as <c>Workflow1:Flowchart1:a1</c>.</summary>
    public string NodeId => Planned.NodeId;

    /// <summary>How often this activity had been executed in this run before: with the node id, the key of an effect.</summary>
    public int Iteration { get; }

    /// <summary>Key of a write to the outside: run lineage, node id, iteration. The same after a crash and in a replay.</summary>
    public string EffectKey => $"{Run.Lineage}/{Planned.NodeId}#{Iteration}";

    /// <summary>This activity triggered the run. A loop that comes back to it waits as anywhere else.</summary>
    public bool IsTriggerOfRun => Iteration == 0 && Run.TriggerActivityId is { } id && Planned.Workflow.Outer is null && (id == Planned.Id || id == Planned.NodeId);

    /// <summary>What the trigger brought, when this activity triggered the run.</summary>
    public JToken? TriggerPayload => IsTriggerOfRun ? Run.TriggerPayload : null;

    public IServiceProvider Services => Run.Burst.Services;
    public TimeProvider Clock => Run.Burst.Clock;

    /// <summary>The expressions' state of this burst: for activities that run scripts of their own.</summary>
    public ExpressionSession Expressions => Run.Burst.Session;

    /// <summary>What a script sees from here.</summary>
    public IExpressionScope Scope => scope ??= new ContextScope(this);

    internal ActivityContext? Parent { get; }
    internal int Ordinal { get; }
    internal ContextStatus Status { get; set; }

    /// <summary>Evaluated inputs by slot; null until they are evaluated.</summary>
    internal object?[]? Inputs { get; set; }

    /// <summary>Which of <see cref="Inputs"/> came with a state blob and are not evaluated again; null: none.</summary>
    internal bool[]? RestoredInputs { get; set; }

    /// <summary>All inputs are evaluated: an execution that is repeated keeps them.</summary>
    internal bool HasInputs { get; set; }

    internal object?[]? Outputs { get; private set; }
    internal object?[]? Variables { get; set; }

    /// <summary>The journal has its Started.</summary>
    internal bool IsStarted { get; set; }

    /// <summary>A container's own number: index of the current child, value of a For.</summary>
    internal long Cursor { get; set; }

    /// <summary>A container's own state beyond <see cref="Cursor"/>.</summary>
    internal IContainerState? ContainerState { get; set; }

    /// <summary>What the parent scheduled it with.</summary>
    internal string? Tag { get; init; }

    /// <summary>A flowchart followed a backward connection to it.</summary>
    internal bool IsBackward { get; init; }

    /// <summary>Outcomes that a Complete inside gave this workflow; null: it ends as its root does. Never lives longer than the completion itself.</summary>
    internal IReadOnlyList<string>? EndsWith { get; set; }

    /// <summary>A Break below: the loop, and what lies between, goes no further.</summary>
    internal bool IsBreaking
    {
        get => GetState(BreakingKey) is not null;
        set => SetState(BreakingKey, value);
    }

    internal int RunningChildren { get; set; }
    internal int QueuedChildren { get; set; }
    internal int FaultCount { get; set; }
    internal IReadOnlyDictionary<string, JToken?>? State => state;

    /// <summary>Value of an input, converted to its type.</summary>
    public T? Get<T>(Input<T>? input)
    {
        if (input is null || input.Slot < 0 || Inputs is not { } values)
        {
            return default;
        }

        return values[input.Slot] switch
        {
            null => default,
            T value => value,
            var other => (T?)ValueConverter.Convert(other, typeof(T)),
        };
    }

    /// <summary>Value of an input by its descriptor name (any case); null when unset. For activities described by data.</summary>
    public object? GetInput(string name) => Planned.Shape.InputSlot(name) is var slot and >= 0 && Inputs is { } values ? values[slot] : null;

    /// <summary>Whether an expression gives the input's value: a null of it is a value then, and no input left empty.</summary>
    public bool IsComputed(string name) => Planned.Shape.InputSlot(name) is var slot and >= 0 && Planned.Inputs[slot].Expression is { IsConstant: false };

    /// <summary>Evaluates an input now, again: for conditions of loops.</summary>
    public ValueTask<T?> EvaluateAsync<T>(Input<T> input, CancellationToken cancellationToken)
    {
        if (input.Slot < 0)
        {
            return default;
        }

        var values = Inputs ??= new object?[Planned.Inputs.Length];
        values[input.Slot] = Planned.Inputs[input.Slot].Evaluate(this, cancellationToken);
        return ValueTask.FromResult(Get(input));
    }

    /// <summary>Evaluates an input now, with arguments that its expression sees as <c>args.Name</c> and <c>getName()</c>.</summary>
    public ValueTask<T?> EvaluateAsync<T>(Input<T> input, JObject arguments, CancellationToken cancellationToken)
    {
        if (input.Slot < 0)
        {
            return default;
        }

        var values = Inputs ??= new object?[Planned.Inputs.Length];
        values[input.Slot] = Planned.Inputs[input.Slot].Evaluate(this, new ArgumentScope(Scope, arguments), cancellationToken);
        return ValueTask.FromResult(Get(input));
    }

    /// <summary>Evaluates an expression that the activity prepared in <see cref="Activity.Compile"/>.</summary>
    public T? Evaluate<T>(PreparedExpression expression, CancellationToken cancellationToken) =>
        expression.Evaluate(Expressions, Scope, typeof(T), cancellationToken) is { } value ? (T)value : default;

    public void Set<T>(Output<T>? output, T? value)
    {
        if (output is { Slot: >= 0 })
        {
            SetOutput(output.Slot, value);
        }
    }

    /// <summary>Sets an output by its descriptor name. For activities described by data.</summary>
    public void SetOutput(string name, object? value)
    {
        if (Planned.Shape.OutputSlot(name) is var slot and >= 0)
        {
            SetOutput(slot, value);
        }
    }

    public object? GetVariable(string name) => Find(name, out var owner, out var index) ? owner.Variables![index] : Run.LooseVariables?.GetValueOrDefault(name);

    /// <summary>Writes the nearest variable of that name (or id), converted to its type; makes one at the workflow when there is none.</summary>
    public void SetVariable(string name, object? value)
    {
        if (Find(name, out var owner, out var index))
        {
            owner.Variables![index] = owner.Planned.Variables[index].Convert(value);
        }
        else
        {
            (Run.LooseVariables ??= new(StringComparer.Ordinal))[name] = value;
        }
    }

    /// <summary>Sets an output of the nearest workflow that declares it.</summary>
    public void SetWorkflowOutput(string name, object? value)
    {
        for (var context = Parent; context is not null; context = context.Parent)
        {
            if (context.Planned is { Activity: WorkflowActivity, Workflow: { Outer: not null } workflow } && workflow.DeclaresOutput(name))
            {
                value = workflow.ConvertOutput(name, value);
                if (context.Find(name, out var owner, out var index) && owner == context)
                {
                    owner.Variables![index] = value;
                }

                context.Parent?.SetOutput(name, value);
                return;
            }
        }

        Run.SetOutput(name, value);
    }

    /// <summary>An input of the nearest workflow that declares it.</summary>
    internal object? GetWorkflowInput(string name)
    {
        if (Planned.Workflow.Outer is not null)
        {
            for (var context = this; context is not null; context = context.Parent)
            {
                if (context.Planned is { Activity: WorkflowActivity, Workflow: { Outer: not null } workflow } && workflow.InputNames.FirstOrDefault(declared => declared.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } input)
                {
                    return context.Find(input, out var owner, out var index) ? owner.Variables![index] : null;
                }
            }
        }

        return Run.GetInput(name);
    }

    /// <summary>A value of this execution that survives suspension.</summary>
    public JToken? GetState(string key) => state?.GetValueOrDefault(key);

    public void SetState(string key, JToken? value) => (state ??= new(StringComparer.Ordinal))[key] = value;

    /// <summary>Schedules a child; return <see cref="ActivityResult.Waiting"/> after it. Its end arrives at <see cref="Activity.ChildCompletedAsync"/>.</summary>
    public void Schedule(PlannedActivity child, string? tag = null) => Schedule(child, null, tag, false);

    /// <summary>The run can be found by this key (contact id, e-mail, phone, record id).</summary>
    public void AddSubject(string key) => Run.AddSubject(key);

    /// <summary>Writes a line of the activity's own into the journal.</summary>
    public void Journal(string eventName, string? message = null, JObject? state = null) =>
        Run.Burst.Journal.Write(this, eventName, message, state);

    /// <summary>Asks for a child run. It is dispatched when the activity's result is applied.</summary>
    public DispatchedChild DispatchChild(string definitionId, JObject? input, string? correlationId = null, bool waitForCompletion = false)
    {
        var child = Ids.New(Clock);
        var bookmarkId = waitForCompletion ? Run.NextBookmarkId() : null;
        Run.Staged.Children.Add(new ChildDispatch
        {
            InstanceId = child,
            DefinitionId = definitionId,
            CorrelationId = correlationId,
            Input = input,
            ParentBookmarkId = bookmarkId,
        });
        return new(child, bookmarkId is null ? null : new BookmarkRequest(ActivityType, child, Payload: new JObject { ["instanceId"] = child }) { Id = bookmarkId });
    }

    /// <summary>Id of a bookmark that this execution may suspend on, for others that are to resume it.</summary>
    public string NewBookmarkId() => Run.NextBookmarkId();

    /// <summary>Asks for a child run that the activity goes on after: when it has ended, or when it has come as far as it comes without waiting. Suspend on the bookmark.</summary>
    public DispatchedChild ExecuteChild(string definitionId, JObject? input, string? correlationId, bool waitForCompletion)
    {
        var child = Ids.New(Clock);
        var bookmarkId = Run.NextBookmarkId() + (waitForCompletion ? "" : ChildDispatch.UntilRest);
        Run.Staged.Children.Add(new ChildDispatch { InstanceId = child, DefinitionId = definitionId, CorrelationId = correlationId, Input = input, ParentBookmarkId = bookmarkId });
        return new(child, new BookmarkRequest(ActivityType, child, Payload: new JObject { ["instanceId"] = child }) { Id = bookmarkId });
    }

    /// <summary>Publishes an event. It is sent when the activity's result is applied.</summary>
    /// <param name="name">Name of the event.</param>
    /// <param name="correlationId">Only runs of this correlation id hear it; null: all.</param>
    /// <param name="payload">What it brings.</param>
    /// <param name="isLocal">Only this run hears it.</param>
    public void PublishEvent(string name, string? correlationId = null, JToken? payload = null, bool isLocal = false) =>
        Run.Staged.Events.Add(new PublishedEvent(name, correlationId, payload, isLocal));

    /// <summary>Commits the run so far, when it has a durable host. A crash after it executes this activity again.</summary>
    /// <exception cref="LeaseLostException">Another owner has taken the run over.</exception>
    public ValueTask CheckpointAsync(CancellationToken cancellationToken)
    {
        if (!Run.IsInActivity)
        {
            throw new InvalidOperationException($"The activity '{ActivityId}' ({ActivityType}) asked for a checkpoint outside of ExecuteAsync and ResumeAsync.");
        }

        return Run.Host is { } host ? host.CheckpointAsync(Run, cancellationToken) : ValueTask.CompletedTask;
    }

    /// <summary>Answers the HTTP request that the run is on: the response leaves with the next commit, at the latest before the next activity begins.</summary>
    /// <returns>False: it has been answered already.</returns>
    public bool TryReply(HttpReply reply)
    {
        if (Run.HttpExchange is not { HasResponded: false } || Run.Reply is not null)
        {
            return false;
        }

        Run.Reply = reply;
        return true;
    }

    internal void Schedule(PlannedActivity child, object?[]? locals, string? tag, bool isBackward)
    {
        QueuedChildren++;
        Run.Staged.Work.Add(new WorkItem(WorkKind.Start, child, this, null, locals, tag, null, isBackward));
    }

    /// <summary>Whether this execution has scheduled a child that is still to start.</summary>
    internal bool IsQueued(PlannedActivity child) =>
        QueuedChildren > 0 && (Run.Staged.Work.Exists(i => i.Owner == this && i.Activity == child) || Run.Queue.Any(i => i.Owner == this && i.Context is null && i.Activity == child));

    internal void SetOutput(int slot, object? value)
    {
        (Outputs ??= new object?[Planned.Outputs.Length])[slot] = value;
        Run.RecordOutput(Planned, slot, value);
        if (Planned.Outputs[slot] is not { Target: { } target } bound)
        {
            return;
        }

        if (bound.Convert is { } convert && value is not null)
        {
            value = convert(value);
        }

        if (!Find(target, out _, out _) && Planned.Workflow.DeclaresOutput(target))
        {
            SetWorkflowOutput(target, value);
        }
        else
        {
            SetVariable(target, value);
        }
    }

    internal void RestoreOutput(int slot, object? value)
    {
        if (slot >= 0)
        {
            (Outputs ??= new object?[Planned.Outputs.Length])[slot] = value;
        }
    }

    internal void RestoreState(Dictionary<string, JToken?>? values) => state = values;

    internal void ClearForRetry()
    {
        Status = ContextStatus.Running;
        Inputs = null;
        RestoredInputs = null;
        HasInputs = false;
        ContainerState = null;
        Cursor = 0;
        state = null;
    }

    /// <summary>Nearest declaration of a name or id, in this context and outwards.</summary>
    internal bool Find(string nameOrId, out ActivityContext owner, out int index)
    {
        for (var context = this; context is not null; context = context.Parent)
        {
            var declared = context.Planned.Variables;
            for (var i = 0; i < declared.Length; i++)
            {
                if (declared[i].Name == nameOrId || declared[i].Id == nameOrId)
                {
                    owner = context;
                    index = i;
                    return true;
                }
            }
        }

        owner = this;
        index = -1;
        return false;
    }
}

/// <summary>Where an execution stands.</summary>
internal enum ContextStatus : byte
{
    Running,
    Completed,
    Canceled,
    Faulted,
}
