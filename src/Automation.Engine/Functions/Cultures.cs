using System.Globalization;

namespace Automation.Engine.Functions;

/// <summary>
/// Cultures that functions are asked to write in. A program that is built without .NET's cultures (<c>InvariantGlobalization</c>) would write all of them as English without a word; there only English is taken.
/// </summary>
internal static class Cultures
{
    private static readonly bool AreThere = CultureInfo.GetCultureInfo("de-DE").NumberFormat.NumberDecimalSeparator == ",";

    /// <returns>Null: none is asked for.</returns>
    public static CultureInfo? Find(FunctionCall call, int index)
    {
        if (call.Text(index) is not { Length: > 0 } name)
        {
            return null;
        }

        if (!AreThere && !name.Equals("en", StringComparison.OrdinalIgnoreCase) && !name.StartsWith("en-", StringComparison.OrdinalIgnoreCase))
        {
            throw call.Wrong($"this program writes dates and numbers as in English only, not as in '{name}'; leave the culture out, or put the text together from its parts");
        }

        try
        {
            return CultureInfo.GetCultureInfo(name, predefinedOnly: true);
        }
        catch (CultureNotFoundException)
        {
            throw call.Wrong($"there is no culture '{name}'; give a name such as en-US");
        }
    }
}
