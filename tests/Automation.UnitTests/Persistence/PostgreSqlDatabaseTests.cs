using Automation.Engine;
using Automation.Persistence;
using Automation.Persistence.PostgreSql;
using Automation.Persistence.Sql;
using Automation.Runtime.Storage;
using Automation.Tests;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>What only PostgreSQL has: many nodes on one database.</summary>
[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlDatabaseTests(PostgreSqlCluster cluster) : StoreCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);

    [Theory]
    [InlineData("Host=a", GssEncryptionMode.Disable)]
    [InlineData("Host=a;Gss Encryption Mode=Require", GssEncryptionMode.Require)]
    public void Settings_LookForKerberosOnlyWhereItIsAskedFor(string connectionString, GssEncryptionMode expected) =>
        PersistenceServices.PostgreSqlSettings(connectionString).GssEncryptionMode.Should().Be(expected);

    [SkippableFact]
    public async Task Migrate_ByManyAtOnce_HappensOnce()
    {
        var empty = await cluster.NewSchemaAsync();
        var databases = Enumerable.Range(0, 4).Select(_ => new PostgreSqlDatabase(empty)).ToList();

        await Task.WhenAll(databases.Select(d => Task.Run(() => d.MigrateAsync(default))));

        (await databases[0].ReadAsync(s => s.Long("SELECT COUNT(*) - MAX(version) FROM schema_versions"), default)).Should().Be(0);
        databases.ForEach(d => d.Dispose());
        await cluster.DropSchemaAsync(empty);
    }

    [SkippableFact]
    public async Task Migrate_ANewerSchema_IsRefused()
    {
        using var database = new PostgreSqlDatabase(_schema);
        await database.WriteAsync(session => session.Run("INSERT INTO schema_versions (version, name, applied_at) VALUES (99, 'later', 0)"), default);

        (await database.Awaiting(d => d.MigrateAsync(default)).Should().ThrowAsync<InvalidOperationException>()).WithMessage("*schema 99*newer version*");
    }

    [SkippableFact]
    public async Task Migrate_WhereNobodyListensOrTheDatabaseIsMissing_SaysSoWithoutThePassword()
    {
        var settings = new NpgsqlConnectionStringBuilder(_schema) { Password = "s3cret-word" };
        foreach (var wrong in new[] { new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Port = 1 }, new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Database = "not_there" } })
        {
            using var database = new PostgreSqlDatabase(wrong.ConnectionString, TimeSpan.Zero);

            var error = await database.Awaiting(d => d.MigrateAsync(default)).Should().ThrowAsync<InvalidOperationException>();

            error.WithMessage("*cannot be opened*ConnectionStrings:Automation*");
            error.Which.ToString().Should().NotContain("s3cret-word");
            (await database.PingAsync(default)).Should().BeFalse();
        }
    }

    [SkippableFact]
    public async Task Migrate_OfADatabaseThatCannotBeUsed_SaysWhatToDo()
    {
        var name = $"unfit_{Environment.ProcessId}";
        async Task RefusedAsync(Action<NpgsqlConnectionStringBuilder> change, string message)
        {
            var settings = new NpgsqlConnectionStringBuilder(_schema);
            change(settings);
            using var database = new PostgreSqlDatabase(settings.ConnectionString, TimeSpan.Zero);
            (await database.Awaiting(d => d.MigrateAsync(default)).Should().ThrowAsync<StartRefusedException>()).WithMessage(message);
        }

        await cluster.ExecuteAsync($"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
        await RefusedAsync(settings => settings.Database = name, "*LATIN1*ENCODING 'UTF8'*");
        await cluster.ExecuteAsync($"DROP DATABASE {name} WITH (FORCE)");

        await RefusedAsync(settings => settings.Options = "-c default_transaction_read_only=on", "*read-only*primary*");
        await RefusedAsync(settings => settings.SearchPath = "not_there", "*search path*not_there*CREATE SCHEMA*");

        await cluster.ExecuteAsync($"CREATE ROLE {name} LOGIN; GRANT USAGE ON SCHEMA {new NpgsqlConnectionStringBuilder(_schema).SearchPath} TO {name}");
        await RefusedAsync(settings => settings.Username = name, $"*{name} may not read and write the tables*GRANT SELECT*");
        var empty = await cluster.NewSchemaAsync();
        await cluster.ExecuteAsync($"GRANT USAGE ON SCHEMA {new NpgsqlConnectionStringBuilder(empty).SearchPath} TO {name}");
        await RefusedAsync(settings => (settings.Username, settings.SearchPath) = (name, new NpgsqlConnectionStringBuilder(empty).SearchPath), "*may not make or change the tables*Grant it CREATE*");
        await cluster.DropSchemaAsync(empty);
    }

    [Theory]
    [InlineData(120_019, "UTF8", true, "version 12")]
    [InlineData(150_003, "SQL_ASCII", true, "ENCODING 'UTF8'")]
    [InlineData(150_003, "UTF8", false, "without ICU")]
    [InlineData(130_000, "UTF8", true, null)]
    public void Unfit_OfAServer_NamesWhatIsNeeded(long version, string encoding, bool hasIcu, string? reason)
    {
        var unfit = PostgreSqlDatabase.Unfit(version, encoding, hasIcu);

        unfit.Should().Match<string?>(text => reason == null ? text == null : text != null && text.Contains(reason));
    }

    [SkippableFact]
    public async Task Trouble_WhereNoMoreConnectionsAreTaken_SaysSo()
    {
        var name = $"crowded_{Environment.ProcessId}";
        await cluster.ExecuteAsync($"CREATE ROLE {name} LOGIN CONNECTION LIMIT 0");
        using var database = new PostgreSqlDatabase(new NpgsqlConnectionStringBuilder(_schema) { Username = name }.ConnectionString);
        using var patience = new CancellationTokenSource();

        var read = database.ReadAsync(session => session.Long("SELECT 1"), patience.Token);
        SpinWait.SpinUntil(() => database.Trouble is not null, TimeSpan.FromSeconds(10)).Should().BeTrue();
        await patience.CancelAsync();

        database.Trouble.Should().Contain("no more connections").And.Contain("max_connections");
        (await database.PingAsync(default)).Should().BeFalse();
        await read.Awaiting(task => task).Should().ThrowAsync<Exception>();
    }

    [Theory]
    [InlineData("")]
    [InlineData("Host=db;Passwort=s3cret-word")]
    [InlineData("Host=db;Port=s3cret-word")]
    public void Problem_OfAConnectionStringThatCannotBeRead_HoldsNoPartOfIt(string connectionString) =>
        PostgreSqlDatabase.Problem(connectionString).Should().Contain("Host=").And.NotContain("s3cret");

    [SkippableFact]
    public async Task Write_ThatFails_LeavesTheOthersOfItsBatch()
    {
        using var database = new PostgreSqlDatabase(_schema);

        // The writers are held until the rest has queued up behind them: some of it shares a transaction with the one that fails.
        using var gate = new ManualResetEventSlim();
        var held = Enumerable.Range(0, PostgreSqlDatabase.Writers).Select(_ => database.WriteAsync(_ => { gate.Wait(); return 0; }, default)).ToList();
        var writes = Enumerable.Range(0, 20).Select(i => database.WriteAsync(s => s.Post("INSERT INTO settings (name, value) VALUES (@name, @value)", "n" + i, i == 7 ? null : "v"), default)).ToList();
        gate.Set();
        await Task.WhenAll(held);

        await FluentActions.Awaiting(() => writes[7]).Should().ThrowAsync<PostgresException>();
        await Task.WhenAll(writes.Where((_, i) => i != 7));
        (await database.ReadAsync(s => s.Long("SELECT COUNT(*) FROM settings"), default)).Should().Be(19);
    }

    [SkippableFact]
    public async Task Trouble_WhereNothingCanBeWritten_SaysWhyUntilItCan()
    {
        using var database = new PostgreSqlDatabase(_schema);
        await FluentActions.Awaiting(() => database.WriteAsync(
            s =>
            {
                s.Run("SET LOCAL default_transaction_read_only = on");
                s.Run("SET LOCAL transaction_read_only = on");
                s.Run("INSERT INTO settings (name, value) VALUES ('a', 'b')");
            },
            default)).Should().ThrowAsync<PostgresException>();
        database.Trouble.Should().Contain("read-only").And.Contain("primary");

        (await database.PingAsync(default)).Should().BeTrue();

        database.Trouble.Should().BeNull();
    }

    [SkippableFact]
    public async Task Write_OfAProcessThatStandsStillInTheMiddle_LetsOthersGoOn_AndHappensOnce()
    {
        await EnqueueAsync(Instance("a"));
        using var frozen = new PostgreSqlDatabase(_schema) { PatienceWithTransactions = TimeSpan.FromMilliseconds(300) };
        using var other = new PostgreSqlDatabase(_schema);
        using var holds = new ManualResetEventSlim();
        using var thaws = new ManualResetEventSlim();
        static void Touch(Session session, string mark) => session.Run("UPDATE instances SET name = COALESCE(name, '') || @mark WHERE id = 'a'", mark).Should().Be(1);

        var late = frozen.WriteAsync(
            session =>
            {
                Touch(session, "1");
                holds.Set();
                thaws.Wait();
            },
            default);
        holds.Wait();
        await other.WriteAsync(session => Touch(session, "2"), default);
        thaws.Set();
        await late;

        (await Runs.FindAsync("a", default))!.Name.Should().Be("21");
    }

    [SkippableFact]
    public async Task Write_ThatRunsIntoADeadlock_IsDoneAllTheSame()
    {
        using var one = new PostgreSqlDatabase(_schema);
        using var two = new PostgreSqlDatabase(_schema);
        await EnqueueAsync(Instance("a"), Instance("b"));
        using var both = new Barrier(2);

        Task Touch(PostgreSqlDatabase database, string from, string to)
        {
            var meets = true;
            return database.WriteAsync(
                s =>
                {
                    s.Run("UPDATE instances SET name = COALESCE(name, '') || 'x' WHERE id = @id", from);
                    if (meets)
                    {
                        // Only the first time: both hold one row and want the other's.
                        meets = false;
                        both.SignalAndWait(TimeSpan.FromSeconds(10));
                    }

                    s.Run("UPDATE instances SET name = COALESCE(name, '') || 'x' WHERE id = @id", to);
                },
                default);
        }

        await Task.WhenAll(Touch(one, "a", "b"), Touch(two, "b", "a"));

        (await Runs.FindAsync("a", default))!.Name.Should().Be("xx");
        (await Runs.FindAsync("b", default))!.Name.Should().Be("xx");
    }

    [SkippableFact]
    public async Task Write_WhoseConnectionsAreCutAgainAndAgain_HappensOnce()
    {
        const int writes = 600;
        var name = "cut-" + Environment.ProcessId;
        using var database = new PostgreSqlDatabase(new NpgsqlConnectionStringBuilder(_schema) { ApplicationName = name }.ConnectionString);
        await database.WriteAsync(s => s.Run("CREATE TABLE written (n BIGINT NOT NULL)"), default);
        await using var administrator = new NpgsqlConnection(_schema);
        await administrator.OpenAsync();

        var all = Task.Run(() => Parallel.ForEachAsync(Enumerable.Range(0, writes), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, cancellationToken) =>
            (await database.WriteAsync(s => s.Run("INSERT INTO written (n) VALUES (@n)", i), cancellationToken)).Should().Be(1)));
        var cut = 0L;
        while (!all.IsCompleted)
        {
            await using var kill = new NpgsqlCommand($"SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = '{name}'", administrator);
            cut += (long)(await kill.ExecuteScalarAsync())!;
            await Task.WhenAny(all, Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System));
        }

        await all;
        cut.Should().BePositive();
        (await database.ReadAsync(s => s.Long("SELECT COUNT(*) * 10000 + COUNT(DISTINCT n) FROM written"), default)).Should().Be((writes * 10000L) + writes);
    }

    [SkippableFact]
    public async Task Claim_ByManyNodesAtOnce_GivesEachInstanceToOne()
    {
        await EnqueueAsync(Enumerable.Range(0, 200).Select(i => Instance("i" + i)).ToArray());
        var nodes = Enumerable.Range(0, 3).Select(_ => Open()).ToList();

        var claimed = await Task.WhenAll(nodes.Select((node, n) => Task.Run(async () =>
        {
            var mine = new List<string>();
            for (var round = 0; round < 20; round++)
            {
                mine.AddRange((await node.GetRequiredService<IRunStore>().ClaimAsync(null, "node-" + n, LeaseTime, 20, default)).Select(c => c.Instance.Id));
            }

            return mine;
        })));

        claimed.SelectMany(c => c).Should().HaveCount(200).And.OnlyHaveUniqueItems();
        await CloseAsync(nodes);
    }

    [SkippableFact]
    public async Task Insert_OfASingletonByManyNodesAtOnce_LetsOneThrough()
    {
        var nodes = Enumerable.Range(0, 3).Select(_ => Open()).ToList();

        for (var round = 0; round < 15; round++)
        {
            var key = new ActivationKey($"definition/{round}", null);
            var refused = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => Task.Run(() => nodes[i % 3].GetRequiredService<IRunStore>().EnqueueAsync([Instance($"r{round}-{i}") with { Activation = key }], [], default))));
            refused.Sum(ids => ids.Count).Should().Be(11);
        }

        await CloseAsync(nodes);
    }

    [SkippableFact]
    public async Task Commit_AndStimuliOfOtherNodesAtOnce_NeverMissEachOther()
    {
        const int rounds = 150;
        await EnqueueAsync(Enumerable.Range(0, rounds).Select(i => Instance("i" + i)).ToArray());
        var nodes = Enumerable.Range(0, 2).Select(_ => Open()).ToList();
        var runner = nodes[0].GetRequiredService<IRunStore>();
        var other = nodes[1].GetRequiredService<IRunStore>();

        // A run that suspends and releases itself while another node queues what resumes it: whoever comes second must leave the row runnable.
        await Parallel.ForEachAsync(Enumerable.Range(0, rounds), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (i, cancellationToken) =>
        {
            var id = "i" + i;
            var lease = (await runner.ClaimAsync([id], "node-0", LeaseTime, 1, cancellationToken)).Single().Lease;
            await Task.WhenAll(
                Task.Run(() => runner.CommitAsync(Commit(id, lease, new RunChanges { BookmarksAdded = [Bookmark("b" + i)] }), cancellationToken), cancellationToken),
                Task.Run(() => other.EnqueueAsync([], [Stimulus("s" + i, id, "b" + i)], cancellationToken), cancellationToken));
        });

        (await runner.ListRunnableAsync(rounds + 1, default)).Should().HaveCount(rounds);
        await CloseAsync(nodes);
    }

    [SkippableFact]
    public async Task Commits_OfManyRunsAtOnce_ShareTheirStatements()
    {
        const int count = 60;
        using var node = Open();
        var store = node.GetRequiredService<IRunStore>();
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => store.EnqueueAsync([Instance("i" + i, "someone")], [Stimulus("s" + i, "i" + i)], default)));
        var claims = await Task.WhenAll(Enumerable.Range(0, count).Select(i => store.ClaimAsync(["i" + i], "node-1", LeaseTime, 1, default)));
        var leases = claims.Select(claim => claim.Single()).ToList();

        // Intents, new bookmarks, taken stimuli, ends of runs that were there, and runs that have no row yet.
        await Task.WhenAll(leases.Select((claim, i) => store.CommitAsync(
            Commit("i" + i, claim.Lease, new RunChanges { Journal = [Journal(1)], BookmarksAdded = [Bookmark("b" + i)], Subjects = ["x@example.com"] }) with { Intent = Intent("k" + i, "i" + i), Release = false, StimuliDone = ["s" + i] },
            default)));
        await Task.WhenAll(leases.Select((claim, i) => store.CommitAsync(Finish("i" + i, claim.Lease) with { Children = [Instance("child" + i)] }, default)));
        await Task.WhenAll(Enumerable.Range(0, count).Select(i => store.CommitAsync(Finish("new" + i, new Lease("node-1", 1)) with { Insert = Instance("new" + i, "y@example.com") }, default)));

        ((PostgreSqlDatabase)node.GetRequiredService<IDatabase>()).SpoiledGroups.Should().Be(0);
        (await store.ListAsync(new RunFilter { Statuses = [WorkflowStatus.Finished], PageSize = 1 }, default)).Total.Should().Be(2 * count);
        (await store.ListRunnableAsync(2 * count, default)).Should().HaveCount(count).And.OnlyContain(id => id.StartsWith("child"));
        (await store.ReadJournalAsync("i7", default)).Should().ContainSingle();
        (await node.GetRequiredService<IEffectStore>().FindAsync("k7", default))!.Status.Should().Be("intent");
        (await store.ListBookmarksAsync("i7", default)).Should().BeEmpty();
    }

    private ServiceProvider Open()
    {
        var services = new ServiceCollection();
        AddStores(services);
        return services.BuildServiceProvider();
    }

    private static async Task CloseAsync(IEnumerable<ServiceProvider> nodes)
    {
        foreach (var node in nodes)
        {
            await node.DisposeAsync();
        }
    }
}
