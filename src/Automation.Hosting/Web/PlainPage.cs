using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;

namespace Automation.Hosting.Web;

/// <summary>Small pages that need no session and no framework: sign-in, set-up, decisions by a link.</summary>
public static class PlainPage
{
    private const int FormLimit = 64 * 1024;

    /// <param name="title">Heading.</param>
    /// <param name="body">HTML; what comes from outside is encoded by the caller.</param>
    /// <param name="status">Status of the answer.</param>
    public static IResult Of(string title, string body, int status = StatusCodes.Status200OK) => Results.Content($$"""
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>{{Encode(title)}} · Automation</title>
        <style>:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:28rem;margin:10vh auto;padding:0 1rem;background:light-dark(#f7f4ef,#16181c);color:light-dark(#252b33,#e8e6e1)}main{background:light-dark(#fffcf8,#1f2227);border:1px solid light-dark(#ddd5ca,#3a3e46);border-radius:8px;padding:.5rem 1.5rem 1.5rem}label{display:block;margin:.75rem 0}input,textarea{display:block;width:100%;padding:.5rem;font:inherit;box-sizing:border-box;border:1px solid light-dark(#8b8578,#7b808b);border-radius:6px;background:transparent;color:inherit}button{font:inherit;padding:.5rem 1rem;margin-right:.5rem;border:0;border-radius:6px;background:light-dark(#245ea8,#8fbcf5);color:light-dark(#fff,#10233c);cursor:pointer}a{color:light-dark(#245ea8,#8fbcf5)}[role=alert]{color:light-dark(#b03030,#ff9d94)}:focus-visible{outline:3px solid light-dark(#245ea8,#8fbcf5);outline-offset:2px}.text{white-space:pre-wrap}</style>
        </head><body><main><h1>{{Encode(title)}}</h1>{{body}}</main></body></html>
        """, "text/html; charset=utf-8", statusCode: status);

    public static string Alert(string? error) => error is null ? "" : $"<p role=\"alert\">{Encode(error)}</p>";

    public static string Encode(string text) => HtmlEncoder.Default.Encode(text);

    /// <summary>The fields of a posted form.</summary>
    /// <exception cref="ProblemException">It is too large, or no text.</exception>
    public static async Task<Dictionary<string, string>> ReadFormAsync(HttpContext context)
    {
        var text = RequestBody.TextOf(await RequestBody.ReadBytesAsync(context, FormLimit, context.RequestAborted));
        return Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(text).ToDictionary(p => p.Key, p => p.Value.ToString());
    }
}
