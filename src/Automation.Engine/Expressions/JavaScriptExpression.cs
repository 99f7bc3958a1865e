using Acornima.Ast;
using Jint;

namespace Automation.Engine.Expressions;

/// <summary>A prepared script: shared by all runs, executed in the engine of a session.</summary>
internal sealed class JavaScriptExpression(Prepared<Script> script, ScriptFacts facts, IReadOnlyList<ScriptGlobal> globals) : PreparedExpression
{
    private readonly Prepared<Script> script = script;

    public override string Type => "JavaScript";

    public ref readonly Prepared<Script> Script => ref script;
    public ScriptFacts Facts => facts;

    /// <summary>Globals of ours that the script names; only these are put into the engine.</summary>
    public IReadOnlyList<ScriptGlobal> Globals => globals;

    public override object? Evaluate(ExpressionSession session, IExpressionScope scope, Type target, CancellationToken cancellationToken)
    {
        session.Outcomes.Clear();
        var scripts = session.Scripts ??= new ScriptSession(session);
        try
        {
            return ValueConverter.Convert(scripts.Run(this, scope, cancellationToken), target);
        }
        finally
        {
            if (facts.LeavesTraces || scripts.IsSpent)
            {
                session.Scripts = null;
            }
        }
    }
}
