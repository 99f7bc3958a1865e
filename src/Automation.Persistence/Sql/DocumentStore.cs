using System.Data.Common;
using Automation.Runtime.Storage;

namespace Automation.Persistence.Sql;

/// <summary>Saved templates, field maps and lookup tables.</summary>
internal sealed class DocumentStore(SqlDatabase database) : IDocumentStore
{
    private const string Select = "SELECT kind, name, json, created_at, updated_at FROM documents WHERE kind = @kind";

    public Task<IReadOnlyList<DocumentRecord>> ListAsync(string kind, CancellationToken cancellationToken) => database.ReadAsync<IReadOnlyList<DocumentRecord>>(
        session => session.List(Read, $"{Select} ORDER BY name", kind),
        cancellationToken);

    public Task<DocumentRecord?> FindAsync(string kind, string name, CancellationToken cancellationToken) =>
        database.ReadAsync(session => session.First(Read, $"{Select} AND name = @name", kind, name), cancellationToken);

    public Task SaveAsync(DocumentRecord document, CancellationToken cancellationToken) => database.WriteAsync(
        session =>
        {
            ChangeStore.Note(session, Topics.Documents);
            return session.Run(
                """
                INSERT INTO documents (kind, name, json, created_at, updated_at) VALUES (@kind, @name, @json, @created_at, @updated_at)
                ON CONFLICT (kind, name) DO UPDATE SET json = excluded.json, updated_at = excluded.updated_at
                """,
                document.Kind,
                document.Name,
                document.Json,
                Columns.Ticks(document.CreatedAt),
                Columns.Ticks(document.UpdatedAt));
        },
        cancellationToken);

    public Task<bool> DeleteAsync(string kind, string name, CancellationToken cancellationToken) =>
        database.WriteAsync(
            session =>
            {
                ChangeStore.Note(session, Topics.Documents);
                return session.Run("DELETE FROM documents WHERE kind = @kind AND name = @name", kind, name) == 1;
            },
            cancellationToken);

    private static DocumentRecord Read(DbDataReader reader) => new(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.Time(3), reader.Time(4));
}
