using Automation.UnitTests.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Activities;

/// <summary>The built-in descriptors beside those of Elsa's own server: the designer relies on names, types, editors and ports.</summary>
public sealed class DescriptorTests
{
    /// <summary>What does not run here: it loads as a placeholder that says so.</summary>
    private static readonly HashSet<string> LeftOut = ["Elsa.RunCSharp", "Elsa.RunPython", "Elsa.StateMachine", "Elsa.Inline"];

    [SkippableFact]
    public void BuiltIns_HaveElsasInputsOutputsPortsAndEditors()
    {
        var file = SharedFile("elsa/builtin-activity-descriptors.json");
        Skip.If(file is null, "The shared folder with Elsa's descriptors is not beside the repository.");

        using var harness = new LeafHarness();
        var differences = new List<string>();
        var compared = 0;
        foreach (var elsa in JArray.Parse(File.ReadAllText(file!)).OfType<JObject>())
        {
            var type = (string)elsa["typeName"]!;
            if (LeftOut.Contains(type))
            {
                continue;
            }

            compared++;
            if (harness.Registry.Find(type) is not { } ours)
            {
                differences.Add($"{type} is missing");
                continue;
            }

            var what = new JObject { ["kind"] = ours.Kind.ToString(), ["displayName"] = ours.DisplayName, ["category"] = ours.Category, ["isContainer"] = ours.IsContainer, ["isBrowsable"] = ours.IsBrowsable, ["isStart"] = ours.IsStart, ["isTerminal"] = ours.IsTerminal };
            differences.AddRange(what.Properties().Where(p => !JToken.DeepEquals(p.Value, elsa[p.Name])).Select(p => $"{type}: {p.Name} {p.Value}, Elsa {elsa[p.Name]}"));
            differences.AddRange(ours.Outputs.Where(o => elsa["outputs"]!.All(other => (string?)other["name"] != o.Name)).Select(o => $"{type}.{o.Name}: output that Elsa does not have"));

            foreach (var input in elsa["inputs"]!.OfType<JObject>())
            {
                var name = (string)input["name"]!;
                var mine = ours.Inputs.FirstOrDefault(candidate => candidate.Name == name);
                if (mine is null || mine.TypeName != (string?)input["typeName"] || mine.IsWrapped != (bool?)input["isWrapped"] || mine.UIHint != (string?)input["uiHint"] || mine.Category != (string?)input["category"] || mine.DisplayName != (string?)input["displayName"])
                {
                    differences.Add($"{type}.{name}: {mine?.TypeName} {mine?.UIHint} wrapped {mine?.IsWrapped}, Elsa {input["typeName"]} {input["uiHint"]} {input["isWrapped"]}");
                }
            }

            foreach (var output in elsa["outputs"]!.OfType<JObject>())
            {
                var mine = ours.Outputs.FirstOrDefault(candidate => candidate.Name == (string?)output["name"]);
                if (mine is null || mine.TypeName != (string?)output["typeName"])
                {
                    differences.Add($"{type}.{output["name"]}: output {mine?.TypeName}, Elsa {output["typeName"]}");
                }
            }

            var ports = elsa["ports"]!.OfType<JObject>().Select(port => $"{port["name"]}:{port["type"]}").Order();
            if (!ours.Ports.Select(port => $"{port.Name}:{(port.IsEmbedded ? "Embedded" : "Flow")}").Order().SequenceEqual(ports))
            {
                differences.Add($"{type}: ports {string.Join(' ', ours.Ports.Select(port => port.Name))}, Elsa {string.Join(' ', ports)}");
            }
        }

        compared.Should().BeGreaterThan(40);
        differences.Should().BeEmpty();
    }

    [Theory]
    [InlineData("Elsa.RunCSharp", "JavaScript")]
    [InlineData("Elsa.RunPython", "JavaScript")]
    [InlineData("Elsa.StateMachine", "flowchart")]
    public async Task LeftOut_LoadsAsAPlaceholder_ThatSaysWhatTakesItsPlace(string type, string instead)
    {
        using var harness = new LeafHarness();

        var run = await harness.RunAsync(Def.Of(Def.Activity(type, "a")));

        run.Plan.Problems.Should().ContainSingle().Which.Message.Should().Contain(instead);
        run.Incidents.Should().ContainSingle().Which.Fault.Action.Should().Contain(instead);
    }

    private static string? SharedFile(string path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var file = Path.Combine(folder.FullName, "shared", path);
            if (File.Exists(file))
            {
                return file;
            }
        }

        return null;
    }
}
