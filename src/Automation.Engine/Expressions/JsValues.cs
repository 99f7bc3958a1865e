using System.Numerics;
using Jint;
using Jint.Native;
using Jint.Native.Object;
using Jint.Runtime;
using Jint.Runtime.Interop;
using Newtonsoft.Json.Linq;
using JintEngine = Jint.Engine;

namespace Automation.Engine.Expressions;

/// <summary>Values into JavaScript: objects and lists become real JavaScript objects and arrays, times become dates, ids text.</summary>
internal static class JsWriter
{
    public static JsValue Write(JintEngine engine, object? value) => value switch
    {
        null => JsValue.Null,
        string text => new JsString(text),
        bool flag => flag ? JsBoolean.True : JsBoolean.False,
        int number => JsNumber.Create(number),
        long number => JsNumber.Create(number),
        double number => JsNumber.Create(number),
        JToken token => Write(engine, token),
        decimal number => JsNumber.Create((double)number),
        DateTime or DateTimeOffset or TimeSpan => JsValue.FromObject(engine, value),
        _ => Write(engine, ValueConverter.ToJson(value)),
    };

    private static JsValue Write(JintEngine engine, JToken token)
    {
        switch (token)
        {
            case JObject map:
                var target = new JsObject(engine);
                foreach (var property in map.Properties())
                {
                    target.FastSetDataProperty(property.Name, Write(engine, property.Value));
                }

                return target;
            case JArray list:
                var items = new JsValue[list.Count];
                for (var index = 0; index < items.Length; index++)
                {
                    items[index] = Write(engine, list[index]);
                }

                return new JsArray(engine, items);
            case JValue { Type: JTokenType.Integer, Value: BigInteger big }:
                return JsNumber.Create((double)big);
            case JValue { Value: null }:
                return JsValue.Null;
            case JValue { Value: not JToken } scalar:
                return Write(engine, scalar.Value is string or bool or int or long or double or decimal ? scalar.Value : (object?)(string?)ValueConverter.ToJson(scalar.Value));
            default:
                return JsValue.Null;
        }
    }
}

/// <summary>Values out of JavaScript: primitives, JObject and JArray, by the rules of JSON.stringify, within the limits of depth and size.</summary>
internal sealed class JsReader(ScriptSession session)
{
    private readonly EngineOptions limits = session.Limits;
    private long length;
    private int count;

    public object? Read(JsValue value) => value switch
    {
        JsDate date => double.IsNaN(date.DateValue) ? null : new DateTimeOffset(TimeOf(date), TimeSpan.Zero),
        _ when value.IsUint8Array() => value.AsUint8Array(),
        IObjectWrapper wrapper => Plain(wrapper.Target),
        ObjectInstance => ReadToken(value) is var token && token is JValue scalar ? scalar.Value : token,
        _ => ReadPrimitive(value),
    };

    public JToken ReadToken(JsValue value) => ReadToken(value, 0) ?? JValue.CreateNull();

    /// <summary>Null: a function or undefined, which JSON leaves out.</summary>
    private JToken? ReadToken(JsValue value, int depth)
    {
        if (++count > limits.ScriptArrayLength)
        {
            throw TooLarge($"more than {limits.ScriptArrayLength:N0} values");
        }

        if ((count & 1023) == 0)
        {
            session.Engine.Constraints.Check(); // Reading the result is part of the script's time.
        }

        if (depth > Json.PayloadDepth)
        {
            throw new FaultException(new Fault($"The script's result is nested deeper than {Json.PayloadDepth} levels, or contains itself.") { Code = "script-size", Action = "Return a flatter value." });
        }

        switch (value)
        {
            case JsDate date:
                return double.IsNaN(date.DateValue) ? JValue.CreateNull() : new JValue(TimeOf(date).ToString("yyyy-MM-ddTHH:mm:ss.FFFZ"));
            case IObjectWrapper wrapper:
                return ValueConverter.ToJson(Plain(wrapper.Target));
            case JsArray array:
                var list = new JArray();
                var size = array.Length;
                if (size > limits.ScriptArrayLength)
                {
                    throw TooLarge($"a list of {size:N0} elements");
                }

                for (uint index = 0; index < size; index++)
                {
                    list.Add(ReadToken(array[index], depth + 1) ?? JValue.CreateNull());
                }

                return list;
            case ObjectInstance instance:
                return ReadObject(instance, depth);
            default:
                return value.IsUndefined() || value.IsSymbol() ? null : ValueConverter.ToJson(ReadPrimitive(value));
        }
    }

    private JToken? ReadObject(ObjectInstance instance, int depth)
    {
        if (instance.IsCallable())
        {
            return null;
        }

        if (instance.IsUint8Array())
        {
            return ValueConverter.ToJson(instance.AsUint8Array());
        }

        if (instance.IsRegExp() || instance is not JsObject && IsWrapper(instance))
        {
            return new JValue(instance.ToString());
        }

        var map = new JObject();
        foreach (var key in instance.GetOwnPropertyKeys(Types.String))
        {
            var descriptor = instance.GetOwnProperty(key);
            if (descriptor.Enumerable && ReadToken(instance.Get(key), depth + 1) is { } item)
            {
                var name = key.ToString();
                length += name.Length;
                map[name] = item;
            }
        }

        return map;
    }

    /// <summary>JavaScript's dates reach 270,000 years further than ours.</summary>
    private static DateTime TimeOf(JsDate date) => date.DateValue is >= -62_135_596_800_000 and <= 253_402_300_799_999
        ? date.ToDateTime()
        : throw new FaultException(new Fault("The script's result is a date outside of the years 1 to 9999.") { Code = "conversion", Action = "Return another date, or its number of milliseconds." });

    /// <summary>A .NET value that a script made.</summary>
    private static object? Plain(object target) => target switch
    {
        DateTime time => new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc)),
        DateTimeOffset or TimeSpan or Guid => target,
        _ => target.ToString(),
    };

    private static bool IsWrapper(ObjectInstance instance) => instance.GetType().Name is "StringInstance" or "NumberInstance" or "BooleanInstance" or "BigIntInstance";

    private object? ReadPrimitive(JsValue value)
    {
        if (value.IsString())
        {
            var text = value.AsString();
            length += text.Length;
            return length > limits.ScriptStringLength ? throw TooLarge($"more than {limits.ScriptStringLength:N0} characters") : text;
        }

        if (value.IsNumber())
        {
            var number = value.AsNumber();
            return number == Math.Floor(number) && Math.Abs(number) <= 9007199254740991 ? (long)number : (object)number;
        }

        if (value.IsBoolean())
        {
            return value.AsBoolean();
        }

        if (value.IsBigInt())
        {
            var big = (BigInteger)value.ToObject()!;
            return big >= long.MinValue && big <= long.MaxValue ? (long)big : big;
        }

        return value.IsSymbol() ? value.ToString() : null;
    }

    private static FaultException TooLarge(string what) => new(new Fault($"The script's result is too large: {what}.")
    {
        Code = "script-size",
        Action = "Return less, for instance only the fields that are needed.",
    });
}
