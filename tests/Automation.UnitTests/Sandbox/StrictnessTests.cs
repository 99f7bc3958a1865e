using Automation.Engine;
using FluentAssertions;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Sandbox;

public sealed class StrictnessTests(SandboxFixture fixture) : IClassFixture<SandboxFixture>
{
    private SandboxHost Host => fixture.Host;

    [Theory]
    [InlineData("GET", "/contacts/contact-1-01", null, "2021-07-28", null, 401, "No authorization token")]
    [InlineData("GET", "/contacts/contact-1-01", "wrong", "2021-07-28", null, 401, "access token is invalid")]
    [InlineData("GET", "/contacts/contact-1-01", "sandbox-ghl-token", null, null, 422, "version header was not found")]
    [InlineData("GET", "/contacts/contact-1-01", "sandbox-ghl-token", "2021-04-15", null, 422, "takes 2021-07-28")]
    [InlineData("GET", "/contacts/nobody", "sandbox-ghl-token", "2021-07-28", null, 404, "Contact with id nobody not found")]
    [InlineData("GET", "/contacts/nobody/tasks", "sandbox-ghl-token", "2021-07-28", null, 404, "Contact with id nobody not found")]
    [InlineData("GET", "/no/such/path", "sandbox-ghl-token", "2021-07-28", null, 404, "Cannot GET /no/such/path")]
    [InlineData("GET", "/users/", "sandbox-ghl-token", "2021-07-28", null, 422, "locationId should not be empty")]
    [InlineData("POST", "/contacts/", "sandbox-ghl-token", "2021-07-28", "{\"firstName\":\"A\"}", 422, "locationId should not be empty")]
    [InlineData("POST", "/contacts/", "sandbox-ghl-token", "2021-07-28", "{\"locationId\":1}", 422, "locationId must be a string")]
    [InlineData("POST", "/contacts/", "sandbox-ghl-token", "2021-07-28", "{\"locationId\":\"loc-1\",\"tags\":\"vip\"}", 422, "tags must be an array")]
    [InlineData("POST", "/contacts/", "sandbox-ghl-token", "2021-07-28", "{\"locationId\":\"loc-1\",\"nonsense\":1}", 422, "property nonsense should not exist")]
    [InlineData("POST", "/contacts/", "sandbox-ghl-token", "2021-07-28", "{\"locationId\":", 400, "not JSON")]
    [InlineData("POST", "/contacts/search", "sandbox-ghl-token", "2021-07-28", "{\"locationId\":\"loc-1\",\"pageLimit\":501}", 422, "pageLimit must not be greater than 500")]
    [InlineData("POST", "/contacts/search", "sandbox-ghl-token", "2021-07-28", "{\"locationId\":\"loc-1\",\"pageLimit\":500,\"page\":21}", 400, "must not exceed 10000")]
    [InlineData("POST", "/contacts/search", "sandbox-ghl-token", "2021-07-28", "{\"locationId\":\"loc-1\",\"pageLimit\":5,\"filters\":[{\"field\":\"email\",\"operator\":\"like\",\"value\":\"a\"}]}", 422, "must be one of the following values")]
    [InlineData("POST", "/social-media-posting/loc-1/tags/details", "sandbox-ghl-token", "2021-07-28", "{}", 422, "tagIds must be an array")]
    [InlineData("POST", "/contacts/bulk/tags/update/swap", "sandbox-ghl-token", "2021-07-28", "{\"locationId\":\"loc-1\",\"contacts\":[],\"tags\":[]}", 422, "type must be one of the following values: add, remove")]
    public async Task Request_AgainstTheRules_IsRefusedInTheApisWords(string method, string path, string? token, string? version, string? body, int status, string message)
    {
        var reply = await Host.SendAsync(method, "/sandbox/ghl" + path, null, token, version, null, body);

        reply.Status.Should().Be(status);
        reply.Json["statusCode"]!.Value<int>().Should().Be(status);
        reply.Json["message"]!.Type.Should().Be(status == 422 ? JTokenType.Array : JTokenType.String);
        reply.Json["message"]!.ToString().Should().Contain(message);
        reply.Json["traceId"]!.ToString().Should().NotBeEmpty();
    }

    [Theory]
    [InlineData("2021-07-28", 200)]
    [InlineData("2023-02-21", 200)]
    [InlineData("2021-04-15", 422)]
    public async Task Version_IsTheOperationsOwnOrThatOfTheVendorsClient(string version, int status) =>
        (await Host.GhlAsync("GET", "/contacts/contact-1-01", null, version)).Status.Should().Be(status);

    [Fact]
    public async Task Version_NotNamedByTheSpecification_MayBeLeftOut()
    {
        (await Host.SendAsync("GET", "/sandbox/ghl/conversations/messages/email/message-1-3", null, "sandbox-ghl-token", null, null, null)).Status.Should().Be(200);
        (await Host.SendAsync("GET", "/sandbox/ghl/conversations/messages/email/message-1-3", null, "sandbox-ghl-token", "1999-01-01", null, null)).Status.Should().Be(422);
    }

