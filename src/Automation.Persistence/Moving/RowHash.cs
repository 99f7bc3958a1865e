using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Automation.Persistence.Moving;

/// <summary>Count and hash of a table's rows, in whatever order they come: the hashes of the rows are added up.</summary>
internal readonly record struct RowHash(long Rows, ulong Hash, ulong Row)
{
    /// <summary>Takes in a value of the present row.</summary>
    public RowHash Add(object? value)
    {
        var (kind, bytes) = value switch
        {
            null => ((byte)0, Array.Empty<byte>()),
            string text => ((byte)1, System.Text.Encoding.UTF8.GetBytes(text)),
            byte[] data => ((byte)2, data),
            _ => ((byte)3, BitConverter.GetBytes(Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture))),
        };
        Span<byte> chained = stackalloc byte[1 + sizeof(ulong) + SHA256.HashSizeInBytes];
        chained[0] = kind;
        BinaryPrimitives.WriteUInt64LittleEndian(chained[1..], Row);
        SHA256.HashData(bytes, chained[(1 + sizeof(ulong))..]);
        return this with { Row = Short(chained) };
    }

    /// <summary>The row is whole.</summary>
    public RowHash EndRow() => new(Rows + 1, Hash + Row, 0);

    private static ulong Short(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(data, hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }
}
