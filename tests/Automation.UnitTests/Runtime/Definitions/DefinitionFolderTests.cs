using Automation.Runtime;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Automation.Runtime.Templates;
using Automation.UnitTests.Runtime.Polling;
using Automation.UnitTests.Runtime.Templates;
using FluentAssertions;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Definitions;

public sealed class DefinitionFolderTests
{
    [Fact]
    public async Task LoadAsync_PlainFilesTemplatesAndABrokenOne_LoadsTheGoodAndReportsTheBroken()
    {
        await using var world = await PollingWorld.StartAsync();
        Write(world, "flow.json", PollingWorld.Flow("flow").ToString());
        Write(world, "shelf.template.json", TemplateServiceTests.Template().ToString());
        Write(world, "broken.json", "{\n \"root\": ");

        await world.Get<DefinitionFolder>().LoadAsync(default);
        await world.Get<DefinitionFolder>().LoadAsync(default);

        var version = await world.Get<IDefinitionStore>().FindAsync("flow", VersionOptions.Published, default);
        version.Should().Match<DefinitionVersion>(found => found.IsReadonly && found.Provider == "folder" && found.Version == 1);
        (await world.Get<TemplateService>().FindAsync("watch-shelf", default)).Should().NotBeNull();
        (await world.IncidentsAsync()).Should().ContainSingle().Which.Message.Should().Contain("broken.json").And.Contain("line");

        Write(world, "broken.json", PollingWorld.Flow("mended").ToString());
        await world.Get<DefinitionFolder>().LoadAsync(default);
        (await world.IncidentsAsync()).Should().ContainSingle().Which.ResolvedAt.Should().NotBeNull();
        (await world.Get<IDefinitionStore>().FindAsync("mended", VersionOptions.Published, default)).Should().NotBeNull();
    }

    [Fact]
    public async Task LoadAsync_FileChangedThenGone_PublishesANewVersionThenRetracts()
    {
        await using var world = await PollingWorld.StartAsync();
        var folder = world.Get<DefinitionFolder>();
        Write(world, "flow.json", PollingWorld.Flow("flow").ToString());
        await folder.LoadAsync(default);
        Write(world, "flow.json", PollingWorld.Flow("flow", interval: "45s").ToString());
        await folder.LoadAsync(default);

        (await world.Get<IDefinitionStore>().FindAsync("flow", VersionOptions.Published, default))!.Version.Should().Be(2);
        (await world.TriggerAsync("flow")).Configured.Should().Be("45s");

        File.Delete(Path.Combine(folder.Directory, "flow.json"));
        await folder.LoadAsync(default);
        (await world.Get<IDefinitionStore>().FindAsync("flow", VersionOptions.Published, default)).Should().BeNull();
    }

    [Fact]
    public async Task LoadAsync_AfterARestart_PublishesNothingAnew()
    {
        await using var world = await PollingWorld.StartAsync();
        Write(world, "flow.json", PollingWorld.Flow("flow").ToString());
        await world.Get<DefinitionFolder>().LoadAsync(default);
        await world.CrashAsync();

        await using var next = await PollingWorld.StartAsync(world.Folder, world.Server);
        await next.Get<DefinitionFolder>().LoadAsync(default);

        (await next.Get<IDefinitionStore>().ListAsync(new DefinitionFilter { Version = VersionOptions.AllVersions }, false, default)).Total.Should().Be(1);
    }

    [Fact]
    public async Task SaveAsync_DefinitionOfTheFolder_IsRefused()
    {
        await using var world = await PollingWorld.StartAsync();
        Write(world, "flow.json", PollingWorld.Flow("flow").ToString());
        await world.Get<DefinitionFolder>().LoadAsync(default);

        var act = () => world.Definitions.SaveAsync(PollingWorld.Flow("flow", interval: "1h"), publish: false, default);

        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Single().Code.Should().Be("read-only");
    }

