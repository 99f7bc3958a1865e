using Automation.Connectors;
using Automation.Engine;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;
using Newtonsoft.Json;

namespace Automation.Persistence.Sql;

/// <summary>
/// Takes in one page: item rows and revisions, events, scan state, in one transaction. What is stored is looked up by one query for the whole page; an item that has not changed costs no write.
/// </summary>
internal sealed class IntakeWrite
{
    // On SQLite CROSS JOIN keeps the order of the loops: each id of the page is one look-up in the index of the items. Left to the planner it goes through all items of the source.
    public const string Find =
        "SELECT i.item_id, i.no, i.hash, i.updated_at, i.revision, i.absent, i.seen_at FROM (#each @ids#) j #cross# items i ON i.source_no = @source AND i.item_id = j.value";

    private const string InsertItem =
        """
        INSERT INTO items (source_no, item_id, hash, updated_at, revision, seen_at, from_baseline, payload)
        VALUES (@source, @item, @hash, @updated_at, 1, @seen_at, @from_baseline, @payload)
        """;

    private const string InsertEvent =
        """
        INSERT INTO events (source_no, location_id, sequence, item_id, revision, observed_at, item, previous, subjects)
        VALUES (@source, @location, @sequence, @item_id, @revision, @observed_at, @item, (SELECT payload FROM items WHERE no = @previous_no), @subjects)
        """;

    private const string UpdateSource =
        """
        UPDATE sources SET
            scan_upper = CASE WHEN @ends = 1 THEN NULL ELSE @upper END,
            page_token = CASE WHEN @ends = 1 THEN NULL ELSE @token END,
            scan_pages = CASE WHEN @ends = 1 THEN 0 ELSE scan_pages + 1 END,
            scan_started_at = CASE WHEN @ends = 1 THEN NULL ELSE COALESCE(scan_started_at, @at) END,
            newest = @newest, newest_at = @newest_at, watermark = @watermark, floor = @floor,
            baselined_at = CASE WHEN @ends = 1 THEN COALESCE(baselined_at, @at) ELSE baselined_at END,
            last_success_at = CASE WHEN @ends = 1 THEN @at ELSE last_success_at END,
            last_error = CASE WHEN @ends = 1 THEN NULL ELSE last_error END,
            failures = CASE WHEN @ends = 1 THEN 0 ELSE failures END,
            last_poll_at = @at, due_at = @due, ledger_end = @ledger_end, item_count = item_count + @new_items,
            hinted_at = @hinted, missed = missed + @missed, missed_at = CASE WHEN @missed > 0 THEN @at ELSE missed_at END
        WHERE no = @no
        """;

    /// <summary>Of what is taken in, items marked 1 are there again; of all others, those that are not named are gone.</summary>
    private const string FindAbsent = "SELECT COUNT(*) FROM items WHERE source_no = @source AND absent < 2 AND item_id NOT IN (#each @ids#)";
    private const string MarkAbsent = "UPDATE items SET absent = CASE WHEN @doubt = 1 THEN absent + 1 ELSE 2 END WHERE source_no = @source AND absent < 2 AND item_id NOT IN (#each @ids#)";
    private const string MarkPresent = "UPDATE items SET absent = 0 WHERE source_no = @source AND absent = 1 AND item_id IN (#each @ids#)";

    /// <summary>Of items that a poll found, those of which webhooks told: they are to be read yet, or are in the journal.</summary>
    private const string CountTold =
        """
        SELECT COUNT(*) FROM (#each @ids#) j
        WHERE EXISTS (SELECT 1 FROM hints h WHERE h.source_id = @source AND h.item_id IN (j.value, '*'))
            OR EXISTS (SELECT 1 FROM webhooks w WHERE w.connection_id = @connection AND w.item_id = j.value AND w.received_at >= @since)
        """;

    /// <summary>How long after the last webhook others are expected.</summary>
    private static readonly long Expectant = TimeSpan.FromDays(1).Ticks;

