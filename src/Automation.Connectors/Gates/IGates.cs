using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>
/// Where the runs of a flow meet: what one may do hangs on what others did before. Each answer is stored with the change that it comes from, under the key of the
/// execution that asked: asked again after a crash or in a replay, the same execution is answered the same.
/// </summary>
public interface IGates
{
    /// <summary>Whether nobody came with this key before, in this period.</summary>
    /// <param name="pass">Who comes.</param>
    /// <param name="period">How long the first one's coming counts; null: for good.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    ValueTask<bool> IsFirstAsync(GatePass pass, TimeSpan? period, CancellationToken cancellationToken);

    /// <summary>When a run may go on, so that no span of <paramref name="period"/> sees more than <paramref name="limit"/> go on. Null: not at all, for it would have to wait longer than it may.</summary>
    /// <param name="pass">Who comes.</param>
    /// <param name="limit">How many may go on in a period.</param>
    /// <param name="period">The period.</param>
    /// <param name="longestWait">How long it may wait; zero: it is now or not at all; null: however long.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    ValueTask<DateTimeOffset?> AdmitAsync(GatePass pass, int limit, TimeSpan period, TimeSpan? longestWait, CancellationToken cancellationToken);

    /// <summary>Adds an item to the digest of a key. Who opens a digest collects it, and waits at a bookmark until it is due or full; so does who finds one whose collector is gone.</summary>
    /// <param name="pass">Who comes.</param>
    /// <param name="item">What it brings.</param>
    /// <param name="limit">Items that fill a digest; the collector's counts.</param>
    /// <param name="dueAt">When a digest that is opened now ends.</param>
    /// <param name="bookmarkId">Where this run will wait should it collect.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    ValueTask<DigestPlace> CollectAsync(GatePass pass, JToken item, int limit, DateTimeOffset? dueAt, string bookmarkId, CancellationToken cancellationToken);

    /// <summary>Ends a digest and hands its items to its collector, in the order in which they came. Null: another run collects it by now.</summary>
    ValueTask<IReadOnlyList<JToken>?> ReleaseAsync(GatePass pass, string digestId, CancellationToken cancellationToken);
}

/// <summary>An execution at a gate.</summary>
/// <param name="Scope">The gate: an activity of a flow, or a name that activities share.</param>
/// <param name="Key">What is kept apart at it: a contact's id.</param>
/// <param name="EffectKey">Key of the execution.</param>
/// <param name="Lineage">Its run's.</param>
/// <param name="InstanceId">Its run.</param>
public sealed record GatePass(string Scope, string Key, string EffectKey, string Lineage, string InstanceId)
{
    private const int LongestKey = 400;

    /// <summary>The pass of an activity.</summary>
    /// <param name="context">The activity.</param>
    /// <param name="name">A name that activities share; empty: this activity's own gate.</param>
    /// <param name="key">The key; empty: one for all.</param>
    /// <exception cref="FaultException">The key is too long.</exception>
    public static GatePass Of(ActivityContext context, string? name, string? key)
    {
        key = key?.Trim() ?? "";
        return key.Length > LongestKey
            ? throw new FaultException(new Fault($"The key has {key.Length} characters.") { Code = "invalid-input", Property = "key", Action = $"Give a key of at most {LongestKey} characters, such as a contact's id." })
            : new GatePass(
                string.IsNullOrWhiteSpace(name) ? $"{context.Run.Plan.Definition.DefinitionId}/{context.NodeId}" : "name:" + name.Trim(),
                key,
                context.EffectKey,
                context.Run.Lineage,
                context.Run.InstanceId);
    }
}

/// <summary>Where an item came into a digest.</summary>
/// <param name="DigestId">The digest.</param>
/// <param name="Collects">This run collects it.</param>
/// <param name="IsReady">It is full, or was released already: the collector need not wait.</param>
/// <param name="DueAt">When it ends.</param>
public sealed record DigestPlace(string DigestId, bool Collects, bool IsReady, DateTimeOffset? DueAt);
