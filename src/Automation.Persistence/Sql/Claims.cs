using System.Data.Common;
using Automation.Engine;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Leases on runnable instances: the row is taken in a transaction, then what it needs to go on is read. Claims that come at the same time share both.</summary>
internal sealed class Claims(SqlDatabase database)
{
    /// <summary>Runnable, and held by nobody.</summary>
    public const string Claimable = $"runnable = 1 AND lease_until <= {Columns.Now}";

    private const string Take = $"lease_owner = @owner, node = @owner, lease_token = lease_token + 1, lease_until = {Columns.Now} + @duration, attempts = attempts + 1";

    private const string Taken = $"RETURNING {Instances.Fields}, lease_token, attempts, parent_bookmark_id";

    private const string Claim = $"UPDATE instances SET {Take} WHERE no IN (SELECT no FROM instances WHERE {Claimable} ORDER BY lease_until, no LIMIT @limit {Columns.SkipLocked}) {Taken}";

    // The sum keeps the planner from the index of all that is runnable: a long backlog, for a few ids.
    private const string ClaimOf =
        $"""
        UPDATE instances SET {Take}
        WHERE no IN (SELECT no FROM instances WHERE id IN (#each @ids#) AND runnable + 0 = 1 AND lease_until <= {Columns.Now} ORDER BY no LIMIT @limit {Columns.SkipLocked})
        {Taken}
        """;

    private const string ClaimStimulated = $"UPDATE instances SET {Take}, runnable = 1 WHERE id IN (#each @ids#) AND status = 0 AND lease_until <= {Columns.Now} {Taken}";

    private const string SelectStored =
        """
        SELECT 0 AS kind, instance_no, 0 AS place, NULL AS text, NULL AS bookmark_id, state AS data, CASE WHEN state IS NULL THEN start END AS start FROM instance_states WHERE instance_no IN (#each @nos#)
        UNION ALL SELECT 1, instance_no, no, id, bookmark_id, input, NULL FROM stimuli WHERE instance_no IN (#each @nos#)
        UNION ALL SELECT 2, instance_no, 0, subject, NULL, NULL, NULL FROM subjects WHERE instance_no IN (#each @nos#)
        ORDER BY 1, 2, 3, 4
        """;

    private readonly SharedLookup<long, Stored> stores = new(nos => ReadStoredAsync(database, nos));

    private sealed record Row(long No, InstanceRecord Instance, Lease Lease, int Attempts, string? ParentBookmarkId);

    /// <summary>What an instance has beside its row.</summary>
    private sealed class Stored
    {
        public byte[]? State { get; set; }
        public byte[]? Start { get; set; }
        public List<Stimulus> Stimuli { get; } = [];
        public List<string> Subjects { get; } = [];
    }

    public async Task<IReadOnlyList<ClaimedInstance>> ClaimAsync(IReadOnlyList<string>? ids, string owner, TimeSpan duration, int limit, CancellationToken cancellationToken)
    {
        if (limit <= 0 || ids is { Count: 0 })
        {
            return [];
        }

        // A sweep of an idle database reads one index and writes nothing.
        if (ids is null && !await database.ReadAsync(session => session.Long($"SELECT 1 FROM instances WHERE {Claimable} LIMIT 1") is not null, cancellationToken).ConfigureAwait(false))
        {
            return [];
        }

        var rows = ids is null
            ? await database.WriteAsync(session => session.List(reader => Read(reader, owner), Claim, owner, duration.Ticks, limit), cancellationToken).ConfigureAwait(false)
            : await database.WriteAsync(new ClaimWork([.. ids.Distinct(StringComparer.Ordinal)], owner, duration, limit), cancellationToken).ConfigureAwait(false);
        return await LoadAsync(rows).ConfigureAwait(false);
    }

    /// <summary>Queues a stimulus and claims its instance in the same transaction. Null: somebody else holds the instance and finds the stimulus, or it has finished.</summary>
    public async Task<ClaimedInstance?> StimulateAndClaimAsync(PackedStimulus stimulus, string owner, TimeSpan duration, CancellationToken cancellationToken)
    {
        var row = await database.WriteAsync(new StimulatedClaimWork(stimulus, owner, duration), cancellationToken).ConfigureAwait(false);
        return row is null ? null : (await LoadAsync([row]).ConfigureAwait(false))[0];
    }

    /// <summary>Read after the claim is durable and outside of the writer's turn: while the lease holds nobody else changes the state. Not to be cancelled: the leases are taken.</summary>
    private async Task<IReadOnlyList<ClaimedInstance>> LoadAsync(IReadOnlyList<Row> rows)
    {
        if (rows.Count == 0)
        {
            return [];
        }

        var stored = await stores.FindAsync([.. rows.Select(row => row.No)], CancellationToken.None).ConfigureAwait(false);
        return [.. rows.Select(row => Claimed(row, stored[row.No])).OrderBy(claimed => claimed.Instance.CreatedAt)];
    }

