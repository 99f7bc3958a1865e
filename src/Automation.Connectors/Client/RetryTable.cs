namespace Automation.Connectors;

/// <summary>When a failed call is sent again, and after how long. A pure table, so that it can be read and tested as one.</summary>
internal static class RetryTable
{
    /// <summary>A provider that asks for a longer pause gets it from whoever retries the run, not from a call that sits and waits.</summary>
    internal static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(20);

    /// <summary>The pause before the next try; null: there is none.</summary>
    /// <param name="effect">What sending the call twice means.</param>
    /// <param name="attempt">Tries so far, from 1.</param>
    /// <param name="options">How often, and how long the first pause is; it doubles with every try.</param>
    /// <param name="failure">How the last try failed.</param>
    /// <param name="isRun">A durable run waits, not a person.</param>
    /// <param name="random">From 0 to 1: spreads callers that failed together.</param>
    public static TimeSpan? PauseBefore(EffectClass effect, int attempt, ConnectorOptions options, ConnectorException failure, double random, bool isRun = false)
    {
        // Nothing has left, and a run has time: an outage of seconds is no reason to bother a person.
        var attempts = isRun && failure is { Code: "unreachable", MayHaveHappened: false } ? options.AttemptsToConnect : options.Attempts;
        if (!failure.IsTransient || attempt >= attempts)
        {
            return null;
        }

        // A write that may have happened is only repeated where repeating is harmless; the others are for the effect ledger to settle.
        if (failure.MayHaveHappened && (effect is EffectClass.Probe or EffectClass.Unsafe))
        {
            return null;
        }

        if (failure.RetryAfter is { } asked)
        {
            return asked <= LongestPause ? asked : null;
        }

        var backoff = Math.Min(options.FirstPause.TotalMilliseconds * Math.Pow(2, attempt - 1), LongestBackoff.TotalMilliseconds);
        return TimeSpan.FromMilliseconds(backoff * (0.5 + (random / 2)));
    }
}
