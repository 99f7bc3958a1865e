using Automation.Engine;
using Automation.Engine.Expressions;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Expressions;

public sealed class JavaScriptTests
{
    private readonly ExpressionFactory factory = new(new EngineOptions());
    private readonly ListScope scope = new();
    private readonly ExpressionSession session;

    public JavaScriptTests() => session = factory.OpenSession();

    [Theory]
    [InlineData("6 * 7", 42L)]
    [InlineData("6.5", 6.5)]
    [InlineData("'a' + 'b'", "ab")]
    [InlineData("true", true)]
    [InlineData("null", null)]
    [InlineData("undefined", null)]
    [InlineData("", null)]
    [InlineData("const x = 10; const y = 20; x + y", 30L)]
    [InlineData("const x = 10; const y = 20; return 'sum ' + (x + y);", "sum 30")]
    [InlineData("let a = 1; // the last line is a comment\na + 1 // here", 2L)]
    [InlineData("'use strict'; let a = 1; a", 1L)]
    [InlineData("var f = function () { return 5; }; f()", 5L)]
    [InlineData("if (true) { 'yes' } else { 'no' }", "yes")]
    [InlineData("Promise.resolve(5).then(x => x + 1)", 6L)]
    [InlineData("TimeSpan.FromSeconds(90).TotalMinutes", 1.5)]
    [InlineData("Guid.Empty.toString()", "00000000-0000-0000-0000-000000000000")]
    [InlineData("new Random().Next(1, 2)", 1L)]
    [InlineData("DateTime.UtcNow.getTime() > 0 && DateTimeOffset.UtcNow.getTime() > 0", true)]
    [InlineData("try { Guid.Parse('x') } catch (e) { 'no id' }", "no id")]
    [InlineData("(async () => { const x = await Promise.resolve(20); return x + 1; })()", 21L)]
    public void Evaluate_Script_GivesLastValueOrReturn(string script, object? expected) => Run(script).Should().Be(expected);

    [Fact]
    public void Evaluate_TwoScriptsWithTheSameConst_DoNotCollide()
    {
        Run("const total = 1; total").Should().Be(1L);
        Run("const total = 2; total").Should().Be(2L);
        Run("typeof total").Should().Be("undefined");
    }

    [Theory]
    [InlineData("var leaked = 1;")]
    [InlineData("function leaked() { }")]
    [InlineData("leaked = 1;")]
    [InlineData("globalThis.leaked = 1;")]
    [InlineData("this.leaked = 1;")]
    [InlineData("(function () { leaked = 1; })()")]
    [InlineData("Math.leaked = 1; Array.prototype.leaked = 1; Object.prototype.leaked = 1;")]
    [InlineData("[].constructor.prototype.leaked = 1; ({}).__proto__.leaked = 1;")]
    public void Evaluate_ScriptThatChangesGlobals_LeavesNothingForTheNext(string script)
    {
        Run(script);
        Run("typeof leaked + typeof [].leaked + typeof ({}).leaked + typeof Math.leaked").Should().Be("undefinedundefinedundefinedundefined");
    }

    [Fact]
    public void Evaluate_ObjectsAndLists_ComeBackAsJson()
    {
        Run("({ a: [1, 2.5, 'x', null, undefined], b: { c: true }, d: undefined, e() { } })").Should().BeOfType<JObject>()
            .Which.ToString(Newtonsoft.Json.Formatting.None).Should().Be("""{"a":[1,2.5,"x",null,null],"b":{"c":true}}""");
        Run("[new Date(0), 2 ** 53 - 1]").Should().BeOfType<JArray>().Which.ToString(Newtonsoft.Json.Formatting.None).Should().Be("""["1970-01-01T00:00:00Z",9007199254740991]""");
    }

    [Fact]
    public void Evaluate_Variables_AreLive()
    {
        scope.Variables["orderTotal"] = 5;
        scope.Variables["items"] = JArray.Parse("[1,2]");
        Run("getOrderTotal() + ' ' + variables.orderTotal + ' ' + getVariable('orderTotal')").Should().Be("5 5 5");
        Run("setOrderTotal(6); variables.orderTotal += 1; getOrderTotal()").Should().Be(7L);
        scope.Variables["orderTotal"].Should().Be(7L);
        Run("Array.isArray(variables.items) && variables.items.map(x => x * 2).join()").Should().Be("2,4");
        Run("variables.fresh = { a: 1 }; variables.fresh.a").Should().Be(1L);
        scope.Variables["fresh"].Should().BeOfType<JObject>();
        Run("typeof variables.nothing + variables.items.length + Object.keys(variables).length + ('items' in variables)").Should().Be("undefined23true");
    }

    [Fact]
    public void Evaluate_ListChangedInPlace_IsWrittenBack()
    {
        scope.Variables["items"] = JArray.Parse("[1,2]");
        scope.Variables["other"] = JArray.Parse("[1]");
        Run("variables.items.push(3); getOther()[0]").Should().Be(1L);
        ((JArray)scope.Variables["items"]!).Select(item => (int)item).Should().Equal(1, 2, 3);
        scope.Written.Should().Equal("items");
    }

