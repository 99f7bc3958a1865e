using Automation.Engine;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Running;

/// <summary>New values of variables are queued like a stimulus, so that they reach whoever has the run; no bookmark has its id.</summary>
internal static class VariablesRequest
{
    private const string BookmarkId = "variables";

    public static PendingStimulus For(string instanceId, JObject values, TimeProvider clock) => new(instanceId, new Stimulus(Ids.New(clock), BookmarkId, values));

    public static void Apply(WorkflowRun run, IReadOnlyList<Stimulus> stimuli)
    {
        foreach (var stimulus in stimuli)
        {
            if (stimulus.BookmarkId == BookmarkId && stimulus.Input is JObject values)
            {
                run.SetVariables(values);
            }
        }
    }
}
