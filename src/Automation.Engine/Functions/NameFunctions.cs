using System.Globalization;
using System.Net.Mail;
using System.Text;
using Newtonsoft.Json.Linq;

namespace Automation.Engine.Functions;

/// <summary>Names and e-mail addresses of people.</summary>
internal static class NameFunctions
{
    private const int Longest = 500;
    private static readonly HashSet<string> Prefixes = new(["mr", "mrs", "ms", "miss", "dr", "prof", "sir", "rev"], StringComparer.OrdinalIgnoreCase);
    private static readonly HashSet<string> Suffixes = new(["jr", "sr", "ii", "iii", "iv", "phd", "md", "esq", "dds", "cpa"], StringComparer.OrdinalIgnoreCase);
    private static readonly HashSet<string> Particles = new(["van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "la", "le", "bin", "ibn", "al", "zu", "ter"], StringComparer.OrdinalIgnoreCase);
    private static readonly HashSet<string> FreeHosts = new(["gmail.com", "googlemail.com", "yahoo.com", "ymail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "aol.com", "icloud.com", "me.com", "mac.com", "proton.me", "protonmail.com", "gmx.com", "gmx.net", "gmx.de", "web.de", "mail.com", "zoho.com", "yandex.com", "comcast.net", "att.net", "verizon.net"], StringComparer.OrdinalIgnoreCase);

    public static IReadOnlyList<ScriptFunction> All { get; } =
    [
        new("names", "split", "name: string", "{ prefix: string, first: string, middle: string, last: string, suffix: string }", "The parts of a full name; 'Last, First' is understood.", static call => Split(call.Text(0, ""))),
        new("names", "first", "name: string", "string", "The first name of a full name.", static call => (string?)Split(call.Text(0, ""))["first"]),
        new("names", "last", "name: string", "string", "The last name of a full name, with its van or de la.", static call => (string?)Split(call.Text(0, ""))["last"]),
        new("names", "full", "first: string, last: string, middle?: string", "string", "A full name of its parts; missing parts leave no gap.", static call => string.Join(' ', new[] { call.Text(0), call.Text(2), call.Text(1) }.Select(part => part?.Trim()).Where(part => !string.IsNullOrEmpty(part)))),
        new("names", "proper", "name: string", "string", "A name in upper and lower case, as O'Neil, McDonald, van der Berg.", static call => Proper(call.Text(0, ""))),
        new("names", "initials", "name: string", "string", "The first letters of first and last name, as AL.", static call => Initials(Split(call.Text(0, "")))),
        new("emails", "normalize", "email: string", "string | null", "An address without spaces around it and in lower case; null when it is none.", static call => Address(call)),
        new("emails", "isValid", "email: string", "boolean", "Whether it can be an address. Whether anybody reads it, nobody knows.", static call => Address(call) is not null),
        new("emails", "domain", "email: string", "string | null", "What stands behind the @.", static call => Address(call) is { } address ? address[(address.LastIndexOf('@') + 1)..] : null),
        new("emails", "isFree", "email: string", "boolean", "Whether it is of one of the large free providers.", static call => Address(call) is { } address && FreeHosts.Contains(address[(address.LastIndexOf('@') + 1)..])),
        new("emails", "mask", "email: string", "string | null", "An address as a***@example.com, to be shown.", static call => Address(call) is { } address ? address[..1] + "***" + address[address.LastIndexOf('@')..] : null),
    ];

    private static string? Address(FunctionCall call)
    {
        var text = call.Text(0)?.Trim() ?? "";
        return text.Length is > 2 and <= 254 && !text.Contains(' ', StringComparison.Ordinal) && MailAddress.TryCreate(text, out var address) && address.Address == text && address.Host.Contains('.', StringComparison.Ordinal) && !address.Host.EndsWith('.')
            ? text.ToLowerInvariant()
            : null;
    }

    private static JObject Split(string text)
    {
        text = text.Length > Longest ? text[..Longest] : text;
        var comma = text.IndexOf(',', StringComparison.Ordinal);
        if (comma > 0 && !Suffixes.Contains(Bare(text[(comma + 1)..])))
        {
            text = text[(comma + 1)..] + " " + text[..comma];
        }

        var words = text.Replace(",", " ", StringComparison.Ordinal).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).ToList();
        var prefix = Take(words, 0, Prefixes);
        var suffix = words.Count > 1 ? Take(words, words.Count - 1, Suffixes) : "";
        var first = words.Count > 0 ? words[0] : "";
        var from = Math.Max(1, words.Count - 1);
        while (from > 1 && Particles.Contains(words[from - 1]))
        {
            from--;
        }

        return new JObject
        {
            ["prefix"] = prefix,
            ["first"] = first,
            ["middle"] = string.Join(' ', words.Skip(1).Take(from - 1)),
            ["last"] = string.Join(' ', words.Skip(from)),
            ["suffix"] = suffix,
        };
    }

    private static string Take(List<string> words, int index, HashSet<string> known)
    {
        if (words.Count < 2 || !known.Contains(Bare(words[index])))
        {
            return "";
        }

        var word = words[index];
        words.RemoveAt(index);
        return word;
    }

    private static string Bare(string word) => word.Trim().Replace(".", "", StringComparison.Ordinal);

    private static string Proper(string text)
    {
        text = text.Length > Longest ? text[..Longest] : text;
        var words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return string.Join(' ', words.Select((word, index) => index > 0 && index < words.Length - 1 && Particles.Contains(word) ? word.ToLowerInvariant() : Capital(word)));
    }

    private static string Capital(string word)
    {
        var result = new StringBuilder(word.ToLower(CultureInfo.InvariantCulture));
        for (var i = 0; i < result.Length; i++)
        {
            var isAfterMc = i == 2 && result.Length > 3 && result[0] == 'M' && result[1] == 'c';
            if (i == 0 || isAfterMc || result[i - 1] is '-' or '\'' or '’' or '.')
            {
                result[i] = char.ToUpper(result[i], CultureInfo.InvariantCulture);
            }
        }

        return result.ToString();
    }

    private static string Initials(JObject parts) =>
        string.Concat(new[] { (string?)parts["first"], ((string?)parts["last"])?.Split(' ')[^1] }.Where(part => !string.IsNullOrEmpty(part)).Select(part => char.ToUpper(part![0], CultureInfo.InvariantCulture)));
}
