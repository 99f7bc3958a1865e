using Automation.Engine;
using Automation.UnitTests.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Activities;

public sealed class WriteCsvTests : IDisposable
{
    private readonly LeafHarness harness = new();

    public void Dispose() => harness.Dispose();

    [Theory]
    [InlineData("[{a:1,b:'x'},{b:'y, z',c:true}]", "a,b,c\r\n1,x,\r\n,\"y, z\",true\r\n")]
    [InlineData("[{a:'say \"hi\"'},{a:'two\\nlines'}]", "a\r\n\"say \"\"hi\"\"\"\r\n\"two\nlines\"\r\n")]
    [InlineData("[{a:'=1+1'},{a:'@x'},{a:'+49'},{a:-5},{a:'-5'}]", "a\r\n'=1+1\r\n'@x\r\n'+49\r\n-5\r\n'-5\r\n")]
    [InlineData("[['a',1.5],['b',null]]", "a,1.5\r\nb,\r\n")]
    [InlineData("[]", "")]
    public async Task Rows_BecomeCsv_WithFormulasDisarmed(string rows, string expected)
    {
        var run = await RunAsync(Def.Js(rows), null);

        run.Incidents.Should().BeEmpty();
        harness.Written.Should().Equal(Newtonsoft.Json.JsonConvert.ToString(expected));
    }

    [Theory]
    [InlineData("../escape.csv")]
    [InlineData("a/b.csv")]
    [InlineData(".hidden")]
    public async Task FileName_ThatLeadsElsewhere_IsRefused(string name)
    {
        var run = await RunAsync(Def.Js("[]"), name);

        run.Incidents.Should().ContainSingle().Which.Fault.Code.Should().Be("bad-file-name");
    }

    private Task<WorkflowRun> RunAsync(JObject rows, string? name)
    {
        var csv = Def.Activity("Automation.Csv.WriteCsv", "csv").With("rows", rows);
        var write = Def.Activity("Elsa.WriteLine", "w").With("text", Def.Js("JSON.stringify(getOutputFrom('csv', 'Result'))"));
        return harness.RunAsync(Def.Of(Def.Sequence("s", name is null ? csv : csv.With("fileName", Def.Literal(name)), write)));
    }
}