    [Fact]
    public async Task LoadAsync_FileGivenAnotherName_KeepsItsDefinitionAndVersion_ATemplateToo()
    {
        await using var world = await PollingWorld.StartAsync();
        var folder = world.Get<DefinitionFolder>();
        Write(world, "z.json", PollingWorld.Flow("flow").ToString());
        Write(world, "z.template.json", TemplateServiceTests.Template().ToString());
        await folder.LoadAsync(default);

        Directory.CreateDirectory(Path.Combine(folder.Directory, "moved"));
        File.Move(Path.Combine(folder.Directory, "z.json"), Path.Combine(folder.Directory, "a.json"));
        File.Move(Path.Combine(folder.Directory, "z.template.json"), Path.Combine(folder.Directory, "moved", "a.template.json"));
        await folder.LoadAsync(default);

        (await world.Get<IDefinitionStore>().FindAsync("flow", VersionOptions.Published, default))!.Version.Should().Be(1);
        (await world.Get<TemplateService>().FindAsync("watch-shelf", default)).Should().NotBeNull();
        (await world.IncidentsAsync()).Should().BeEmpty();
    }

    [Fact]
    public async Task LoadAsync_BrokenEdit_KeepsTheOldVersionAndShowsTheProblem_UntilTheFileIsMendedOrGone()
    {
        await using var world = await PollingWorld.StartAsync();
        var folder = world.Get<DefinitionFolder>();
        Write(world, "flow.json", PollingWorld.Flow("flow").ToString());
        await folder.LoadAsync(default);
        Write(world, "flow.json", "{ \"definitionId\": \"flow\", oops");
        await folder.LoadAsync(default);

        (await world.Get<IDefinitionStore>().FindAsync("flow", VersionOptions.Published, default))!.Version.Should().Be(1);
        (await world.IncidentsAsync()).Should().ContainSingle().Which.Should().Match<IncidentRecord>(incident => incident.ResolvedAt == null && incident.Message.Contains("flow.json") && incident.Message.Contains("line 1"));

        await world.CrashAsync();
        await using var next = await PollingWorld.StartAsync(world.Folder, world.Server);
        File.Delete(Path.Combine(folder.Directory, "flow.json"));
        await next.Get<DefinitionFolder>().LoadAsync(default);

        (await next.IncidentsAsync()).Should().ContainSingle().Which.ResolvedAt.Should().NotBeNull();
        (await next.Get<IDefinitionStore>().FindAsync("flow", VersionOptions.Published, default)).Should().BeNull("its file is gone");
    }

    [Fact]
    public async Task LoadAsync_TwoFilesOfOneDefinition_LoadsTheFirstAndNamesBoth_AndHiddenFoldersAreLeftAside()
    {
        await using var world = await PollingWorld.StartAsync();
        var folder = world.Get<DefinitionFolder>();
        Directory.CreateDirectory(Path.Combine(folder.Directory, ".git"));
        Write(world, ".git/junk.json", "no json");
        Write(world, "a.json", PollingWorld.Flow("flow").ToString());
        Write(world, "b.json", PollingWorld.Flow("flow", interval: "45s").ToString());
        await folder.LoadAsync(default);
        await folder.LoadAsync(default);

        (await world.Get<IDefinitionStore>().FindAsync("flow", VersionOptions.Published, default))!.Version.Should().Be(1);
        (await world.IncidentsAsync()).Should().ContainSingle().Which.Message.Should().Contain("b.json").And.Contain("taken by a.json");
    }

    [Fact]
    public async Task LoadAsync_AConnectionWhoseCredentialCannotBeRead_ReportsTheFileThatUsesIt_AndLoadsTheOthers()
    {
        await using var world = await PollingWorld.StartAsync();
        await world.SqlAsync("UPDATE connections SET secret = x'00'; SELECT 1");
        Write(world, "a.json", PollingWorld.Flow("a").ToString());
        Write(world, "b.json", """{"definitionId":"b","root":{"id":"w","type":"Elsa.WriteLine"}}""");
        await world.Get<DefinitionFolder>().LoadAsync(default);

        (await PublishedAsync(world)).Should().Equal("b");
        (await world.IncidentsAsync()).Should().ContainSingle().Which.Message.Should().Contain("a.json").And.Contain("credential");
    }

