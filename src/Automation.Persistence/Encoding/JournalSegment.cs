using System.Buffers;
using System.Text;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Persistence.Encoding;

/// <summary>
/// The journal records of one commit as one blob: a version byte, the records with each text written once and pointed to after that, then packed.
/// Values over 64 KB are handed out to be stored apart; over 8 MB they are cut and marked.
/// </summary>
internal static class JournalSegment
{
    /// <summary>Larger values of a record are stored apart.</summary>
    public const int ApartFrom = 64 * 1024;

    /// <summary>Larger values are cut to this.</summary>
    public const int CutFrom = 8 * 1024 * 1024;

    /// <summary>Characters of a cut value that are kept for reading.</summary>
    private const int Excerpt = 64 * 1024;
    private const byte Format = 1;

    private enum Value : byte
    {
        Inline,
        Apart,
    }

    /// <summary>A value that is stored apart.</summary>
    public readonly record struct Apart(string Id, byte[] Data);

    /// <param name="records">Records of one commit.</param>
    /// <param name="apart">Takes what is to be stored apart, under ids that start with <paramref name="idPrefix"/>.</param>
    /// <param name="idPrefix">Unique to the instance.</param>
    public static byte[] Pack(IReadOnlyList<JournalRecord> records, string idPrefix, List<Apart> apart)
    {
        var writer = new Output();
        writer.Byte(Format);
        writer.Number(records.Count);
        foreach (var record in records)
        {
            writer.Number(record.Sequence);
            writer.Number(record.At.UtcTicks);
            writer.Text(record.EventName);
            writer.Text(record.ActivityInstanceId);
            writer.Text(record.ParentActivityInstanceId);
            writer.Text(record.ActivityId);
            writer.Text(record.NodeId);
            writer.Text(record.ActivityType);
            writer.Number(record.ActivityTypeVersion);
            writer.Text(record.ActivityName);
            writer.Number(record.Iteration);
            writer.Text(record.Message);
            Values(writer, record.State, $"{idPrefix}:{record.Sequence}:s", apart);
            Values(writer, record.Outputs, $"{idPrefix}:{record.Sequence}:o", apart);
            writer.Texts(record.Outcomes);
            Write(writer, record.Fault);
        }

        return Payload.Pack(writer.Written);
    }

    /// <param name="packed">What <see cref="Pack"/> gave.</param>
    /// <param name="fetch">Finds a value that was stored apart.</param>
    public static List<JournalRecord> Unpack(byte[] packed, Func<string, byte[]?> fetch)
    {
        var reader = new InputReader(Payload.Unpack(packed));
        if (reader.Byte() is var format && format != Format)
        {
            throw new InvalidDataException($"A journal segment has format {format}; this version reads {Format}. It was written by a newer version.");
        }

        var records = new List<JournalRecord>((int)reader.Number());
        for (var left = records.Capacity; left > 0; left--)
        {
            records.Add(new JournalRecord
            {
                Sequence = reader.Number(),
                At = new DateTimeOffset(reader.Number(), TimeSpan.Zero),
                EventName = reader.Required(),
                ActivityInstanceId = reader.Required(),
                ParentActivityInstanceId = reader.Text(),
                ActivityId = reader.Required(),
                NodeId = reader.Required(),
                ActivityType = reader.Required(),
                ActivityTypeVersion = (int)reader.Number(),
                ActivityName = reader.Text(),
                Iteration = (int)reader.Number(),
                Message = reader.Text(),
                State = Values(ref reader, fetch),
                Outputs = Values(ref reader, fetch),
                Outcomes = reader.Texts(),
                Fault = ReadFault(ref reader),
            });
        }

        return records;
    }

    private static void Values(Output writer, JObject? values, string idPrefix, List<Apart> apart)
    {
        if (values is null)
        {
            writer.Number(-1);
            return;
        }

        writer.Number(values.Count);
        var index = 0;
        foreach (var (name, token) in values)
        {
            writer.Text(name);
            var json = Json.Write(token);
            if (json.Length < ApartFrom)
            {
                writer.Byte((byte)Value.Inline);
                writer.Text(json);
            }
            else
            {
                if (json.Length > CutFrom)
                {
                    json = Json.Write(new JObject { ["$cut"] = true, ["length"] = json.Length, ["start"] = json[..Excerpt] });
                }

                var id = $"{idPrefix}{index}";
                apart.Add(new Apart(id, Payload.Pack(System.Text.Encoding.UTF8.GetBytes(json))));
                writer.Byte((byte)Value.Apart);
                writer.Text(id);
            }

            index++;
        }
    }

