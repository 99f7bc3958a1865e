using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Fluid;
using Fluid.Values;
using Newtonsoft.Json.Linq;

namespace Automation.Engine.Expressions;

/// <summary>Prepares Liquid templates. One per factory.</summary>
internal sealed partial class LiquidHost
{
    private const string ClockKey = "clock";

    private readonly FluidParser parser = new();
    private readonly TemplateOptions options;
    private readonly LiquidRanges ranges;

    public LiquidHost(EngineOptions limits, ExpressionFactory factory)
    {
        Limits = limits;
        ranges = new LiquidRanges(limits.ScriptArrayLength);
        options = new TemplateOptions { MaxSteps = limits.ScriptStatements, MaxRecursion = limits.ScriptRecursion, CultureInfo = CultureInfo.InvariantCulture, TimeZone = TimeZoneInfo.Utc };
        options.Filters.AddFilter("base64", static (input, _, _) => new ValueTask<FluidValue>(new StringValue(Convert.ToBase64String(Encoding.UTF8.GetBytes(input.ToStringValue())))));
        options.Filters.AddFilter("keys", static (input, _, _) => new ValueTask<FluidValue>(input is JsonMapValue map ? map.Keys : EmptyValue.Instance));
        options.Filters.AddFilter("json", static (input, _, _) => new ValueTask<FluidValue>(new StringValue(Json.Write(ToToken(input)))));

        foreach (var function in Functions.FunctionCatalog.All)
        {
            options.Filters.AddFilter($"{function.Group}_{function.Name}", (input, arguments, context) => new ValueTask<FluidValue>(Call(function, factory, input, arguments, context)));
        }

        // Filters that could make something huge in one call, with the size worked out before it. Doubling a string forty times in a loop is forty calls.
        Cap("append", static (input, arguments) => input.ToStringValue().Length + arguments.At(0).ToStringValue().Length);
        Cap("prepend", static (input, arguments) => input.ToStringValue().Length + arguments.At(0).ToStringValue().Length);
        Cap("replace", static (input, arguments) => Replaced(input.ToStringValue(), arguments.At(0).ToStringValue(), arguments.At(1).ToStringValue()));
        Cap("join", static (input, arguments) => input is ArrayValue list ? list.Values.Sum(item => (double)item.ToStringValue().Length + arguments.At(0).ToStringValue().Length + 1) : 0);
        Cap("concat", (input, arguments) => Elements(input) + Elements(arguments.At(0)) > limits.ScriptArrayLength ? double.PositiveInfinity : 0);
        Cap("split", (input, arguments) => input.ToStringValue().Length > limits.ScriptArrayLength ? double.PositiveInfinity : 0);
    }

    public EngineOptions Limits { get; }

    /// <exception cref="ExpressionSyntaxException">The template does not parse.</exception>
    public PreparedExpression Prepare(string source)
    {
        if (parser.TryParse(source, out var template, out var error))
        {
            return new LiquidExpression(this, ranges.VisitTemplate(template));
        }

        var place = Position().Match(error);
        throw new ExpressionSyntaxException($"The template does not parse: {error.Split('\n')[0].Trim()}",
            place.Success ? int.Parse(place.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : 1,
            place.Success ? int.Parse(place.Groups[2].ValueSpan, CultureInfo.InvariantCulture) : 1);
    }

    public TemplateContext Context(IExpressionScope scope)
    {
        var context = new TemplateContext(options) { Now = () => scope.Clock.GetUtcNow() };
        context.AmbientValues[ClockKey] = scope.Clock;
        context.SetValue("Variables", new LookupValue(scope.GetVariable));
        context.SetValue("Input", new LookupValue(scope.GetInput));
        context.SetValue("Event", ToValue(scope.TriggerEvent));
        context.SetValue("LastResult", ToValue(scope.LastResult));
        context.SetValue("CorrelationId", ToValue(scope.CorrelationId));
        context.SetValue("WorkflowInstanceId", ToValue(scope.InstanceId));
        context.SetValue("WorkflowInstanceName", ToValue(scope.InstanceName));
        context.SetValue("WorkflowDefinitionId", ToValue(scope.DefinitionId));
        context.SetValue("WorkflowDefinitionVersionId", ToValue(scope.DefinitionVersionId));
        context.SetValue("WorkflowDefinitionVersion", ToValue(scope.DefinitionVersion));
        return context;
    }

    internal static FluidValue ToValue(object? value) => value switch
    {
        null => NilValue.Instance,
        string text => new StringValue(text),
        bool flag => BooleanValue.Create(flag),
        int number => NumberValue.Create(number),
        long number => NumberValue.Create(number),
        double number => NumberValue.Create((decimal)number),
        decimal number => NumberValue.Create(number),
        DateTimeOffset moment => new DateTimeValue(moment),
        JObject map => new JsonMapValue(map),
        JArray list => new ArrayValue([.. list.Select(ToValue)]),
        JValue scalar => ToValue(scalar.Value),
        _ => ToValue(ValueConverter.ToJson(value)),
    };

    private void Cap(string name, Func<FluidValue, FilterArguments, double> size)
    {
        if (!options.Filters.TryGetValue(name, out var original))
        {
            throw new InvalidOperationException($"There is no Liquid filter '{name}' to cap.");
        }

        options.Filters.AddFilter(name, (input, arguments, context) => size(input, arguments) > Limits.ScriptStringLength
            ? throw new FaultException(new Fault($"The template's filter '{name}' would make more than {Limits.ScriptStringLength:N0} characters or {Limits.ScriptArrayLength:N0} elements, and was stopped.") { Code = "script-size", Action = "Make smaller strings and lists." })
            : original(input, arguments, context));
    }

    /// <summary>A function as a filter: what stands before the bar is its first argument.</summary>
    private static FluidValue Call(Functions.ScriptFunction function, ExpressionFactory factory, FluidValue input, FilterArguments arguments, TemplateContext context)
    {
        var given = new List<object?> { ToToken(input) };
        for (var i = 0; i < arguments.Count; i++)
        {
            given.Add(ToToken(arguments.At(i)));
        }

        var clock = context.AmbientValues[ClockKey] as TimeProvider ?? TimeProvider.System;
        return ToValue(function.Call(new Functions.FunctionCall(function.FullName, given, clock, factory.Tables)));
    }

    private static double Elements(FluidValue value) => value is ArrayValue list ? list.Values.Count : 1;

    private static double Replaced(string text, string what, string with)
    {
        double length = text.Length;
        if (what.Length > 0)
        {
            for (var at = text.IndexOf(what, StringComparison.Ordinal); at >= 0; at = text.IndexOf(what, at + what.Length, StringComparison.Ordinal))
            {
                length += with.Length - what.Length;
            }
        }

        return length;
    }

    private static JToken ToToken(FluidValue value) => value switch
    {
        JsonMapValue map => map.Map,
        ArrayValue list => new JArray(list.Values.Select(ToToken).ToArray<object>()),
        NumberValue number => number.ToNumberValue() is var amount && amount == Math.Floor(amount) && Math.Abs(amount) < long.MaxValue ? new JValue((long)amount) : new JValue(amount),
        BooleanValue flag => new JValue(flag.ToBooleanValue()),
        NilValue => JValue.CreateNull(),
        _ => new JValue(value.ToStringValue()),
    };

    [GeneratedRegex(@"\((\d+):(\d+)\)")]
    private static partial Regex Position();
}

/// <summary>A prepared template.</summary>
internal sealed class LiquidExpression(LiquidHost host, IFluidTemplate template) : PreparedExpression
{
    public override string Type => "Liquid";

