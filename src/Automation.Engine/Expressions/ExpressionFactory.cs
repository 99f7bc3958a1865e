using Newtonsoft.Json.Linq;

namespace Automation.Engine.Expressions;

/// <summary>Prepares expressions of definitions and opens sessions for bursts.</summary>
public sealed class ExpressionFactory
{
    private readonly Lazy<Functions.ILookupTables?> tables;

    /// <param name="options">Limits.</param>
    /// <param name="tables">Finds the host's lookup tables, when they are first asked for; null: there are none.</param>
    public ExpressionFactory(EngineOptions options, Func<Functions.ILookupTables?>? tables = null)
    {
        this.tables = new(() => tables?.Invoke());
        Options = options;
        Scripts = new ScriptHost(options);
        Liquid = new LiquidHost(options, this);
    }

    public EngineOptions Options { get; }

    /// <summary>The host's lookup tables.</summary>
    internal Functions.ILookupTables? Tables => tables.Value;

    internal ScriptHost Scripts { get; }
    internal LiquidHost Liquid { get; }

    /// <summary>Prepares <c>{type, value}</c>. An unknown type is prepared to fault when evaluated.</summary>
    /// <exception cref="ExpressionSyntaxException">The script or template does not parse.</exception>
    public PreparedExpression Prepare(string type, JToken? value) => type switch
    {
        "" or "Literal" => new LiteralExpression(value),
        "Object" or "Json" => ObjectExpression.Create(value, this),
        "Variable" => new VariableExpression(NamesIn(value)),
        "Input" => new InputExpression(NamesIn(value)),
        "JavaScript" => Scripts.Prepare(TextOf(value)),
        "Liquid" => Liquid.Prepare(TextOf(value)),
        _ => new UnknownExpression(type),
    };

    /// <summary>Prepares a script as RunJavaScript has it: with <c>setOutcome</c> and <c>setOutcomes</c>, whose calls arrive in the session's <see cref="ExpressionSession.Outcomes"/>.</summary>
    /// <exception cref="ExpressionSyntaxException">The script does not parse.</exception>
    public PreparedExpression PrepareScript(string script) => Scripts.Prepare(script);

    /// <summary>A session for one burst of one run: its JavaScript engine is made when first needed, and never used by another run.</summary>
    public ExpressionSession OpenSession() => new(this);

    private static string TextOf(JToken? value) => value switch
    {
        null => "",
        JValue { Value: null } => "",
        JValue { Value: string text } => text,
        _ => Json.Write(value),
    };

    /// <summary>Id and name of a variable or input: an object, the JSON text of one, or a bare name.</summary>
    private static (string? Id, string? Name) NamesIn(JToken? value)
    {
        if (value is JValue { Value: string text })
        {
            if (!text.TrimStart().StartsWith('{'))
            {
                return (null, text);
            }

            try
            {
                value = Json.Parse(text);
            }
            catch (Newtonsoft.Json.JsonException)
            {
                return (null, text); // Not JSON after all: then it is a name, and evaluating says that there is none such.
            }
        }

        return value is JObject named ? ((string?)named["id"], (string?)named["name"]) : (null, null);
    }
}

/// <summary>The expressions' state of one burst.</summary>
public sealed class ExpressionSession(ExpressionFactory factory)
{
    public ExpressionFactory Factory { get; } = factory;

    /// <summary>Outcomes set by the script that ran last.</summary>
    public List<string> Outcomes { get; } = [];

    /// <summary>The burst's JavaScript engine; null until a script needs one, and again after a script that left traces in its globals.</summary>
    internal ScriptSession? Scripts { get; set; }
}
