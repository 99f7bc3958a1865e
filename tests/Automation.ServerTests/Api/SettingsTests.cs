using Automation.Server;
using FluentAssertions;
using Microsoft.Extensions.Options;
using Xunit;

namespace Automation.ServerTests.Api;

/// <summary>Settings that cannot work are refused at start, with the setting, the reason and what to do.</summary>
public sealed class SettingsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("automation-settings-").FullName;

    [Theory]
    [InlineData("Automation:Storage:Provider=PostgreSql", "*ConnectionStrings:Automation*no host*Host=*")]
    [InlineData("Automation:Storage:Provider=Oracle", "*Oracle*Sqlite*PostgreSql*")]
    [InlineData("Automation:Storage:Durability=Maybe", "*Maybe*Normal*Full*")]
    [InlineData("Automation:Flowchart:Mode=Petri", "*Petri*Token*Counter*")]
    [InlineData("Automation:Webhooks:PublicKeys:ghl=hello", "*PublicKeys:ghl*PEM*ghl*")]
    [InlineData("Automation:Http:PublicUrl=example", "*PublicUrl*example*https://*")]
    public async Task Start_WithASettingThatCannotWork_SaysWhichAndWhatToDo(string setting, string expected)
    {
        await using var app = ServerComposition.Build([$"--contentRoot={folder}", "--urls=http://127.0.0.1:0", "--" + setting]);

        var start = () => app.StartAsync();

        (await start.Should().ThrowAsync<OptionsValidationException>()).WithMessage(expected);
        File.Exists(Path.Combine(folder, "data", "automation.db")).Should().BeFalse("nothing is opened before the settings are right");
    }

    [Fact]
    public async Task Start_WithADataFolderThatCannotBeWritten_NamesIt()
    {
        var file = Path.Combine(folder, "a-file");
        await File.WriteAllTextAsync(file, "");
        await using var app = ServerComposition.Build([$"--contentRoot={folder}", "--urls=http://127.0.0.1:0", "--Automation:DataDirectory=a-file/data"]);

        var start = () => app.StartAsync();

        (await start.Should().ThrowAsync<OptionsValidationException>()).WithMessage($"*{Path.Combine(file, "data")}*cannot be written*");
    }

    public void Dispose() => Directory.Delete(folder, recursive: true);
}
