using System.Diagnostics;

namespace Automation.ServerTests.Processes;

/// <summary>Waits for a condition of another process, which can only be asked for.</summary>
public static class Eventually
{
    /// <summary>Asks every 100 ms until the condition holds.</summary>
    /// <exception cref="TimeoutException">It did not hold within the time, with the last answer.</exception>
    public static async Task HoldsAsync(string what, TimeSpan within, Func<Task<bool>> condition, Func<string>? describe = null)
    {
        var clock = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!await condition())
        {
            if (clock.Elapsed > within)
            {
                throw new TimeoutException($"Within {within}: {what}. {describe?.Invoke()}");
            }

            await timer.WaitForNextTickAsync();
        }
    }
}
