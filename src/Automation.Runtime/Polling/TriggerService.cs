using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Polling;

/// <summary>Triggers for pages and the API: poll now, pause, rewind, explain.</summary>
public sealed class TriggerService
{
    public Task<PageOf<TriggerView>> ListAsync(string? definitionId, string? kind, int page, int pageSize, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<TriggerView?> FindAsync(string id, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<PageOf<EventRecord>> EventsAsync(string id, int page, int pageSize, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Polls the trigger's source now and waits until the scan has ended and its events are delivered.</summary>
    public Task<bool> PollNowAsync(string id, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<bool> PauseAsync(string id, CancellationToken cancellationToken) => throw new NotImplementedException();
    public Task<bool> ResumeAsync(string id, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Moves the position back (to a sequence number, or by a number of events) and raises the generation. A preview only counts what would fire.</summary>
    public Task<RewindResult?> RewindAsync(string id, long toSequence, bool preview, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Why an item did or did not fire: an item id, or a subject such as an e-mail.</summary>
    public Task<JObject?> ExplainAsync(string id, string key, CancellationToken cancellationToken) => throw new NotImplementedException();
}

/// <summary>A trigger with its source and definition.</summary>
public sealed record TriggerView(TriggerRecord Trigger, SourceRecord? Source, string? DefinitionName, string? ConnectionName);

/// <summary>What a rewind does, or would do.</summary>
public sealed record RewindResult(long FromPosition, long ToPosition, long Events, int Generation);
