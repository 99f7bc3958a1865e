using System.Globalization;
using Automation.Engine;

namespace Automation.Sandbox;

/// <summary>
/// Ids as the APIs write them: GoHighLevel's are twenty letters and digits (<c>ve9EPM428h8vShlRW1KT</c>), of records that name it <c>_id</c> 24 hex digits; Flocksy's are ours. All of them sort by the
/// time they were made.
/// </summary>
internal static class RecordIds
{
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    public static string New(string api, Collection collection, TimeProvider clock)
    {
        var id = Ids.New(clock);
        return api != "ghl" ? id : collection.IdProperty == "_id" ? id[..24] : Short(id);
    }

    private static string Short(string id)
    {
        // Twenty such digits hold 119 bits: the last nine, random ones, are left out.
        var rest = UInt128.Parse(id, NumberStyles.HexNumber, CultureInfo.InvariantCulture) >> 9;
        Span<char> text = stackalloc char[20];
        for (var i = text.Length - 1; i >= 0; i--)
        {
            (rest, var digit) = UInt128.DivRem(rest, 62);
            text[i] = Digits[(int)digit];
        }

        return new string(text);
    }
}