    [Fact]
    public async Task BlockedSlot_WithWhatIsRequired_AnswersWhatTheSpecificationPromises()
    {
        var made = (await Host.GhlAsync("POST", "/calendars/events/block-slots", Json.Parse("""{"locationId":"loc-1","calendarId":"calendar-1"}"""), "2021-04-15")).Json;

        ((JObject)made).Properties().Select(p => p.Name).Should().Contain(["id", "locationId", "title", "startTime", "endTime"]);
    }

    [Fact]
    public async Task TrailingSlash_MissingOrAdded_IsTolerated()
    {
        (await Host.GhlAsync("GET", "/users?locationId=loc-1")).Status.Should().Be(200);
        (await Host.GhlAsync("GET", "/contacts/contact-1-01/")).Status.Should().Be(200);
    }

    [Fact]
    public async Task RateLimit_Passed_Is429UntilTheWindowEnds()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z"));
        await using var host = await SandboxHost.StartAsync(s => s with { GhlLimit = new(100, TimeSpan.FromSeconds(10), 200_000) }, clock: clock);
        for (var i = 0; i < 100; i++)
        {
            (await host.GhlAsync("GET", "/users/?locationId=loc-1")).Status.Should().Be(200);
        }

        var refused = await host.GhlAsync("GET", "/users/?locationId=loc-1");
        var elsewhere = await host.GhlAsync("GET", "/users/?locationId=loc-2");
        clock.Advance(TimeSpan.FromSeconds(10));
        var later = await host.GhlAsync("GET", "/users/?locationId=loc-1");

        refused.Status.Should().Be(429);
        refused.Headers["X-RateLimit-Remaining"].Should().Be("0");
        refused.Headers["X-RateLimit-Max"].Should().Be("100");
        refused.Headers["X-RateLimit-Interval-Milliseconds"].Should().Be("10000");
        elsewhere.Status.Should().Be(200);
        later.Status.Should().Be(200);
        later.Headers["X-RateLimit-Daily-Remaining"].Should().Be((200_000 - 101).ToString());
    }

    [Fact]
    public async Task FlocksyLimit_Passed_Is429WithRetryAfter()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z"));
        await using var host = await SandboxHost.StartAsync(s => s with { FlocksyLimit = new(10, TimeSpan.FromSeconds(1), null) }, clock: clock);
        for (var i = 0; i < 10; i++)
        {
            (await host.FlocksyAsync("GET", "/campaigns?locationId=loc-1")).Status.Should().Be(200);
        }

        var refused = await host.FlocksyAsync("GET", "/campaigns?locationId=loc-1");

        refused.Status.Should().Be(429);
        refused.Headers["Retry-After"].Should().Be("1");
        refused.Json["code"]!.ToString().Should().Be("rate_limited");
    }

    [Fact]
    public async Task FlocksyWrite_WithoutKey_IsRefused()
    {
        var reply = await Host.FlocksyAsync("PUT", "/tag-mappings/a", new JObject { ["locationId"] = "loc-1" });

        reply.Status.Should().Be(400);
        reply.Json["field"]!.ToString().Should().Be("Idempotency-Key");
    }

    [Fact]
    public async Task FlocksyWrite_RepeatedWithItsKey_AnswersTheFirstAnswerAndDoesNothing()
    {
        var first = await Host.FlocksyAsync("POST", "/campaigns/campaign-2a/refresh", new JObject { ["reason"] = "tag" }, "key-1");
        var again = await Host.FlocksyAsync("POST", "/campaigns/campaign-2a/refresh", new JObject { ["reason"] = "tag" }, "key-1");
        var other = await Host.FlocksyAsync("POST", "/campaigns/campaign-2a/refresh", new JObject { ["reason"] = "something else" }, "key-1");
        var campaign = await Host.FlocksyAsync("GET", "/campaigns/campaign-2a");

        first.Status.Should().Be(200);
        again.Status.Should().Be(200);
        again.Text.Should().Be(first.Text);
        other.Status.Should().Be(409);
        other.Json["code"]!.ToString().Should().Be("idempotency_conflict");
        campaign.Json["refreshCount"]!.Value<int>().Should().Be(1);
    }

    [Fact]
    public async Task FlocksyWrite_Refused_DoesNotUseItsKeyUp()
    {
        (await Host.FlocksyAsync("POST", "/campaigns/not-yet/refresh", new JObject(), "key-2")).Status.Should().Be(404);
        await Host.ControlAsync("POST", "/flocksy/campaigns", Json.Parse("""{"id":"not-yet","locationId":"loc-1","name":"Later"}"""));

        (await Host.FlocksyAsync("POST", "/campaigns/not-yet/refresh", new JObject(), "key-2")).Status.Should().Be(200);
    }
}
