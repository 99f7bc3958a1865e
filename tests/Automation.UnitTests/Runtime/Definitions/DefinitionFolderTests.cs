using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Automation.Runtime.Templates;
using Automation.UnitTests.Runtime.Polling;
using Automation.UnitTests.Runtime.Templates;
using FluentAssertions;
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

    private static void Write(PollingWorld world, string name, string text) => File.WriteAllText(Path.Combine(world.Get<DefinitionFolder>().Directory, name), text);
}
