using System.Globalization;
using Automation.Connectors;
using Automation.Persistence.Encoding;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Persistence.Sql;

/// <summary>Gates. A question first looks for the answer that its execution got before; a new one is decided with the key held, and kept in the same transaction.</summary>
internal sealed class GateStore(SqlDatabase database) : IGateStore
{
    private const int Open = 0;
    private const int Full = 1;
    private const int Released = 2;
    private const string First = "first";
    private const string Repeated = "repeated";
    private const string Refused = "refused";

    public Task<bool> ClaimAsync(GatePass pass, DateTimeOffset now, DateTimeOffset? until, CancellationToken cancellationToken) => database.WriteAsync(
        session => Ask(session, pass, () =>
        {
            session.Post("DELETE FROM gate_claims WHERE (scope, key) IN (SELECT scope, key FROM gate_claims WHERE until <= @now LIMIT 20 #skip_locked#)", Columns.Ticks(now));
            var isFirst = session.Long(
                """
                INSERT INTO gate_claims (scope, key, until) VALUES (@scope, @key, @until)
                ON CONFLICT (scope, key) DO UPDATE SET until = excluded.until WHERE gate_claims.until <= @now
                RETURNING 1
                """,
                pass.Scope,
                pass.Key,
                Columns.Ticks(until),
                Columns.Ticks(now)) is not null;
            return isFirst ? First : Repeated;
        }) == First,
        cancellationToken);

    public async Task<DateTimeOffset?> AdmitAsync(GatePass pass, int limit, TimeSpan period, DateTimeOffset now, DateTimeOffset? latest, CancellationToken cancellationToken)
    {
        var answer = await database.WriteAsync(
            session => Ask(session, pass, () =>
            {
                session.Post("DELETE FROM gate_grants WHERE no IN (SELECT no FROM gate_grants WHERE until <= @now LIMIT 50 #skip_locked#)", Columns.Ticks(now));

                // Grants of a key rise: the limit-th before this one is the one that must be a period away.
                var before = session.Long("SELECT at FROM gate_grants WHERE scope = @scope AND key = @key ORDER BY at DESC LIMIT 1 OFFSET @offset", pass.Scope, pass.Key, limit - 1);
                var at = before is { } ticks && ticks + period.Ticks > now.UtcTicks ? ticks + period.Ticks : now.UtcTicks;
                if (at > latest?.UtcTicks)
                {
                    return Refused;
                }

                session.Post("INSERT INTO gate_grants (scope, key, at, until) VALUES (@scope, @key, @at, @until)", pass.Scope, pass.Key, at, at + period.Ticks);
                return at.ToString(CultureInfo.InvariantCulture);
            }),
            cancellationToken).ConfigureAwait(false);
        return answer == Refused ? null : new DateTimeOffset(long.Parse(answer, CultureInfo.InvariantCulture), TimeSpan.Zero);
    }

    public Task<(DigestPlace Place, string? Wakes)> CollectAsync(GatePass pass, string newId, JToken item, int limit, DateTimeOffset? dueAt, string bookmarkId, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var packed = Payload.PackJson(item);
        return database.WriteAsync(
            session =>
            {
                string? wakes = null;
                var id = Ask(session, pass, () => Put(session, pass, newId, packed, limit, dueAt, bookmarkId, out wakes));
                return (PlaceOf(session, pass, id, bookmarkId), wakes);
            },
            cancellationToken);
    }

    public Task<IReadOnlyList<JToken>?> ReleaseAsync(GatePass pass, string digestId, CancellationToken cancellationToken) => database.WriteAsync<IReadOnlyList<JToken>?>(
        session =>
        {
            session.LockAll(NameOf(pass));
            if (session.Long("UPDATE digests SET state = @state WHERE id = @id AND collector = @collector RETURNING no", Released, digestId, pass.EffectKey) is not { } no)
            {
                return null;
            }

            // They stay until the collector's lineage is deleted: an execution that is repeated finds them again.
            return session.List(reader => Payload.UnpackJsonOrNull(reader.Blob(0))!, "SELECT item FROM digest_items WHERE digest_no = @no ORDER BY no", no);
        },
        cancellationToken);

