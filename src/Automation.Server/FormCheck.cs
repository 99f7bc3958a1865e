using System.Net;
using Automation.Hosting.Web;
using Microsoft.AspNetCore.Antiforgery;

namespace Automation.Server;

/// <summary>Tells a person why a form was not taken; without it the framework answers with a line about tokens.</summary>
internal static class FormCheck
{
    public static void UseFormCheck(this WebApplication app) => app.Use((context, next) =>
    {
        if (context.Features.Get<IAntiforgeryValidationFeature>() is not { IsValid: false } || context.GetEndpoint()?.Metadata.GetMetadata<Microsoft.AspNetCore.Components.Endpoints.RootComponentMetadata>() is null)
        {
            return next(context);
        }

        var page = WebUtility.HtmlEncode(context.Request.Path + context.Request.QueryString);
        return PlainPage.Of(
            "Not done",
            $"<p role=\"alert\">Nothing was changed: the page's form is not of your present session. Somebody has signed in or out in this browser since it was opened, or the browser keeps no cookies for this address.</p><p><a href=\"{page}\">Open the page anew</a>, and do it again.</p>",
            StatusCodes.Status400BadRequest).ExecuteAsync(context);
    });
}