    public override object? Evaluate(ExpressionSession session, IExpressionScope scope, Type target, CancellationToken cancellationToken)
    {
        using var output = new BoundedWriter(host.Limits, cancellationToken);
        try
        {
            // Nothing in a template waits: every value and filter answers at once.
            template.RenderAsync(output, NullEncoder.Default, host.Context(scope)).AsTask().GetAwaiter().GetResult();
        }
        catch (FileNotFoundException missing)
        {
            throw Failed($"it includes the template '{missing.FileName ?? missing.Message}', and templates of flows include no others", missing);
        }
        catch (Exception exception) when (exception is not FaultException and not OperationCanceledException)
        {
            // Filters throw what they like: a division by zero, a number too large. All of it is the template's.
            throw Failed(exception.Message, exception);
        }

        return ValueConverter.Convert(output.ToString(), target);
    }

    private static FaultException Failed(string reason, Exception exception) => new(
        new Fault($"The template failed: {reason}") { Code = "liquid-error", Action = "Correct the template, or make it do less.", ExceptionType = exception.GetType().FullName },
        exception);
}

/// <summary>Takes a template's output up to the limit of a string, and watches the time while it does.</summary>
internal sealed class BoundedWriter(EngineOptions limits, CancellationToken cancellationToken) : StringWriter(CultureInfo.InvariantCulture)
{
    private readonly long started = System.Diagnostics.Stopwatch.GetTimestamp();

    public override void Write(char value)
    {
        Check(1);
        base.Write(value);
    }

    public override void Write(string? value)
    {
        Check(value?.Length ?? 0);
        base.Write(value);
    }

    public override void Write(char[] buffer, int index, int count)
    {
        Check(count);
        base.Write(buffer, index, count);
    }

    public override void Write(ReadOnlySpan<char> buffer)
    {
        Check(buffer.Length);
        base.Write(buffer);
    }

    private void Check(int more)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (GetStringBuilder().Length + more > limits.ScriptStringLength)
        {
            throw new FaultException(new Fault($"The template wrote more than {limits.ScriptStringLength:N0} characters and was stopped.") { Code = "script-size", Action = "Write less." });
        }

        if (System.Diagnostics.Stopwatch.GetElapsedTime(started) > limits.ScriptTimeout)
        {
            throw new FaultException(new Fault($"The template took longer than {limits.ScriptTimeout.TotalSeconds:0.###} s and was stopped.") { Code = "script-timeout", Action = "Do less in one template." });
        }
    }
}

/// <summary>Members that are looked up in the run when the template asks for them.</summary>
internal sealed class LookupValue(Func<string, object?> find) : ObjectValueBase(find)
{
    public override ValueTask<FluidValue> GetValueAsync(string name, TemplateContext context) => new(LiquidHost.ToValue(find(name)));
}

/// <summary>A JSON object in a template.</summary>
internal sealed class JsonMapValue(JObject map) : ObjectValueBase(map)
{
    public JObject Map => map;
    public FluidValue Keys => new ArrayValue([.. map.Properties().Select(property => (FluidValue)new StringValue(property.Name))]);

    public override ValueTask<FluidValue> GetValueAsync(string name, TemplateContext context) =>
        new(name == "size" && !map.ContainsKey(name) ? NumberValue.Create(map.Count) : LiquidHost.ToValue(map[name]));

    public override ValueTask<FluidValue> GetIndexAsync(FluidValue index, TemplateContext context) => GetValueAsync(index.ToStringValue(), context);
    public override string ToStringValue() => Json.Write(map);
    public override bool ToBooleanValue() => true;
}
