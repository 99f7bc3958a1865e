using System.Text;
using Automation.Engine;
using Microsoft.Data.Sqlite;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>One transaction on the records of one API. Disposed without <see cref="Commit"/>, it leaves nothing.</summary>
internal sealed class SandboxSession(SandboxStore store, SandboxConnection connection, string api, bool writes) : IDisposable
{
    private const string Columns = "key, json, created_at, updated_at";
    private bool open = true;

    public string Api => api;
    public TimeProvider Clock => store.Clock;
    public long Now => store.Clock.GetUtcNow().ToUnixTimeMilliseconds();

    public StoredRecord? Find(Collection collection, string? key)
    {
        if (key is null)
        {
            return null;
        }

        using var reader = connection.Command($"select {Columns} from records where api = ? and collection = ? and key = ?", api, collection.Name, key).ExecuteReader();
        return reader.Read() ? Parse(Text(reader)) : null;
    }

    /// <summary>The first record that a query finds.</summary>
    public StoredRecord? First(Collection collection, RecordQuery query)
    {
        query.Take = 1;
        foreach (var text in List(collection, query))
        {
            return Parse(text);
        }

        return null;
    }

    public List<RecordText> List(Collection collection, RecordQuery query)
    {
        var sql = new StringBuilder($"select {Columns} from records where api = ? and collection = ?").Append(query.Conditions).Append(query.After?.Conditions)
            .Append(" order by ").Append(query.Order).Append(" limit ? offset ?");
        using var reader = connection.Command(sql.ToString(), [api, collection.Name, .. query.Values, .. query.After?.Values ?? [], query.Take, query.Skip]).ExecuteReader();
        var found = new List<RecordText>();
        while (reader.Read())
        {
            found.Add(Text(reader));
        }

        return found;
    }

    public int Count(Collection collection, RecordQuery query)
    {
        return Convert.ToInt32(connection.Command("select count(*) from records where api = ? and collection = ?" + query.Conditions, [api, collection.Name, .. query.Values]).ExecuteScalar(), null);
    }

    /// <summary>Stores a new record. An id is made where it has none; what the API derives is derived.</summary>
    public StoredRecord Insert(Collection collection, JObject record)
    {
        Identify(collection, record);
        var created = collection.CreatedProperty is { } property ? Timestamps.Read(record[property]) ?? Now : Now;
        var updated = collection.UpdatedProperty is { } stamp ? Timestamps.Read(record[stamp]) ?? Now : Now;
        return Save(collection, KeyOf(collection, record), record, created, updated);
    }

    /// <summary>Merges changes into a record, property by property, and stamps it: always later than before.</summary>
    public StoredRecord Update(Collection collection, StoredRecord existing, JObject changes)
    {
        var record = existing.Json;
        long? given = null;
        foreach (var property in changes.Properties())
        {
            // A time that was read back and sent again unchanged is no time that somebody set.
            if (property.Name == collection.UpdatedProperty)
            {
                var time = Timestamps.Read(property.Value);
                given = time == existing.UpdatedAt ? null : time;
            }
            else if (property.Name != collection.IdProperty)
            {
                record[property.Name] = property.Value.DeepClone();
            }
        }

        return Save(collection, existing.Key, record, existing.CreatedAt, given ?? Math.Max(Now, existing.UpdatedAt + 1));
    }

    /// <summary>Inserts or updates by id, or by what makes a record of this collection the same one.</summary>
    public StoredRecord Upsert(Collection collection, JObject record)
    {
        // Callers of the control endpoint say `id` whatever the API calls it.
        if (collection.IdProperty != "id" && record["id"] is { } id)
        {
            record.Remove("id");
            record[collection.IdProperty] ??= id;
        }

        StoredRecord? existing = null;
        if (collection.KeyOf is { } keyOf)
        {
            existing = Find(collection, keyOf(record));
        }
        else if (record[collection.IdProperty] is { Type: not JTokenType.Null } given)
        {
            existing = Find(collection, given.ToString());
        }

        return existing is null ? Insert(collection, record) : Update(collection, existing, record);
    }

    public bool Delete(Collection collection, string key)
    {
        return connection.Command("delete from records where api = ? and collection = ? and key = ?", api, collection.Name, key).ExecuteNonQuery() > 0;
    }

    public int DeleteAll(Collection collection, RecordQuery query)
    {
        return connection.Command("delete from records where api = ? and collection = ?" + query.Conditions, [api, collection.Name, .. query.Values]).ExecuteNonQuery();
    }

    /// <summary>Forgets everything of this API: records, requests and idempotency keys.</summary>
    public void Clear()
    {
        foreach (var table in (string[])["records", "requests", "idempotency", "seeded"])
        {
            connection.Command($"delete from {table} where api = ?", api).ExecuteNonQuery();
        }
    }