    private static JObject? Values(ref InputReader reader, Func<string, byte[]?> fetch)
    {
        var count = reader.Number();
        if (count < 0)
        {
            return null;
        }

        var values = new JObject();
        for (; count > 0; count--)
        {
            var name = reader.Required();
            var kind = (Value)reader.Byte();
            var text = reader.Required();
            values[name] = kind == Value.Inline
                ? Payload.Parse(System.Text.Encoding.UTF8.GetBytes(text))
                : fetch(text) is { } data ? Payload.UnpackJson(data) : JValue.CreateNull();
        }

        return values;
    }

    private static void Write(Output writer, Fault? fault)
    {
        writer.Byte(fault is null ? (byte)0 : (byte)1);
        if (fault is not null)
        {
            writer.Text(fault.Message);
            writer.Text(fault.Code);
            writer.Text(fault.Detail);
            writer.Text(fault.Action);
            writer.Text(fault.Property);
            writer.Text(fault.ExceptionType);
            writer.Byte(fault.IsTransient ? (byte)1 : (byte)0);
        }
    }

    private static Fault? ReadFault(ref InputReader reader) => reader.Byte() == 0
        ? null
        : new Fault(reader.Required())
        {
            Code = reader.Required(),
            Detail = reader.Text(),
            Action = reader.Text(),
            Property = reader.Text(),
            ExceptionType = reader.Text(),
            IsTransient = reader.Byte() != 0,
        };

    /// <summary>Numbers as zigzag varints; a text as 0 (null), the number of an earlier one, or its length and bytes.</summary>
    private sealed class Output
    {
        private readonly ArrayBufferWriter<byte> _buffer = new(1024);
        private readonly Dictionary<string, int> _texts = new(StringComparer.Ordinal);

        public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

        public void Byte(byte value)
        {
            _buffer.GetSpan(1)[0] = value;
            _buffer.Advance(1);
        }

        public void Number(long value)
        {
            var rest = (ulong)((value << 1) ^ (value >> 63));
            var span = _buffer.GetSpan(10);
            var count = 0;
            for (; rest >= 0x80; rest >>= 7)
            {
                span[count++] = (byte)(rest | 0x80);
            }

            span[count++] = (byte)rest;
            _buffer.Advance(count);
        }

        public void Text(string? text)
        {
            if (text is null)
            {
                Number(0);
            }
            else if (_texts.TryGetValue(text, out var index))
            {
                Number(index);
            }
            else
            {
                _texts.Add(text, _texts.Count + 1);
                Number(-1 - System.Text.Encoding.UTF8.GetByteCount(text));
                System.Text.Encoding.UTF8.GetBytes(text, _buffer);
            }
        }

        public void Texts(IReadOnlyList<string>? texts)
        {
            Number(texts?.Count ?? -1);
            for (var i = 0; i < (texts?.Count ?? 0); i++)
            {
                Text(texts![i]);
            }
        }
    }

    private ref struct InputReader(ReadOnlySpan<byte> bytes)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;
        private readonly List<string> _texts = [];
        private int _at;

        public byte Byte() => _bytes[_at++];

        public long Number()
        {
            ulong value = 0;
            for (var shift = 0; ; shift += 7)
            {
                var next = _bytes[_at++];
                value |= (ulong)(next & 0x7F) << shift;
                if (next < 0x80)
                {
                    return (long)(value >> 1) ^ -(long)(value & 1);
                }
            }
        }

        public string? Text()
        {
            var number = Number();
            if (number == 0)
            {
                return null;
            }

            if (number > 0)
            {
                return _texts[(int)number - 1];
            }

            var length = (int)(-1 - number);
            var text = System.Text.Encoding.UTF8.GetString(_bytes.Slice(_at, length));
            _at += length;
            _texts.Add(text);
            return text;
        }

        public string Required() => Text() ?? throw new InvalidDataException("A journal segment is damaged: a text is missing.");

        public IReadOnlyList<string>? Texts()
        {
            var count = Number();
            if (count < 0)
            {
                return null;
            }

            var texts = new string[count];
            for (var i = 0; i < texts.Length; i++)
            {
                texts[i] = Required();
            }

            return texts;
        }
    }
}
