using Automation.Engine.Expressions;
using Automation.Engine.Http;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>A workflow instance in memory: what the run loop works on, and what the state blob is made from.</summary>
public sealed class WorkflowRun
{
    private readonly List<Bookmark> bookmarks = [];
    private readonly List<Incident> incidents = [];
    private List<Bookmark>? bookmarksAdded;
    private List<string>? bookmarksRemoved;
    private List<Incident>? newIncidents;
    private List<string>? subjects;
    private List<ChildDispatch>? children;
    private List<PublishedEvent>? events;
    private BurstState? burst;

    internal WorkflowRun(WorkflowPlan plan, string instanceId, string lineage)
    {
        Plan = plan;
        InstanceId = instanceId;
        Lineage = lineage;
    }

    public string InstanceId { get; }

    /// <summary>Root of effect keys: the first run's instance id, kept by its replays.</summary>
    public string Lineage { get; }
    public WorkflowPlan Plan { get; }
    public string? CorrelationId { get; set; }
    public string? Name { get; set; }
    public string? LocationId { get; internal init; }
    public string? ParentInstanceId { get; internal init; }
    public bool IsDryRun { get; internal init; }
    public JToken? TriggerPayload { get; internal init; }
    public string? TriggerActivityId { get; internal init; }
    public JObject Input { get; internal init; } = [];
    public JObject Output { get; internal init; } = [];
    public WorkflowStatus Status { get; internal set; }
    public WorkflowSubStatus SubStatus { get; internal set; }
    public DateTimeOffset CreatedAt { get; internal set; }
    public DateTimeOffset UpdatedAt { get; internal set; }
    public DateTimeOffset? FinishedAt { get; internal set; }

    /// <summary>What it waits for now.</summary>
    public IReadOnlyCollection<Bookmark> Bookmarks => Status == WorkflowStatus.Finished ? [] : bookmarks;

    /// <summary>All incidents since the start.</summary>
    public IReadOnlyList<Incident> Incidents => incidents;

    /// <summary>Names, ids and values of the workflow's variables, and of those of its root container that are stored with it.</summary>
    public IReadOnlyList<(string Id, string Name, object? Value)> Variables
    {
        get
        {
            var list = new List<(string, string, object?)>();
            foreach (var context in Contexts)
            {
                // The workflow's own, and those of its root container while that runs.
                if (context.Variables is { } values && (context.Parent is null || context.Parent.Parent is null))
                {
                    for (var i = 0; i < values.Length; i++)
                    {
                        var declared = context.Planned.Variables[i];
                        if (declared.IsStored || context.Parent is null)
                        {
                            list.Add((declared.Id, declared.Name, values[i]));
                        }
                    }
                }
            }

            return list;
        }
    }

    /// <summary>Gives variables that are in scope somewhere in the run new values, by id or name.</summary>
    /// <returns>Ids and names that are not there; the others are set.</returns>
    /// <exception cref="FaultException">A value does not fit its variable's type.</exception>
    public IReadOnlyList<string> SetVariables(JObject values)
    {
        var unknown = new List<string>();
        foreach (var (key, value) in values)
        {
            var isKnown = false;
            foreach (var context in Contexts)
            {
                var declared = context.Planned.Variables;
                for (var i = 0; i < declared.Length; i++)
                {
                    if (context.Variables is { } own && (declared[i].Id == key || declared[i].Name == key))
                    {
                        own[i] = declared[i].Convert(value is JValue plain ? plain.Value : value?.DeepClone());
                        isKnown = true;
                    }
                }
            }

            if (!isKnown)
            {
                unknown.Add(key);
            }
        }

        return unknown;
    }

    /// <summary>The durable side; set by the runner before a burst, null in memory.</summary>
    public IRunHost? Host { get; set; }

    /// <summary>The HTTP request being answered; set while the run is on its thread.</summary>
    public IHttpExchange? HttpExchange { get; set; }

    /// <summary>The response that leaves with the next commit: nobody hears of what a crash could undo.</summary>
    internal HttpReply? Reply { get; set; }

    /// <summary>Sends the response that waits for a commit, if one does. Called by the host after every commit.</summary>
    public async ValueTask SendReplyAsync()
    {
        if (Reply is { } reply && HttpExchange is { } exchange)
        {
            Reply = null;
            await exchange.RespondAsync(reply, CancellationToken.None);
        }
    }

    /// <summary>Activities executed since the start; the run's budget counts it.</summary>
    public int ActivityCount { get; internal set; }

    /// <summary>Running time since the start, suspension not counted.</summary>
    public TimeSpan RunningTime { get; internal set; }

    /// <summary>Executions that have not ended, the workflow's own first. The workflow's stays when it has ended: it holds the variables.</summary>
    internal List<ActivityContext> Contexts { get; } = [];

    internal Queue<WorkItem> Queue { get; } = new();

