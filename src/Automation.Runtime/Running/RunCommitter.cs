using Automation.Engine;
using Automation.Runtime.Incidents;
using Automation.Runtime.Scheduling;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Running;

/// <summary>Turns what a burst changed into one transaction, and rings for what it started.</summary>
public sealed class RunCommitter(IRunStore runs, IDefinitionStore definitions, EventRouter events, IDoorbell doorbell, DueClock dues, HeldEvents held, TimeProvider clock)
{
    /// <summary>Commits the run: its state, journal, bookmarks and incidents, the children and events it asked for, its parent's bookmark when it has ended, and an effect's intent.</summary>
    /// <returns>Whether stimuli are waiting for the run.</returns>
    /// <exception cref="LeaseLostException">Another owner has the row: nothing was written.</exception>
    internal async Task<bool> CommitAsync(RunLease lease, WorkflowRun run, EffectRecord? intent, bool release, IReadOnlyList<string> stimuliDone)
    {
        var changes = run.DrainChanges();
        var outgoing = await RouteAsync(lease, run, changes, isAtRest: release);
        var commit = new RunCommit
        {
            InstanceId = lease.InstanceId,
            Lease = lease.Lease,
            LeaseDuration = lease.Duration,
            Insert = lease.Insert,
            Status = run.Status,
            SubStatus = run.SubStatus,
            CorrelationId = run.CorrelationId,
            Name = run.Name,
            State = run.SaveState(),
            Changes = changes,
            StimuliDone = stimuliDone,
            Children = outgoing.Instances,
            Held = outgoing.Held,
            Stimuli = outgoing.Stimuli,
            Incidents = outgoing.Incidents,
            Intent = intent,
            Release = release,
            At = clock.GetUtcNow(),
        };
        return await WriteAsync(lease, commit, changes.BookmarksAdded);
    }

    /// <summary>Ends a run without its engine: its state in memory cannot be trusted, or cannot be read. The state committed last is kept, and a replay goes on from it.</summary>
    internal async Task EndAsync(RunLease lease, WorkflowSubStatus end, byte[] state, IReadOnlyList<string> bookmarks, IReadOnlyList<string> stimuliDone, IncidentRecord? incident)
    {
        var commit = new RunCommit
        {
            InstanceId = lease.InstanceId,
            Lease = lease.Lease,
            Insert = lease.Insert,
            Status = WorkflowStatus.Finished,
            SubStatus = end,
            State = state,
            Changes = new RunChanges { BookmarksRemoved = bookmarks },
            StimuliDone = stimuliDone,
            Stimuli = ParentOf(lease, end, []) is { } parent ? [parent] : [],
            Incidents = incident is null ? [] : [incident],
            Release = true,
            At = clock.GetUtcNow(),
        };
        await WriteAsync(lease, commit, []);
    }

    private async Task<bool> WriteAsync(RunLease lease, RunCommit commit, IReadOnlyList<Bookmark> bookmarksAdded)
    {
        // Checkpoint 1: nothing of this burst (since its last commit) is stored. A crash here: the lease runs out, and the next owner starts from the last commit.
        var waiting = await runs.CommitAsync(commit, CancellationToken.None);

        // Checkpoint 2: all of it is stored. A crash here loses only the rings below; the sweep and the due-time service find the rows.
        lease.Insert = null;
        lease.CommittedState = commit.State;
        if (commit.Children.Count > 0 || commit.Stimuli.Count > 0)
        {
            doorbell.RingRuns([.. commit.Children.Select(child => child.Id), .. commit.Stimuli.Select(stimulus => stimulus.InstanceId).Where(id => id != lease.InstanceId).Distinct()]);
        }

        var hashes = bookmarksAdded.Where(bookmark => bookmark.Name == EventRouter.BookmarkName).Select(bookmark => bookmark.Hash).Concat(commit.Held.Select(kept => kept.Hash)).ToList();
        if (hashes.Count > 0)
        {
            held.Note(hashes);
        }

        foreach (var bookmark in bookmarksAdded)
        {
            if (bookmark.DueAt is { } due)
            {
                dues.WakeAt(due);
            }
        }

        return waiting;
    }

