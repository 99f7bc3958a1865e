using Automation.Engine;
using Automation.Persistence.Sql;
using Automation.Runtime.Storage;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>Definitions, connections, users, keys, settings, lists of runs, retention.</summary>
public abstract class AdminCompliance : PollCompliance
{
    [SkippableFact]
    public async Task Changes_RiseWithWhatOthersHoldInMemory()
    {
        async Task<long> NumberAsync() => (await Changes.ReadAsync(default)).GetValueOrDefault(Topics.Connections);
        var before = await NumberAsync();

        await Connections.DeleteAsync("none", T0, default);

        (await NumberAsync()).Should().BeGreaterThan(before);
    }

    [SkippableFact]
    public async Task Documents_ByKindAndName_AreReplacedAndDeleted()
    {
        await Documents.SaveAsync(new DocumentRecord("template", "Tag sync", "{\"a\":1}", T0, T0), default);
        await Documents.SaveAsync(new DocumentRecord("template", "tag SYNC", "{\"a\":2}", T0.AddHours(1), T0.AddHours(1)), default);
        await Documents.SaveAsync(new DocumentRecord("mapping", "Tag sync", "{}", T0, T0), default);
        await ReopenAsync();

        var listed = await Documents.ListAsync("template", default);
        var deleted = await Documents.DeleteAsync("template", "TAG SYNC", default);

        listed.Should().Equal(new DocumentRecord("template", "Tag sync", "{\"a\":2}", T0, T0.AddHours(1)));
        deleted.Should().BeTrue();
        (await Documents.FindAsync("template", "Tag sync", default)).Should().BeNull();
        (await Documents.FindAsync("mapping", "tag sync", default)).Should().NotBeNull();
    }

    [SkippableFact]
    public async Task Definitions_OfferedAsActivities_AreFound_AndEveryOrderPages()
    {
        await Definitions.SaveAsync([.. Enumerable.Range(0, 6).Select(i => new DefinitionVersion
        {
            Id = "v" + i,
            DefinitionId = "d" + (5 - i),
            Version = 1,
            Name = i < 3 ? "B" + i : "a" + i,
            IsLatest = true,
            IsPublished = i > 0,
            CreatedAt = T0.AddMinutes(i % 3),
            Json = i % 2 == 0 ? "{\"options\":{\"usableAsActivity\":true}}" : "{\"options\":{\"usableAsActivity\":false}}",
        })], default);

        async Task<IEnumerable<string>> Ids(DefinitionFilter filter) => (await Definitions.ListAsync(filter, false, default)).Items.Select(version => version.Id);
        (await Ids(new DefinitionFilter { Version = VersionOptions.Published, OffersActivity = true, OrderBy = "DefinitionId" })).Should().Equal("v4", "v2");
        (await Ids(new DefinitionFilter { PageSize = 2, Page = 1 })).Should().Equal("v5", "v0");
        (await Ids(new DefinitionFilter { PageSize = 2, Page = 1, Descending = true })).Should().Equal("v0", "v5");
        (await Ids(new DefinitionFilter { Version = VersionOptions.AllVersions, OrderBy = "Created", Descending = true, PageSize = 4 })).Should().Equal("v5", "v2", "v4", "v1");
        (await Ids(new DefinitionFilter { Version = VersionOptions.LatestOrPublished, OrderBy = "DefinitionId", PageSize = 3, Page = 1 })).Should().Equal("v2", "v1", "v0");
    }

    [SkippableFact]
    public async Task Definitions_ThatMentionAText_AreFoundByIt()
    {
        await Definitions.SaveAsync([.. new[] { ("a", "{\"uses\":\"child-1\"}"), ("b", "{\"uses\":\"child-2\"}") }.Select(d => new DefinitionVersion
        {
            Id = d.Item1 + "1", DefinitionId = d.Item1, Version = 1, Name = d.Item1, IsLatest = true, IsPublished = false, CreatedAt = T0, Json = d.Item2,
        })], default);

        var found = await Definitions.ListAsync(new DefinitionFilter { Mentions = "\"child-1\"", OrderBy = "created" }, withJson: true, default);

        found.Items.Select(version => version.DefinitionId).Should().Equal("a");
        found.Total.Should().Be(1);
    }

