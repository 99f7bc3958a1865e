using System.Diagnostics;
using Automation.Engine;
using Automation.Engine.Expressions;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Expressions;

/// <summary>Scripts that mean harm: each is stopped within its limit, with a fault that says what and where, and the next script runs as if nothing had been.</summary>
public sealed class JavaScriptLimitTests
{
    private readonly ExpressionFactory factory = new(new EngineOptions());
    private readonly ListScope scope = new();
    private readonly ExpressionSession session;

    public JavaScriptLimitTests() => session = factory.OpenSession();

    [Theory]
    [InlineData("new Date(-1e15)")]
    [InlineData("({ at: new Date(8e15) })")]
    public void Date_OutsideOfTheYears1To9999_SaysSo(string script)
    {
        var act = () => factory.Prepare("JavaScript", script).Evaluate(session, scope, typeof(object), CancellationToken.None);

        act.Should().Throw<FaultException>().WithMessage("*years 1 to 9999*");
    }

    [Theory]
    [InlineData("\n  while (true) { }", "script-statements", 2)]
    [InlineData("for (;;);", "script-statements", 1)]
    [InlineData("[1, 2, 3].sort(() => { while (true); })", "script-statements", 1)]
    [InlineData("({ toString() { while (true); } }) + ''", "script-statements", 1)]
    [InlineData("try { while (true) { } } catch { } finally { while (true) { } }", "script-statements", 1)]
    [InlineData("function f() { return f(); }\nf()", "script-recursion", 1)]
    [InlineData("let f = () => g(), g = () => f(); f()", "script-recursion", 1)]
    [InlineData("(async () => { for (;;) await null; })()", "script-statements script-timeout script-memory", 1)]
    [InlineData("const loop = () => Promise.resolve().then(loop); loop()", "script-timeout script-memory script-statements", 1)]
    [InlineData("/(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')", "script-regex", 1)]
    [InlineData("'x'.repeat(2 ** 28).replaceAll('x', 'yy')", "script-size", 1)]
    [InlineData("'x'.repeat({ valueOf: () => 2 ** 28 })", "script-size", 1)]
    [InlineData("'x'['rep' + 'eat'](2 ** 28)", "script-size", 1)]
    [InlineData("const { ['rep' + 'eat']: more } = ''; more.call('x', 2 ** 28)", "script-size", 1)]
    [InlineData("Reflect.get(String.prototype, 'rep' + 'eat').call('x', 2 ** 28)", "script-size", 1)]
    [InlineData("String.prototype['rep' + 'eat'].apply('x', [2 ** 28])", "script-size", 1)]
    [InlineData("'x'.padStart(2 ** 28)", "script-size", 1)]
    [InlineData("'x'.padEnd(2 ** 28, 'ab')", "script-size", 1)]
    [InlineData("const s = 'x'.repeat(1e6); s.replaceAll('x', 'y'.repeat(100))", "script-size", 1)]
    [InlineData("const s = 'x'.repeat(1e5); s.replace(/x/g, 'y'.repeat(1e4))", "script-size", 1)]
    [InlineData("const s = 'x'.repeat(1e4); s.replace(/x/g, '$`')", "script-size script-timeout", 1)]
    [InlineData("const s = 'x'.repeat(1e5); s.replaceAll('x', '$`')", "script-size script-timeout", 1)]
    [InlineData("const s = 'x'.repeat(1e5); s.replace(/x/g, () => s)", "script-size script-timeout", 1)]
    [InlineData("const s = 'x'.repeat(1e5); /x/g[Symbol.replace](s, s)", "script-size script-timeout", 1)]
    [InlineData("const s = 'x'.repeat(8e6); Array(30).fill(s).join('')", "script-size", 1)]
    [InlineData("const s = 'x'.repeat(1e6); Array(1000).fill(s) + ''", "script-size", 1)]
    [InlineData("Array(1000).fill(Array(1000).fill('x'.repeat(100))).toString()", "script-size", 1)]
    [InlineData("Array(1e6).join('x'.repeat(100))", "script-size", 1)]
    [InlineData("const s = 'x'.repeat(8e6); ''.concat(s, s, s)", "script-size", 1)]
    [InlineData("String.raw({ raw: Array(20).fill('') }, ...Array(19).fill('x'.repeat(1e6)))", "script-size", 1)]
    [InlineData("const s = 'x'.repeat(1e5); JSON.stringify(Array(1e4).fill(s))", "script-size", 1)]
    [InlineData("const s = 'x'.repeat(1e5); toJson(Array(1e4).fill(s))", "script-size", 1)]
    [InlineData("encodeURIComponent('€'.repeat(4e6))", "script-size", 1)]
    [InlineData("Array(1e9)", "script-size", 1)]
    [InlineData("new Array(4e9)", "script-size", 1)]
    [InlineData("Array.from({ length: 1e9 })", "script-size", 1)]
    [InlineData("const a = Array(1e6).fill(1); [...a, ...a, ...a]", "script-size script-memory", 1)]
    [InlineData("Array(1000).fill(Array(1000).fill(Array(1000).fill(1))).flat(3)", "script-size script-memory", 1)]
    [InlineData("new Uint8Array(2 ** 30)", "script-size", 0)]
    [InlineData("new Float64Array({ length: 1e9 })", "script-size", 0)]
    [InlineData("Uint8Array.from({ length: 1e9 })", "script-size script-memory", 1)]
    [InlineData("new (class extends Uint8Array { })(2 ** 30)", "script-size", 0)]
    [InlineData("new ArrayBuffer(2 ** 30)", "script-size", 0)]
    [InlineData("new ArrayBuffer({ valueOf: () => 2 ** 30 })", "script-size", 0)]
    [InlineData("new ArrayBuffer(8, { maxByteLength: 2 ** 30 })", "script-size", 0)]
    [InlineData("globalThis['Uint8' + 'Array'](2 ** 30)", "script-error", 1)]
    [InlineData("new globalThis['Uint8' + 'Array'](2 ** 30)", "script-size", 0)]
    [InlineData("10n ** 1000000n", "script-error", 1)]
    [InlineData("1n << 100000000n", "script-error", 1)]
    [InlineData("let s = 'xxxxxxxx'; for (let i = 0; i < 40; i++) s = s + s; s.length", "script-memory", 1)]
    [InlineData("const a = []; for (;;) a.push({ a: [1, 2, 3], b: 'x' + a.length });", "script-memory script-statements script-timeout", 1)]
    [InlineData("const o = {}; o.o = o; o", "script-size", 0)]
    [InlineData("Array(1e6).fill({ a: 1 })", "script-size script-timeout script-memory", 0)]
    [InlineData("'x'.repeat(5e6) + 'y'.repeat(5e6)", "script-size", 0)]
    public void Evaluate_HostileScript_IsStoppedAndSaysWhy(string script, string codes, int line)
    {
        var prepared = factory.Prepare("JavaScript", script);
        var started = Stopwatch.GetTimestamp();
        var act = () => prepared.Evaluate(session, scope, typeof(object), CancellationToken.None);

        var fault = act.Should().Throw<FaultException>().Which.Fault;

        // The script's own second, with room for a busy machine; what is not capped takes minutes.
        Stopwatch.GetElapsedTime(started).Should().BeLessThan(TimeSpan.FromSeconds(10));
        var expected = codes.Contains("script-statements", StringComparison.Ordinal) ? codes + " script-timeout" : codes; // Whichever comes first on this machine.
        expected.Split(' ').Should().Contain(fault.Code, fault.Message);
        fault.Action.Should().NotBeNullOrEmpty();
        if (line > 0)
        {
            fault.Message.Should().Contain($"(line {line}, column ");
        }

        factory.Prepare("JavaScript", "[1, 2].join('-') + 'x'.repeat(2)").Evaluate(session, scope, typeof(object), CancellationToken.None).Should().Be("1-2xx");
    }