    /// <summary>Marks this API as seeded; false: it is already.</summary>
    public bool MarkSeeded()
    {
        return connection.Command("insert into seeded (api) values (?) on conflict do nothing", api).ExecuteNonQuery() > 0;
    }

    /// <summary>The first answer to a write of this key.</summary>
    public (string Request, int Status, string? Body)? FindAnswer(string key)
    {
        using var reader = connection.Command("select request, status, body from idempotency where api = ? and key = ?", api, key).ExecuteReader();
        return reader.Read() ? (reader.GetString(0), reader.GetInt32(1), reader.IsDBNull(2) ? null : reader.GetString(2)) : null;
    }

    public void KeepAnswer(string key, string request, int status, string? body)
    {
        connection.Command("insert into idempotency (api, key, request, status, body) values (?, ?, ?, ?, ?)", api, key, request, status, body).ExecuteNonQuery();
    }

    public void Log(ReceivedRequest request, int kept)
    {
        var seq = (long)connection.Command(
            "insert into requests (at, api, method, path, query, body, status, idempotency_key) values (?, ?, ?, ?, ?, ?, ?, ?) returning seq",
            request.At, request.Api, request.Method, request.Path, request.Query, request.Body, request.Status, request.IdempotencyKey).ExecuteScalar()!;
        if (seq % 500 == 0)
        {
            connection.Command("delete from requests where seq <= ?", seq - kept).ExecuteNonQuery();
        }
    }

    public List<ReceivedRequest> Requests(string? ofApi, long since, int limit)
    {
        // The newest of them, in the order they came.
        var command = connection.Command(
            "select at, api, method, path, query, body, status, idempotency_key from (select * from requests where at >= ? and (? is null or api = ?) order by seq desc limit ?) order by seq",
            since, ofApi, ofApi, limit);
        using var reader = command.ExecuteReader();
        var found = new List<ReceivedRequest>();
        while (reader.Read())
        {
            found.Add(new ReceivedRequest
            {
                At = reader.GetInt64(0),
                Api = reader.GetString(1),
                Method = reader.GetString(2),
                Path = reader.GetString(3),
                Query = reader.GetString(4),
                Body = reader.IsDBNull(5) ? null : reader.GetString(5),
                Status = reader.GetInt32(6),
                IdempotencyKey = reader.IsDBNull(7) ? null : reader.GetString(7),
            });
        }

        return found;
    }

    public void Commit()
    {
        connection.Execute("commit");
        open = false;
    }

    /// <summary>Drops what was written so far and goes on: a refused request keeps only its row in the log.</summary>
    public void Revert() => connection.Execute("rollback; begin immediate");

    public void Dispose()
    {
        if (open)
        {
            connection.Execute("rollback");
            open = false;
        }

        store.Release(connection, writes);
    }

    public static StoredRecord Parse(RecordText text) => new(text.Key, (JObject)Json.Parse(text.Json), text.CreatedAt, text.UpdatedAt);

    private StoredRecord Save(Collection collection, string key, JObject record, long createdAt, long updatedAt)
    {
        if (collection.CreatedProperty is { } created)
        {
            record[created] = Timestamps.Iso(createdAt);
        }

        if (collection.UpdatedProperty is { } updated)
        {
            record[updated] = Timestamps.Iso(updatedAt);
        }

        collection.Normalise?.Invoke(record);
        var command = connection.Command(
            """
            insert into records (api, collection, key, location_id, parent_id, email, phone, created_at, updated_at, json) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            on conflict (api, collection, key) do update set location_id = excluded.location_id, parent_id = excluded.parent_id, email = excluded.email,
              phone = excluded.phone, updated_at = excluded.updated_at, json = excluded.json
            """,
            api, collection.Name, key, TextOf(record, "locationId") ?? "", (collection.ParentProperty is { } parent ? TextOf(record, parent) : null) ?? "",
            TextOf(record, "email")?.ToLowerInvariant(), TextOf(record, "phone"), createdAt, updatedAt, Json.Write(record));
        command.ExecuteNonQuery();
        return new StoredRecord(key, record, createdAt, updatedAt);
    }

    private void Identify(Collection collection, JObject record)
    {
        if (record[collection.IdProperty] is null or { Type: JTokenType.Null })
        {
            // First, as the API writes it.
            record.Remove(collection.IdProperty);
            record.AddFirst(new JProperty(collection.IdProperty, RecordIds.New(api, collection, store.Clock)));
        }
    }

    private static string KeyOf(Collection collection, JObject record) => collection.KeyOf?.Invoke(record) ?? record[collection.IdProperty]!.ToString();

    private static string? TextOf(JObject record, string property) => record[property] is { Type: not (JTokenType.Null or JTokenType.Object or JTokenType.Array) } value ? value.ToString() : null;

    private static RecordText Text(SqliteDataReader reader) => new(reader.GetString(0), reader.GetString(1), reader.GetInt64(2), reader.GetInt64(3));
}