    [SkippableFact]
    public async Task Save_NewLatest_TakesTheMark()
    {
        await Definitions.SaveAsync([Version(1)], default);
        await PublishAsync();
        await Definitions.SaveAsync([Version(2) with { Json = "{\"a\":1}" }], default);

        (await Definitions.FindAsync("def-1", VersionOptions.Latest, default))!.Version.Should().Be(2);
        (await Definitions.FindAsync("def-1", VersionOptions.Published, default))!.Version.Should().Be(1);
        (await Definitions.FindAsync("def-1", new VersionOptions("Draft"), default))!.Json.Should().Be("{\"a\":1}");
        (await Definitions.FindAsync("def-1", new VersionOptions("Specific", 1), default))!.IsLatest.Should().BeFalse();
        (await Definitions.ListAsync(new DefinitionFilter { Version = VersionOptions.LatestOrPublished }, false, default)).Items.Should().HaveCount(2).And.OnlyContain(v => v.Json.Length == 0);
        (await Definitions.ListAsync(new DefinitionFilter { Search = "TAG S" }, true, default)).Items.Single().Json.Should().Be("{\"a\":1}");
        (await Definitions.ListAsync(new DefinitionFilter { Search = "100%" }, true, default)).Total.Should().Be(0);
    }

    [SkippableFact]
    public async Task Save_OneOfManyFails_KeepsNone()
    {
        await FluentActions.Awaiting(() => Definitions.SaveAsync([Version(1, "a"), Version(1, "b"), Version(1, "b") with { Id = "twin" }], default)).Should().ThrowAsync<Exception>();

        (await Definitions.ListAsync(new DefinitionFilter { Version = VersionOptions.AllVersions }, false, default)).Total.Should().Be(0);
    }

    [SkippableFact]
    public async Task Publish_AVersionThatIsNotThere_ChangesNothing()
    {
        await PublishAsync(PollTrigger("t1"));

        await FluentActions.Awaiting(() => Definitions.PublishAsync(new Publication { DefinitionId = "def-1", VersionId = "none", Triggers = [], Sources = [] }, default))
            .Should().ThrowAsync<InvalidOperationException>();

        (await Definitions.FindAsync("def-1", VersionOptions.Published, default))!.Version.Should().Be(1);
        (await Polls.FindTriggerAsync("t1", default)).Should().NotBeNull();
    }

    [SkippableFact]
    public async Task DeleteVersion_TheLatest_HandsTheMarkBack()
    {
        await PublishAsync(PollTrigger("t1"));
        await Definitions.SaveAsync([Version(2)], default);

        (await Definitions.DeleteVersionAsync("def-1-v2", default)).Should().BeTrue();
        (await Definitions.FindAsync("def-1", VersionOptions.Latest, default))!.Version.Should().Be(1);
        (await Definitions.DeleteAsync("def-1", default)).Should().BeTrue();
        (await Polls.FindTriggerAsync("t1", default)).Should().BeNull();
        (await Definitions.DeleteAsync("def-1", default)).Should().BeFalse();
    }

    [SkippableFact]
    public async Task Connections_AreFoundByIdAndName()
    {
        var connection = new ConnectionRecord
        {
            Id = "c1",
            Name = "Agency",
            Connector = "gohighlevel",
            BaseUrl = "https://x.test",
            LocationId = "loc-1",
            AuthKind = "apiKey",
            Secret = [1, 2, 3],
            CreatedAt = T0,
            UpdatedAt = T0,
        };
        await Connections.SaveAsync(connection, null, default);
        await Connections.SaveAsync(connection with { Secret = [4], UpdatedAt = T0.AddDays(1) }, null, default);

        (await Connections.FindAsync("agency", default))!.Secret.Should().Equal(4);
        (await Connections.FindAsync("c1", default))!.UpdatedAt.Should().Be(T0.AddDays(1));
        (await Connections.ListAsync(default)).Should().ContainSingle();
        (await Connections.DeleteAsync("c1", T0, default)).Should().BeTrue();
        (await Connections.FindAsync("c1", default)).Should().BeNull();
    }

    [SkippableFact]
    public async Task Access_UsersKeysAndSettings_AreKept()
    {
        await Access.SaveUserAsync(new UserRecord("Admin", "hash", "administrator", T0), default);
        await Access.SaveUserAsync(new UserRecord("admin", "hash2", "administrator", T0), default);
        await Access.SaveApiKeyAsync(new ApiKeyRecord("k1", "ci", "h1", "operator", T0), default);
        await Access.SetSettingAsync("a", "1", default);
        await Access.SetSettingAsync("a", "2", default);
        await ReopenAsync();

        (await Access.CountUsersAsync(default)).Should().Be(1);
        (await Access.FindUserAsync("ADMIN", default))!.PasswordHash.Should().Be("hash2");
        (await Access.FindApiKeyAsync("h1", default))!.Name.Should().Be("ci");
        (await Access.GetSettingAsync("a", default)).Should().Be("2");
        (await Access.GetSettingAsync("b", default)).Should().BeNull();
        (await Access.DeleteApiKeyAsync("k1", default)).Should().BeTrue();
        (await Access.ListApiKeysAsync(default)).Should().BeEmpty();
    }