    [Theory]
    [InlineData("System.IO.File.ReadAllText('/etc/passwd')")]
    [InlineData("importNamespace('System')")]
    [InlineData("variables.GetType()")]
    [InlineData("getVariable.GetType().Assembly")]
    [InlineData("TimeSpan.FromSeconds(1).GetType().Assembly")]
    [InlineData("new Random().GetType().Assembly.GetTypes()")]
    [InlineData("Guid.Assembly.GetName()")]
    [InlineData("new Random().Next.Method.DeclaringType.Assembly.Location")]
    [InlineData("getVariable.constructor('return 1')()")]
    [InlineData("({}).constructor.constructor('return globalThis')()")]
    [InlineData("new Function('return 1')()")]
    [InlineData("eval('1 + 1')")]
    [InlineData("(async () => { }).constructor('return 1')()")]
    [InlineData("require('fs')")]
    [InlineData("process.exit(1)")]
    [InlineData("Atomics.wait(new Int32Array(new SharedArrayBuffer(16)), 0, 0, 5000)")]
    [InlineData("new ShadowRealm().evaluate('while (true) { }')")]
    [InlineData("import('fs')")]
    [InlineData("setTimeout(() => { }, 10)")]
    public void Evaluate_ScriptThatReachesOut_Fails(string script)
    {
        var act = () => factory.Prepare("JavaScript", script).Evaluate(session, scope, typeof(object), CancellationToken.None);
        act.Should().Throw<FaultException>().Which.Fault.Code.Should().Be("script-error");
    }

