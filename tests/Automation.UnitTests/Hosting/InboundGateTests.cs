using Automation.Hosting.Web;
using Automation.Runtime;
using FluentAssertions;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Automation.UnitTests.Hosting;

public sealed class InboundGateTests
{
    [Fact]
    public async Task Requests_MoreThanThereArePlaces_Wait_AndThoseBeyondAreToldToComeAgain()
    {
        using var gate = new InboundGate(new AutomationOptions { Http = { Concurrency = 2 } });
        var work = new TaskCompletionSource<object?>();
        var begun = 0;
        ValueTask<object?> Next(EndpointFilterInvocationContext context)
        {
            Interlocked.Increment(ref begun);
            return new(work.Task);
        }

        var requests = Enumerable.Range(0, 5).Select(_ => gate.InvokeAsync(new DefaultEndpointFilterInvocationContext(new DefaultHttpContext()), Next).AsTask()).ToList();

        begun.Should().Be(2);
        var refused = (Problem)(await requests[4])!;
        (refused.Status, refused.Code, refused.RetryAfter).Should().Be((503, "overloaded", TimeSpan.FromSeconds(1)));
        work.SetResult("done");
        (await Task.WhenAll(requests[..4])).Should().OnlyContain(answer => (string?)answer == "done");
        begun.Should().Be(4);
    }
}
