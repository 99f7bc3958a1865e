using System.Threading.RateLimiting;
using Automation.Runtime;
using Microsoft.AspNetCore.Http;

namespace Automation.Hosting.Web;

/// <summary>
/// How many requests of anyone (HTTP endpoints, webhooks, secret addresses) are worked on at the same time. As many again wait for a place; more are told to come again, so that a
/// flood of them takes neither the memory nor the threads of what runs otherwise.
/// </summary>
internal sealed class InboundGate(AutomationOptions options) : IEndpointFilter, IDisposable
{
    private readonly ConcurrencyLimiter places = new(new ConcurrencyLimiterOptions
    {
        PermitLimit = options.Http.Concurrency,
        QueueLimit = options.Http.Concurrency,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        using var place = await places.AcquireAsync(1, context.HttpContext.RequestAborted);
        return place.IsAcquired
            ? await next(context)
            : new Problem
            {
                Status = StatusCodes.Status503ServiceUnavailable,
                Code = "overloaded",
                Title = "Too many requests at the same time.",
                Detail = $"{options.Http.Concurrency} requests are being worked on, and as many wait. Nothing was started.",
                Action = "Send it again in a moment. An operator can raise Automation__Http__Concurrency.",
                RetryAfter = TimeSpan.FromSeconds(1),
            };
    }

    public void Dispose() => places.Dispose();
}
