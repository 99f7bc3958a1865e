using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using Jint;
using Jint.Native;
using Jint.Native.Object;
using Jint.Runtime;
using Jint.Runtime.Descriptors;
using Jint.Runtime.Interop;
using Newtonsoft.Json.Linq;

namespace Automation.Engine.Expressions;

/// <summary>A global of ours, made in an engine when the first script that names it runs there.</summary>
internal sealed record ScriptGlobal(string Name, Func<ScriptSession, JsValue> Create);

/// <summary>Elsa's globals, and the accessors that stand for a workflow's own variables, inputs and outputs.</summary>
internal static class ScriptGlobals
{
    private const string ShortIdLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly FrozenDictionary<string, ScriptGlobal> Known = ((IEnumerable<ScriptGlobal>)
    [
        new("variables", session => new VariablesObject(session)),
        new("args", session => new ArgumentsObject(session)),
        new("event", static _ => JsValue.Null), // The session shows the trigger's event itself.
        Function("getVariable", (session, arguments) => session.ReadVariable(Text(arguments, 0))),
        Function("setVariable", (session, arguments) =>
        {
            session.WriteVariable(Text(arguments, 0), At(arguments, 1));
            return JsValue.Undefined;
        }),
        Function("getInput", (session, arguments) => JsWriter.Write(session.Engine, session.Scope.GetInput(Text(arguments, 0)))),
        Function("getOutputFrom", (session, arguments) => JsWriter.Write(session.Engine,
            session.Scope.GetOutputFrom(Text(arguments, 0), At(arguments, 1) is var name && (name.IsUndefined() || name.IsNull()) ? null : name.ToString()))),
        Function("getLastResult", (session, _) => JsWriter.Write(session.Engine, session.Scope.LastResult)),
        Function("getWorkflowDefinitionId", (session, _) => new JsString(session.Scope.DefinitionId)),
        Function("getWorkflowDefinitionVersionId", (session, _) => new JsString(session.Scope.DefinitionVersionId)),
        Function("getWorkflowDefinitionVersion", (session, _) => JsNumber.Create(session.Scope.DefinitionVersion)),
        Function("getWorkflowInstanceId", (session, _) => new JsString(session.Scope.InstanceId)),
        Function("getCorrelationId", (session, _) => TextOrNull(session.Scope.CorrelationId)),
        Function("setCorrelationId", (session, arguments) =>
        {
            session.Scope.CorrelationId = TextOrNull(arguments);
            return JsValue.Undefined;
        }),
        Function("getWorkflowInstanceName", (session, _) => TextOrNull(session.Scope.InstanceName)),
        Function("setWorkflowInstanceName", (session, arguments) =>
        {
            session.Scope.InstanceName = TextOrNull(arguments);
            return JsValue.Undefined;
        }),
        Function("setOutcome", (session, arguments) =>
        {
            session.Outcomes.Clear();
            session.Outcomes.Add(Text(arguments, 0));
            return JsValue.Undefined;
        }),
        Function("setOutcomes", (session, arguments) =>
        {
            session.Outcomes.Clear();
            session.Outcomes.AddRange(new JsReader(session).ReadToken(At(arguments, 0)) is JArray names ? names.Select(name => name.ToString()) : [Text(arguments, 0)]);
            return JsValue.Undefined;
        }),
        Function("isNullOrEmpty", (_, arguments) => At(arguments, 0) is var value && (Missing(value) || value.ToString().Length == 0)),
        Function("isNullOrWhiteSpace", (_, arguments) => At(arguments, 0) is var value && (Missing(value) || string.IsNullOrWhiteSpace(value.ToString()))),
        Function("toJson", (session, arguments) => new JsString(ElsaJson.Write(new JsReader(session).ReadToken(At(arguments, 0))))),
        Function("parseGuid", (session, arguments) => Guid.TryParse(Text(arguments, 0), out var id)
            ? new JsString(id.ToString())
            : throw new JavaScriptException(session.Engine.Intrinsics.TypeError, $"'{Text(arguments, 0)}' is not a GUID")),
        Function("newGuid", (session, _) => NewGuid(session)),
        Function("newGuidString", (session, _) => NewGuid(session)),
        Function("getGuidString", (session, _) => NewGuid(session)),
        Function("newShortGuid", (_, _) => new JsString(RandomNumberGenerator.GetString(ShortIdLetters, 22))),
        Function("getShortGuid", (_, _) => new JsString(RandomNumberGenerator.GetString(ShortIdLetters, 22))),
        Function("bytesToString", (_, arguments) => new JsString(Encoding.UTF8.GetString(Bytes(At(arguments, 0))))),
        Function("bytesFromString", (session, arguments) => Bytes(session, Encoding.UTF8.GetBytes(Text(arguments, 0)))),
        Function("bytesToBase64", (_, arguments) => new JsString(Convert.ToBase64String(Bytes(At(arguments, 0))))),
        Function("bytesFromBase64", (session, arguments) => Bytes(session, FromBase64(session, Text(arguments, 0)))),
        Function("stringToBase64", (_, arguments) => new JsString(Convert.ToBase64String(Encoding.UTF8.GetBytes(Text(arguments, 0))))),
        Function("stringFromBase64", (session, arguments) => new JsString(Encoding.UTF8.GetString(FromBase64(session, Text(arguments, 0))))),
        Function("streamToBytes", (_, arguments) => At(arguments, 0)),
        Function("streamToBase64", (_, arguments) => new JsString(Convert.ToBase64String(Bytes(At(arguments, 0))))),
        Type("DateTime", typeof(DateTime)),
        Type("DateTimeOffset", typeof(DateTimeOffset)),
        Type("TimeSpan", typeof(TimeSpan)),
        Type("Guid", typeof(Guid)),
        Type("Random", typeof(Random)),
        .. Functions.FunctionCatalog.ByGroup.Select(group => new ScriptGlobal(group.Key, session => Group(session, group.Value))),
        Absent("getConfig", "configuration is not open to scripts; pass the value as a workflow input"),
        Absent("getSecret", "secrets are not open to scripts; choose a connection instead"),
        Absent("createEventTriggerUrl", "event URLs are not made here; post to /elsa/api/events/{name}/trigger"),
    ]).ToFrozenDictionary(global => global.Name, StringComparer.Ordinal);

