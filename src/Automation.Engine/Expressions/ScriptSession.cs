using System.Globalization;
using System.Text.RegularExpressions;
using Jint;
using Jint.Constraints;
using Jint.Native;
using Jint.Runtime;
using Newtonsoft.Json.Linq;
using JintEngine = Jint.Engine;

namespace Automation.Engine.Expressions;

/// <summary>One JavaScript engine of one burst, with the globals that its scripts asked for so far.</summary>
internal sealed partial class ScriptSession
{
    private readonly ExpressionSession session;
    private readonly OperationDeadlineConstraint deadline;
    private readonly HashSet<string> installed = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ReadValue> read = new(StringComparer.Ordinal);
    private IExpressionScope? scope;
    private JToken? eventShown;
    private string? mark;
    private bool capped;
    private bool joinCapped;
    private bool buffersCapped;

    public ScriptSession(ExpressionSession session)
    {
        this.session = session;
        Engine = session.Factory.Scripts.NewEngine();
        deadline = Engine.Constraints.Find<OperationDeadlineConstraint>()!;
    }

    public JintEngine Engine { get; }
    public EngineOptions Limits => session.Factory.Options;

    /// <summary>The host's lookup tables.</summary>
    public Functions.ILookupTables? Tables => session.Factory.Tables;

    /// <summary>A limit stopped a script in here: what it left is not to be built upon.</summary>
    public bool IsSpent { get; private set; }

    /// <summary>The scope of the script that runs now.</summary>
    public IExpressionScope Scope => scope ?? throw new InvalidOperationException("No script runs.");

    public List<string> Outcomes => session.Outcomes;

    /// <exception cref="FaultException">The script failed or met a limit.</exception>
    public object? Run(JavaScriptExpression expression, IExpressionScope runScope, CancellationToken cancellationToken)
    {
        scope = runScope;
        read.Clear();
        mark = null;
        deadline.Begin(Limits.ScriptTimeout, cancellationToken);
        try
        {
            Install(expression);
            var value = Engine.Evaluate(in expression.Script);
            if (value.IsPromise())
            {
                value = Settle(value);
            }

            var result = new JsReader(this).Read(value);
            if (expression.Facts.MayMutate)
            {
                WriteBack();
            }

            return result;
        }
        catch (Exception exception) when (FaultOf(exception, expression.Facts.NeedsBlock, cancellationToken) is { } fault)
        {
            throw new FaultException(fault, exception);
        }
        finally
        {
            deadline.End();
            scope = null;
        }
    }

    /// <summary>A variable as JavaScript sees it: one object per variable and script, so that what the script changes in place can be written back.</summary>
    public JsValue ReadVariable(string name)
    {
        if (read.TryGetValue(name, out var known))
        {
            return known.Shown;
        }

        var value = Scope.GetVariable(name);
        var shown = JsWriter.Write(Engine, value);
        if (shown is Jint.Native.Object.ObjectInstance && value is not ValueType)
        {
            read[name] = new ReadValue(value, shown);
        }

        return shown;
    }

    public void WriteVariable(string name, JsValue value)
    {
        read.Remove(name);
        Scope.SetVariable(name, new JsReader(this).Read(value));
    }

    /// <summary>Keeps where the engine stands, for a limit that is met inside a native: afterwards only the native's own place is known.</summary>
    public void Mark() => mark = Engine.Advanced.StackTrace;

    /// <summary>Objects and lists that were changed in place go back into their variables.</summary>
    private void WriteBack()
    {
        foreach (var (name, value) in read)
        {
            var now = new JsReader(this).ReadToken(value.Shown);
            if (!JToken.DeepEquals(now, ValueConverter.ToJson(value.Stored)))
            {
                Scope.SetVariable(name, now);
            }
        }
    }

    private void Install(JavaScriptExpression expression)
    {
        foreach (var global in expression.Globals)
        {
            if (global.Name == "event")
            {
                ShowEvent(expression.Facts.MayMutate);
            }
            else if (installed.Add(global.Name))
            {
                Engine.SetValue(global.Name, global.Create(this));
            }
        }

        if (expression.Facts.NeedsJoinCap && !joinCapped)
        {
            joinCapped = true;
            ScriptCaps.InstallJoin(this);
        }

        if (expression.Facts.NeedsCaps && !capped)
        {
            capped = true;
            ScriptCaps.Install(this);
        }

        if (expression.Facts.NeedsBuffers && !buffersCapped)
        {
            buffersCapped = true;
            ScriptCaps.InstallBuffers(this);
        }
    }

    /// <summary>The trigger's event is converted once per engine; a script that may change it gets its own.</summary>
    private void ShowEvent(bool mayMutate)
    {
        var token = Scope.TriggerEvent;
        if (installed.Add("event") || mayMutate || !ReferenceEquals(token, eventShown))
        {
            Engine.SetValue("event", JsWriter.Write(Engine, token));
        }

        eventShown = mayMutate ? null : token;
    }

