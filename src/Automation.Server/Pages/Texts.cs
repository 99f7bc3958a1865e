using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.Localization;

namespace Automation.Server.Pages;

/// <summary>
/// Texts of the pages in the reader's language. The English text is its own key; <c>Texts.resx</c> lists them all, and another language is a file beside it (<c>Texts.de.resx</c>)
/// and its name in <see cref="Languages"/>.
/// </summary>
public sealed class Texts(IStringLocalizer<Texts> localizer)
{
    /// <summary>Languages that there is a file for, the first where a reader has none of them.</summary>
    public static readonly string[] Languages = ["en"];

    /// <summary>Language of the page, for its <c>lang</c>.</summary>
    public static string Language => System.Globalization.CultureInfo.CurrentUICulture.Name is { Length: > 0 } name ? name : Languages[0];

    public string this[string text] => localizer[text];

    public string this[string text, params object?[] values] => localizer[text, values!];

    /// <summary>A text with markup of its own; the values are not markup.</summary>
    public MarkupString Html(string text, params object?[] values) =>
        new(values.Length == 0 ? localizer[text] : localizer[text, [.. values.Select(value => HtmlEncoder.Default.Encode(Convert.ToString(value, System.Globalization.CultureInfo.CurrentCulture) ?? ""))]]);
}
