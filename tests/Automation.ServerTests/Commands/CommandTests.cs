using System.Diagnostics;
using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Commands;

/// <summary>The command line as a person runs it: the real program, its output and its exit codes.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("automation-command-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Validate_FilesGoodAndBad_NamesFileActivityPropertyLineAndColumn()
    {
        var good = Write("good.json", Flow("good", "'fine'"));
        var bad = Write("bad.json", "{\n  \"definitionId\": \"bad\",\n  \"root\": }");
        var broken = Write("broken.json", Flow("broken", "1 +\n * 2"));

        var (exit, output) = await RunAsync("validate", good, bad, broken);

        exit.Should().Be(1);
        output.Should().Contain($"{good}: ok");
        output.Should().Contain($"{bad}: error").And.Contain("line 3");
        output.Should().Contain($"{broken}: warning").And.Contain("property 'text'").And.Contain("line 2");
    }

    [Fact]
    public async Task Validate_Folder_PlacesEveryProblemInItsFile_AndTemplatesAreCheckedAsFarAsTheyAreOpen()
    {
        Directory.CreateDirectory(Path.Combine(folder, "defs"));
        Write("defs/a.json", """
            {
              "definitionId": "a",
              "root": { "id": "r", "type": "Elsa.Sequence", "activities": [
                { "id": "nothing", "type": "Acme.Nothing" },
                { "id": "say", "type": "Elsa.WriteLine",
                  "text": { "typeName": "String", "expression": { "type": "JavaScript", "value": "1 +\n * 2" } } },
                { "id": "get", "type": "GoHighLevel.Contacts.GetContact", "connectionId": "none",
                  "contactId": "" }
              ] }
            }
            """);
        Write("defs/b.json", Flow("a", "'the same definition'"));
        Write("defs/c.template.json", """
            {"definitionId":"t","customProperties":{"template":{"name":"t","slots":[{"name":"ghl","connector":"gohighlevel"}],"inputs":[{"name":"interval","type":"interval"}]}},
             "root":{"id":"r","type":"Elsa.Flowchart","activities":[{"id":"new","type":"GoHighLevel.SocialPlanner.ListSocialPlannerTags","connectionId":"{{slot:ghl}}","interval":"{{input:interval}}","customProperties":{"canStartWorkflow":true}}]}}
            """);
        await File.WriteAllBytesAsync(Path.Combine(folder, "defs", "d.json"), System.Text.Encoding.Unicode.GetPreamble());

        var (exit, output) = await RunAsync("validate", "--json", Path.Combine(folder, "defs"));

        var problems = JArray.Parse(output[..(output.LastIndexOf(']') + 1)]).Select(problem =>
            string.Join('|', new[] { Path.GetFileName((string)problem["file"]!) }.Concat(new[] { "severity", "code", "activityId", "property", "line", "scriptLine" }.Select(name => (string?)problem[name] ?? "-"))));
        exit.Should().Be(1);
        problems.Should().BeEquivalentTo(
            "a.json|warning|unknown-activity-type|nothing|-|4|-",
            "a.json|warning|expression-syntax|say|text|6|2",
            "a.json|error|unknown-connection|get|connectionId|7|-",
            "a.json|error|missing-input|get|contactId|8|-",
            "b.json|error|duplicate-definition|-|definitionId|2|-",
            "d.json|error|not-text|-|-|-|-");
    }

    [Fact]
    public async Task Run_FileWithInput_PrintsJournalAndOutcome()
    {
        var file = Write("greet.json", Flow("greet", "'hello ' + getInput('who')"));

        var (exit, output) = await RunAsync("run", file, "--input", "who=Ada");

        exit.Should().Be(0);
        output.Should().Contain("hello Ada").And.Contain("Finished / Finished");
    }

    [Fact]
    public async Task ImportThenExport_Folder_WritesWhatCameIn()
    {
        Directory.CreateDirectory(Path.Combine(folder, "in"));
        Write("in/one.json", Flow("one", "'1'"));

        (await RunAsync("import", Path.Combine(folder, "in"))).Exit.Should().Be(0);
        (await RunAsync("export", "--out", Path.Combine(folder, "out"))).Exit.Should().Be(0);

        var file = Directory.GetFiles(Path.Combine(folder, "out")).Single();
        ((string?)JObject.Parse(await File.ReadAllTextAsync(file))["definitionId"]).Should().Be("one");
    }

    [Fact]
    public async Task Operations_AsJson_ListsTheCatalogue()
    {
        var (exit, output) = await RunAsync("operations", "--json");

        exit.Should().Be(0);
        JArray.Parse(output).Count(operation => operation["number"]!.Type == JTokenType.Integer).Should().Be(126);
    }

    [Fact]
    public async Task KeysRotate_WithConnections_EncryptsThemAgainAndTheyStayReadable()
    {
        using var server = new ServerProcess();
        await server.StartAsync();
        await server.KillAsync();
        var keys = Path.Combine(server.DataDirectory, "keys");
        var before = Directory.GetFiles(keys, "key-*.xml").Length;

        var (exit, output) = await RunAsync(["keys", "rotate"], server.DataDirectory);
        await server.StartAsync();
        var test = await server.PostAsync("/api/connections/sandbox-ghl/test", new JObject());

        exit.Should().Be(0);
        output.Should().Contain("2 credentials");
        Directory.GetFiles(keys, "key-*.xml").Should().HaveCount(before + 1);
        ((bool)test["succeeded"]!).Should().BeTrue();
    }

    [Fact]
    public async Task Serve_FolderOfAnotherServer_IsRefusedWithWhatToDo()
    {
        using var server = new ServerProcess();
        await server.StartAsync();

        var (exit, output) = await RunAsync(["serve", "--urls", "http://127.0.0.1:0"], server.DataDirectory);

        exit.Should().Be(1);
        output.Should().Contain("Another server uses the data folder").And.NotContain("   at ");
    }

    [Fact]
    public async Task Operations_IntoAPlaceThatCannotBeWritten_SaySoWithoutAStackTrace()
    {
        var (exit, output) = await RunAsync("operations", "--docs", Path.Combine(Write("file", ""), "docs"));

        exit.Should().Be(1);
        output.Should().Contain("file").And.NotContain("   at ");
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("run")]
    [InlineData("connections")]
    public async Task WrongUsage_ExitsWithTwo(string command)
    {
        (await RunAsync(command)).Exit.Should().Be(2);
    }

    private Task<(int Exit, string Output)> RunAsync(params string[] arguments) => RunAsync(arguments, Path.Combine(folder, "data"));

    private async Task<(int Exit, string Output)> RunAsync(string[] arguments, string data)
    {
        var start = new ProcessStartInfo("dotnet") { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Automation.Server.dll"));
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["Automation__DataDirectory"] = data;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output + (process.ExitCode == 0 ? "" : await error));
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    private static string Flow(string id, string script) => new JObject
    {
        ["definitionId"] = id,
        ["name"] = id,
        ["root"] = new JObject
        {
            ["id"] = "flow",
            ["type"] = "Elsa.Sequence",
            ["activities"] = new JArray(new JObject
            {
                ["id"] = "say",
                ["type"] = "Elsa.WriteLine",
                ["text"] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "JavaScript", ["value"] = script } },
            }),
        },
    }.ToString();
}