    /// <summary>The globals of ours among a script's free names.</summary>
    public static IReadOnlyList<ScriptGlobal> For(ReferencedGlobals free, ScriptFacts facts)
    {
        if (free.Contains("globalThis"))
        {
            // Whatever may be asked for by a computed name.
            return [.. Known.Values, .. free.Select(Accessor).OfType<ScriptGlobal>()];
        }

        var found = new List<ScriptGlobal>();
        foreach (var name in free)
        {
            if ((Known.GetValueOrDefault(name) ?? Accessor(name)) is { } global)
            {
                found.Add(global);
            }
        }

        return found;
    }

    /// <summary><c>getOrderTotal</c>, <c>setOrderTotal</c>, <c>getResultFromFetch</c>: what the name stands for is looked up at the call, in the scope of the activity.</summary>
    private static ScriptGlobal? Accessor(string name)
    {
        if (Known.ContainsKey(name) || name.Length < 4 || char.IsLower(name[3]))
        {
            return null;
        }

        var subject = name[3..];
        return name.StartsWith("get", StringComparison.Ordinal) ? Function(name, (session, _) => Get(session, subject))
            : name.StartsWith("set", StringComparison.Ordinal) ? Function(name, (session, arguments) =>
            {
                session.WriteVariable(VariableOf(session, subject) ?? throw NotDefined(session, name, subject), At(arguments, 0));
                return JsValue.Undefined;
            })
            : null;
    }

    private static JsValue Get(ScriptSession session, string subject)
    {
        var scope = session.Scope;
        if (scope.Arguments?.Properties().FirstOrDefault(argument => IsAccessorOf(argument.Name, subject)) is { } given)
        {
            return JsWriter.Write(session.Engine, given.Value);
        }

        // An input hides a variable of its name, as in Elsa.
        foreach (var input in scope.InputNames)
        {
            if (IsAccessorOf(input, subject))
            {
                return JsWriter.Write(session.Engine, scope.GetInput(input));
            }
        }

        if (VariableOf(session, subject) is { } variable)
        {
            return session.ReadVariable(variable);
        }

        foreach (var (activity, output) in scope.ActivityOutputs)
        {
            if (subject.Contains("From", StringComparison.Ordinal) && subject == Pascal(output) + "From" + Pascal(activity))
            {
                return JsWriter.Write(session.Engine, scope.GetOutputFrom(activity, output));
            }
        }

        throw NotDefined(session, "get" + subject, subject);
    }

