using System.Threading.Channels;

namespace Automation.Runtime.Scheduling;

/// <summary>What the due-time service sleeps on: a time, and a bell. In-process timers (delays of milliseconds) are wake times set after the commit that made them.</summary>
public sealed class DueClock(TimeProvider clock)
{
    private readonly Channel<bool> signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private long earliest = long.MaxValue;

    /// <summary>Something became due, or its due time changed: look again now.</summary>
    public void Wake() => WakeAt(DateTimeOffset.MinValue);

    /// <summary>Something is due at a time.</summary>
    public void WakeAt(DateTimeOffset at)
    {
        var ticks = at.UtcTicks;
        long before;
        do
        {
            before = Interlocked.Read(ref earliest);
            if (ticks >= before)
            {
                return;
            }
        }
        while (Interlocked.CompareExchange(ref earliest, ticks, before) != before);
        signal.Writer.TryWrite(true);
    }

    /// <summary>Forgets the wake times so far: whoever calls it reads what is due after it.</summary>
    internal void Reset()
    {
        Interlocked.Exchange(ref earliest, long.MaxValue);
        signal.Reader.TryRead(out _);
    }

    /// <summary>Sleeps for a time, or until an earlier wake time. Never longer than asked, whatever the clock does.</summary>
    internal async Task SleepAsync(TimeSpan longest, CancellationToken cancellationToken)
    {
        var until = clock.GetUtcNow() + longest;
        while (true)
        {
            var now = clock.GetUtcNow();
            var ticks = Interlocked.Read(ref earliest);
            var end = ticks < until.UtcTicks ? new DateTimeOffset(ticks, TimeSpan.Zero) : until;
            if (end <= now)
            {
                return;
            }

            // Rounded up to a millisecond: timers are no finer, and waking too early would only loop.
            var wait = TimeSpan.FromMilliseconds(Math.Ceiling(Math.Min((end - now).TotalMilliseconds, longest.TotalMilliseconds)));
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var timer = Task.Delay(wait, clock, stop.Token);
            var rung = signal.Reader.WaitToReadAsync(stop.Token).AsTask();
            await Task.WhenAny(timer, rung);
            await stop.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
            if (timer.IsCompletedSuccessfully)
            {
                return;
            }

            signal.Reader.TryRead(out _);
        }
    }
}
