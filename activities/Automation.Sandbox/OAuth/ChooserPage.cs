using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;

namespace Automation.Sandbox;

/// <summary>The page on which a person chooses the account to connect: the stand-in of the marketplace's. <c>choice</c> in the address answers it at once.</summary>
internal static class ChooserPage
{
    public static async Task HandleAsync(HttpContext context, SandboxApi api, SandboxStore store)
    {
        var query = context.Request.Query;
        var redirect = query["redirect_uri"].ToString();
        if (query["response_type"] != "code" || query["client_id"].ToString().Length == 0 || !Uri.TryCreate(redirect, UriKind.Absolute, out var target) || target.Scheme is not ("http" or "https"))
        {
            await WriteAsync(context, 400, "<p>This address needs response_type=code, client_id and redirect_uri.</p>");
            return;
        }

        var choice = query["choice"].ToString();
        if (choice.Length == 0)
        {
            await WriteAsync(context, 200, Form(context, api, store));
            return;
        }

        var answer = new Dictionary<string, string?> { ["state"] = query["state"].Count == 0 ? null : query["state"].ToString() };
        using var session = store.BeginWrite(api.Profile.Name);
        var location = session.Find(GhlCollections.Locations, choice);
        var company = session.Find(GhlCollections.Companies, location?.Json["companyId"]?.ToString() ?? choice);
        if (company is null)
        {
            answer["error"] = "access_denied";
            answer["error_description"] = "The user denied access";
        }
        else
        {
            IReadOnlyList<string> approved = location is not null ? []
                : query["locations"] is { Count: > 0 } some ? [.. some.Select(id => id!)]
                : [.. session.List(GhlCollections.Locations, new RecordQuery { Take = 1000 }).Select(SandboxSession.Parse).Where(l => l.Json["companyId"]?.ToString() == company.Key).Select(l => l.Key)];
            var grant = new Grant(query["client_id"].ToString(), location is null ? "Company" : "Location", company.Key, location?.Key, approved, query["scope"].ToString());
            answer["code"] = OAuthBehaviours.NewCode(session, grant, redirect);
        }

        session.Commit();
        context.Response.Redirect(QueryHelpers.AddQueryString(redirect, answer.Where(pair => pair.Value is not null)));
    }

    private static string Form(HttpContext context, SandboxApi api, SandboxStore store)
    {
        var page = new StringBuilder("<form method=\"get\">");
        foreach (var (name, value) in context.Request.Query)
        {
            page.Append($"<input type=\"hidden\" name=\"{Encode(name)}\" value=\"{Encode(value.ToString())}\">");
        }

        page.Append($"<p>The app <b>{Encode(context.Request.Query["client_id"].ToString())}</b> asks for:</p><ul>");
        foreach (var scope in context.Request.Query["scope"].ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            page.Append($"<li><code>{Encode(scope)}</code></li>");
        }

        page.Append("</ul><p>Connect</p>");
        using var session = store.BeginRead(api.Profile.Name);
        foreach (var collection in (Collection[])[GhlCollections.Locations, GhlCollections.Companies])
        {
            foreach (var record in session.List(collection, new RecordQuery { Take = 100 }).Select(SandboxSession.Parse))
            {
                page.Append($"<p><button name=\"choice\" value=\"{Encode(record.Key)}\">{Encode(record.Json["name"]?.ToString() ?? record.Key)} ({(collection == GhlCollections.Companies ? "the agency, with all its locations" : "location")})</button></p>");
            }
        }

        return page.Append("<p><button name=\"choice\" value=\"deny\">Deny</button></p></form>").ToString();
    }

    private static Task WriteAsync(HttpContext context, int status, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/html; charset=utf-8";
        return context.Response.WriteAsync($$"""
            <!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,"><title>Choose an account · Sandbox</title>
            <style>body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:8vh auto;padding:0 1rem}button{font:inherit;padding:.4rem .8rem}</style></head>
            <body><h1>Choose an account</h1><p>This is the sandbox: no real account is involved.</p>{{body}}</body></html>
            """, context.RequestAborted);
    }

    private static string Encode(string text) => HtmlEncoder.Default.Encode(text);
}