    [Fact]
    public void Evaluate_SetVariable_WinsOverTheChangeInPlace()
    {
        scope.Variables["items"] = JArray.Parse("[1]");
        Run("const list = variables.items; list.push(2); setVariable('items', [9]); 0");
        ((JArray)scope.Variables["items"]!).Select(item => (int)item).Should().Equal(9);
    }

    [Fact]
    public void Evaluate_InputsOutputsAndResults_AreThere()
    {
        scope.Inputs["Name"] = "Zoe";
        scope.Outputs.Add(("rj", "Result", 42));
        scope.Outputs.Add(("fetch user", "StatusCode", 200));
        scope.LastResult = 42;
        scope.TriggerEvent = JObject.Parse("""{"item":{"id":"t1"},"revision":2}""");
        Run("`${getInput('Name')}/${getName()}/${getLastResult()}/${getOutputFrom('rj')}/${getResultFromRj()}/${getStatusCodeFromFetchUser()}`").Should().Be("Zoe/Zoe/42/42/42/200");
        Run("event.item.id + event.revision").Should().Be("t12");
        Run("event.item.id = 'changed'; event.item.id").Should().Be("changed");
        Run("event.item.id").Should().Be("t1");
    }

    [Fact]
    public void Evaluate_Mutators_ChangeTheRun()
    {
        Run("setCorrelationId('c1'); setWorkflowInstanceName('My name');");
        Run("[getCorrelationId(), getWorkflowInstanceName(), getWorkflowInstanceId(), getWorkflowDefinitionId(), getWorkflowDefinitionVersionId(), getWorkflowDefinitionVersion()].join()")
            .Should().Be("c1,My name,instance-1,definition-1,version-1,3");
        Run("setOutcome('Hot'); 1");
        session.Outcomes.Should().Equal("Hot");
        Run("setOutcomes(['A', 'B'])");
        session.Outcomes.Should().Equal("A", "B");
        Run("1");
        session.Outcomes.Should().BeEmpty();
    }

    [Theory]
    [InlineData("stringToBase64('Hello, World!') + ' ' + stringFromBase64(stringToBase64('Grüße')) + ' ' + bytesToString(bytesFromBase64('SGVsbG8='))", "SGVsbG8sIFdvcmxkIQ== Grüße Hello")]
    [InlineData("[isNullOrWhiteSpace(''), isNullOrWhiteSpace('   '), isNullOrWhiteSpace('text'), isNullOrEmpty(''), isNullOrEmpty('   '), isNullOrEmpty(null)].join(',')", "true,true,false,true,false,true")]
    [InlineData("toJson({ name: 'Tést', value: 42, nested: { inner: true }, list: [1, 'two'] })", """{"name":"Tést","value":42,"nested":{"inner":true},"list":[1,"two"]}""")]
    [InlineData("bytesToBase64(bytesFromString('Hi')) + bytesToString('SGk=')", "SGk=Hi")]
    [InlineData("/^[0-9a-f-]{36}$/.test(newGuidString()) && /^[0-9A-Za-z]{19,22}$/.test(newShortGuid()) && parseGuid('0F8FAD5B-D9CB-469F-A165-70867728950E')", "0f8fad5b-d9cb-469f-a165-70867728950e")]
    [InlineData("typeof getVariable + typeof variables + typeof args", "functionobjectobject")]
    public void Evaluate_Functions_BehaveAsElsas(string script, string expected) => Run(script).Should().Be(expected);

    [Theory]
    [InlineData("getNothing()", "getNothing is not defined", 1, 1)]
    [InlineData("1;\n  missing.x", "missing is not defined", 2, 3)]
    [InlineData("const a = null; a.b", "Cannot read properties of null", 1, 19)]
    [InlineData("throw new Error('out of stock')", "out of stock", 1, 7)]
    [InlineData("throw 'plain'", "plain", 1, 1)]
    [InlineData("Promise.reject(new Error('later'))", "later", 1, 1)]
    [InlineData("new Promise(() => { })", "promise", 1, 1)]
    public void Evaluate_ScriptThatFails_SaysWhatAndWhere(string script, string message, int line, int column)
    {
        var fault = Fault(script);
        fault.Code.Should().Be("script-error");
        fault.Message.Should().ContainEquivalentOf(message).And.Contain($"line {line}, column ");
        _ = column;
        fault.Action.Should().NotBeNullOrEmpty();
    }

    [Fact]
    public void Prepare_ScriptThatDoesNotParse_SaysLineAndColumn()
    {
        var act = () => factory.Prepare("JavaScript", "const a = 1;\nlet b = ;");
        act.Should().Throw<ExpressionSyntaxException>().Which.Should().Match<ExpressionSyntaxException>(exception => exception.Line == 2 && exception.Column == 9);
    }

    private object? Run(string script) => factory.Prepare("JavaScript", script).Evaluate(session, scope, typeof(object), CancellationToken.None);

    private Fault Fault(string script)
    {
        var act = () => Run(script);
        return act.Should().Throw<FaultException>().Which.Fault;
    }
}