    /// <summary>A change younger than this has a webhook on its way.</summary>
    private static readonly TimeSpan OnItsWay = TimeSpan.FromSeconds(15);

    /// <summary>How long before the last scan a webhook may have told of a change that only this one shows.</summary>
    private static readonly long ToldBefore = TimeSpan.FromMinutes(5).Ticks;

    /// <summary>By how much a scan's end must be younger than the newest change for a later change of the very same moment to be possible.</summary>
    private static readonly long SameMoment = TimeSpan.FromSeconds(2).Ticks;

    /// <summary>How long a list may still show an item after a webhook said that it was deleted: search indexes lag. One that it shows later has come back.</summary>
    private static readonly long Lag = TimeSpan.FromMinutes(1).Ticks;

    private readonly record struct Stored(long No, string Hash, long? UpdatedAt, int Revision, bool IsGone, long? DeletedAt);

    private readonly record struct ScanState(long? Newest, long? NewestAt, long? Watermark, long? Floor, bool IsBaselined);

    private readonly IntakePage _page;
    private readonly IReadOnlyList<PolledItem> _items;
    private readonly string[] _ids;
    private readonly Dictionary<string, byte[]> _packed = new(StringComparer.Ordinal);

    public IntakeWrite(IntakePage page)
    {
        _page = page;
        _items = Newest(page.Items);
        _ids = _items.Select(i => i.Id).ToArray();
    }

    /// <summary>
    /// Packs what will probably be written, on the caller's thread, judged by what is committed now. <see cref="Write"/> judges again by itself: this only spares the writer's time.
    /// </summary>
    public bool Prepare(Session session)
    {
        if (session.Long("SELECT no FROM sources WHERE id = @id", _page.SourceId) is { } no)
        {
            var stored = Lookup(session, no);
            foreach (var item in _items)
            {
                if (!stored.TryGetValue(item.Id, out var known) || known.Hash != item.Hash || known.IsGone)
                {
                    _packed[item.Id] = Payload.PackJson(item.Payload);
                }
            }
        }

        return true;
    }