    [Theory]
    [InlineData("let o = { valueOf() { return o + 1; } }; o + 1")]
    [InlineData("const p = new Proxy({}, { get: (t, k, r) => r[k] }); p.a")]
    [InlineData("const a = []; a[0] = { toString: () => a[0] + '' }; a.join()")]
    [InlineData("class A { get x() { return this.x; } } new A().x")]
    [InlineData("let o = {}; for (let i = 0; i < 100000; i++) o = { o }; JSON.stringify(o)")]
    [InlineData("let a = []; for (let i = 0; i < 100000; i++) a = [a]; a.flat(Infinity)")]
    [InlineData("let a = []; for (let i = 0; i < 100000; i++) a = [a]; a + ''")]
    public void Evaluate_EndlessDepth_FailsAndLeavesTheProcessAlive(string script)
    {
        var act = () => factory.Prepare("JavaScript", script).Evaluate(session, scope, typeof(object), CancellationToken.None);
        act.Should().Throw<FaultException>().Which.Fault.Code.Should().StartWith("script-");
    }

    [Theory]
    [InlineData("", "+1", "1")]
    [InlineData("(", ")", "1")]
    [InlineData("[", "]", "")]
    [InlineData("0?1:", "", "1")]
    public void Prepare_ScriptNestedWithoutEnd_IsASyntaxError(string before, string after, string core)
    {
        var script = string.Concat(Enumerable.Repeat(before, 20_000)) + core + string.Concat(Enumerable.Repeat(after, 20_000));
        var act = () => factory.Prepare("JavaScript", before.Length == 0 ? core + script : script);
        act.Should().Throw<ExpressionSyntaxException>();
    }

    [Fact]
    public void Evaluate_ManyScriptsOfOneBurst_EachHasItsOwnLimits()
    {
        // 40 × 100,000 statements are four times what one script may run.
        var script = factory.Prepare("JavaScript", "let n = 0; for (let i = 0; i < 50000; i++) { n += i % 2; } n");
        for (var run = 0; run < 40; run++)
        {
            script.Evaluate(session, scope, typeof(object), CancellationToken.None).Should().Be(25000L);
        }
    }

    [Theory]
    [InlineData("'a-b-a'.replace(/a/g, 'x')", "x-b-x")]
    [InlineData("'a-b-a'.replace('a', '[$&$`$\\'$$]')", "[a-b-a$]-b-a")]
    [InlineData("'2030-01-31'.replace(/(?<y>\\d+)-(\\d+)/, '$2/$<y>')", "01/2030-31")]
    [InlineData("'aXbX'.replaceAll('X', (m, at) => at)", "a1b3")]
    [InlineData("'abc'.padStart(5, '*') + 'abc'.padEnd(5) + 'ab'.concat('c', 1) + 'ab'.repeat(2)", "**abcabc  abc1abab")]
    [InlineData("[1, [2, 3], null, undefined, 'x'].join(';') + [1, [2]]", "1;2,3;;;x1,2")]
    [InlineData("JSON.stringify({ a: [1, { b: 'x' }] }, null, 1).length + ':' + JSON.stringify(undefined)", "39:undefined")]
    [InlineData("new Uint8Array([1, 2, 3]).join('-') + (new Uint8Array(2) instanceof Uint8Array) + Uint8Array.of(1, 2).length + Uint8Array.BYTES_PER_ELEMENT", "1-2-3true21")]
    [InlineData("String.raw`a\\n${1}` + encodeURIComponent('ü ')", "a\\n1%C3%BC%20")]
    public void Evaluate_CappedNatives_StillWork(string script, string expected) =>
        factory.Prepare("JavaScript", script).Evaluate(session, scope, typeof(object), CancellationToken.None).Should().Be(expected);

    [Fact]
    public void Evaluate_Replacement_TooLongByEstimateButNotInTruth_IsMade()
    {
        // A bound of 10^6 × 100 characters, but only ten matches.
        var script = "const s = 'x'.repeat(1e6) + 'ab'.repeat(10); s.replace(/(a)(b)/g, '$2'.repeat(50)).length + ':' + s.replace(/(?<l>a)(b)/g, '$<l>$1$2$$$&'.repeat(10)).slice(-17)";
        factory.Prepare("JavaScript", script).Evaluate(session, scope, typeof(object), CancellationToken.None).Should().Be("1000500:ab$abaab$abaab$ab");
    }

    [Fact]
    public void Evaluate_CancelledToken_StopsTheScript()
    {
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();
        var act = () => factory.Prepare("JavaScript", "for (let i = 0; i < 500000; i++) { i += 0; }").Evaluate(session, scope, typeof(object), cancellation.Token);
        act.Should().Throw<OperationCanceledException>();
    }
}