    private static string? VariableOf(ScriptSession session, string subject)
    {
        foreach (var name in session.Scope.VariableNames)
        {
            if (IsAccessorOf(name, subject))
            {
                return name;
            }
        }

        return null;
    }

    private static bool IsAccessorOf(string name, string subject) =>
        name == subject || (name.Length > 0 && char.ToUpperInvariant(name[0]) == char.ToUpperInvariant(subject[0]) && Pascal(name) == subject);

    /// <summary><c>orderTotal</c>, <c>order total</c>, <c>order_total</c> → <c>OrderTotal</c>.</summary>
    internal static string Pascal(string name)
    {
        if (name.Length > 0 && char.IsUpper(name[0]) && name.AsSpan().IndexOfAny(' ', '_', '-') < 0)
        {
            return name;
        }

        var result = new StringBuilder(name.Length);
        var upper = true;
        foreach (var letter in name)
        {
            if (letter is ' ' or '_' or '-')
            {
                upper = true;
            }
            else
            {
                result.Append(upper ? char.ToUpperInvariant(letter) : letter);
                upper = false;
            }
        }

        return result.ToString();
    }

    private static JavaScriptException NotDefined(ScriptSession session, string name, string subject) =>
        new(session.Engine.Global.Get("ReferenceError") as Jint.Native.Error.ErrorConstructor ?? session.Engine.Intrinsics.Error, $"{name} is not defined: no variable, input or output '{subject}' is in scope here");

    private static ScriptGlobal Function(string name, Func<ScriptSession, JsValue[], JsValue> call) =>
        new(name, session => new ClrFunction(session.Engine, name, (_, arguments) => call(session, arguments)));

    /// <summary>A value type of .NET, as Elsa has it. Its values have no way to reflection: <c>GetType</c> is closed.</summary>
    private static ScriptGlobal Type(string name, Type type) => new(name, session => TypeReference.CreateTypeReference(session.Engine, type));

    /// <summary>A group of functions: <c>dates</c>, <c>phones</c> …</summary>
    private static JsObject Group(ScriptSession session, Functions.ScriptFunction[] functions)
    {
        var group = new JsObject(session.Engine);
        foreach (var function in functions)
        {
            group.FastSetDataProperty(function.Name, new ClrFunction(session.Engine, function.Name, (_, arguments) =>
            {
                var given = Array.ConvertAll(arguments, argument => new JsReader(session).Read(argument));
                try
                {
                    return JsWriter.Write(session.Engine, function.Call(new Functions.FunctionCall(function.FullName, given, session.Scope.Clock, session.Tables)));
                }
                catch (FaultException exception) when (exception.Fault.Code != "script-size")
                {
                    // A script may catch it, as any error of its own.
                    throw new JavaScriptException(session.Engine.Intrinsics.TypeError, exception.Fault.Message);
                }
            }));
        }

        return group;
    }

    private static ScriptGlobal Absent(string name, string why) =>
        Function(name, (session, _) => throw new JavaScriptException(session.Engine.Intrinsics.Error, $"{name} is not available: {why}"));

    private static JsValue At(JsValue[] arguments, int index) => index < arguments.Length ? arguments[index] : JsValue.Undefined;

    private static string Text(JsValue[] arguments, int index) => TypeConverter.ToString(At(arguments, index));

    private static JsValue TextOrNull(string? text) => text is null ? JsValue.Null : new JsString(text);

    private static string? TextOrNull(JsValue[] arguments) => Missing(At(arguments, 0)) ? null : Text(arguments, 0);

    private static bool Missing(JsValue value) => value.IsNull() || value.IsUndefined();