    /// <exception cref="LeaseLostException">The lease is gone: nothing was written.</exception>
    public IntakeResult Write(Session session)
    {
        // 1. The fence: a poller that was overtaken writes no row.
        long source, ledgerEnd;
        long? succeeded, hinted;
        string? location, connection;
        ScanState scan;
        using (var reader = session.Query(
            $"SELECT no, ledger_end, location_id, newest, newest_at, watermark, floor, baselined_at, connection_id, last_success_at, hinted_at, (SELECT MAX(h.sent_at) FROM hints h WHERE h.source_id = sources.id) FROM sources WHERE id = @id AND lease_owner = @owner AND lease_token = @token {Columns.Lock}",
            _page.SourceId,
            _page.Lease.Owner,
            _page.Lease.Token))
        {
            if (!reader.Read())
            {
                throw new LeaseLostException(_page.SourceId);
            }

            (source, ledgerEnd, location) = (reader.GetInt64(0), reader.GetInt64(1), reader.Text(2));
            scan = new ScanState(reader.LongOrNull(3), reader.LongOrNull(4), reader.LongOrNull(5), reader.LongOrNull(6), !reader.IsDBNull(7));
            (connection, succeeded) = (reader.GetString(8), reader.LongOrNull(9));
            hinted = _page.IsAside || !reader.IsDBNull(11) ? _page.ObservedAt.UtcTicks : reader.LongOrNull(10);
        }

        // 2. Items, revisions and events of the page. Killed before COMMIT: the page is read again from the token that is stored, and comes to the same rows.
        var stored = Lookup(session, source);
        int added = 0, changed = 0, unchanged = 0;
        var found = new List<string>();
        foreach (var item in _items)
        {
            if (!stored.TryGetValue(item.Id, out var known))
            {
                added++;
                Note(found, item);
                var payload = Packed(item);
                session.Post(InsertItem, source, item.Id, item.Hash, Columns.Ticks(item.UpdatedAt), Columns.Ticks(_page.ObservedAt), _page.IsBaseline, payload);
                AddSubjects(session, source, item);
                Append(session, source, location, ref ledgerEnd, item, 1, payload, null);
            }
            else if (!known.IsGone && item.UpdatedAt is { } updated && known.UpdatedAt is { } before && updated.UtcTicks < before)
            {
                // A lagging index answered with an older state than what is known.
                unchanged++;
            }
            else if (known.DeletedAt is { } deleted && known.Hash == item.Hash && _page.ObservedAt.UtcTicks - deleted < Lag)
            {
                // A lagging index shows what was deleted just now.
                unchanged++;
            }
            else if (!known.IsGone && known.Hash == item.Hash)
            {
                unchanged++;
                if (item.UpdatedAt is { } later && later.UtcTicks > (known.UpdatedAt ?? 0))
                {
                    session.Post("UPDATE items SET updated_at = @at WHERE no = @no", Columns.Ticks(later), known.No);
                }
            }
            else
            {
                changed++;
                Note(found, item);
                var payload = Packed(item);

                // First the event: it takes what the item was.
                Append(session, source, location, ref ledgerEnd, item, known.Revision + 1, payload, known.IsGone ? null : known.No);
                session.Post(
                    "UPDATE items SET hash = @hash, updated_at = COALESCE(@updated_at, updated_at), revision = revision + 1, seen_at = @seen_at, absent = 0, payload = @payload WHERE no = @no",
                    item.Hash,
                    Columns.Ticks(item.UpdatedAt),
                    Columns.Ticks(_page.ObservedAt),
                    payload,
                    known.No);
                AddSubjects(session, source, item);
            }
        }

        IncidentStore.Insert(session, _page.Incidents);
        if (_page.IsAside)
        {
            session.Post("UPDATE sources SET ledger_end = @ledger_end, item_count = item_count + @new_items, hinted_at = @hinted WHERE no = @no", ledgerEnd, added, hinted, source);
            return new IntakeResult(added, changed, unchanged, ledgerEnd);
        }

        Forget(session, source);

        var missed = hinted > _page.ObservedAt.UtcTicks - Expectant && found.Count > 0
            ? found.Count - session.Long(CountTold, found.ToArray(), _page.SourceId, connection, (succeeded ?? _page.ScanUpper.UtcTicks) - ToldBefore)
            : 0;

        // 3. Token, ledger end and, at the end of the scan, watermark and baseline move with the rows: neither is ever ahead of the other.
        scan = After(scan);
        session.Post(
            UpdateSource,
            _page.EndsScan,
            Columns.Ticks(_page.ScanUpper),
            _page.NextPageToken,
            Columns.Ticks(_page.ObservedAt),
            scan.Newest,
            scan.NewestAt,
            scan.Watermark,
            scan.Floor,
            Columns.Ticks(_page.DueAt),
            ledgerEnd,
            added,
            hinted,
            missed,
            source);
        return new IntakeResult(added, changed, unchanged, ledgerEnd);
    }

    /// <summary>An item that a poll found to be new or changed: no webhook led to it, unless the journal knows of one.</summary>
    private void Note(List<string> found, PolledItem item)
    {
        if (_page is { IsBaseline: false, IsAside: false } && !(item.UpdatedAt > _page.ObservedAt - OnItsWay))
        {
            found.Add(item.Id);
        }
    }

    /// <summary>Marks the items that the list does not have any more. An empty answer where there were several is believed when it comes twice.</summary>
    private void Forget(Session session, long source)
    {
        if (_page.Present is not { } present)
        {
            return;
        }

        var ids = present.ToArray();
        session.Post(MarkPresent, source, ids);
        if (session.Long(FindAbsent, source, ids) is { } gone and > 0)
        {
            session.Post(MarkAbsent, ids.Length == 0 && gone > 1, source, ids);
        }
    }

