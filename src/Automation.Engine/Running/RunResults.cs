namespace Automation.Engine;

/// <summary>Applies what activities came to, to the run: bookmarks, faults, completions, and what follows from them upwards.</summary>
internal sealed class RunResults(WorkflowEngine engine, WorkflowRun run, JournalWriter journal)
{
    /// <summary>Applies a result, and what follows from it upwards, until somebody waits.</summary>
    public async ValueTask ApplyAsync(ActivityContext context, ActivityResult result)
    {
        var executed = context;
        while (true)
        {
            if (result.Kind == ActivityResultKind.Faulted)
            {
                run.DropStaged();
                if (TakerOf(context, result.Fault!) is { } branch)
                {
                    // The fault is an answer of the branch: what else ran there is cancelled, and its container goes on.
                    var taker = branch.Parent!;
                    var failed = new ChildCompletion(context.Planned, branch.Tag, []) { Context = context };
                    GiveUp(context, branch, result.Fault!);
                    result = ((ITakesFaults)taker.Planned.Activity).ChildFailed(taker, failed, result.Fault!);
                    context = executed = taker;
                    continue;
                }

                Fault(executed.Parent == context && executed.Status == ContextStatus.Completed ? Reopened(executed) : context, result.Fault!, endsRun: false);
                return;
            }

            run.TakeStaged();
            switch (result.Kind)
            {
                case ActivityResultKind.Waiting:
                    return;
                case ActivityResultKind.Suspended:
                    Suspend(context, result.Bookmarks);
                    return;
                case ActivityResultKind.FinishRun:
                    Complete(context, result.Outcomes);
                    End(WorkflowSubStatus.Finished);
                    return;
                case ActivityResultKind.BreakLoop:
                    MarkBreaking(context);
                    break;
                case ActivityResultKind.CompleteWorkflow when WorkflowOf(context) is { } workflow:
                    await CompleteWorkflowAsync(context, workflow, result.Outcomes);
                    return;
                default:
                    break;
            }

            var outcomes = context.EndsWith ?? result.Outcomes;
            Complete(context, outcomes);
            if (context.Parent is not { Status: ContextStatus.Running } owner)
            {
                return;
            }

            try
            {
                // Not cancelled half-way: the child's end and what its container makes of it are one.
                result = await owner.Planned.Activity.ChildCompletedAsync(owner, new ChildCompletion(context.Planned, context.Tag, outcomes) { Context = context }, CancellationToken.None);
            }
            catch (Exception exception)
            {
                result = ActivityResult.Faulted(FaultOf(exception));
            }

            context = owner;
        }
    }

    /// <summary>The child, at or above an activity, of the nearest container that takes its fault; null: nobody does.</summary>
    private static ActivityContext? TakerOf(ActivityContext context, Fault fault)
    {
        for (var branch = context; branch.Parent is { } owner; branch = owner)
        {
            if (owner is { Status: ContextStatus.Running, Planned.Activity: ITakesFaults taker } && taker.Takes(owner, fault))
            {
                return branch;
            }
        }

        return null;
    }

    private void GiveUp(ActivityContext faulted, ActivityContext branch, Fault fault)
    {
        run.CancelChildren(faulted, journal);
        journal.WriteEnd(faulted, "Faulted", null, fault);
        if (faulted.Status == ContextStatus.Running)
        {
            faulted.Status = ContextStatus.Faulted;
            run.Remove(faulted);
        }

        if (branch != faulted && branch.Status == ContextStatus.Running)
        {
            run.Cancel(branch, journal);
        }
    }

    /// <summary>An activity whose container could not go on after it: the fault is the activity's, and a retry executes it again.</summary>
    private ActivityContext Reopened(ActivityContext ended)
    {
        run.Contexts.Add(ended);
        ended.Parent!.RunningChildren++;
        return ended;
    }

    /// <summary>Notes a fault. The run goes on with what is queued; whether it ends after that is the run loop's to say.</summary>
    public void Fault(ActivityContext context, Fault fault, bool endsRun)
    {
        context.Status = ContextStatus.Faulted;
        run.RemoveBookmarksOf(context);
        for (var ancestor = context; ancestor is not null; ancestor = ancestor.Parent)
        {
            ancestor.FaultCount++;
        }

        journal.WriteEnd(context, "Faulted", null, fault);
        run.AddIncident(new Incident
        {
            Id = run.IdOf(context.Ordinal) + "-i" + run.Incidents.Count.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ActivityId = context.ActivityId,
            NodeId = context.NodeId,
            ActivityInstanceId = context.ActivityInstanceId,
            ActivityType = context.ActivityType,
            ActivityName = context.ActivityName,
            Fault = fault,
            At = engine.Clock.GetUtcNow(),
        });
        if (endsRun)
        {
            EndFaulted();
        }
    }

