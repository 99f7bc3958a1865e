using System.Text;
using Jint;
using Jint.Native;
using Jint.Native.Object;
using Jint.Native.Symbol;
using Jint.Runtime;
using Jint.Runtime.Descriptors;
using Jint.Runtime.Interop;
using JintEngine = Jint.Engine;

namespace Automation.Engine.Expressions;

/// <summary>
/// Natives that could make something huge in one call. The engine's limits are looked at between statements, so a size is worked out before the call here.
/// They are put in only for scripts that name one of them or reach properties by computed names.
/// </summary>
internal sealed class ScriptCaps
{
    /// <summary>The native that is capped alone where a script names no other.</summary>
    public const string Join = "join";

    /// <summary>Names by which a script reaches a capped native, <see cref="Join"/> aside.</summary>
    public static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "repeat", "padStart", "padEnd", "replace", "replaceAll", "flat", "concat", "fill", "from", "of", "Array", "raw", "stringify", "normalize", "toLocaleString", "Symbol",
        "encodeURI", "encodeURIComponent", "escape", "Reflect", "globalThis", "prototype", "__proto__", "constructor", "getOwnPropertyDescriptor", "getOwnPropertyDescriptors",
    };

    /// <summary>Names by which a script reaches a buffer.</summary>
    public static readonly HashSet<string> BufferNames = new(StringComparer.Ordinal)
    {
        "globalThis", "ArrayBuffer", "SharedArrayBuffer", "Atomics", "DataView", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array", "Int32Array", "Uint32Array",
        "Float16Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array",
    };

    /// <summary>Buffers are constructed through proxies that look at the size first; memory shared between threads and waiting are not for scripts.</summary>
    private static readonly Prepared<Acornima.Ast.Script> Buffers = JintEngine.PrepareScript("""
        (function (check) {
            const construct = Reflect.construct, freeze = Object.freeze;
            for (const name of ['ArrayBuffer', 'Int8Array', 'Uint8Array', 'Uint8ClampedArray', 'Int16Array', 'Uint16Array', 'Int32Array', 'Uint32Array',
                'Float16Array', 'Float32Array', 'Float64Array', 'BigInt64Array', 'BigUint64Array']) {
                const native = globalThis[name];
                if (native === undefined) continue;
                const capped = new Proxy(native, freeze({
                    construct(target, values, derived) {
                        values[0] = check(values[0], values[1], name);
                        return construct(target, values, derived === capped ? target : derived);
                    }
                }));
                native.prototype.constructor = capped;
                globalThis[name] = capped;
            }
            for (const method of ['resize', 'transfer', 'transferToFixedLength', 'transferToImmutable']) delete ArrayBuffer.prototype[method];
            delete globalThis.SharedArrayBuffer;
            delete globalThis.Atomics;
        })
        """, "buffers");

    private readonly ScriptSession session;
    private readonly JintEngine engine;
    private readonly long maximumLength;
    private readonly long maximumCount;

    private ScriptCaps(ScriptSession session)
    {
        this.session = session;
        engine = session.Engine;
        maximumLength = session.Limits.ScriptStringLength;
        maximumCount = session.Limits.ScriptArrayLength;
    }

    public static void Install(ScriptSession session)
    {
        var caps = new ScriptCaps(session);
        caps.CapStrings();
        caps.CapTexts();
        var array = caps.Prototype("Array");
        caps.Wrap(array, "toLocaleString", caps.CheckJoin);
        caps.Wrap(array, "flat", (self, arguments) =>
        {
            caps.Measure(self);
            return arguments;
        });
    }

    public static void InstallJoin(ScriptSession session)
    {
        var caps = new ScriptCaps(session);
        caps.Wrap(caps.Prototype("Array"), Join, caps.CheckJoin);
    }

    public static void InstallBuffers(ScriptSession session)
    {
        var caps = new ScriptCaps(session);
        caps.Wrap(caps.Prototype("Uint8Array").Prototype!, "join", caps.CheckJoin);
        session.Engine.Evaluate(in Buffers).Call(caps.Function("check", caps.CheckBuffer));
    }

    public static FaultException TooLong(ScriptSession session, string what)
    {
        session.Mark();
        return new FaultException(new Fault(
            $"The script tried to make {what} and was stopped: the limits are {session.Limits.ScriptStringLength:N0} characters and {session.Limits.ScriptArrayLength:N0} elements.")
        {
            Code = "script-size",
            Action = "Make smaller strings and lists.",
        });
    }

    private void CapStrings()
    {
        var prototype = Prototype("String");
        WrapText(prototype, "repeat", (text, arguments) =>
        {
            var count = NumberAt(arguments, 0);
            RequireLength(text.Length * Math.Max(0, count));
            return [JsNumber.Create(count)];
        });
        WrapText(prototype, "padStart", Pad);
        WrapText(prototype, "padEnd", Pad);
        WrapText(prototype, "concat", (text, arguments) =>
        {
            var parts = Array.ConvertAll<JsValue, JsValue>(arguments, static part => new JsString(TypeConverter.ToString(part)));
            RequireLength(text.Length + parts.Sum(LengthOf));
            return parts;
        });
        WrapText(prototype, "normalize", (text, arguments) =>
        {
            RequireLength(Ascii.IsValid(text) ? 0 : 18.0 * text.Length); // The most that one character can become.
            return arguments;
        });
        Wrap((ObjectInstance)engine.Global.Get("String"), "raw", (_, arguments) =>
        {
            RequireLength(Measure(At(arguments, 0)) + arguments.Skip(1).Sum(LengthOf));
            return arguments;
        });
        WrapReplace(prototype, "replace", all: false);
        WrapReplace(prototype, "replaceAll", all: true);
        WrapReplace(Prototype("RegExp"), GlobalSymbolRegistry.Replace, all: false);
    }

    private void CapTexts()
    {
        Wrap((ObjectInstance)engine.Global.Get("JSON"), "stringify", (_, arguments) =>
        {
            var indent = At(arguments, 2) is var space && (space.IsUndefined() || space.IsNull()) ? 0 : 10.0;
            RequireLength(Measure(At(arguments, 0), indent));
            return arguments;
        });
        foreach (var name in new[] { "encodeURI", "encodeURIComponent", "escape" })
        {
            Wrap(engine.Global, name, (_, arguments) =>
            {
                var text = TypeConverter.ToString(At(arguments, 0));
                RequireLength(9L * text.Length > maximumLength ? text.Sum(letter => letter < 128 ? 3L : 9L) : 0);
                return [new JsString(text)];
            });
        }
    }

    private JsValue[] Pad(string text, JsValue[] arguments)
    {
        var length = NumberAt(arguments, 0);
        RequireLength(length);
        return arguments.Length < 2 ? [JsNumber.Create(length)] : [JsNumber.Create(length), arguments[1]];
    }

    private JsValue[] CheckJoin(JsValue self, JsValue[] arguments)
    {
        if (self is not ObjectInstance list)
        {
            return arguments;
        }

        var count = TypeConverter.ToNumber(list.Get("length"));
        if (count > maximumCount)
        {
            throw TooLong(session, $"a string of {count:N0} parts");
        }

        var separator = At(arguments, 0) is var given && given.IsUndefined() ? "," : TypeConverter.ToString(given);
        RequireLength(Measure(self) + (Math.Max(0, count) * separator.Length));
        return [new JsString(separator)];
    }

    private JsValue CheckBuffer(JsValue self, JsValue[] arguments)
    {
        var isBuffer = At(arguments, 2).ToString() == "ArrayBuffer";
        var size = isBuffer && At(arguments, 0) is ObjectInstance odd ? JsNumber.Create(TypeConverter.ToNumber(odd)) : At(arguments, 0);
        var count = size is ObjectInstance source && !source.IsArrayBuffer() ? TypeConverter.ToNumber(source.Get("length")) : size.IsNumber() || size.IsString() ? TypeConverter.ToNumber(size) : 0;
        var growth = At(arguments, 1) is ObjectInstance options ? TypeConverter.ToNumber(options.Get("maxByteLength")) : 0;
        var limit = isBuffer ? maximumLength : maximumCount;
        return count > limit || growth > limit ? throw TooLong(session, $"a buffer of {Math.Max(count, growth):N0} elements") : size;
    }

    /// <summary>Replacements: the result's length is bounded beforehand, or counted as it is made.</summary>
    private void WrapReplace(ObjectInstance owner, JsValue name, bool all)
    {
        var original = owner.Get(name);
        var onRegExp = name is JsSymbol;
        Put(owner, name, Function(name.ToString(), (self, arguments) =>
        {
            // String.prototype.replace hands a regular expression on to RegExp.prototype[Symbol.replace], which is wrapped too.
            var text = onRegExp ? At(arguments, 0) : self;
            var pattern = onRegExp ? self : At(arguments, 0);
            var replacement = At(arguments, 1);
            if ((!onRegExp && pattern is ObjectInstance) || text.IsUndefined() || text.IsNull())
            {
                return original.Call(self, arguments);
            }

            var length = LengthOf(text);
            if (replacement.IsCallable())
            {
                return original.Call(self, [arguments[0], Counting(length, replacement, null)]);
            }

            var with = TypeConverter.ToString(replacement);
            var matches = onRegExp ? length + 1.0 : all ? Occurrences(TypeConverter.ToString(text), TypeConverter.ToString(pattern)) : 1.0;
            var references = with.Count(letter => letter == '$');
            if (length + (matches * (with.Length + ((double)references * length))) <= maximumLength)
            {
                return original.Call(self, [arguments[0], new JsString(with)]);
            }

            return original.Call(self, [arguments[0], Counting(length, replacement, with)]);
        }));
    }

    private ClrFunction Counting(double length, JsValue replacement, string? with)
    {
        var total = length;
        var calls = 0;
        return Function("replacement", (self, arguments) =>
        {
            var made = with is null ? new JsString(TypeConverter.ToString(replacement.Call(self, arguments))) : new JsString(Expand(with, arguments, maximumLength));
            total += made.ToString().Length;
            RequireLength(total);
            if ((++calls & 255) == 0)
            {
                engine.Constraints.Check();
            }

            return made;
        });
    }

    /// <summary>The replacement text with its <c>$</c> references filled in, by the rules of the language; no longer than it may be.</summary>
    private static string Expand(string with, JsValue[] arguments, long maximum)
    {
        if (!with.Contains('$', StringComparison.Ordinal))
        {
            return with;
        }

        var groups = arguments[^1] as ObjectInstance;
        var end = groups is null ? arguments.Length : arguments.Length - 1;
        var text = arguments[end - 1].ToString();
        var offset = (int)TypeConverter.ToNumber(arguments[end - 2]);
        var match = arguments[0].ToString();
        var captures = end - 3;
        var result = new StringBuilder();
        for (var index = 0; index < with.Length && result.Length <= maximum; index++)
        {
            var next = index + 1 < with.Length ? with[index + 1] : '\0';
            if (with[index] != '$' || next == '\0')
            {
                result.Append(with[index]);
                continue;
            }

            var two = index + 2 < with.Length && char.IsAsciiDigit(next) && char.IsAsciiDigit(with[index + 2]) ? ((next - '0') * 10) + with[index + 2] - '0' : 0;
            var one = char.IsAsciiDigit(next) ? next - '0' : 0;
            var close = next == '<' && groups is not null ? with.IndexOf('>', index) : -1;
            if (next is '$' or '&' or '`' or '\'')
            {
                result.Append(next switch { '$' => "$", '&' => match, '`' => text.AsSpan(0, offset), _ => text.AsSpan(Math.Min(text.Length, offset + match.Length)) });
                index++;
            }
            else if (two >= 1 && two <= captures)
            {
                result.Append(TextOf(arguments[two]));
                index += 2;
            }
            else if (one >= 1 && one <= captures)
            {
                result.Append(TextOf(arguments[one]));
                index++;
            }
            else if (close > 0)
            {
                result.Append(TextOf(groups!.Get(with[(index + 2)..close])));
                index = close;
            }
            else
            {
                result.Append('$');
            }
        }

        return result.ToString();
    }

    private static string TextOf(JsValue value) => value.IsUndefined() ? "" : value.ToString();

    private static double Occurrences(string text, string pattern)
    {
        if (pattern.Length == 0)
        {
            return text.Length + 1.0;
        }

        var count = 0;
        for (var at = text.IndexOf(pattern, StringComparison.Ordinal); at >= 0; at = text.IndexOf(pattern, at + pattern.Length, StringComparison.Ordinal))
        {
            count++;
        }

        return count;
    }

    /// <summary>Characters that a value has as text or JSON, about; stops counting at the limit. Values that contain themselves reach it, too.</summary>
    private double Measure(JsValue value, double perItem = 0)
    {
        double length = 0;
        var count = 0;
        Visit(value, 0);
        return length;

        void Visit(JsValue item, int depth)
        {
            if (++count > maximumCount)
            {
                throw TooLong(session, $"something of more than {maximumCount:N0} values");
            }

            length += 1 + (perItem * depth);
            if (item.IsString())
            {
                length += item.AsString().Length;
            }
            else if (item is JsArray array)
            {
                for (uint index = 0; index < array.Length && length <= maximumLength && depth < 256; index++)
                {
                    Visit(array[index], depth + 1);
                }
            }
            else if (item is JsObject map && length <= maximumLength && depth < 256)
            {
                foreach (var property in map.GetOwnProperties())
                {
                    length += property.Key.ToString().Length + 3;
                    if (property.Value is { Enumerable: true, Get: null } descriptor && descriptor.Value is { } inner)
                    {
                        Visit(inner, depth + 1);
                    }
                }
            }
        }
    }

    private void RequireLength(double length)
    {
        if (length > maximumLength)
        {
            throw TooLong(session, double.IsFinite(length) ? $"a string of {length:N0} characters" : "an endless string");
        }
    }

    /// <summary>Puts a check before a native. What the check converted goes on to the native, so that a value which answers differently the second time gains nothing.</summary>
    private void Wrap(ObjectInstance owner, string name, Func<JsValue, JsValue[], JsValue[]> check)
    {
        var original = owner.Get(name);
        if (original.IsCallable())
        {
            Put(owner, name, Function(name, (self, arguments) => original.Call(self, check(self, arguments))));
        }
    }

    private void WrapText(ObjectInstance owner, string name, Func<string, JsValue[], JsValue[]> check)
    {
        var original = owner.Get(name);
        Put(owner, name, Function(name, (self, arguments) =>
        {
            if (self.IsUndefined() || self.IsNull())
            {
                return original.Call(self, arguments);
            }

            var text = TypeConverter.ToString(self);
            return original.Call(new JsString(text), check(text, arguments));
        }));
    }

    private static void Put(ObjectInstance owner, JsValue name, JsValue value) =>
        owner.DefineOwnProperty(name, new PropertyDescriptor(value, writable: true, enumerable: false, configurable: true));

    private ClrFunction Function(string name, Func<JsValue, JsValue[], JsValue> call) => new(engine, name, call);

    private ObjectInstance Prototype(string constructor) => (ObjectInstance)engine.Global.Get(constructor).Get("prototype");

    private static JsValue At(JsValue[] arguments, int index) => index < arguments.Length ? arguments[index] : JsValue.Undefined;

    private static double NumberAt(JsValue[] arguments, int index) => At(arguments, index) is var value && value.IsUndefined() ? 0 : TypeConverter.ToNumber(value);

    private static double LengthOf(JsValue value) => value.IsString() ? value.AsString().Length : value is ObjectInstance ? TypeConverter.ToString(value).Length : value.IsUndefined() || value.IsNull() ? 0 : value.ToString().Length;
}