    [SkippableFact]
    public async Task Text_WithANulCharacter_IsKeptOrReplaced_ButStopsNothing()
    {
        await Access.SaveApiKeyAsync(new ApiKeyRecord("k1", "a\0b", "h1", "operator", T0), default);
        await EnqueueAsync(Instance("i1", "who\0"));

        (await Access.FindApiKeyAsync("h1", default))!.Name.Should().BeOneOf("a\0b", "a\uFFFDb");
        (await Access.FindUserAsync("a\0", default)).Should().BeNull();
        (await Runs.ListAsync(new RunFilter { Search = "a\0" }, default)).Items.Should().BeEmpty();
        (await Runs.ListAsync(new RunFilter { Ids = ["i1", "a\0"] }, default)).Items.Should().ContainSingle();
    }

    [SkippableFact]
    public async Task List_Runs_FiltersOrdersAndPages()
    {
        for (var i = 0; i < 6; i++)
        {
            await EnqueueAsync(Instance("i" + i, "who-" + i % 2) with { CreatedAt = T0.AddMinutes(i), DefinitionId = i < 4 ? "def-1" : "def-2", TriggerId = i == 5 ? "t1" : null });
        }

        await Runs.CommitAsync(Finish("i1", (await ClaimAsync("i1")).Lease), default);
        await Runs.CommitAsync(Finish("i2", (await ClaimAsync("i2")).Lease) with { SubStatus = WorkflowSubStatus.Faulted, Incidents = [Incident("x", "i2")] }, default);
        await Runs.CommitAsync(Commit("i3", (await ClaimAsync("i3")).Lease), default);
        await ClaimAsync("i4");

        async Task<IEnumerable<string>> Ids(RunFilter filter) => (await Runs.ListAsync(filter, default)).Items.Select(r => r.Id);
        (await Ids(new RunFilter { PageSize = 2, Page = 1 })).Should().Equal("i3", "i2");
        (await Ids(new RunFilter { Descending = false, PageSize = 1 })).Should().Equal("i0");
        (await Ids(new RunFilter { DefinitionIds = ["def-2"] })).Should().Equal("i5", "i4");
        (await Ids(new RunFilter { DefinitionIds = ["def-1", "def-2"] })).Should().HaveCount(6);
        (await Ids(new RunFilter { Statuses = [WorkflowStatus.Finished] })).Should().Equal("i2", "i1");
        (await Ids(new RunFilter { SubStatuses = [WorkflowSubStatus.Faulted, WorkflowSubStatus.Suspended] })).Should().Equal("i3", "i2");
        (await Ids(new RunFilter { SubStatuses = [WorkflowSubStatus.Executing] })).Should().Equal("i4");
        (await Ids(new RunFilter { HasIncidents = true })).Should().Equal("i2");
        (await Ids(new RunFilter { Subject = "WHO-1", Since = T0.AddMinutes(2) })).Should().Equal("i5", "i3");
        (await Ids(new RunFilter { TriggerId = "t1" })).Should().Equal("i5");
        (await Ids(new RunFilter { CorrelationId = "corr-i0" })).Should().Equal("i0");
        (await Ids(new RunFilter { Search = "failed: X" })).Should().Equal("i2");
        (await Ids(new RunFilter { Search = "RR-I4" })).Should().Equal("i4");
        (await Ids(new RunFilter { Search = "100%" })).Should().BeEmpty();
        await Definitions.SaveAsync([new DefinitionVersion { Id = "dv", DefinitionId = "def-2", Version = 1, Name = "Invoices", IsLatest = true, IsPublished = false, CreatedAt = T0, Json = "{}" }], default);
        (await Ids(new RunFilter { Search = "invoice" })).Should().Equal("i5", "i4");
        (await Ids(new RunFilter { Search = "F-2" })).Should().Equal("i5", "i4");
        (await Ids(new RunFilter { Ids = ["i0", "i5"], OrderBy = "LastExecuted" })).Should().Equal("i5", "i0");
        (await Ids(new RunFilter { Times = [new(RunTime.Created, TimeComparison.GreaterThanOrEqual, T0.AddMinutes(1)), new(RunTime.Created, TimeComparison.LessThan, T0.AddMinutes(3))] })).Should().Equal("i2", "i1");
        (await Ids(new RunFilter { Times = [new(RunTime.Finished, TimeComparison.GreaterThan, T0)] })).Should().Equal("i2", "i1");
        (await Ids(new RunFilter { Times = [new(RunTime.Created, TimeComparison.Is, T0)] })).Should().Equal("i0");
        foreach (var (page, size) in new[] { (0, 2), (2, 2), (1, 4), (9, 4), (0, 6), (0, 9) })
        {
            (await Runs.ListAsync(new RunFilter { Page = page, PageSize = size }, default)).Total.Should().Be(6, "the total does not depend on the page ({0} of {1})", page, size);
        }

        (await Runs.ListAsync(new RunFilter { Search = "no such text" }, default)).Total.Should().Be(0);
    }