    [Fact]
    public async Task LoadAsync_TwoServersWithDifferentFolders_NeitherRetractsWhatIsTheOthers_UntilThatOneStops()
    {
        await using var old = await ServerAsync("old", null);
        Write(old, "both.json", PollingWorld.Flow("both", name: "both").ToString());
        Write(old, "dropped.json", PollingWorld.Flow("dropped", name: "dropped").ToString());
        Write(old, "broken.json", "{");
        await using var renewed = await ServerAsync("renewed", old);
        Write(renewed, "both.json", PollingWorld.Flow("both", name: "both").ToString());
        Write(renewed, "added.json", PollingWorld.Flow("added", name: "added").ToString());

        await old.Get<DefinitionFolder>().LoadAsync(default);
        await renewed.Get<DefinitionFolder>().LoadAsync(default);
        await old.Get<DefinitionFolder>().LoadAsync(default);
        await renewed.Get<DefinitionFolder>().LoadAsync(default);

        (await PublishedAsync(old)).Should().Equal("added", "both", "dropped");
        (await old.IncidentsAsync()).Should().ContainSingle().Which.ResolvedAt.Should().BeNull("the file is broken still, and only the other server has it");

        File.Delete(Path.Combine(old.Get<DefinitionFolder>().Directory, "broken.json"));
        await old.Get<DefinitionFolder>().LoadAsync(default);
        (await old.IncidentsAsync()).Should().ContainSingle().Which.ResolvedAt.Should().NotBeNull();
        await old.Get<DefinitionFolder>().StopAsync(default);
        await renewed.Get<DefinitionFolder>().LoadAsync(default);

        (await PublishedAsync(renewed)).Should().Equal("added", "both");
    }

    [Fact]
    public async Task LoadAsync_WhereAServerDied_RetractsWhatOnlyItHad_WhenItsClaimHasRunOut()
    {
        await using var died = await ServerAsync("died", null);
        Write(died, "only.json", PollingWorld.Flow("only").ToString());
        await died.Get<DefinitionFolder>().LoadAsync(default);
        await using var left = await ServerAsync("left", died);

        await left.Get<DefinitionFolder>().LoadAsync(default);
        (await PublishedAsync(left)).Should().Equal("only");

        left.Clock.Advance(TimeSpan.FromMinutes(20));
        await left.Get<DefinitionFolder>().LoadAsync(default);
        (await PublishedAsync(left)).Should().BeEmpty();
    }

    /// <summary>One of several servers on a database, with a definitions folder of its own.</summary>
    private static Task<PollingWorld> ServerAsync(string name, PollingWorld? beside) => PollingWorld.StartAsync(beside?.Folder, beside?.Server, add: (_, services) =>
    {
        services.AddSingleton(beside?.Get<IDataProtectionProvider>() ?? new EphemeralDataProtectionProvider());
        services.Configure<AutomationOptions>(options =>
        {
            options.Storage.Provider = "PostgreSql";
            options.Definitions.Directory = Directory.CreateDirectory(options.Definitions.Directory + "-" + name).FullName;
        });
    });

    private static async Task<IEnumerable<string>> PublishedAsync(PollingWorld world) =>
        (await world.Get<IDefinitionStore>().ListAsync(new DefinitionFilter { Version = VersionOptions.Published }, false, default)).Items.Select(version => version.DefinitionId).Order(StringComparer.Ordinal);

    private static void Write(PollingWorld world, string name, string text) => File.WriteAllText(Path.Combine(world.Get<DefinitionFolder>().Directory, name), text);
}