    /// <summary>
    /// The scan's state after this page. Where the list is read by updated-at, no clock of ours is in the watermark, so that a provider's clock may go before or after: it is the newest time that the list has
    /// shown, less the time that the scan took if that showed up while it ran (what changed meanwhile may have been passed already), and at most the scan's begin: an item dated into the future must not hide
    /// what changes today.
    /// </summary>
    private ScanState After(ScanState scan)
    {
        var (begin, end) = (_page.ScanUpper.UtcTicks, _page.ObservedAt.UtcTicks);
        if (_page.Lateness is not { Ticks: var lateness })
        {
            return _page.EndsScan ? scan with { Watermark = begin } : scan;
        }

        if (_items.Max(item => item.UpdatedAt?.UtcTicks) is { } shown && shown > (scan.Newest ?? 0))
        {
            scan = scan with { Newest = shown, NewestAt = end };
        }

        if (!_page.EndsScan || scan is not { Newest: { } newest, NewestAt: { } since })
        {
            return scan;
        }

        if (!scan.IsBaselined)
        {
            // What was there before the baseline is not looked for again, however late it shows.
            newest = Math.Min(newest, begin);
            return scan with { Watermark = newest, Floor = newest < end - SameMoment ? newest + TimeSpan.TicksPerMillisecond : newest };
        }

        var seen = Math.Min(newest, begin) - (since > begin ? end - begin : 0);
        var isSettled = begin - since >= lateness;
        return scan with
        {
            Watermark = Math.Max(scan.Watermark ?? 0, seen),
            Floor = isSettled ? Math.Max(scan.Floor ?? 0, Math.Min(newest, begin - lateness) + TimeSpan.TicksPerMillisecond) : scan.Floor,
        };
    }

    private void Append(Session session, long source, string? location, ref long ledgerEnd, PolledItem item, int revision, byte[] payload, long? previousNo)
    {
        if (!_page.IsBaseline)
        {
            session.Post(
                InsertEvent,
                source,
                location,
                ++ledgerEnd,
                item.Id,
                revision,
                Columns.Ticks(_page.ObservedAt),
                payload,
                previousNo,
                item.Subjects.Count == 0 ? null : JsonConvert.SerializeObject(Columns.Subjects(item.Subjects)));
        }
    }

    private Dictionary<string, Stored> Lookup(Session session, long source)
    {
        var stored = new Dictionary<string, Stored>(_items.Count, StringComparer.Ordinal);
        using var reader = session.Query(Find, _ids, source);
        while (reader.Read())
        {
            stored.Add(reader.GetString(0), new Stored(reader.GetInt64(1), reader.GetString(2), reader.LongOrNull(3), reader.GetInt32(4), reader.GetInt64(5) >= 2, reader.GetInt64(5) == 3 ? reader.GetInt64(6) : null));
        }

        return stored;
    }

    private byte[] Packed(PolledItem item) => _packed.TryGetValue(item.Id, out var packed) ? packed : Payload.PackJson(item.Payload);

    private static void AddSubjects(Session session, long source, PolledItem item)
    {
        foreach (var subject in Columns.Subjects(item.Subjects))
        {
            session.Post(
                "INSERT INTO item_subjects (source_no, subject, item_no) SELECT source_no, @subject, no FROM items WHERE source_no = @source AND item_id = @item ON CONFLICT DO NOTHING",
                subject,
                source,
                item.Id);
        }
    }

    /// <summary>Of two items with one id the newer counts; of two that are equally new, the one that the page lists later.</summary>
    private static IReadOnlyList<PolledItem> Newest(IReadOnlyList<PolledItem> items)
    {
        var byId = new Dictionary<string, int>(items.Count, StringComparer.Ordinal);
        var newest = new List<PolledItem>(items.Count);
        foreach (var item in items)
        {
            if (byId.TryAdd(item.Id, newest.Count))
            {
                newest.Add(item);
            }
            else if (item.UpdatedAt is null || newest[byId[item.Id]].UpdatedAt is not { } other || item.UpdatedAt >= other)
            {
                newest[byId[item.Id]] = item;
            }
        }

        return newest;
    }
}