    private async Task<Outgoing> RouteAsync(RunLease lease, WorkflowRun run, RunChanges changes, bool isAtRest)
    {
        var outgoing = new Outgoing();
        foreach (var incident in changes.Incidents)
        {
            outgoing.Incidents.Add(IncidentRecords.OfRun(incident, lease));
        }

        foreach (var child in changes.Children)
        {
            await AddChildAsync(lease, run, child, outgoing);
        }

        foreach (var published in changes.Events)
        {
            var address = new EventAddress(published.Name, published.CorrelationId, published.IsLocal ? run.InstanceId : null, null, published.Payload);
            var targets = await events.RouteAsync(address, CancellationToken.None);
            var before = outgoing.Stimuli.Count;
            outgoing.Instances.AddRange(targets.Instances);
            outgoing.Stimuli.AddRange(targets.Stimuli.Where(target => target.InstanceId != run.InstanceId));

            // The run's own bookmarks are taken from memory: those of this burst are not stored yet, and some that are stored are gone.
            if (published.CorrelationId is null || published.CorrelationId == run.CorrelationId)
            {
                var hash = Bookmark.HashOf(EventRouter.BookmarkName, published.Name);
                outgoing.Stimuli.AddRange(run.Bookmarks.Where(bookmark => bookmark.Hash == hash)
                    .Select(bookmark => new PendingStimulus(run.InstanceId, new Stimulus(Ids.New(clock), bookmark.Id, published.Payload))));
            }

            if (targets.Instances.Count == 0 && outgoing.Stimuli.Count == before)
            {
                outgoing.Held.Add(address.Held(clock.GetUtcNow()));
            }
        }

        // A bookmark that waits for the child's rest is resumed once: what comes after the first finds it gone.
        if ((run.Status == WorkflowStatus.Finished || (isAtRest && lease.Origin.ParentBookmarkId?.EndsWith(ChildDispatch.UntilRest, StringComparison.Ordinal) == true))
            && ParentOf(lease, run.SubStatus, run.Output) is { } parent)
        {
            outgoing.Stimuli.Add(parent);
        }

        return outgoing;
    }

    private async Task AddChildAsync(RunLease lease, WorkflowRun run, ChildDispatch child, Outgoing outgoing)
    {
        if (await definitions.FindAsync(child.DefinitionId, VersionOptions.Published, CancellationToken.None) is not { } version)
        {
            outgoing.Incidents.Add(IncidentRecords.OfRuntime(
                lease.InstanceId,
                lease.Origin,
                "child-not-published",
                $"The run asked to start the workflow '{child.DefinitionId}', which has no published version.",
                null,
                "Publish that workflow, then replay this run.",
                clock.GetUtcNow()));
            if (child.ParentBookmarkId is { } bookmark)
            {
                outgoing.Stimuli.Add(new PendingStimulus(lease.InstanceId, new Stimulus("child:" + child.InstanceId, bookmark, EndOf(child.InstanceId, WorkflowSubStatus.Faulted, []))));
            }

            return;
        }

        outgoing.Instances.Add(new NewInstance
        {
            Id = child.InstanceId,
            DefinitionId = version.DefinitionId,
            VersionId = version.Id,
            Version = version.Version,
            DefinitionName = version.Name,
            Start = new RunStart
            {
                InstanceId = child.InstanceId,
                Lineage = child.Lineage ?? child.InstanceId,
                CorrelationId = child.CorrelationId,
                ParentInstanceId = lease.InstanceId,
                LocationId = run.LocationId,
                Input = child.Input,
                IsDryRun = run.IsDryRun,
            },
            StartedBy = "child",
            IsSandbox = lease.Origin.IsSandbox,
            ParentBookmarkId = child.ParentBookmarkId,
            CreatedAt = clock.GetUtcNow(),
        });
    }

    private static PendingStimulus? ParentOf(RunLease lease, WorkflowSubStatus end, JObject output) =>
        lease.Origin is { ParentInstanceId: { } parent, ParentBookmarkId: { } bookmark }
            ? new PendingStimulus(parent, new Stimulus("child:" + lease.InstanceId, bookmark, EndOf(lease.InstanceId, end, output)))
            : null;

    /// <summary>What a child's end, or its rest, brings to its parent's bookmark.</summary>
    private static JObject EndOf(string instanceId, WorkflowSubStatus end, JObject output) => new()
    {
        ["instanceId"] = instanceId,
        ["status"] = end is WorkflowSubStatus.Finished or WorkflowSubStatus.Faulted or WorkflowSubStatus.Cancelled ? nameof(WorkflowStatus.Finished) : nameof(WorkflowStatus.Running),
        ["subStatus"] = end.ToString(),
        ["output"] = output.DeepClone(),
    };

    private sealed class Outgoing
    {
        public List<NewInstance> Instances { get; } = [];
        public List<PendingStimulus> Stimuli { get; } = [];
        public List<HeldEvent> Held { get; } = [];
        public List<IncidentRecord> Incidents { get; } = [];
    }
}
