using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Automation.Engine.Expressions;
using Newtonsoft.Json.Linq;

namespace Automation.Engine;

/// <summary>Kinds of values in a state blob. Numbers are fixed for good.</summary>
internal enum StateTag : byte
{
    Null = 0,
    True = 1,
    False = 2,
    Int32 = 3,
    Int64 = 4,
    Double = 5,
    Decimal = 6,
    Text = 7,
    DateTimeOffset = 8,
    TimeSpan = 9,
    Guid = 10,
    DateTime = 11,
    Bytes = 12,
    Single = 13,

    /// <summary>An object of JSON.</summary>
    Object = 14,

    /// <summary>An array of JSON.</summary>
    Array = 15,

    /// <summary>A plain value as JSON has it (a JValue), with the value's own tag behind it.</summary>
    Token = 16,
}

/// <summary>Writes a state blob: numbers as varints, text as UTF-8 with its length in front.</summary>
internal sealed class StateWriter
{
    private byte[] buffer = new byte[1024];
    private int length;

    public byte[] ToArray() => buffer.AsSpan(0, length).ToArray();

    public void Number(long value)
    {
        var rest = (ulong)((value << 1) ^ (value >> 63));
        var span = Room(10);
        var i = 0;
        while (rest >= 0x80)
        {
            span[i++] = (byte)(rest | 0x80);
            rest >>= 7;
        }

        span[i++] = (byte)rest;
        length += i;
    }

    /// <summary>Text or null.</summary>
    public void Text(string? value)
    {
        if (value is null)
        {
            Number(-1);
            return;
        }

        var bytes = Encoding.UTF8.GetByteCount(value);
        Number(bytes);
        Encoding.UTF8.GetBytes(value, Room(bytes));
        length += bytes;
    }

    public void Flag(bool value) => Byte((byte)(value ? 1 : 0));

    public void Byte(byte value)
    {
        Room(1)[0] = value;
        length++;
    }

    /// <summary>UTC ticks and offset in minutes.</summary>
    public void Time(DateTimeOffset value)
    {
        Number(value.UtcTicks);
        Number((long)value.Offset.TotalMinutes);
    }

