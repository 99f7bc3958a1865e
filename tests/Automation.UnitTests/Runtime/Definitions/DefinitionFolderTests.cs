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

    private static void Write(PollingWorld world, string name, string text) => File.WriteAllText(Path.Combine(world.Get<DefinitionFolder>().Directory, name), text);
}