    /// <summary>The run ends faulted. What waits stays in the state, for a replay from the failed activity.</summary>
    public void EndFaulted()
    {
        run.EndBookmarks(keepInState: true);
        run.Status = WorkflowStatus.Finished;
        run.SubStatus = WorkflowSubStatus.Faulted;
        run.FinishedAt = engine.Clock.GetUtcNow();
    }

    public void End(WorkflowSubStatus subStatus)
    {
        run.Queue.Clear();
        run.Current = null;
        if (subStatus == WorkflowSubStatus.Finished && !run.Plan.ContinuesWithIncidents && run.Contexts[0].FaultCount > 0)
        {
            // A branch finished or completed the workflow beside one that had faulted: that does not undo the fault.
            EndFaulted();
            return;
        }

        run.EndBookmarks(keepInState: false);
        if (run.Contexts.Count > 1)
        {
            run.Contexts.RemoveRange(1, run.Contexts.Count - 1);
        }

        run.Status = WorkflowStatus.Finished;
        run.SubStatus = subStatus;
        run.FinishedAt = run.UpdatedAt = engine.Clock.GetUtcNow();
    }

    /// <summary>The fault that an exception of an activity is.</summary>
    public static Fault FaultOf(Exception exception) => exception switch
    {
        FaultException expected => expected.Fault,
        OperationCanceledException => new Fault("The activity was cancelled from within: a time-out of its own ran out.") { Code = "timeout", ExceptionType = exception.GetType().FullName, IsTransient = true },
        _ => new Fault(exception.Message) { Code = "exception", Detail = exception.InnerException?.Message, ExceptionType = exception.GetType().FullName },
    };

    /// <summary>Completes the nearest workflow with outcomes. The activity that says so ends first, so its containers end as they would without it; loops on the way are cancelled.</summary>
    private async ValueTask CompleteWorkflowAsync(ActivityContext context, ActivityContext workflow, IReadOnlyList<string> outcomes)
    {
        workflow.EndsWith = outcomes;
        for (var around = context.Parent; around is not null && around != workflow; around = around.Parent)
        {
            if (around is { Status: ContextStatus.Running, Planned.Activity: ILoop })
            {
                run.Cancel(around, journal);
            }
        }

        if (context.Status == ContextStatus.Running)
        {
            await ApplyAsync(context, ActivityResult.Done);
        }

        if (workflow.Status == ContextStatus.Running)
        {
            await ApplyAsync(workflow, ActivityResult.Done);
        }
    }

    private static ActivityContext? WorkflowOf(ActivityContext context)
    {
        for (var candidate = context.Parent; candidate is not null; candidate = candidate.Parent)
        {
            if (candidate is { Status: ContextStatus.Running, Planned.Activity: WorkflowActivity })
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>Sequences and forks on the way to the nearest loop go no further when their child ends; nor does the loop.</summary>
    private static void MarkBreaking(ActivityContext context)
    {
        for (var around = context.Parent; around is not null; around = around.Parent)
        {
            if (around.Planned.Activity is Sequence or Fork or ILoop)
            {
                around.IsBreaking = true;
            }

            if (around.Planned.Activity is ILoop)
            {
                return;
            }
        }
    }

    private void Complete(ActivityContext context, IReadOnlyList<string> outcomes)
    {
        run.CancelChildren(context, journal);
        context.Status = ContextStatus.Completed;
        run.Remove(context);
        journal.WriteEnd(context, "Completed", outcomes, null);
    }

    private void Suspend(ActivityContext context, IReadOnlyList<BookmarkRequest> requests)
    {
        var now = engine.Clock.GetUtcNow();
        foreach (var request in requests)
        {
            run.AddBookmark(new Bookmark
            {
                Id = request.Id ?? run.NextBookmarkId(),
                Name = request.Name,
                Key = request.Key,
                Hash = Bookmark.HashOf(request.Name, request.Key),
                Tag = request.Tag,
                ActivityId = context.ActivityId,
                NodeId = context.NodeId,
                ActivityInstanceId = context.ActivityInstanceId,
                DueAt = request.DueAt,
                Payload = request.Payload,
                CreatedAt = now,
            });
        }

        journal.WriteEnd(context, "Suspended", null, null);
    }
}