    /// <summary>What is being executed now; kept when it is interrupted, and done first by the next burst.</summary>
    internal WorkItem? Current { get; set; }

    internal StagedRequests Staged { get; } = new();

    /// <summary>ExecuteAsync or ResumeAsync of <see cref="Current"/> runs.</summary>
    internal bool IsInActivity { get; set; }

    internal int[] Iterations { get; init; } = [];
    internal int LastOrdinal { get; set; }
    internal int LastBookmark { get; set; }
    internal long LastSequence { get; set; }

    /// <summary>Variables that scripts made and nobody declares.</summary>
    internal Dictionary<string, object?>? LooseVariables { get; set; }

    /// <summary>Overrides of initial values, for contexts that are made later in the first burst.</summary>
    internal JObject? VariableOverrides { get; init; }

    internal object? LastResult { get; set; }

    /// <summary>Last outputs by index of the activity; kept only where an expression of the plan may ask for them.</summary>
    internal object?[]?[]? OutputsByActivity { get; set; }

    internal List<JournalRecord> PendingJournal { get; set; } = [];
    internal IReadOnlyList<Bookmark> AllBookmarks => bookmarks;
    internal BurstState Burst => burst ?? throw new InvalidOperationException($"The run '{InstanceId}' is not in a burst.");

    /// <summary>
    /// The state blob: a format version, then all that a later burst needs, keyed by node id and iteration. Called in the middle of an
    /// activity (a checkpoint) it holds that activity as still to be executed.
    /// </summary>
    public byte[] SaveState() => StateBlob.Write(this);

    /// <summary>The state as Elsa's API shows it (<c>workflowState</c>).</summary>
    public JObject DescribeState() => StateDescription.Describe(this);

    /// <summary>Takes what changed since the last call.</summary>
    public RunChanges DrainChanges()
    {
        var changes = new RunChanges
        {
            Journal = PendingJournal,
            BookmarksAdded = bookmarksAdded ?? (IReadOnlyList<Bookmark>)[],
            BookmarksRemoved = bookmarksRemoved ?? (IReadOnlyList<string>)[],
            Incidents = newIncidents ?? (IReadOnlyList<Incident>)[],
            Subjects = subjects ?? (IReadOnlyList<string>)[],
            Children = children ?? (IReadOnlyList<ChildDispatch>)[],
            Events = events ?? (IReadOnlyList<PublishedEvent>)[],
        };
        PendingJournal = [];
        bookmarksAdded = null;
        bookmarksRemoved = null;
        newIncidents = null;
        subjects = null;
        children = null;
        events = null;
        return changes;
    }

    internal string IdOf(int ordinal) => string.Create(null, stackalloc char[64], $"{InstanceId}-{ordinal}");
    internal string NextBookmarkId() => string.Create(null, stackalloc char[64], $"{InstanceId}-b{++LastBookmark}");

    internal void Open(BurstState state) => burst = state;
    internal void Close() => burst = null;

    /// <summary>An input by its name; where there is none of that very name, in any case.</summary>
    internal object? GetInput(string name) => (Input[name] ?? Input.GetValue(name, StringComparison.OrdinalIgnoreCase)) switch
    {
        null => null,
        JValue value => value.Value,
        var token => token,
    };

    internal void SetOutput(string name, object? value) => Output[name] = ValueConverter.ToJson(value);

    internal void RecordOutput(PlannedActivity activity, int slot, object? value)
    {
        if (!Plan.TracksOutputs)
        {
            return;
        }

        var byActivity = OutputsByActivity ??= new object?[]?[Plan.Activities.Count];
        (byActivity[activity.Index] ??= new object?[activity.Outputs.Length])[slot] = value;
        if (activity.Shape.ResultSlot == slot)
        {
            LastResult = value;
        }
    }

    internal object? GetOutput(PlannedWorkflow workflow, string idOrName, string? output)
    {
        if (workflow.Find(idOrName) is not { } activity || OutputsByActivity?[activity.Index] is not { } values)
        {
            return null;
        }

        var slot = output is null ? activity.Shape.ResultSlot : activity.Shape.OutputSlot(output);
        return slot >= 0 ? values[slot] : null;
    }

    internal void AddSubject(string key)
    {
        if (!string.IsNullOrWhiteSpace(key) && !(subjects ??= []).Contains(key))
        {
            subjects.Add(key);
        }
    }

    internal void AddBookmark(Bookmark bookmark)
    {
        bookmarks.Add(bookmark);
        (bookmarksAdded ??= []).Add(bookmark);
    }

    internal void RestoreBookmark(Bookmark bookmark) => bookmarks.Add(bookmark);
    internal void RestoreIncident(Incident incident) => incidents.Add(incident);

    internal void RemoveBookmark(Bookmark bookmark)
    {
        bookmarks.Remove(bookmark);
        NoteRemoved(bookmark);
    }

