using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Activities;

/// <summary>The leaves' descriptors beside those of Elsa's own server: the designer relies on names, types, editors and ports.</summary>
public sealed class DescriptorTests
{
    /// <summary>Editors that are chosen on purpose: where Elsa's is a drop-down without values, a dictionary has the dictionary's editor.</summary>
    private static readonly HashSet<string> OwnHints = ["Payload", "Input"];

    [SkippableFact]
    public void Leaves_HaveElsasInputsOutputsAndPorts()
    {
        var file = SharedFile("elsa/builtin-activity-descriptors.json");
        Skip.If(file is null, "The shared folder with Elsa's descriptors is not beside the repository.");

        using var harness = new LeafHarness();
        var differences = new List<string>();
        var compared = 0;
        foreach (var elsa in JArray.Parse(File.ReadAllText(file!)).OfType<JObject>())
        {
            var type = (string)elsa["typeName"]!;
            if (harness.Registry.Find(type) is not { } ours || !IsLeaf(type))
            {
                continue;
            }

            compared++;
            if (ours.Kind.ToString() != (string?)elsa["kind"])
            {
                differences.Add($"{type}: kind {ours.Kind}, Elsa {elsa["kind"]}");
            }

            foreach (var input in elsa["inputs"]!.OfType<JObject>())
            {
                var name = (string)input["name"]!;
                var mine = ours.Inputs.FirstOrDefault(candidate => candidate.Name == name);
                if (mine is null || mine.TypeName != (string?)input["typeName"] || mine.IsWrapped != (bool?)input["isWrapped"] || (mine.UIHint != (string?)input["uiHint"] && !OwnHints.Contains(name)))
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

        compared.Should().BeGreaterThan(15);
        differences.Should().BeEmpty();
    }

    private static bool IsLeaf(string type) => type is "Elsa.WriteLine" or "Elsa.RunJavaScript" or "Elsa.Delay" or "Elsa.Timer" or "Elsa.Cron" or "Elsa.StartAt" or "Elsa.Event" or "Elsa.PublishEvent"
        or "Elsa.Fault" or "Elsa.RunTask" or "Elsa.DispatchWorkflow" or "Elsa.ExecuteWorkflow" or "Elsa.BulkDispatchWorkflows" or "Elsa.HttpEndpoint" or "Elsa.WriteHttpResponse"
        or "Elsa.WriteFileHttpResponse" or "Elsa.SendHttpRequest" or "Elsa.FlowSendHttpRequest";

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
