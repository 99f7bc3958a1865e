using Automation.Engine;
using Automation.Runtime.Storage;

namespace Automation.Runtime.Running;

/// <summary>A cancellation is queued like a stimulus, so that it survives a crash and reaches whoever has the run; no bookmark has its id.</summary>
internal static class CancelRequest
{
    private const string BookmarkId = "cancel";

    public static PendingStimulus For(string instanceId) => new(instanceId, new Stimulus("cancel:" + instanceId, BookmarkId, null));

    public static bool IsIn(IReadOnlyList<Stimulus> stimuli) => stimuli.Any(stimulus => stimulus.BookmarkId == BookmarkId);
}
