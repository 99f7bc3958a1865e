using System.Runtime.CompilerServices;
using Automation.Engine;

namespace Automation.Runtime.Storage;

/// <summary>Ways through a journal of any length that keep a page of it in memory.</summary>
public static class Journals
{
    /// <summary>Records read at once.</summary>
    public const int PageSize = 1000;

    /// <summary>The whole journal in order.</summary>
    public static async IAsyncEnumerable<JournalRecord> StreamJournalAsync(this IRunStore runs, string instanceId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var (skip, total) = (0L, 1L); skip < total; skip += PageSize)
        {
            var page = await runs.ReadJournalPageAsync(instanceId, skip, PageSize, cancellationToken);
            total = page.Total;
            foreach (var record in page.Items)
            {
                yield return record;
            }
        }
    }

    /// <summary>The last record of a kind, looked for from the journal's end; null: there is none.</summary>
    public static async Task<JournalRecord?> FindLastInJournalAsync(this IRunStore runs, string instanceId, Func<JournalRecord, bool> isWanted, CancellationToken cancellationToken)
    {
        for (var end = (await runs.ReadJournalPageAsync(instanceId, 0, 0, cancellationToken)).Total; end > 0; end -= PageSize)
        {
            var skip = Math.Max(0, end - PageSize);
            var page = await runs.ReadJournalPageAsync(instanceId, skip, (int)(end - skip), cancellationToken);
            if (page.Items.LastOrDefault(isWanted) is { } found)
            {
                return found;
            }
        }

        return null;
    }
}
