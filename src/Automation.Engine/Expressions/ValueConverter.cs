using System.Collections;
using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Globalization;
using System.Numerics;
using System.Xml;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Engine.Expressions;

/// <summary>Converts values as Elsa does: "true", "3", "00:00:05", enum names, JSON text into typed targets.</summary>
public static class ValueConverter
{
    private static readonly JsonSerializer Serializer = JsonSerializer.Create(Json.Settings);

    private static readonly FrozenDictionary<string, Type> Types = new Dictionary<string, Type>(StringComparer.OrdinalIgnoreCase)
    {
        ["Object"] = typeof(object),
        ["String"] = typeof(string),
        ["Boolean"] = typeof(bool),
        ["Int16"] = typeof(short),
        ["Int32"] = typeof(int),
        ["Int64"] = typeof(long),
        ["Long"] = typeof(long),
        ["Single"] = typeof(float),
        ["Double"] = typeof(double),
        ["Decimal"] = typeof(decimal),
        ["Guid"] = typeof(Guid),
        ["DateTime"] = typeof(DateTime),
        ["DateTimeOffset"] = typeof(DateTimeOffset),
        ["TimeSpan"] = typeof(TimeSpan),
        ["Uri"] = typeof(Uri),
        ["ByteArray"] = typeof(byte[]),
        ["Byte[]"] = typeof(byte[]),
        ["StringDictionary"] = typeof(IDictionary<string, string>),
        ["ObjectDictionary"] = typeof(IDictionary<string, object>),
        ["JSON"] = typeof(JToken),
        ["JsonElement"] = typeof(JToken),
        ["JsonNode"] = typeof(JToken),
        ["JsonObject"] = typeof(JObject),
        ["JsonArray"] = typeof(JArray),
        ["HttpStatusCode"] = typeof(System.Net.HttpStatusCode),
        ["System.Net.HttpStatusCode, System.Net.Primitives"] = typeof(System.Net.HttpStatusCode),
        ["HttpHeaders"] = typeof(IDictionary<string, string>),
        ["Elsa.Http.HttpHeaders, Elsa.Http"] = typeof(IDictionary<string, string>),
    }.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenDictionary<Type, string> Aliases = new Dictionary<Type, string>
    {
        [typeof(object)] = "Object",
        [typeof(string)] = "String",
        [typeof(bool)] = "Boolean",
        [typeof(short)] = "Int16",
        [typeof(int)] = "Int32",
        [typeof(long)] = "Int64",
        [typeof(float)] = "Single",
        [typeof(double)] = "Double",
        [typeof(decimal)] = "Decimal",
        [typeof(Guid)] = "Guid",
        [typeof(DateTime)] = "DateTime",
        [typeof(DateTimeOffset)] = "DateTimeOffset",
        [typeof(TimeSpan)] = "TimeSpan",
        [typeof(Uri)] = "Uri",
        [typeof(byte[])] = "ByteArray",
        [typeof(IDictionary<string, string>)] = "StringDictionary",
        [typeof(Dictionary<string, string>)] = "StringDictionary",
        [typeof(IDictionary<string, object>)] = "ObjectDictionary",
        [typeof(Dictionary<string, object>)] = "ObjectDictionary",
        [typeof(JToken)] = "JsonNode",
        [typeof(JObject)] = "JsonObject",
        [typeof(JArray)] = "JsonArray",
        [typeof(System.Net.HttpStatusCode)] = "HttpStatusCode",
    }.ToFrozenDictionary();

    private static readonly ConcurrentDictionary<Type, object> Zeros = new();

    /// <summary>Null and blank text become the default of a value type. A value that has the type already is handed on as it is.</summary>
    /// <exception cref="FaultException">The value does not fit the type (<c>conversion</c>).</exception>
    public static object? Convert(object? value, Type target)
    {
        if (value is JValue scalar && (target == typeof(object) || !target.IsAssignableFrom(typeof(JValue))))
        {
            value = scalar.Value;
        }

        if (target == typeof(object))
        {
            return value;
        }

        var type = Nullable.GetUnderlyingType(target) ?? target;
        if (value is null)
        {
            return type == target && type.IsValueType ? Zeros.GetOrAdd(type, static zero => Activator.CreateInstance(zero)!) : null;
        }

