using System.Globalization;
using System.Numerics;
using Acornima;
using Jint;
using Jint.Constraints;
using JintEngine = Jint.Engine;

namespace Automation.Engine.Expressions;

/// <summary>Prepares scripts and makes bounded engines for them. One per factory; holds nothing of a run.</summary>
internal sealed class ScriptHost
{
    /// <summary>Name that positions in Jint's messages carry.</summary>
    public const string Source = "script";

    private static readonly ScriptPreparationOptions Preparation = new()
    {
        CollectReferencedGlobals = true,
        ParsingOptions = new ScriptParsingOptions { AllowReturnOutsideFunction = true },
    };

    private readonly Options engineOptions;

    public ScriptHost(EngineOptions limits)
    {
        Limits = limits;

        // Shared by all engines: constraints are made per engine by their factories. Time is bounded by a deadline that the session
        // sets per script, because Jint's own limits start afresh at each entry and would not cover a promise's continuations.
        engineOptions = new Options { TimeZone = TimeZoneInfo.Utc, AgentCanSuspend = false };
        engineOptions.Culture = CultureInfo.InvariantCulture;
        engineOptions.MaxStatements(limits.ScriptStatements);
        engineOptions.LimitMemory(limits.ScriptMemory);
        engineOptions.LimitRecursion(limits.ScriptRecursion);
        engineOptions.Constraint(static () => new OperationDeadlineConstraint());
        engineOptions.Constraints.StackOverflowGuard = true;
        engineOptions.Constraints.RegexTimeout = limits.ScriptRegexTimeout;
        engineOptions.Constraints.PromiseTimeout = TimeSpan.FromMilliseconds(10);

        // Jint doubles an array's capacity as it grows, and refuses by capacity.
        engineOptions.Constraints.MaxArraySize = BitOperations.RoundUpToPowerOf2((uint)limits.ScriptArrayLength);
        engineOptions.Json.MaxParseDepth = Json.PayloadDepth;
        engineOptions.Host.StringCompilationAllowed = false;

        // What a script asks of a .NET value wrongly is an error of the script.
        engineOptions.Interop.AllowWrite = false;
        engineOptions.Interop.AllowGetType = false;
        engineOptions.Interop.AllowSystemReflection = false;
        engineOptions.Interop.ExceptionHandler = static exception => exception is FormatException or ArgumentException or OverflowException;
    }

    public EngineOptions Limits { get; }

    public JintEngine NewEngine() => new(engineOptions);

    /// <exception cref="ExpressionSyntaxException">The script does not parse.</exception>
    public JavaScriptExpression Prepare(string code)
    {
        try
        {
            var prepared = JintEngine.PrepareScript(code, Source, false, Preparation);
            var facts = ScriptFacts.Of(prepared.Program!, prepared.ReferencedGlobals!);
            if (facts.NeedsBlock)
            {
                // In a block of its own a script's let, const and class do not stay behind for the next script of the burst.
                prepared = JintEngine.PrepareScript("{" + code + "\n}", Source, false, Preparation);
            }

            return new JavaScriptExpression(prepared, facts, ScriptGlobals.For(prepared.ReferencedGlobals!, facts));
        }
        catch (ScriptPreparationException exception)
        {
            // Anything but a parse error is nesting beyond what can be run safely.
            throw exception.InnerException is ParseErrorException error
                ? new ExpressionSyntaxException($"The script does not parse: {error.Description}", error.LineNumber, error.Column + 1)
                : new ExpressionSyntaxException("The script is nested too deeply. Split it into several statements.", 1, 1);
        }
        catch (ParseErrorException error)
        {
            throw new ExpressionSyntaxException($"The script does not parse: {error.Description}", error.LineNumber, error.Column + 1);
        }
    }
}
