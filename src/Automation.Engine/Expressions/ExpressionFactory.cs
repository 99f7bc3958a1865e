using Newtonsoft.Json.Linq;

namespace Automation.Engine.Expressions;

/// <summary>Prepares expressions of definitions and opens sessions for bursts.</summary>
public sealed class ExpressionFactory(EngineOptions options)
{
    public EngineOptions Options { get; } = options;

    /// <summary>Prepares <c>{type, value}</c>. An unknown type is prepared to fault when evaluated.</summary>
    /// <exception cref="ExpressionSyntaxException">The script or template does not parse.</exception>
    public PreparedExpression Prepare(string type, JToken? value) => throw new NotImplementedException();

    /// <summary>Prepares a script as RunJavaScript has it: with <c>setOutcome</c> and <c>setOutcomes</c>, whose calls arrive in the session's <see cref="ExpressionSession.Outcomes"/>.</summary>
    /// <exception cref="ExpressionSyntaxException">The script does not parse.</exception>
    public PreparedExpression PrepareScript(string script) => throw new NotImplementedException();

    /// <summary>A session for one burst of one run: its JavaScript engine is made when first needed, and never used by another run.</summary>
    public ExpressionSession OpenSession() => new(this);
}

/// <summary>The expressions' state of one burst.</summary>
public sealed class ExpressionSession(ExpressionFactory factory)
{
    public ExpressionFactory Factory { get; } = factory;

    /// <summary>Outcomes set by the script that ran last.</summary>
    public List<string> Outcomes { get; } = [];
}

/// <summary>Converts values as Elsa does: "true", "3", "00:00:05", enum names, JSON text into typed targets.</summary>
public static class ValueConverter
{
    /// <exception cref="FaultException">The value does not fit the type (<c>conversion</c>).</exception>
    public static object? Convert(object? value, Type target) => throw new NotImplementedException();

    /// <summary>CLR type of an alias (<c>String</c>, <c>Int32</c>, <c>Object[]</c>, <c>ObjectDictionary</c>…); object when unknown.</summary>
    public static Type TypeOf(string? alias, bool isArray = false) => throw new NotImplementedException();

    /// <summary>Alias of a CLR type.</summary>
    public static string AliasOf(Type type) => throw new NotImplementedException();

    /// <summary>A value as JSON, for state, journal and API.</summary>
    public static JToken ToJson(object? value) => throw new NotImplementedException();
}
