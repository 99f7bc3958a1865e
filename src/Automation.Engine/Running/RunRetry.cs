namespace Automation.Engine;

/// <summary>Opens a faulted run again.</summary>
internal static class RunRetry
{
    /// <summary>Makes what faulted be executed again, before what was queued behind it.</summary>
    public static bool Reopen(WorkflowRun run)
    {
        var faulted = run.Contexts.Where(c => c.Status == ContextStatus.Faulted).ToList();
        if (faulted.Count == 0)
        {
            return false;
        }

        // A container that faulted starts anew: what ran below it is given up, queued work included.
        var waiting = run.Queue.Where(i => !faulted.Exists(c => IsBelow(i.Owner, c))).ToArray();
        run.Queue.Clear();
        foreach (var context in faulted)
        {
            run.GiveUpChildren(context);
            for (var ancestor = context; ancestor is not null; ancestor = ancestor.Parent)
            {
                ancestor.FaultCount = Math.Max(0, ancestor.FaultCount - 1);
            }

            context.ClearForRetry();
            run.Queue.Enqueue(new WorkItem(WorkKind.Start, context.Planned, context.Parent, context, null, context.Tag, null, context.IsBackward));
        }

        foreach (var item in waiting)
        {
            run.Queue.Enqueue(item);
        }

        if (run.Status == WorkflowStatus.Finished)
        {
            foreach (var bookmark in run.AllBookmarks)
            {
                run.ReopenBookmark(bookmark);
            }
        }

        run.Status = WorkflowStatus.Running;
        run.SubStatus = WorkflowSubStatus.Suspended;
        run.FinishedAt = null;
        return true;
    }

    private static bool IsBelow(ActivityContext? context, ActivityContext ancestor)
    {
        while (context is not null && context != ancestor)
        {
            context = context.Parent;
        }

        return context is not null;
    }
}
