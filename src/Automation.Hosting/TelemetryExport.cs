using Automation.Connectors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Automation.Hosting;

/// <summary>
/// Traces and metrics by OpenTelemetry's protocol, where its standard variables say so (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, <c>OTEL_EXPORTER_OTLP_TRACES_ENDPOINT</c>,
/// <c>OTEL_EXPORTER_OTLP_METRICS_ENDPOINT</c>, <c>OTEL_SERVICE_NAME</c> …). Without an endpoint nothing is collected.
/// </summary>
internal static class TelemetryExport
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>Asked for all the time, and of no interest.</summary>
    private static readonly string[] Quiet = ["/health", "/metrics", "/designer/_framework", "/designer/_content", "/_framework", "/sandbox"];

    public static void AddTelemetryExport(this IServiceCollection services, IConfiguration configuration)
    {
        var traces = Has(configuration, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        var metrics = Has(configuration, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
        if ((!traces && !metrics) || string.Equals(configuration["OTEL_SDK_DISABLED"], "true", StringComparison.OrdinalIgnoreCase))
        {
            return;
        }

        var telemetry = services.AddOpenTelemetry();
        if (configuration["OTEL_SERVICE_NAME"] is null or "")
        {
            telemetry.ConfigureResource(resource => resource.AddService("automation"));
        }

        if (traces)
        {
            telemetry.WithTracing(tracing => tracing
                .AddSource(Telemetry.Name)
                .AddAspNetCoreInstrumentation(options =>
                {
                    options.Filter = context => !Quiet.Any(path => context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase));
                    options.EnrichWithHttpRequest = Hide;
                })
                .AddOtlpExporter());
        }

        if (metrics)
        {
            telemetry.WithMetrics(metering => metering
                .AddMeter(Telemetry.Name, "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Runtime", "Npgsql")
                .AddOtlpExporter());
        }
    }

    /// <summary>A path holds ids of people, and may be a secret itself (a hook's); a query, too. The route's template, which stays, says which endpoint it was.</summary>
    private static void Hide(System.Diagnostics.Activity span, HttpRequest request)
    {
        span.SetTag("url.path", null);
        span.SetTag("url.query", null);
    }

    private static bool Has(IConfiguration configuration, string own) => !string.IsNullOrWhiteSpace(configuration[own]) || !string.IsNullOrWhiteSpace(configuration[Endpoint]);
}