    /// <summary>Answers of runs that are no more.</summary>
    public static void DeleteOf(Session session, string[] lineages)
    {
        session.Post("DELETE FROM gate_answers WHERE lineage IN (#each @lineages#)", (object)lineages);
        session.Post("DELETE FROM digests WHERE lineage IN (#each @lineages#) AND state = @state", lineages, Released);
    }

    /// <summary>Puts an item into the digest that collects now, or opens one; returns its id.</summary>
    private static string Put(Session session, GatePass pass, string newId, byte[] item, int limit, DateTimeOffset? dueAt, string bookmarkId, out string? wakes)
    {
        wakes = null;
        (long No, string Id, string Instance, string Bookmark, int Most, int Count)? open = null;
        using (var reader = session.Query("SELECT no, id, instance_id, bookmark_id, most, item_count FROM digests WHERE scope = @scope AND key = @key AND state = 0", pass.Scope, pass.Key))
        {
            if (reader.Read())
            {
                open = (reader.GetInt64(0), reader.GetString(1), reader.GetString(2), reader.GetString(3), reader.GetInt32(4), reader.GetInt32(5));
            }
        }

        if (open is not var (no, id, instance, bookmark, most, count))
        {
            no = session.Long(
                """
                INSERT INTO digests (id, scope, key, state, collector, lineage, instance_id, bookmark_id, most, item_count, due_at)
                VALUES (@id, @scope, @key, @state, @collector, @lineage, @instance, @bookmark, @most, 1, @due) RETURNING no
                """,
                newId,
                pass.Scope,
                pass.Key,
                limit <= 1 ? Full : Open,
                pass.EffectKey,
                pass.Lineage,
                pass.InstanceId,
                bookmarkId,
                limit,
                Columns.Ticks(dueAt))!.Value;
            session.Post("INSERT INTO digest_items (digest_no, item) VALUES (@no, @item)", no, item);
            return newId;
        }

        session.Post("INSERT INTO digest_items (digest_no, item) VALUES (@no, @item)", no, item);
        var isFull = count + 1 >= most;
        session.Post("UPDATE digests SET item_count = item_count + 1, state = @state WHERE no = @no", isFull ? Full : Open, no);

        // The collector waits at its bookmark, or is on its way there. Otherwise it was cancelled, and what it had collected is this run's.
        var waiting = session.Scalar("SELECT i.id FROM bookmarks b JOIN instances i ON i.no = b.instance_no WHERE b.id = @bookmark", bookmark) as string;
        if (waiting is null && session.Long("SELECT 1 FROM instances WHERE id = @id AND status = 0 AND runnable = 1", instance) is null)
        {
            session.Post("UPDATE digests SET collector = @collector, lineage = @lineage, instance_id = @instance, bookmark_id = @bookmark WHERE no = @no", pass.EffectKey, pass.Lineage, pass.InstanceId, bookmarkId, no);
        }
        else if (isFull)
        {
            wakes = waiting ?? instance;
            Instances.Stimulate(session, [new PackedStimulus(wakes, "digest:" + id, bookmark, null)]);
        }

        return id;
    }

    private static DigestPlace PlaceOf(Session session, GatePass pass, string id, string bookmarkId)
    {
        // An execution that is repeated may wait at another bookmark than before.
        session.Post("UPDATE digests SET bookmark_id = @bookmark, instance_id = @instance WHERE id = @id AND collector = @collector AND state = 0", bookmarkId, pass.InstanceId, id, pass.EffectKey);
        using var reader = session.Query("SELECT collector, state, due_at FROM digests WHERE id = @id", id);
        return reader.Read() ? new DigestPlace(id, reader.GetString(0) == pass.EffectKey, reader.GetInt32(1) != Open, reader.TimeOrNull(2)) : new DigestPlace(id, false, true, null);
    }

    /// <summary>The answer that the execution got before; else the decision, which is kept.</summary>
    private static string Ask(Session session, GatePass pass, Func<string> decide)
    {
        session.LockAll(NameOf(pass));
        if (session.Scalar("SELECT answer FROM gate_answers WHERE effect_key = @key", pass.EffectKey) is string known)
        {
            return known;
        }

        var answer = decide();
        session.Post("INSERT INTO gate_answers (effect_key, lineage, answer) VALUES (@key, @lineage, @answer)", pass.EffectKey, pass.Lineage, answer);
        return answer;
    }

    private static string NameOf(GatePass pass) => $"gate/{pass.Scope}/{pass.Key}";
}
