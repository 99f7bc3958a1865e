using System.Text.RegularExpressions;

namespace Automation.Sandbox;

/// <summary>How an answer is spoilt.</summary>
internal enum FaultKind
{
    /// <summary>A status and the API's own error body; without a status only a delay.</summary>
    Status,

    /// <summary>A page of HTML.</summary>
    Html,

    /// <summary>No answer, until the caller gives up.</summary>
    Timeout,

    /// <summary>Half of the body, then the connection ends.</summary>
    Half,

    /// <summary>The connection ends without an answer.</summary>
    Reset,
}

/// <summary>A fault to be played on the next requests that match.</summary>
/// <param name="Match"><c>METHOD /path</c>; <c>*</c> stands for anything in either.</param>
/// <param name="Kind">How.</param>
/// <param name="Status">Status answered; null: the kind's own.</param>
/// <param name="Delay">Time before the answer.</param>
/// <param name="After">The request takes effect all the same: its outcome is unknown to the caller.</param>
internal sealed record Fault(string Match, FaultKind Kind, int? Status, TimeSpan Delay, bool After)
{
    private readonly Regex pattern = new(
        "^" + Regex.Escape(Match.Trim()).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\ ", "\\s+", StringComparison.Ordinal) + "/?$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);

    public bool Fits(string method, string path) => pattern.IsMatch($"{method} {path}");
}

/// <summary>Faults that wait for their requests.</summary>
internal sealed class FaultBox
{
    private readonly Lock gate = new();
    private readonly List<(Fault Fault, int Left)> waiting = [];

    /// <summary>Adds a fault for a number of requests; below zero: for all.</summary>
    public void Add(Fault fault, int times)
    {
        lock (gate)
        {
            waiting.Add((fault, times));
        }
    }

    /// <summary>The fault that this request meets; counts it.</summary>
    public Fault? Take(string method, string path)
    {
        lock (gate)
        {
            var index = waiting.FindIndex(w => w.Fault.Fits(method, path));
            if (index < 0)
            {
                return null;
            }

            var (fault, left) = waiting[index];
            if (left == 1)
            {
                waiting.RemoveAt(index);
            }
            else if (left > 1)
            {
                waiting[index] = (fault, left - 1);
            }

            return fault;
        }
    }

    public void Clear()
    {
        lock (gate)
        {
            waiting.Clear();
        }
    }
}
