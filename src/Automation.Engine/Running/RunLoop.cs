using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>Runs bursts of one run. The queue is first in, first out: parallel branches take turns, they are no threads.</summary>
internal sealed class RunLoop(WorkflowEngine engine, WorkflowRun run, IServiceProvider services)
{
    /// <summary>Journal records that a burst gathers before it commits between two activities: a long loop does not grow in memory.</summary>
    internal const int JournalBatch = 1_000;

    private readonly JournalWriter journal = new(run, engine.Options, engine.Clock);
    private RunResults? results;
    private long lastCommit;

    /// <summary>A commit strategy wants a commit before the next activity.</summary>
    private bool commitsAfter;

    private RunResults Results => results ??= new RunResults(engine, run, journal);

    public void Open() => run.Open(new BurstState(engine.Expressions.OpenSession(), services, engine.Clock, journal));

    public async ValueTask RunAsync(IReadOnlyList<Stimulus> stimuli, CancellationToken cancellationToken)
    {
        if (run.Status == WorkflowStatus.Finished)
        {
            return;
        }

        Open();
        var started = engine.Clock.GetTimestamp();
        var before = run.RunningTime;
        try
        {
            if (run.Contexts.Count == 0 && run.Current is null && run.Queue.Count == 0)
            {
                run.Queue.Enqueue(new WorkItem(WorkKind.Start, run.Plan.Activities[0], null, null, null, null, null, false));
            }

            foreach (var stimulus in stimuli)
            {
                Apply(stimulus);
            }

            run.SubStatus = WorkflowSubStatus.Executing;
            lastCommit = started;
            if (run.Plan.Commits.AtStart)
            {
                await CommitAsync(cancellationToken);
            }

            while (run.Status == WorkflowStatus.Running)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (run.Current is null)
                {
                    if (!run.Queue.TryDequeue(out var next))
                    {
                        break;
                    }

                    run.Current = next;
                }

                run.RunningTime = before + engine.Clock.GetElapsedTime(started);
                await ExecuteAsync(run.Current.Value, cancellationToken);
                run.Current = null;

                // Between two activities nothing is half done: a crash after a checkpoint goes on with the next one. A response does not wait for what comes
                // after it; where nothing does, the burst's last commit sends it.
                var wants = run.PendingJournal.Count >= JournalBatch || (run.Reply is not null && run.Queue.Count > 0);
                if (wants || commitsAfter)
                {
                    commitsAfter = false;
                    await CommitAsync(cancellationToken);
                }
            }

            Settle();
        }
        finally
        {
            // An activity that was interrupted asks again when it is executed again.
            run.IsInActivity = false;
            run.DropStaged();
            run.RunningTime = before + engine.Clock.GetElapsedTime(started);
            run.UpdatedAt = engine.Clock.GetUtcNow();
            run.Close();
        }
    }

    public void Cancel()
    {
        if (run.Status == WorkflowStatus.Finished)
        {
            return;
        }

        for (var i = run.Contexts.Count - 1; i >= 0; i--)
        {
            if (run.Contexts[i].Status is ContextStatus.Running or ContextStatus.Faulted)
            {
                run.Contexts[i].Status = ContextStatus.Canceled;
                journal.WriteEnd(run.Contexts[i], "Canceled", null, null);
            }
        }

        Results.End(WorkflowSubStatus.Cancelled);
    }

    /// <summary>A context outside of the run's tree, with the variables in scope at their defaults.</summary>
    public static ActivityContext Detached(WorkflowRun run, PlannedActivity activity)
    {
        var context = new ActivityContext(run, activity, activity.Parent is null ? null : Detached(run, activity.Parent), 0, 0);
        InitialiseVariables(context, null, null);
        return context;
    }

    private void Apply(Stimulus stimulus)
    {
        Bookmark? bookmark = null;
        foreach (var candidate in run.AllBookmarks)
        {
            if (candidate.Id == stimulus.BookmarkId)
            {
                bookmark = candidate;
                break;
            }
        }

        if (bookmark is null || run.Contexts.FirstOrDefault(c => c.ActivityInstanceId == bookmark.ActivityInstanceId) is not { } context)
        {
            return;
        }

        run.RemoveBookmark(bookmark);
        run.Queue.Enqueue(new WorkItem(WorkKind.Resume, context.Planned, context.Parent, context, null, null, new Resumption(bookmark.Name, bookmark.Tag, bookmark.Payload, stimulus.Input), false));
    }

    private async ValueTask ExecuteAsync(WorkItem item, CancellationToken cancellationToken)
    {
        var context = item.Context;
        if (context is null)
        {
            context = Begin(item);

            // From here on a repeated execution is of this context: the same id, iteration and effect key.
            run.Current = item with { Context = context };
        }

        if (context.Status != ContextStatus.Running)
        {
            // Cancelled while its stimulus was queued.
            return;
        }

        if (OverBudget() is { } spent)
        {
            Results.Fault(context, spent, endsRun: true);
            return;
        }

        ActivityResult result;
        try
        {
            if (item.Kind == WorkKind.Resume)
            {
                journal.Write(context, "Resumed");

                EvaluateInputs(context, cancellationToken);
                run.IsInActivity = true;
                result = await context.Planned.Activity.ResumeAsync(context, item.Resumption!, cancellationToken);
            }
            else
            {
                if (!context.IsStarted)
                {
                    journal.Write(context, "Started");
                    context.IsStarted = true;
                }

                EvaluateInputs(context, cancellationToken);
                run.IsInActivity = true;
                if ((context.Planned.Commits ?? run.Plan.Commits).BeforeActivity)
                {
                    await CommitAsync(cancellationToken);
                }

                result = await context.Planned.Activity.ExecuteAsync(context, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (LeaseLostException)
        {
            throw;
        }
        catch (Exception exception)
        {
            result = ActivityResult.Faulted(RunResults.FaultOf(exception));
        }

        run.IsInActivity = false;
        var commits = context.Planned.Commits ?? run.Plan.Commits;
        commitsAfter |= commits.AfterActivity || (commits.Every is { } every && engine.Clock.GetElapsedTime(lastCommit) >= every);
        await Results.ApplyAsync(context, result);
    }

    private async ValueTask CommitAsync(CancellationToken cancellationToken)
    {
        if (run.Status == WorkflowStatus.Running && run.Host is { } host)
        {
            await host.CheckpointAsync(run, cancellationToken);
            lastCommit = engine.Clock.GetTimestamp();
        }
    }

    private ActivityContext Begin(WorkItem item)
    {
        var planned = item.Activity;
        var context = new ActivityContext(run, planned, item.Owner, ++run.LastOrdinal, run.Iterations[planned.Index]++)
        {
            Tag = item.Tag,
            IsBackward = item.IsBackward,
        };
        run.ActivityCount++;
        InitialiseVariables(context, item.Locals, item.Owner?.Parent is null && planned.Workflow.Outer is null ? run.VariableOverrides : null);
        run.Contexts.Add(context);
        if (item.Owner is { } owner)
        {
            owner.QueuedChildren--;
            owner.RunningChildren++;
        }

        return context;
    }

    private static void InitialiseVariables(ActivityContext context, object?[]? locals, JObject? overrides)
    {
        var declared = context.Planned.Variables;
        if (declared.Length == 0)
        {
            return;
        }

        var values = new object?[declared.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = locals is not null && i < locals.Length ? locals[i]
                : overrides?[declared[i].Name] is { } given ? declared[i].Convert(given is JValue plain ? plain.Value : given.DeepClone())
                : declared[i].Initial;
        }

        context.Variables = values;
    }

    private static void EvaluateInputs(ActivityContext context, CancellationToken cancellationToken)
    {
        var inputs = context.Planned.Inputs;
        if (inputs.Length == 0 || context.HasInputs)
        {
            return;
        }

        var values = context.Inputs ??= new object?[inputs.Length];
        for (var i = 0; i < inputs.Length; i++)
        {
            // What a checkpoint saved is not evaluated again: a script with side effects runs once.
            if (inputs[i].Descriptor.AutoEvaluate && inputs[i].IsSet && context.RestoredInputs?[i] != true)
            {
                values[i] = inputs[i].Evaluate(context, cancellationToken);
            }
        }

        context.HasInputs = true;
    }

    private Fault? OverBudget() =>
        run.ActivityCount > engine.Options.RunActivityBudget
            ? Spent($"The run has executed {engine.Options.RunActivityBudget:N0} activities, which is all it may.")
            : run.RunningTime > engine.Options.RunTimeBudget
                ? Spent($"The run has been running for {engine.Options.RunTimeBudget}, which is all it may.")
                : null;

    private static Fault Spent(string message) => new(message)
    {
        Code = "run-budget",
        Action = "Look for a loop that never ends. If the work is really that large, split it into several runs or raise the run budget.",
    };

    /// <summary>Nothing is left to do now. A run that does not go on with incidents ends faulted only here: what was queued beside the fault has been done, as in Elsa.</summary>
    private void Settle()
    {
        if (run.Status == WorkflowStatus.Finished)
        {
            return;
        }

        if (!run.Plan.ContinuesWithIncidents && run.Contexts.Exists(c => c.Status == ContextStatus.Faulted))
        {
            Results.EndFaulted();
        }
        else if (run.Contexts is [{ Status: ContextStatus.Completed }])
        {
            Results.End(WorkflowSubStatus.Finished);
        }
        else
        {
            run.SubStatus = WorkflowSubStatus.Suspended;
        }
    }
}
