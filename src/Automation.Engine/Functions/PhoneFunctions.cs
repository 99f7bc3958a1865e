using Newtonsoft.Json.Linq;
using PhoneNumbers;

namespace Automation.Engine.Functions;

internal static class PhoneFunctions
{
    public static IReadOnlyList<ScriptFunction> All { get; } =
    [
        new("phones", "e164", "phone: string, country?: string", "string | null", "A number as +14155552671; null when it is none. The country counts for numbers without a country code (US when it is missing).", static call => Format(call, PhoneNumberFormat.E164)),
        new("phones", "isValid", "phone: string, country?: string", "boolean", "Whether it can be a number of its country.", static call => Parse(call) is not null),
        new("phones", "national", "phone: string, country?: string", "string | null", "A number as it is written in its country, as (415) 555-2671.", static call => Format(call, PhoneNumberFormat.NATIONAL)),
        new("phones", "international", "phone: string, country?: string", "string | null", "A number as it is written for callers from abroad, as +1 415-555-2671.", static call => Format(call, PhoneNumberFormat.INTERNATIONAL)),
        new("phones", "country", "phone: string, country?: string", "string | null", "The country of a number, as US.", static call => Parse(call) is { } number ? Util.GetRegionCodeForNumber(number) : null),
        new("phones", "type", "phone: string, country?: string", "string | null", "mobile, fixedLine, fixedLineOrMobile, tollFree, voip or other.", static call => Parse(call) is { } number ? TypeOf(number) : null),
        new("phones", "same", "phone: string, other: string, country?: string", "boolean", "Whether two texts are one number.", static call => Parse(call, 0, 2) is { } one && Parse(call, 1, 2) is { } other && Util.Format(one, PhoneNumberFormat.E164) == Util.Format(other, PhoneNumberFormat.E164)),
    ];

    private static PhoneNumberUtil Util => PhoneNumberUtil.GetInstance();

    private static PhoneNumber? Parse(FunctionCall call) => Parse(call, 0, 1);

    private static PhoneNumber? Parse(FunctionCall call, int index, int countryIndex)
    {
        var text = call.Text(index);
        if (string.IsNullOrWhiteSpace(text) || text.Length > 100)
        {
            return null;
        }

        try
        {
            var number = Util.Parse(text, call.Text(countryIndex, "US").ToUpperInvariant());
            return Util.IsValidNumber(number) ? number : null;
        }
        catch (NumberParseException)
        {
            return null; // What is no number is an answer here, not a failure.
        }
    }

    private static string? Format(FunctionCall call, PhoneNumberFormat format) => Parse(call) is { } number ? Util.Format(number, format) : null;

    private static string TypeOf(PhoneNumber number) => Util.GetNumberType(number) switch
    {
        PhoneNumberType.MOBILE => "mobile",
        PhoneNumberType.FIXED_LINE => "fixedLine",
        PhoneNumberType.FIXED_LINE_OR_MOBILE => "fixedLineOrMobile",
        PhoneNumberType.TOLL_FREE => "tollFree",
        PhoneNumberType.VOIP => "voip",
        _ => "other",
    };
}
