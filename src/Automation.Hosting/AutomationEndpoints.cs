using Automation.Hosting.Api;
using Automation.Hosting.Connect;
using Automation.Hosting.Elsa;
using Automation.Hosting.Endpoints;
using Automation.Hosting.Jobs;
using Automation.Hosting.People;
using Automation.Hosting.Security;
using Automation.Hosting.Support;
using Automation.Hosting.Web;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Extensions.DependencyInjection;

namespace Automation.Hosting;

/// <summary>Maps the engine's endpoints into a host.</summary>
public static class AutomationEndpoints
{
    /// <summary>
    /// Maps the Elsa API, the own API, HTTP endpoints of flows, health and sign-in below <paramref name="prefix"/>. Endpoints that no other policy is put on are for
    /// those who are signed in; <c>RequireAuthorization</c> on what this returns takes the place of that.
    /// </summary>
    public static IEndpointConventionBuilder MapAutomation(this IEndpointRouteBuilder routes, string prefix = "")
    {
        var all = routes.MapGroup(prefix);
        all.AddEndpointFilter<RouteGroupBuilder, ProblemFilter>();
        ((IEndpointConventionBuilder)all).Finally(RequireSignIn);
        ((IEndpointConventionBuilder)all).Finally(AnswerHead);

        HealthEndpoints.Map(all);
        MetricsEndpoint.Map(all);
        HangfirePage.Map(all);
        AccountEndpoints.Map(all);
        DecisionEndpoints.Map(all);
        OAuthEndpoints.Map(all);

        // Made when first needed: settings that cannot work are told at the start, not while routes are mapped.
        var inbound = all.MapGroup("").AddEndpointFilter((call, next) => call.HttpContext.RequestServices.GetRequiredService<InboundGate>().InvokeAsync(call, next));
        WorkflowEndpoints.Map(inbound.MapGroup("/workflows").WithMetadata(new ProgramEndpoint()));
        WebhookEndpoints.Map(inbound);
        HookEndpoints.Map(inbound);
        ElsaEndpoints.Map(all.MapGroup("/elsa/api").WithMetadata(new ProgramEndpoint()));
        all.MapHub<InstanceHub>(InstanceHub.Path).WithMetadata(new ProgramEndpoint());

        var api = all.MapGroup("/api").WithMetadata(new ProgramEndpoint());
        OperationEndpoints.Map(api);
        ConnectionEndpoints.Map(api);
        TemplateEndpoints.Map(api);
        ComparisonEndpoints.Map(api);
        MappingEndpoints.Map(api);
        TableEndpoints.Map(api);
        TriggerEndpoints.Map(api);
        HookEndpoints.MapApi(api);
        WebhookJournalEndpoints.Map(api);
        RunEndpoints.Map(api);
        IncidentEndpoints.Map(api);
        TaskEndpoints.Map(api);
        BudgetEndpoints.Map(api);
        FileEndpoints.Map(api);
        ApiKeyEndpoints.Map(api);
        SupportEndpoints.Map(api);
        api.Map("/{**path}", (HttpContext context) => Unknown(context)).ExcludeFromDescription();
        all.MapOpenApi("/openapi/{documentName}.json").WithMetadata(new ProgramEndpoint());
        return all;
    }

    /// <summary>The answer where nothing is mapped: 405 with the methods that are, else 404.</summary>
    internal static Problem Unknown(HttpContext context)
    {
        var request = context.Request;
        var allowed = context.RequestServices.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>() is not null && !endpoint.RoutePattern.Parameters.Any(part => part.IsCatchAll) && new TemplateMatcher(new RouteTemplate(endpoint.RoutePattern), []).TryMatch(request.Path, []))
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods)
            .Distinct().Order(StringComparer.Ordinal).ToList();
        if (allowed.Count == 0)
        {
            return Problem.NotFound($"There is nothing at {request.Method} {request.Path}.");
        }

        context.Response.Headers.Allow = string.Join(", ", allowed);
        return new Problem
        {
            Status = StatusCodes.Status405MethodNotAllowed,
            Code = "method-not-allowed",
            Title = "That method is not taken here.",
            Detail = $"{request.Path} takes {string.Join(", ", allowed)}, not {request.Method}.",
        };
    }

    /// <summary>What answers GET answers HEAD, as monitors ask; but not where a GET starts a run.</summary>
    private static void AnswerHead(EndpointBuilder endpoint)
    {
        if (endpoint.Metadata.OfType<HttpMethodMetadata>().LastOrDefault() is { HttpMethods: [var method] } && HttpMethods.IsGet(method) && !endpoint.Metadata.OfType<StartsRun>().Any())
        {
            endpoint.Metadata.Add(new HttpMethodMetadata([HttpMethods.Get, HttpMethods.Head]));
        }
    }

    private static void RequireSignIn(EndpointBuilder endpoint)
    {
        if (!endpoint.Metadata.Any(item => item is IAuthorizeData or IAllowAnonymous or AuthorizationPolicy))
        {
            endpoint.Metadata.Add(new AuthorizeAttribute(Access.SignedIn));
        }
    }

    /// <summary>Marks a GET that does more than to show something.</summary>
    internal sealed class StartsRun;
}
