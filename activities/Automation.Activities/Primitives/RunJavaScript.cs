using Automation.Engine;
using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

[Activity("Elsa.RunJavaScript", "Scripting", "Executes JavaScript code.", DisplayName = "Run JavaScript")]
public sealed class RunJavaScript : Activity
{
    private PreparedExpression? script;
    private PreparedExpression? source;
    private Prepared? last;

    /// <summary>Not evaluated as an input: what an editor saved as JavaScript or as a literal is the script itself.</summary>
    [Input(UIHint = "code-editor", Default = "", DefaultSyntax = "JavaScript", AutoEvaluate = false, Description = "The script to run.")]
    public Input<string> Script { get; init; } = default!;

    [Input(UIHint = "dynamic-outcomes", Description = "A list of possible outcomes.")]
    public Input<string[]> PossibleOutcomes { get; init; } = default!;

    [Output] public Output<object> Result { get; init; } = default!;

    public override void Compile(ActivityCompilation compilation)
    {
        var given = compilation.Json["script"];
        var expression = given is JObject wrapped ? wrapped["expression"] : given;
        switch (expression)
        {
            case null or { Type: JTokenType.Null }:
                break;
            case JObject { } typed when (string?)typed["type"] is not (null or "" or "Literal" or "JavaScript"):
                source = compilation.Expression(typed, "script");
                break;
            case JValue { Value: string blank } when string.IsNullOrWhiteSpace(blank):
            case JObject { } empty when empty["value"] is null or JValue { Value: null } || (empty["value"] is JValue { Value: string text } && string.IsNullOrWhiteSpace(text)):
                break;
            default:
                script = compilation.Expression(new JObject { ["type"] = "JavaScript", ["value"] = expression is JObject literal ? literal["value"] : expression }, "script");
                break;
        }
    }

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var prepared = script ?? (source is null ? null : Prepare(context, source, cancellationToken));
        if (prepared is null)
        {
            // Without a script there is no result: what the output is bound to keeps its value.
            return ValueTask.FromResult(ActivityResult.Done);
        }

        context.Set(Result, context.Evaluate<object>(prepared, cancellationToken));
        var outcomes = context.Expressions.Outcomes;
        return ValueTask.FromResult(outcomes.Count == 0 ? ActivityResult.Done : ActivityResult.Completed([.. outcomes]));
    }

    /// <summary>A script that is itself the value of an expression; the last one stays prepared.</summary>
    private PreparedExpression? Prepare(ActivityContext context, PreparedExpression from, CancellationToken cancellationToken)
    {
        var text = context.Evaluate<string>(from, cancellationToken);
        if (string.IsNullOrWhiteSpace(text))
        {
            return null;
        }

        if (last is { } known && known.Text == text)
        {
            return known.Script;
        }

        try
        {
            var prepared = context.Expressions.Factory.PrepareScript(text);
            last = new Prepared(text, prepared);
            return prepared;
        }
        catch (ExpressionSyntaxException exception)
        {
            throw new FaultException(new Fault($"{exception.Message} (line {exception.Line}, column {exception.Column}).") { Code = "script-syntax", Property = "script", Action = "Correct the expression that makes the script." }, exception);
        }
    }

    private sealed record Prepared(string Text, PreparedExpression Script);
}