    /// <summary>There are no timers: when the queued continuations have run, a promise is settled or never will be.</summary>
    private JsValue Settle(JsValue promise)
    {
        Engine.Advanced.ProcessTasks();
        return promise.UnwrapIfPromise(TimeSpan.FromMilliseconds(1));
    }

    private Fault? FaultOf(Exception exception, bool inBlock, CancellationToken cancellationToken)
    {
        if (exception is JavaScriptException error)
        {
            var start = error.Location.Start;
            return Describe("script-error", $"The script failed: {MessageOf(error)}", "Correct the script.", start.Line, start.Column + 1, inBlock) with { ExceptionType = typeof(JavaScriptException).FullName };
        }

        if (exception is PromiseRejectedException rejected)
        {
            var place = Place();
            return rejected.RejectedValue.ToString().StartsWith("Timeout of", StringComparison.Ordinal)
                ? Describe("script-error", "The script's promise is never settled", "Settle the promise: there are no timers and no calls to the outside in scripts.", place.Line, place.Column, inBlock)
                : Describe("script-error", $"The script failed: {TypeText(rejected.RejectedValue)}", "Correct the script.", place.Line, place.Column, inBlock);
        }

        if (exception is OperationCanceledException && cancellationToken.IsCancellationRequested)
        {
            return null;
        }

        IsSpent = true;
        var (line, column) = Place();
        return exception switch
        {
            FaultException limit => Describe(limit.Fault.Code, limit.Fault.Message, limit.Fault.Action, line, column, inBlock),
            StatementsCountOverflowException => Describe("script-statements", $"The script ran more than {Limits.ScriptStatements:N0} statements and was stopped.", "Look for a loop that does not end, or do less in one script.", line, column, inBlock),
            RecursionDepthOverflowException => Describe("script-recursion", $"The script's functions called each other more than {Limits.ScriptRecursion} deep and were stopped.", "Look for a function that calls itself without end, or use a loop.", line, column, inBlock),
            MemoryLimitExceededException memory when memory.Message.StartsWith("The array size", StringComparison.Ordinal) =>
                Describe("script-size", $"The script made a list of more than {Limits.ScriptArrayLength:N0} elements and was stopped.", "Work on smaller lists, for instance page by page.", line, column, inBlock),
            MemoryLimitExceededException or InsufficientExecutionStackException or OutOfMemoryException =>
                Describe("script-memory", $"The script needed more than {Limits.ScriptMemory / (1024 * 1024)} MB and was stopped.", "Work on less data in one script.", line, column, inBlock),
            RegexMatchTimeoutException => Describe("script-regex", $"A regular expression took longer than {Limits.ScriptRegexTimeout.TotalMilliseconds:0} ms and was stopped.", "Simplify the expression: nested repetitions such as (a+)+ take exponential time.", line, column, inBlock),
            TimeoutException => Describe("script-timeout", $"The script took longer than {Limits.ScriptTimeout.TotalSeconds:0.###} s and was stopped.", "Do less in one script, or look for a loop that does not end.", line, column, inBlock),
            InvalidOperationException when exception.Message.Contains("odule", StringComparison.Ordinal) =>
                Describe("script-error", "The script tried to import a module; scripts have no modules.", "Put the code into the script itself.", line, column, inBlock),
            JintException or InvalidOperationException => Describe("script-error", $"The script failed: {exception.Message}", "Correct the script.", line, column, inBlock),
            _ => null,
        };
    }

    private static Fault Describe(string code, string message, string? action, int line, int column, bool inBlock)
    {
        // The block's brace stands before the first line.
        column = Math.Max(1, inBlock && line == 1 ? column - 1 : column);
        return new Fault(line > 0 ? $"{message.TrimEnd('.')} (line {line}, column {column})." : message)
        {
            Code = code,
            Action = action,
        };
    }

    private static string MessageOf(JavaScriptException error) => error.Error is Jint.Native.Object.ObjectInstance ? error.Message : TypeText(error.Error);

    private static string TypeText(JsValue value) => value is Jint.Native.Object.ObjectInstance thrown && thrown.Get("message") is { } message && message.IsString() ? message.AsString() : value.ToString();

    /// <summary>Where the engine stood when it was stopped.</summary>
    private (int Line, int Column) Place()
    {
        var match = Position().Match(mark ?? Engine.Advanced.StackTrace);
        return match.Success ? (int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture)) : (0, 0);
    }

    [GeneratedRegex(ScriptHost.Source + @":(\d+):(\d+)")]
    private static partial Regex Position();

    private readonly record struct ReadValue(object? Stored, JsValue Shown);
}
