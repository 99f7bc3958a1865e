using Automation.Hosting.Security;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Automation.Hosting.Support;

/// <summary><c>/api/support-bundle</c>: a zip for whoever helps, without secrets.</summary>
internal static class SupportEndpoints
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapGet("/support-bundle", MakeAsync).RequireAuthorization(Access.Administrators).WithTags("support")
        .WithSummary("A zip of what the installation is, what fails and its last log lines; no secrets, definitions or payloads.");

    private static async Task<IResult> MakeAsync(HttpContext context, SupportBundle bundle) => Results.File(await bundle.MakeAsync(context.RequestAborted), "application/zip", bundle.FileName);
}
