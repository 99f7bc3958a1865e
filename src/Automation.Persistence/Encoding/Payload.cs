using System.Buffers;
using System.IO.Compression;
using System.Text;
using Automation.Engine;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Persistence.Encoding;

/// <summary>How values become blobs: one tag byte (0 raw, 1 Brotli with the length of the text in front), then the bytes. Short ones are left as they are.</summary>
internal static class Payload
{
    /// <summary>Below it setting up the encoder costs more than the bytes it saves: an HTTP run spent a seventh of its processor time there.</summary>
    private const int CompressFrom = 1024;
    private const byte Raw = 0;
    private const byte Brotli = 1;

    private static readonly JsonSerializer Serializer = JsonSerializer.Create(new JsonSerializerSettings(Json.Settings)
    {
        NullValueHandling = NullValueHandling.Ignore,
        MaxDepth = null,
    });

    /// <summary>Packs bytes.</summary>
    public static byte[] Pack(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= CompressFrom)
        {
            var rented = ArrayPool<byte>.Shared.Rent(bytes.Length + 5);
            try
            {
                // A result that is no shorter than the source is not worth unpacking: the buffer is too small for it by intent.
                var window = bytes.Length <= 64 * 1024 ? 16 : 20;
                if (BrotliEncoder.TryCompress(bytes, rented.AsSpan(5, bytes.Length - 8), out var written, quality: 1, window))
                {
                    rented[0] = Brotli;
                    BitConverter.TryWriteBytes(rented.AsSpan(1), bytes.Length);
                    return rented.AsSpan(0, written + 5).ToArray();
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }

        var raw = new byte[bytes.Length + 1];
        raw[0] = Raw;
        bytes.CopyTo(raw.AsSpan(1));
        return raw;
    }

    /// <summary>Unpacks bytes.</summary>
    /// <exception cref="InvalidDataException">The blob is not one of ours, or is damaged.</exception>
    public static byte[] Unpack(ReadOnlySpan<byte> packed)
    {
        switch (packed.Length == 0 ? byte.MaxValue : packed[0])
        {
            case Raw:
                return packed[1..].ToArray();
            case Brotli when packed.Length > 5:
                var bytes = new byte[BitConverter.ToInt32(packed[1..])];
                if (BrotliDecoder.TryDecompress(packed[5..], bytes, out var written) && written == bytes.Length)
                {
                    return bytes;
                }

                goto default;
            default:
                throw new InvalidDataException($"A stored value of {packed.Length} bytes cannot be read: it is damaged, or was written by a newer version.");
        }
    }

    public static byte[] PackJson(JToken token)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        WriteJson(token, buffer);
        return Pack(buffer.WrittenSpan);
    }

    public static byte[]? PackJsonOrNull(JToken? token) => token is null ? null : PackJson(token);

    public static JToken UnpackJson(byte[] packed) => Parse(Unpack(packed));

    public static JToken? UnpackJsonOrNull(byte[]? packed) => packed is null ? null : UnpackJson(packed);

    /// <summary>Packs a record as JSON.</summary>
    public static byte[] PackRecord<T>(T value)
    {
        using var stream = new MemoryStream(512);
        using (var writer = new JsonTextWriter(new StreamWriter(stream, Utf8, 1024, leaveOpen: true)))
        {
            Serializer.Serialize(writer, value, typeof(T));
        }

        return Pack(stream.GetBuffer().AsSpan(0, (int)stream.Length));
    }

    public static T UnpackRecord<T>(byte[] packed)
    {
        using var reader = new JsonTextReader(new StreamReader(new MemoryStream(Unpack(packed)), Utf8)) { DateParseHandling = DateParseHandling.None, MaxDepth = null };
        return Serializer.Deserialize<T>(reader) ?? throw new InvalidDataException($"A stored {typeof(T).Name} is empty.");
    }

    /// <summary>Writes compact JSON as UTF-8.</summary>
    public static void WriteJson(JToken token, ArrayBufferWriter<byte> buffer)
    {
        var text = token.ToString(Formatting.None);
        Utf8.GetBytes(text, buffer);
    }

    /// <summary>Reads JSON that this class wrote: its depth was checked when it came in.</summary>
    public static JToken Parse(ReadOnlySpan<byte> utf8)
    {
        using var reader = new JsonTextReader(new StringReader(Utf8.GetString(utf8)))
        {
            DateParseHandling = DateParseHandling.None,
            Culture = System.Globalization.CultureInfo.InvariantCulture,
            MaxDepth = null,
        };
        return JToken.ReadFrom(reader);
    }

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);
}
