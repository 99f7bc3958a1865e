using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Automation.Hosting.OpenApi;

/// <summary>The document at <c>/openapi/v1.json</c>.</summary>
internal static class DocumentOptions
{
    public static void Configure(OpenApiOptions options)
    {
        var shapes = new OpenApiShapes();
        options.ShouldInclude = description => description.HttpMethod != "HEAD";
        options.AddDocumentTransformer((document, _, _) =>
        {
            shapes.AddSchemas(document);
            document.Info.Title = "Automation";
            document.Info.Description = "The API of this installation. Lists answer {items, total}; errors are problem details (RFC 9457) with what to do in 'action'. Times are ISO 8601 in UTC.";
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>();
            document.Components.SecuritySchemes["apiKey"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "Authorization", Description = "ApiKey KEY" };
            document.Components.SecuritySchemes["bearer"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT" };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            if (context.Document is { } document)
            {
                shapes.Complete(operation, context.Description.HttpMethod ?? "", "/" + context.Description.RelativePath?.TrimEnd('/'), document);
            }

            if (!context.Description.ActionDescriptor.EndpointMetadata.OfType<IAllowAnonymous>().Any())
            {
                operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("apiKey", context.Document)] = [] }, new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("bearer", context.Document)] = [] }];
            }

            return Task.CompletedTask;
        });
    }
}
