using Automation.ServerTests.Processes;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Flows;

/// <summary>Scripts that mean harm, on the real server: each is stopped within its limits, and a flow beside them keeps its pace.</summary>
public sealed class HostileScriptTests
{
    private const int NormalRuns = 40;

    /// <summary>Script, and how its incident's code begins: which limit is met first depends on the machine. Null: it does no harm, and its output is the text behind it.</summary>
    private static readonly (string Script, string? Incident, string? Output)[] Scripts =
    [
        ("while (true) {}", "script-", null),
        ("for (;;) { [1,2,3].map(x => x * 2) }", "script-", null),
        ("function f(n) { return f(n + 1) } f(0)", "script-", null),
        ("const o = {}; o.toJSON = () => o; let d = o; for (let i = 0; i < 1e5; i++) { d = { d } } JSON.stringify(d)", "script-", null),
        ("'x'.repeat(2 ** 29)", "script-", null),
        ("'x'.padEnd(2 ** 29)", "script-", null),
        ("let s = 'x'; while (true) s += s", "script-", null),
        ("new Array(2 ** 31).fill(0).join('x')", "script-", null),
        ("const a = []; while (true) a.push(new Array(1000).fill(1))", "script-", null),
        ("'x'.repeat(1e6).replaceAll('x', 'y'.repeat(1000))", "script-", null),
        ("/^(a+)+$/.test('a'.repeat(40) + '!')", "script-", null),
        ("2n ** 100000000n", "script-", null),
        ("Promise.resolve().then(() => { while (true) {} })", "script-", null),
        ("[].constructor.constructor('return 1')()", "script-", null),
        ("System.IO.File.ReadAllText('/etc/passwd')", "script-", null),
        ("importNamespace('System')", "script-", null),
        ("import('fs')", "script-", null),
        ("new Guid().GetType().Assembly.FullName", "script-", null),
        ("lists.unique(Array.from({ length: 200000 }, (_, i) => i))", "script-", null),
        ("Object.prototype.polluted = 'yes'; Array.prototype.map = () => 'mine'; 'done'", null, "done"),
        ("String({}.polluted) + [1].map(x => x + 1)", null, "undefined2"),
    ];

    [Fact]
    public async Task HostileScripts_AreStopped_AndANormalFlowsRunsAllFinish()
    {
        using var server = new ServerProcess();
        await server.StartAsync();
        await PublishAsync(server, "normal", "[1,2,3].map(x => x * 2).join()");
        for (var i = 0; i < Scripts.Length; i++)
        {
            await PublishAsync(server, "hostile-" + i, Scripts[i].Script);
        }

        var normal = Task.WhenAll(Enumerable.Range(0, NormalRuns).Select(_ => ExecuteAsync(server, "normal")));
        var hostile = await Task.WhenAll(Scripts.Select((_, i) => ExecuteAsync(server, "hostile-" + i)));
        var finished = await normal;

        finished.Should().OnlyContain(run => (string?)run["output"]!["R"] == "2,4,6");
        for (var i = 0; i < Scripts.Length; i++)
        {
            var (script, incident, output) = Scripts[i];
            ((string?)hostile[i]["subStatus"]).Should().Be(incident is null ? "Finished" : "Faulted", "of {0}: {1}", script, hostile[i]["incidents"]);
            if (incident is null)
            {
                ((string?)hostile[i]["output"]!["R"]).Should().Be(output, "of {0}", script);
            }
            else
            {
                (await CodeAsync(server, (string)hostile[i]["id"]!)).Should().StartWith(incident, "of {0}", script);
            }
        }
    }

    private static async Task PublishAsync(ServerProcess server, string id, string script)
    {
        var expression = new JObject { ["typeName"] = "Object", ["expression"] = new JObject { ["type"] = "JavaScript", ["value"] = script } };
        await server.PostAsync("/elsa/api/workflow-definitions/import", new JObject
        {
            ["definitionId"] = id,
            ["name"] = id,
            ["outputs"] = new JArray(new JObject { ["name"] = "R", ["type"] = "Object" }),
            ["root"] = new JObject { ["id"] = "o", ["type"] = "Elsa.SetOutput", ["outputName"] = new JObject { ["typeName"] = "String", ["expression"] = new JObject { ["type"] = "Literal", ["value"] = "R" } }, ["outputValue"] = expression },
        });
        await server.PostAsync($"/elsa/api/workflow-definitions/{id}/publish", new JObject());
    }

    private static async Task<JToken> ExecuteAsync(ServerProcess server, string id)
    {
        using var body = new StringContent("{}", System.Text.Encoding.UTF8, "application/json");
        using var response = await server.Client.PostAsync(new Uri($"/elsa/api/workflow-definitions/{id}/execute", UriKind.Relative), body);
        return JObject.Parse(await response.Content.ReadAsStringAsync())["workflowState"]!;
    }

    private static async Task<string> CodeAsync(ServerProcess server, string instanceId)
    {
        var incidents = (JArray)(await server.GetAsync($"/api/incidents?instanceId={instanceId}"))["items"]!;
        return (string?)incidents.FirstOrDefault()?["code"] ?? "no incident";
    }
}
