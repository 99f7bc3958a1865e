using Automation.Persistence.Sql;
using Automation.Persistence.Sqlite;
using FluentAssertions;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>What only SQLite has: the file, its schema, its one writer.</summary>
public sealed class SqliteDatabaseTests : IDisposable
{
    private readonly SqliteFile _file = new();

    public void Dispose() => _file.Delete();

    [Fact]
    public async Task Migrate_ANewerSchema_IsRefused()
    {
        using (var database = new SqliteDatabase(_file.Path, false))
        {
            await database.MigrateAsync(default);
            await database.WriteAsync(session => session.Run("INSERT INTO schema_versions (version, name, applied_at) VALUES (99, 'later', 0)"), default);
        }

        using var older = new SqliteDatabase(_file.Path, false);

        (await older.Awaiting(d => d.MigrateAsync(default)).Should().ThrowAsync<InvalidOperationException>()).WithMessage("*schema 99*newer version*");
    }

    [Fact]
    public async Task Migrate_ByManyAtOnce_HappensOnce()
    {
        var databases = Enumerable.Range(0, 4).Select(_ => new SqliteDatabase(_file.Path, false)).ToList();

        await Task.WhenAll(databases.Select(d => Task.Run(() => d.MigrateAsync(default))));

        (await databases[0].ReadAsync(s => s.Long("SELECT COUNT(*) = MAX(version) FROM schema_versions"), default)).Should().Be(1);
        databases.ForEach(d => d.Dispose());
    }

    [Fact]
    public async Task Ping_WithoutAFile_IsFalse()
    {
        using var database = new SqliteDatabase(_file.Path, false);

        (await database.PingAsync(default)).Should().BeFalse();
    }

    [Fact]
    public async Task Write_ThatFails_LeavesTheOthersOfItsBatch()
    {
        using var database = await MigratedAsync();
        using var entered = new ManualResetEventSlim();
        using var gate = new ManualResetEventSlim();

        // The first write holds the writer until the others have queued up behind it: they are one batch.
        var first = database.WriteAsync(_ => { entered.Set(); gate.Wait(); return 0; }, default);
        entered.Wait();
        var good = database.WriteAsync(s => Set(s, "good"), default);
        var bad = database.WriteAsync(
            s =>
            {
                Set(s, "bad");
                return s.Run("INSERT INTO settings (name, value) VALUES ('good', NULL)");
            },
            default);
        var alsoGood = database.WriteAsync(s => Set(s, "also"), default);
        gate.Set();

        await Task.WhenAll(first, good, alsoGood);
        await FluentActions.Awaiting(() => bad).Should().ThrowAsync<SqliteException>();
        (await database.ReadAsync(s => s.List(r => r.GetString(0), "SELECT name FROM settings ORDER BY name"), default)).Should().Equal("also", "good");
    }

    [Fact]
    public async Task Write_WhenTheFileIsFull_TellsEveryCallerAndAppliesNothing()
    {
        using var database = await MigratedAsync();
        using var entered = new ManualResetEventSlim();
        using var gate = new ManualResetEventSlim();
        var pages = await database.WriteAsync(s => s.Long("PRAGMA page_count")!.Value, default);
        await database.WriteAsync(s => s.Run($"PRAGMA max_page_count = {pages + 2}"), default);

        var first = database.WriteAsync(_ => { entered.Set(); gate.Wait(); return 0; }, default);
        entered.Wait();
        var small = database.WriteAsync(s => Set(s, "small"), default);
        var large = database.WriteAsync(s => s.Run("INSERT INTO settings (name, value) VALUES ('large', @value)", new string('x', 100_000)), default);
        gate.Set();
        await first;

        await FluentActions.Awaiting(() => large).Should().ThrowAsync<SqliteException>();

        // SQLite may take back the one statement or all of the transaction: what a caller was told is what is there.
        var told = await small.ContinueWith(t => t.IsCompletedSuccessfully, TaskScheduler.Default);
        (await database.ReadAsync(s => s.Long("SELECT COUNT(*) FROM settings"), default)).Should().Be(told ? 1 : 0);
        await database.WriteAsync(s => s.Run("PRAGMA max_page_count = 1000000"), default);
        await database.WriteAsync(s => Set(s, "later"), default);
    }

    [Fact]
    public async Task Dispose_CommitsWhatIsQueued()
    {
        Task<int>[] writes;
        using (var database = await MigratedAsync())
        {
            writes = Enumerable.Range(0, 50).Select(i => database.WriteAsync(s => Set(s, "n" + i), default)).ToArray();
        }

        await Task.WhenAll(writes);
        using var again = new SqliteDatabase(_file.Path, false);
        (await again.ReadAsync(s => s.Long("SELECT COUNT(*) FROM settings"), default)).Should().Be(50);
        await FluentActions.Awaiting(() => again.ReadAsync(s => s.Run("DELETE FROM settings"), default)).Should().ThrowAsync<SqliteException>("readers cannot write");
    }

    [Fact]
    public async Task Sweep_AndLists_AreServedByIndexes()
    {
        using var database = await MigratedAsync();
        foreach (var sql in new[]
        {
            $"SELECT id FROM instances WHERE runnable = 1 AND lease_until <= {Columns.Now} ORDER BY lease_until, no LIMIT 10",
            "SELECT id FROM instances ORDER BY created_at DESC, no DESC LIMIT 50",
            "SELECT id FROM instances WHERE definition_id = 'd' ORDER BY created_at DESC, no DESC LIMIT 50",
            "SELECT id FROM instances ORDER BY updated_at DESC, no DESC LIMIT 50",
            SqliteSession.Translate(IntakeWrite.Find).Replace("@ids", "'[\"a\"]'", StringComparison.Ordinal).Replace("@source", "1", StringComparison.Ordinal),
            "SELECT due_at FROM bookmarks WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 1",
            $"SELECT due_at FROM sources WHERE is_active = 1 AND due_at IS NOT NULL AND lease_until <= {Columns.Now} ORDER BY due_at LIMIT 1",
        })
        {
            var plan = string.Join('\n', await database.ReadAsync(s => s.List(r => r.GetString(3), "EXPLAIN QUERY PLAN " + SqliteSession.Translate(sql)), default));
            plan.Should().Contain("USING").And.NotContain("TEMP B-TREE", sql);
            plan.Should().NotContain("(source_no=?)", "items are looked up one by one, not all of a source");
        }
    }

    private async Task<SqliteDatabase> MigratedAsync()
    {
        var database = new SqliteDatabase(_file.Path, false);
        await database.MigrateAsync(default);
        return database;
    }

    private static int Set(Session session, string name) => session.Run("INSERT INTO settings (name, value) VALUES (@name, 'v')", name);
}
