using System.Globalization;
using System.Text;
using Newtonsoft.Json.Linq;

namespace Automation.Engine.Functions;

internal static class MoneyFunctions
{
    private static readonly Dictionary<string, (string Symbol, int Digits)> Currencies = new(StringComparer.OrdinalIgnoreCase)
    {
        ["USD"] = ("$", 2),
        ["CAD"] = ("CA$", 2),
        ["AUD"] = ("A$", 2),
        ["NZD"] = ("NZ$", 2),
        ["EUR"] = ("€", 2),
        ["GBP"] = ("£", 2),
        ["JPY"] = ("¥", 0),
        ["INR"] = ("₹", 2),
        ["MXN"] = ("MX$", 2),
        ["BRL"] = ("R$", 2),
        ["KRW"] = ("₩", 0),
        ["ILS"] = ("₪", 2),
    };

    public static IReadOnlyList<ScriptFunction> All { get; } =
    [
        new("money", "parse", "text: string | number", "number | null", "The amount in a text such as $1,234.50, 1.234,50 € or (12.00); null when there is none.", static call => call.At(0) is string text ? Parse(text) : call.Has(0) ? call.Number(0) : null),
        new("money", "format", "amount: number | string, currency?: string, culture?: string", "string", "An amount as $1,234.50, by the currency's own digits; with a culture such as en-GB as it is written there (the server knows English ones only).", Format),
        new("money", "round", "amount: number | string, digits?: number", "number", "Rounded, half away from zero; to cents when no digits are given.", static call => Math.Round(Amount(call, 0), Math.Clamp(call.Whole(1, 2), 0, 20), MidpointRounding.AwayFromZero)),
        new("money", "toCents", "amount: number | string", "number", "An amount in cents.", static call => (long)Math.Round(Amount(call, 0) * 100, MidpointRounding.AwayFromZero)),
        new("money", "fromCents", "cents: number", "number", "Cents as an amount.", static call => call.Number(0) / 100),
        new("money", "percent", "amount: number | string, percent: number", "number", "So many percent of an amount, in cents exactly.", static call => Math.Round(Amount(call, 0) * call.Number(1) / 100, 2, MidpointRounding.AwayFromZero)),
        new("money", "split", "amount: number | string, parts: number", "number[]", "An amount in equal parts whose sum is the amount: the first parts take the cents that are left.", Split),
    ];

    private static decimal Amount(FunctionCall call, int index) => call.At(index) is string text ? Parse(text) ?? throw call.Wrong($"'{text}' is no amount") : call.Number(index);

    private static decimal? Parse(string text)
    {
        if (text.Length > 100)
        {
            return null;
        }

        var digits = new StringBuilder();
        foreach (var letter in text)
        {
            if (char.IsAsciiDigit(letter) || letter is '.' or ',')
            {
                digits.Append(letter);
            }
        }

        // The mark that stands last, with other than three digits behind it or with another mark before it, is the decimal one.
        var plain = digits.ToString().Trim('.', ',');
        var last = plain.LastIndexOfAny(['.', ',']);
        if (last >= 0)
        {
            var isDecimal = plain.Length - last - 1 != 3 || plain.AsSpan(0, last).IndexOf(plain[last] == '.' ? ',' : '.') >= 0;
            var whole = plain[..last].Replace(".", "", StringComparison.Ordinal).Replace(",", "", StringComparison.Ordinal);
            plain = isDecimal ? $"{whole}.{plain[(last + 1)..]}" : whole + plain[(last + 1)..];
        }

        if (!decimal.TryParse(plain, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var amount))
        {
            return null;
        }

        var isNegative = text.Contains('-', StringComparison.Ordinal) || text.Contains('−', StringComparison.Ordinal) || (text.TrimStart().StartsWith('(') && text.TrimEnd().EndsWith(')'));
        return isNegative ? -amount : amount;
    }

    private static string Format(FunctionCall call)
    {
        var currency = call.Text(1, "USD").ToUpperInvariant();
        var (symbol, digits) = Currencies.GetValueOrDefault(currency, (currency + " ", 2));
        var numbers = (NumberFormatInfo)(Cultures.Find(call, 2) ?? CultureInfo.GetCultureInfo("en-US")).NumberFormat.Clone();
        numbers.CurrencySymbol = symbol.Trim();
        numbers.CurrencyDecimalDigits = digits;
        numbers.CurrencyNegativePattern = numbers.CurrencyPositivePattern == 0 ? 1 : numbers.CurrencyNegativePattern;
        numbers.CurrencyPositivePattern = symbol.EndsWith(' ') && numbers.CurrencyPositivePattern == 0 ? 2 : numbers.CurrencyPositivePattern;
        return Amount(call, 0).ToString("C", numbers);
    }

    private static JArray Split(FunctionCall call)
    {
        var parts = call.Whole(1);
        if (parts is < 1 or > 10_000)
        {
            throw call.Wrong("the number of parts is from 1 to 10,000");
        }

        var cents = (long)Math.Round(Amount(call, 0) * 100, MidpointRounding.AwayFromZero);
        var rest = cents % parts;
        return new JArray(Enumerable.Range(0, parts).Select(i => ((cents / parts) + (i < Math.Abs(rest) ? Math.Sign(rest) : 0)) / 100m).Cast<object>());
    }
}