    [SkippableFact]
    public async Task Delete_FinishedRuns_TakesAllThatIsTheirs()
    {
        await EnqueueAsync(Instance("done", "who"), Instance("open", "who"));
        var lease = (await ClaimAsync("done")).Lease;
        await Runs.CommitAsync(Commit("done", lease, new RunChanges { Journal = [Journal(1)] }) with { Intent = Intent("k", "done"), Incidents = [Incident("x", "done")], Release = false }, default);
        await Runs.CommitAsync(Finish("done", lease), default);
        (await Runs.ListFinishedBeforeAsync(T0.AddMinutes(1), 10, default)).Should().BeEmpty();
        var old = await Runs.ListFinishedBeforeAsync(T0.AddDays(1), 10, default);
        old.Should().Equal("done");

        (await Runs.DeleteAsync([.. old, "open", "nobody"], default)).Should().Be(1);

        (await Runs.FindAsync("done", default)).Should().BeNull();
        (await Runs.ReadJournalAsync("done", default)).Should().BeEmpty();
        (await Runs.GetStateAsync("done", default)).Should().BeNull();
        (await Effects.ListAsync("done", default)).Should().BeEmpty();
        (await Incidents.FindAsync("x", default)).Should().BeNull();
        (await Runs.ListAsync(new RunFilter { Subject = "who" }, default)).Items.Single().Id.Should().Be("open");
    }

    [SkippableFact]
    public async Task Delete_FinishedRuns_LeavesNoRowOfAnyTableBehind()
    {
        await EnqueueAsync(Instance("run", "who"), Instance("open", "who"));
        var lease = (await ClaimAsync("run")).Lease;
        var large = Journal(1) with { State = new JObject { ["text"] = new string('x', 100_000) } };
        await Runs.CommitAsync(Commit("run", lease, new RunChanges { Journal = [large], BookmarksAdded = [Bookmark("b1"), Bookmark("b2")], Subjects = ["else"] }) with { Release = false }, default);
        await Runs.EnqueueAsync([], [Stimulus("s1", "run")], default);
        (await OfRunsAsync()).Should().BeEquivalentTo(["bookmarks", "instance_states", "journal_segments", "payloads", "stimuli", "subjects"], "the test has a row of each kind that a run may have");
        await Runs.CommitAsync(Finish("run", lease), default);

        await Runs.DeleteAsync(["run", "open"], default);

        var left = await ((SqlDatabase)Database).ReadAsync(
            session => RunTables(session).Where(table => session.Long($"SELECT 1 FROM {table} WHERE instance_no NOT IN (SELECT no FROM instances) LIMIT 1") is not null).ToList(), default);
        left.Should().BeEmpty();
        (await Runs.GetStartAsync("open", default)).Should().NotBeNull();
        (await Runs.FindAsync("open", default))!.Subjects.Should().Equal("who");

        Task<List<string>> OfRunsAsync() => ((SqlDatabase)Database).ReadAsync(session => RunTables(session).Where(table => session.Long($"SELECT 1 FROM {table} LIMIT 1") is not null).ToList(), default);
    }

    /// <summary>The tables whose rows belong to an instance.</summary>
    private static List<string> RunTables(Session session) => session.List(
        reader => reader.GetString(0),
        session.TakesLists
            ? "SELECT table_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND column_name = 'instance_no'"
            : "SELECT t.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c ON c.name = 'instance_no' WHERE t.type = 'table'");

    [SkippableFact]
    public async Task Ping_OfAMigratedDatabase_IsTrue() => (await Database.PingAsync(default)).Should().BeTrue();
}
