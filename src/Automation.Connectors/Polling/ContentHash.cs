using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>
/// A hash of what an item says: the same whatever the order of its properties and however its numbers are written (1 and 1.0). Stored with items, so its
/// encoding must never change: a type letter, then length-prefixed UTF-8, properties in ordinal order.
/// </summary>
internal static class ContentHash
{
    /// <summary>32 hex characters. Properties named in <paramref name="ignored"/> (dotted paths) are left out.</summary>
    public static string Of(JToken token, IReadOnlyList<string> ignored)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        Write(buffer, token, "", ignored);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(buffer.WrittenSpan, hash);
        return Convert.ToHexStringLower(hash[..16]);
    }

    private static void Write(ArrayBufferWriter<byte> buffer, JToken token, string path, IReadOnlyList<string> ignored)
    {
        switch (token)
        {
            case JObject item:
                Mark(buffer, 'o');
                foreach (var property in item.Properties().OrderBy(p => p.Name, StringComparer.Ordinal))
                {
                    var inner = ignored.Count == 0 ? "" : path.Length == 0 ? property.Name : path + "." + property.Name;
                    if (ignored.Count == 0 || !ignored.Contains(inner, StringComparer.Ordinal))
                    {
                        Text(buffer, 'p', property.Name);
                        Write(buffer, property.Value, inner, ignored);
                    }
                }

                Mark(buffer, 'e');
                break;
            case JArray list:
                Mark(buffer, 'a');
                foreach (var element in list)
                {
                    Write(buffer, element, path, ignored);
                }

                Mark(buffer, 'e');
                break;
            case JValue { Value: null }:
                Mark(buffer, 'n');
                break;
            case JValue { Value: string text }:
                Text(buffer, 's', text);
                break;
            case JValue { Value: bool flag }:
                Mark(buffer, flag ? 't' : 'f');
                break;
            case JValue { Value: double real } when Math.Abs(real) < 1e15 && real == Math.Truncate(real):
                Text(buffer, 'd', ((long)real).ToString(CultureInfo.InvariantCulture));
                break;
            default:
                Text(buffer, 'd', JsonPaths.Text(token) ?? "");
                break;
        }
    }

    private static void Mark(ArrayBufferWriter<byte> buffer, char kind)
    {
        buffer.GetSpan(1)[0] = (byte)kind;
        buffer.Advance(1);
    }

    private static void Text(ArrayBufferWriter<byte> buffer, char kind, string text)
    {
        var span = buffer.GetSpan(5 + Encoding.UTF8.GetMaxByteCount(text.Length));
        span[0] = (byte)kind;
        var written = Encoding.UTF8.GetBytes(text, span[5..]);
        BinaryPrimitives.WriteInt32LittleEndian(span[1..], written);
        buffer.Advance(5 + written);
    }
}
