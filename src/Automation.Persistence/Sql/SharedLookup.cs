namespace Automation.Persistence.Sql;

/// <summary>
/// Lookups by key. Those that are asked for while one is on its way share the next: one round trip for all of them, and none sees less than was committed when it was asked for. A lone one is made at once.
/// </summary>
/// <param name="find">Finds what there is for the keys, each given once.</param>
internal sealed class SharedLookup<TKey, TValue>(Func<TKey[], Task<IReadOnlyDictionary<TKey, TValue>>> find)
    where TKey : notnull
    where TValue : class
{
    private readonly Lock _gate = new();
    private Round? _next;
    private bool _isLooking;

    /// <summary>Null: there is nothing of this key.</summary>
    public async Task<TValue?> FindAsync(TKey key, CancellationToken cancellationToken) => (await FindAsync([key], cancellationToken).ConfigureAwait(false)).GetValueOrDefault(key);

    /// <summary>What there is of several keys; the answer may have others beside them.</summary>
    public async Task<IReadOnlyDictionary<TKey, TValue>> FindAsync(TKey[] keys, CancellationToken cancellationToken)
    {
        Round? round = null;
        lock (_gate)
        {
            if (_isLooking)
            {
                round = _next ??= new Round();
                round.Keys.UnionWith(keys);
            }

            _isLooking = true;
        }

        if (round is not null)
        {
            return await round.Found.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await find(keys).ConfigureAwait(false);
        }
        finally
        {
            GoOn();
        }
    }

    /// <summary>Begins the next round, when somebody waits for one.</summary>
    private void GoOn()
    {
        Round? round;
        lock (_gate)
        {
            (round, _next) = (_next, null);
            _isLooking = round is not null;
        }

        if (round is not null)
        {
            // Not on the thread of the caller before: it has its answer.
            _ = Task.Run(() => LookAsync(round));
        }
    }

    private async Task LookAsync(Round round)
    {
#pragma warning disable CA1031 // Everybody of the round is told what went wrong.
        try
        {
            round.Found.SetResult(await find([.. round.Keys]).ConfigureAwait(false));
        }
        catch (Exception exception)
        {
            round.Found.SetException(exception);
        }
        finally
        {
            GoOn();
        }
#pragma warning restore CA1031
    }

    private sealed class Round
    {
        public HashSet<TKey> Keys { get; } = [];
        public TaskCompletionSource<IReadOnlyDictionary<TKey, TValue>> Found { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