    private static JsString NewGuid(ScriptSession session) => new(Guid.CreateVersion7(session.Scope.Clock.GetUtcNow()).ToString());

    private static byte[] FromBase64(ScriptSession session, string text)
    {
        try
        {
            return Convert.FromBase64String(text);
        }
        catch (FormatException)
        {
            throw new JavaScriptException(session.Engine.Intrinsics.TypeError, "the text is not Base64");
        }
    }

    private static JsArray Bytes(ScriptSession session, byte[] bytes) =>
        bytes.Length <= session.Limits.ScriptArrayLength
            ? new JsArray(session.Engine, Array.ConvertAll<byte, JsValue>(bytes, static value => JsNumber.Create((int)value)))
            : throw ScriptCaps.TooLong(session, $"a list of {bytes.Length:N0} bytes");

    private static byte[] Bytes(JsValue value) => value switch
    {
        JsArray array => [.. array.Select(item => (byte)TypeConverter.ToInt32(item))],
        _ when value.IsUint8Array() => value.AsUint8Array() ?? [],
        _ when value.IsArrayBuffer() => value.AsArrayBuffer() ?? [],
        _ when value.IsString() => BytesOf(value.AsString()),
        _ => [],
    };

    /// <summary>A byte array that went through JSON is Base64; any other text stands for its characters.</summary>
    private static byte[] BytesOf(string text)
    {
        var bytes = new byte[text.Length];
        return Convert.TryFromBase64String(text, bytes, out var count) ? bytes[..count] : Encoding.UTF8.GetBytes(text);
    }

    /// <summary>The global <c>args</c>: the arguments of the expression that runs now.</summary>
    private sealed class ArgumentsObject(ScriptSession session) : ObjectInstance(session.Engine)
    {
        public override JsValue Get(JsValue property, JsValue receiver) =>
            property.IsString() && session.Scope.Arguments?[property.AsString()] is { } value ? JsWriter.Write(session.Engine, value) : Undefined;

        public override bool HasProperty(JsValue property) => property.IsString() && session.Scope.Arguments?.ContainsKey(property.AsString()) == true;

        public override PropertyDescriptor GetOwnProperty(JsValue property) =>
            HasProperty(property) ? new PropertyDescriptor(Get(property, this), PropertyFlag.ConfigurableEnumerableWritable) : PropertyDescriptor.Undefined;

        public override List<JsValue> GetOwnPropertyKeys(Types types = Types.String | Types.Symbol) =>
            [.. (session.Scope.Arguments?.Properties() ?? []).Select(argument => (JsValue)new JsString(argument.Name))];
    }

    /// <summary>The global <c>variables</c>: each property is the run's variable itself.</summary>
    private sealed class VariablesObject(ScriptSession session) : ObjectInstance(session.Engine)
    {
        public override JsValue Get(JsValue property, JsValue receiver)
        {
            if (!property.IsString())
            {
                return base.Get(property, receiver);
            }

            var name = property.AsString();
            var value = session.ReadVariable(name);
            return value.IsNull() && !session.Scope.VariableNames.Contains(name) ? Undefined : value;
        }

        public override bool Set(JsValue property, JsValue value, JsValue receiver)
        {
            session.WriteVariable(property.ToString(), value);
            return true;
        }

        public override bool HasProperty(JsValue property) => property.IsString() && session.Scope.VariableNames.Contains(property.AsString());

        public override PropertyDescriptor GetOwnProperty(JsValue property) =>
            HasProperty(property) ? new PropertyDescriptor(session.ReadVariable(property.AsString()), PropertyFlag.ConfigurableEnumerableWritable) : PropertyDescriptor.Undefined;

        public override bool DefineOwnProperty(JsValue property, PropertyDescriptor descriptor) => Set(property, descriptor.Value ?? Undefined, this);

        public override bool Delete(JsValue property)
        {
            if (HasProperty(property))
            {
                session.WriteVariable(property.AsString(), Null);
            }

            return true;
        }

        public override List<JsValue> GetOwnPropertyKeys(Types types = Types.String | Types.Symbol) =>
            [.. session.Scope.VariableNames.Select(name => (JsValue)new JsString(name))];
    }
}