        if (type.IsInstanceOfType(value))
        {
            return value;
        }

        if (type == typeof(string))
        {
            return TextOf(value);
        }

        if (value is string blank && string.IsNullOrWhiteSpace(blank) && !typeof(JToken).IsAssignableFrom(type))
        {
            return Convert(null, target);
        }

        try
        {
            return type.IsValueType || type == typeof(Uri) ? ToScalar(value, type) : ToStructured(value, type);
        }
        catch (Exception exception) when (exception is FormatException or OverflowException or InvalidCastException or ArgumentException or JsonException)
        {
            throw new FaultException(new Fault($"The value {Show(value)} cannot be converted to {AliasOf(type)}.")
            {
                Code = "conversion",
                Detail = exception is JsonException ? exception.Message : null,
                Action = $"Give a value that fits {AliasOf(type)}{Example(type)}.",
                ExceptionType = exception.GetType().FullName,
            }, exception);
        }
    }

    /// <summary>CLR type of an alias (<c>String</c>, <c>Int32</c>, <c>Object[]</c>, <c>ObjectDictionary</c>…); object when unknown.</summary>
    public static Type TypeOf(string? alias, bool isArray = false)
    {
        if (string.IsNullOrWhiteSpace(alias))
        {
            return isArray ? typeof(object[]) : typeof(object);
        }

        var type = Types.GetValueOrDefault(alias)
            ?? (alias.EndsWith("[]", StringComparison.Ordinal) ? TypeOf(alias[..^2]).MakeArrayType() : typeof(object));
        return isArray ? type.MakeArrayType() : type;
    }

    /// <summary>Alias of a CLR type.</summary>
    public static string AliasOf(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (Aliases.TryGetValue(type, out var alias))
        {
            return alias;
        }

        if (type.IsArray)
        {
            return AliasOf(type.GetElementType()!) + "[]";
        }

        if (type.IsGenericType && type.GetGenericArguments() is [var element] && typeof(IEnumerable).IsAssignableFrom(type))
        {
            return AliasOf(element) + "[]";
        }

        return type.IsEnum ? type.Name : "Object";
    }