    /// <summary>Any value a variable, input or output can have. What is no plain value is kept as the JSON it is.</summary>
    public void Value(object? value)
    {
        switch (value)
        {
            case null:
                Tag(StateTag.Null);
                break;
            case bool flag:
                Tag(flag ? StateTag.True : StateTag.False);
                break;
            case int number:
                Tag(StateTag.Int32);
                Number(number);
                break;
            case long or short or byte or sbyte or ushort or uint:
                Tag(StateTag.Int64);
                Number(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case double number:
                Tag(StateTag.Double);
                BinaryPrimitives.WriteDoubleLittleEndian(Room(8), number);
                length += 8;
                break;
            case float number:
                Tag(StateTag.Single);
                BinaryPrimitives.WriteSingleLittleEndian(Room(4), number);
                length += 4;
                break;
            case decimal or ulong or System.Numerics.BigInteger:
                Tag(StateTag.Decimal);
                Text(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
                break;
            case string text:
                Tag(StateTag.Text);
                Text(text);
                break;
            case Enum name:
                Tag(StateTag.Text);
                Text(name.ToString());
                break;
            case DateTimeOffset time:
                Tag(StateTag.DateTimeOffset);
                Time(time);
                break;
            case TimeSpan span:
                Tag(StateTag.TimeSpan);
                Number(span.Ticks);
                break;
            case Guid id:
                Tag(StateTag.Guid);
                id.TryWriteBytes(Room(16));
                length += 16;
                break;
            case DateTime time:
                Tag(StateTag.DateTime);
                Number(time.Ticks);
                Number((long)time.Kind);
                break;
            case byte[] bytes:
                Tag(StateTag.Bytes);
                Number(bytes.Length);
                bytes.CopyTo(Room(bytes.Length));
                length += bytes.Length;
                break;
            case JToken token:
                Token(token);
                break;
            default:
                Token(ValueConverter.ToJson(value));
                break;
        }
    }

    /// <summary>JSON: a JValue inside is told from a bare value, so that both come back as they were.</summary>
    public void Token(JToken? token)
    {
        RuntimeHelpers.EnsureSufficientExecutionStack();
        switch (token)
        {
            case null:
                Tag(StateTag.Null);
                break;
            case JObject value:
                Tag(StateTag.Object);
                Number(value.Count);
                foreach (var property in value.Properties())
                {
                    Text(property.Name);
                    Token(property.Value);
                }

                break;
            case JArray array:
                Tag(StateTag.Array);
                Number(array.Count);
                foreach (var item in array)
                {
                    Token(item);
                }

                break;
            case JValue { Value: null or bool or int or long or double or float or decimal or string or DateTime or DateTimeOffset or Guid or TimeSpan or byte[] or System.Numerics.BigInteger } plain:
                Tag(StateTag.Token);
                Value(plain.Value);
                break;
            default:
                Tag(StateTag.Token);
                Value(token.ToString());
                break;
        }
    }

    private void Tag(StateTag tag) => Byte((byte)tag);

    private Span<byte> Room(int bytes)
    {
        if (buffer.Length - length < bytes)
        {
            Array.Resize(ref buffer, Math.Max(buffer.Length * 2, length + bytes));
        }

        return buffer.AsSpan(length);
    }
}

/// <summary>Reads what <see cref="StateWriter"/> wrote.</summary>
internal sealed class StateReader(byte[] blob)
{
    private int position;

    public long Number()
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = Byte();
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return (long)(value >> 1) ^ -(long)(value & 1);
            }

            if (shift > 63)
            {
                throw Damaged();
            }
        }
    }

    public int Count()
    {
        var count = Number();
        return count >= 0 && count <= blob.Length - position ? (int)count : throw Damaged();
    }

    public string? Text()
    {
        var bytes = Number();
        return bytes < 0 ? null : Encoding.UTF8.GetString(Take(bytes));
    }

    public bool Flag() => Byte() == 1;
    public byte Byte() => Take(1)[0];
    public DateTimeOffset Time() => new DateTimeOffset(Number(), TimeSpan.Zero).ToOffset(TimeSpan.FromMinutes(Number()));

    public object? Value()
    {
        switch ((StateTag)Byte())
        {
            case StateTag.Null:
                return null;
            case StateTag.True:
                return true;
            case StateTag.False:
                return false;
            case StateTag.Int32:
                return (int)Number();
            case StateTag.Int64:
                return Number();
            case StateTag.Double:
                return BinaryPrimitives.ReadDoubleLittleEndian(Take(8));
            case StateTag.Single:
                return BinaryPrimitives.ReadSingleLittleEndian(Take(4));
            case StateTag.Decimal:
                var digits = Text()!;
                return decimal.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : System.Numerics.BigInteger.Parse(digits, CultureInfo.InvariantCulture);
            case StateTag.Text:
                return Text();
            case StateTag.DateTimeOffset:
                return Time();
            case StateTag.TimeSpan:
                return new TimeSpan(Number());
            case StateTag.Guid:
                return new Guid(Take(16));
            case StateTag.DateTime:
                return new DateTime(Number(), (DateTimeKind)Number());
            case StateTag.Bytes:
                return Take(Number()).ToArray();
            case StateTag.Object:
                var value = new JObject();
                for (var count = Count(); count > 0; count--)
                {
                    var name = Text()!;
                    value[name] = Token();
                }

                return value;
            case StateTag.Array:
                var array = new JArray();
                for (var count = Count(); count > 0; count--)
                {
                    array.Add(Token()!);
                }

                return array;
            case StateTag.Token:
                return new JValue(Value());
            default:
                throw Damaged();
        }
    }

    /// <summary>JSON, or null where there was none.</summary>
    public JToken? Token() => (JToken?)Value();

    private ReadOnlySpan<byte> Take(long bytes)
    {
        if (bytes < 0 || bytes > blob.Length - position)
        {
            throw Damaged();
        }

        var span = blob.AsSpan(position, (int)bytes);
        position += (int)bytes;
        return span;
    }

    private static InvalidDataException Damaged() => new("The state blob of the run is damaged: it ends early or holds an unknown kind of value.");
}