    private static ClaimedInstance Claimed(Row row, Stored stored) => new()
    {
        Instance = row.Instance with { Subjects = stored.Subjects },
        Lease = row.Lease,
        Attempts = row.Attempts,
        ParentBookmarkId = row.ParentBookmarkId,
        State = stored.State is { } state ? Payload.Unpack(state) : null,
        Start = stored.Start is { } start ? Payload.UnpackRecord<RunStart>(start) : null,
        Stimuli = stored.Stimuli,
    };

    private static Row Read(DbDataReader reader, string owner)
    {
        var (no, record) = Instances.Read(reader);
        return new Row(no, record, new Lease(owner, reader.GetInt64(23)), reader.GetInt32(24), reader.Text(25));
    }

    private static Task<IReadOnlyDictionary<long, Stored>> ReadStoredAsync(SqlDatabase database, long[] nos) => database.ReadAsync<IReadOnlyDictionary<long, Stored>>(
        session =>
        {
            var found = new Dictionary<long, Stored>(nos.Length);
            using var reader = session.Query(SelectStored, (object)nos);
            while (reader.Read())
            {
                var no = reader.GetInt64(1);
                if (!found.TryGetValue(no, out var stored))
                {
                    found.Add(no, stored = new Stored());
                }

                switch (reader.GetInt32(0))
                {
                    case 0:
                        (stored.State, stored.Start) = (reader.Blob(5), reader.Blob(6));
                        break;
                    case 1:
                        stored.Stimuli.Add(new Stimulus(reader.GetString(3), reader.GetString(4), Payload.UnpackJsonOrNull(reader.Blob(5))));
                        break;
                    default:
                        stored.Subjects.Add(reader.GetString(3));
                        break;
                }
            }

            return found;
        },
        CancellationToken.None);

    /// <summary>Claims of one owner share a statement: each gets those of its ids that were free.</summary>
    private sealed class ClaimWork(string[] ids, string owner, TimeSpan duration, int limit) : GroupedWork<IReadOnlyList<Row>>
    {
        public override object? Key => limit >= ids.Length ? (typeof(ClaimWork), owner, duration) : null;

        public override IReadOnlyList<Row> Write(Session session) => List(session, ids, limit);

        public override void WriteGroup(Session session, IReadOnlyList<GroupedWork<IReadOnlyList<Row>>> group)
        {
            var works = group.Cast<ClaimWork>().ToList();
            var all = works.SelectMany(work => work.Ids).Distinct(StringComparer.Ordinal).ToArray();
            var claimed = List(session, all, all.Length).ToDictionary(row => row.Instance.Id, StringComparer.Ordinal);
            foreach (var work in works)
            {
                // Two that asked for one instance: the first has it.
                var rows = new List<Row>();
                foreach (var id in work.Ids)
                {
                    if (claimed.Remove(id, out var row))
                    {
                        rows.Add(row);
                    }
                }

                work.Result = rows;
            }
        }

        private List<Row> List(Session session, string[] wanted, int most) => session.List(reader => Read(reader, owner), ClaimOf, owner, duration.Ticks, wanted, most);

        private string[] Ids => ids;
    }

    /// <summary>Whoever queues a stimulus for a run that nobody holds goes on with it: one transaction, and one version of the row, for both.</summary>
    private sealed class StimulatedClaimWork(PackedStimulus stimulus, string owner, TimeSpan duration) : GroupedWork<Row?>
    {
        public override object? Key => (typeof(StimulatedClaimWork), owner, duration);

        public override Row? Write(Session session) => Claim(session, [stimulus]).GetValueOrDefault(stimulus.InstanceId);

        public override void WriteGroup(Session session, IReadOnlyList<GroupedWork<Row?>> group)
        {
            var works = group.Cast<StimulatedClaimWork>().ToList();
            var claimed = Claim(session, works.ConvertAll(work => work.Stimulus));
            foreach (var work in works)
            {
                // Two stimuli of one instance: the first caller goes on with both.
                work.Result = claimed.Remove(work.Stimulus.InstanceId, out var row) ? row : null;
            }
        }

        private PackedStimulus Stimulus => stimulus;

        private Dictionary<string, Row> Claim(Session session, IReadOnlyList<PackedStimulus> stimuli)
        {
            // The rows are held from here on: what is queued below is seen by who has them next.
            var ids = stimuli.Select(queued => queued.InstanceId).Distinct(StringComparer.Ordinal).ToArray();
            Instances.Lock(session, ids);
            var claimed = session.List(reader => Read(reader, owner), ClaimStimulated, owner, duration.Ticks, ids).ToDictionary(row => row.Instance.Id, StringComparer.Ordinal);
            Instances.Queue(session, stimuli, ids);
            return claimed;
        }
    }
}