    /// <summary>A value as JSON, for state, journal and API.</summary>
    public static JToken ToJson(object? value) => value switch
    {
        null => JValue.CreateNull(),
        JToken token => token,
        string text => new JValue(text),
        bool flag => new JValue(flag),
        int number => new JValue(number),
        long number => new JValue(number),
        double number => double.IsFinite(number) ? new JValue(number) : JValue.CreateNull(),
        float number => float.IsFinite(number) ? new JValue((double)number) : JValue.CreateNull(),
        decimal number => new JValue(number),
        BigInteger number => new JValue(number),
        byte or sbyte or short or ushort or uint or ulong => new JValue(System.Convert.ToInt64(value)),
        DateTimeOffset moment => new JValue(moment.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFK")),
        DateTime moment => new JValue(moment.ToString("yyyy-MM-ddTHH:mm:ss.FFFFFFFK")),
        TimeSpan span => new JValue(span.ToString("c")),
        Guid id => new JValue(id.ToString()),
        Uri uri => new JValue(uri.OriginalString),
        Enum name => new JValue(name.ToString()),
        byte[] bytes => new JValue(System.Convert.ToBase64String(bytes)),
        IDictionary<string, object?> map => new JObject(map.Select(entry => new JProperty(entry.Key, ToJson(entry.Value)))),
        IDictionary<string, string> map => new JObject(map.Select(entry => new JProperty(entry.Key, entry.Value))),
        IEnumerable<object?> list => new JArray(list.Select(ToJson).ToArray<object>()),
        _ => JToken.FromObject(value, Serializer),
    };

    /// <summary>A value as text: JSON for objects and lists, invariant numbers, ISO times.</summary>
    private static string? TextOf(object value) => value switch
    {
        JToken or IDictionary or IList => Json.Write(ToJson(value)),
        DateTimeOffset or DateTime => (string?)ToJson(value),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    private static object ToScalar(object value, Type type)
    {
        if (value is JContainer)
        {
            throw new InvalidCastException();
        }

        var text = value as string;
        if (type.IsEnum)
        {
            return text is not null ? Enum.Parse(type, text.Trim(), ignoreCase: true) : Enum.ToObject(type, System.Convert.ToInt64(value, CultureInfo.InvariantCulture));
        }

        if (type == typeof(TimeSpan))
        {
            return text is null ? throw new InvalidCastException()
                : TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var span) ? span : XmlConvert.ToTimeSpan(text);
        }

        if (type == typeof(DateTimeOffset))
        {
            return value is DateTime moment
                ? new DateTimeOffset(moment.Kind == DateTimeKind.Unspecified ? DateTime.SpecifyKind(moment, DateTimeKind.Utc) : moment)
                : DateTimeOffset.Parse(text ?? throw new InvalidCastException(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
        }

        if (type == typeof(DateTime))
        {
            return value is DateTimeOffset moment
                ? moment.UtcDateTime
                : DateTime.Parse(text ?? throw new InvalidCastException(), CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal);
        }

        if (type == typeof(Guid))
        {
            return Guid.Parse(text ?? throw new InvalidCastException());
        }

        if (type == typeof(Uri))
        {
            return new Uri(text ?? throw new InvalidCastException(), UriKind.RelativeOrAbsolute);
        }

        if (type == typeof(bool) && text is not null)
        {
            return bool.Parse(text);
        }

        if (text is not null && type != typeof(char))
        {
            // "3.0" is a fine whole number; "3,0" is not, in any culture.
            text = text.Trim();
            return type == typeof(double) || type == typeof(float)
                ? System.Convert.ChangeType(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture), type, CultureInfo.InvariantCulture)
                : System.Convert.ChangeType(decimal.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture), type, CultureInfo.InvariantCulture);
        }

        return System.Convert.ChangeType(value is BigInteger big ? (decimal)big : value, type, CultureInfo.InvariantCulture);
    }

    private static object? ToStructured(object value, Type type)
    {
        if (type == typeof(byte[]))
        {
            return value is string base64 ? System.Convert.FromBase64String(base64) : ToJson(value).ToObject<int[]>(Serializer)!.Select(item => checked((byte)item)).ToArray();
        }

        if (type == typeof(JArray) && value is string letters && letters.AsSpan().TrimStart() is not ['[' or '{', ..])
        {
            // As in Elsa, text where any list is asked for is the list of its letters.
            return new JArray(letters.Select(l => l.ToString()).ToArray<object>());
        }

        var token = value is string text ? ParseOrText(text, type) : ToJson(value);
        if (typeof(JToken).IsAssignableFrom(type))
        {
            return type.IsInstanceOfType(token) ? token : throw new InvalidCastException();
        }

        if (token is not JArray && token is not JObject && ElementOf(type) is not null)
        {
            token = new JArray(token); // One value where a list is asked for is a list of one.
        }

        return token.ToObject(type, Serializer);
    }

    private static JToken ParseOrText(string text, Type type)
    {
        try
        {
            return Json.Parse(text);
        }
        catch (JsonReaderException) when (ElementOf(type) == typeof(string) || ElementOf(type) == typeof(object) || type == typeof(JToken))
        {
            return new JValue(text);
        }
    }

    private static Type? ElementOf(Type type) =>
        type.IsArray ? type.GetElementType()
        : type.IsGenericType && type.GetGenericArguments() is [var element] && typeof(IEnumerable).IsAssignableFrom(type) ? element
        : null;

    private static string Show(object value)
    {
        var text = TextOf(value) ?? "";
        return value is JObject ? "(an object)" : value is JArray ? "(a list)" : $"'{(text.Length > 60 ? text[..60] + "…" : text)}'";
    }

    private static string Example(Type type) =>
        type == typeof(TimeSpan) ? ", as 00:00:05"
        : type == typeof(DateTimeOffset) || type == typeof(DateTime) ? ", as 2030-01-31T08:00:00Z"
        : type == typeof(bool) ? ": true or false"
        : type.IsEnum ? ": " + string.Join(", ", Enum.GetNames(type).Take(12))
        : "";
}