    internal void RemoveBookmarksOf(ActivityContext context)
    {
        if (bookmarks.Count == 0)
        {
            return;
        }

        for (var i = bookmarks.Count - 1; i >= 0; i--)
        {
            if (bookmarks[i].ActivityInstanceId == context.ActivityInstanceId)
            {
                NoteRemoved(bookmarks[i]);
                bookmarks.RemoveAt(i);
            }
        }
    }

    internal void ReopenBookmark(Bookmark bookmark) => (bookmarksAdded ??= []).Add(bookmark);

    /// <summary>Takes an execution that has ended out of the run. The workflow's own stays: it holds the variables.</summary>
    internal void Remove(ActivityContext context)
    {
        RemoveBookmarksOf(context);
        if (context.Parent is { } parent)
        {
            parent.RunningChildren--;
            Contexts.RemoveAt(Contexts.LastIndexOf(context));
        }
    }

    /// <summary>The run is one activity, whose end nobody hears of. It finds the variables around it, as they are at the beginning.</summary>
    internal void QueueOnly(PlannedActivity activity)
    {
        for (var around = activity.Parent; around is not null; around = around.Parent)
        {
            foreach (var variable in around.Variables)
            {
                var given = around.Workflow.Outer is null ? VariableOverrides?[variable.Name] : null;
                (LooseVariables ??= new(StringComparer.Ordinal)).TryAdd(variable.Name, given is null ? variable.Initial : variable.Convert(given is JValue plain ? plain.Value : given.DeepClone()));
            }
        }

        Queue.Enqueue(new WorkItem(WorkKind.Start, activity, null, null, null, null, null, false));
    }

    /// <summary>Cancels all executions below one. What the one itself had queued still runs, as in Elsa; nobody hears of its end.</summary>
    internal void CancelChildren(ActivityContext context, JournalWriter journal)
    {
        for (var i = Contexts.Count - 1; context.RunningChildren > 0 && i > 0; i--)
        {
            // Cancelling one may take several out of the list.
            i = Math.Min(i, Contexts.Count - 1);
            if (Contexts[i].Parent == context)
            {
                Cancel(Contexts[i], journal);
            }
        }
    }

    /// <summary>Takes everything below an execution out, without a word in the journal: it is as if it had not been.</summary>
    internal void GiveUpChildren(ActivityContext context)
    {
        for (var i = Contexts.Count - 1; i > 0; i--)
        {
            i = Math.Min(i, Contexts.Count - 1);
            if (Contexts[i].Parent == context)
            {
                var child = Contexts[i];
                GiveUpChildren(child);
                child.Status = ContextStatus.Canceled;
                Remove(child);
            }
        }

        context.QueuedChildren = 0;
    }

    /// <summary>Cancels an execution and all below it, with what they had queued.</summary>
    internal void Cancel(ActivityContext context, JournalWriter journal)
    {
        Withdraw(context);
        CancelChildren(context, journal);
        context.Status = ContextStatus.Canceled;
        Remove(context);
        journal.WriteEnd(context, "Canceled", null, null);
    }

    private void Withdraw(ActivityContext owner)
    {
        for (var left = owner.QueuedChildren > 0 ? Queue.Count : 0; left > 0; left--)
        {
            var item = Queue.Dequeue();
            if (item.Owner != owner || item.Context is not null)
            {
                Queue.Enqueue(item);
            }
        }

        owner.QueuedChildren = 0;
    }

    /// <summary>The run has ended: nothing resumes it. After a fault they stay in the state, for a replay from the failed activity.</summary>
    internal void EndBookmarks(bool keepInState)
    {
        foreach (var bookmark in bookmarks)
        {
            NoteRemoved(bookmark);
        }

        if (!keepInState)
        {
            bookmarks.Clear();
        }
    }

    internal void AddIncident(Incident incident)
    {
        incidents.Add(incident);
        (newIncidents ??= []).Add(incident);
    }

    /// <summary>What the activity asked for becomes the run's.</summary>
    internal void TakeStaged()
    {
        foreach (var item in Staged.Work)
        {
            Queue.Enqueue(item);
        }

        if (Staged.Children.Count > 0)
        {
            (children ??= []).AddRange(Staged.Children);
        }

        if (Staged.Events.Count > 0)
        {
            (events ??= []).AddRange(Staged.Events);
        }

        Staged.Clear();
    }

    internal void DropStaged()
    {
        foreach (var item in Staged.Work)
        {
            item.Owner!.QueuedChildren--;
        }

        Staged.Clear();
    }

    private void NoteRemoved(Bookmark bookmark)
    {
        // Added and removed between two commits: the store never saw it.
        if (bookmarksAdded is null || !bookmarksAdded.Remove(bookmark))
        {
            (bookmarksRemoved ??= []).Add(bookmark.Id);
        }
    }
}

/// <summary>What a burst works with.</summary>
internal sealed record BurstState(ExpressionSession Session, IServiceProvider Services, TimeProvider Clock, JournalWriter Journal);
