using System.Diagnostics;
using Automation.Engine;
using Automation.Sandbox;
using FluentAssertions;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Sandbox;

public sealed class ControlTests
{
    [Fact]
    public async Task Upsert_OfASocialTag_BumpsItsTimeAndKeepsTheRest()
    {
        await using var host = await SandboxHost.StartAsync();
        await host.ControlAsync("POST", "/ghl/social-tags", Json.Parse("""[{"id":"t1","locationId":"loc-1","tag":"one","createdBy":"user-1a"}]"""));
        var before = (await host.ControlAsync("GET", "/ghl/social-tags?locationId=loc-1")).Json["items"]!.Single(t => t["id"]!.ToString() == "t1");
        await host.ControlAsync("POST", "/ghl/social-tags", Json.Parse("""{"id":"t1","tag":"two"}"""));
        var after = (await host.ControlAsync("GET", "/ghl/social-tags?locationId=loc-1")).Json["items"]!.Single(t => t["id"]!.ToString() == "t1");
        var seen = (await host.GhlAsync("GET", "/social-media-posting/loc-1/tags?limit=100")).Json["results"]!["tags"]!.Single(t => t["_id"]!.ToString() == "t1");

        after["tag"]!.ToString().Should().Be("two");
        after["createdBy"]!.ToString().Should().Be("user-1a");
        string.CompareOrdinal(after["updatedAt"]!.ToString(), before["updatedAt"]!.ToString()).Should().BePositive();
        seen["updatedAt"]!.ToString().Should().Be(after["updatedAt"]!.ToString());
        seen["id"].Should().BeNull();
    }

    [Theory]
    [InlineData("contacts", "POST", "/contacts/search", """{"locationId":"loc-1","pageLimit":100}""")]
    [InlineData("opportunities", "GET", "/opportunities/search?location_id=loc-1", null)]
    [InlineData("conversations", "GET", "/conversations/search?locationId=loc-1", null)]
    public async Task SearchLag_Set_HidesWhatWasChangedUntilItIsOver(string collection, string method, string path, string? body)
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z"));
        await using var host = await SandboxHost.StartAsync(clock: clock);
        clock.Advance(TimeSpan.FromMinutes(1));
        (await host.ControlAsync("POST", "/ghl/search-lag", Json.Parse("""{"milliseconds":5000}"""))).Status.Should().Be(200);
        (await host.ControlAsync("POST", "/ghl/search-lag", Json.Parse("""{"milliseconds":"long"}"""))).Status.Should().Be(400);
        await host.ControlAsync("POST", "/ghl/" + collection, Json.Parse("""{"id":"late","locationId":"loc-1","name":"Late"}"""));

        (await FindAsync()).Should().BeFalse();
        clock.Advance(TimeSpan.FromSeconds(5));
        (await FindAsync()).Should().BeTrue();

        async Task<bool> FindAsync() => (await host.GhlAsync(method, path, body is null ? null : Json.Parse(body), "2023-02-21")).Json[collection]!.Any(item => item["id"]!.ToString() == "late");
    }

    [Fact]
    public async Task Upsert_OfAMappingWithoutId_MeetsTheSeededOne()
    {
        await using var host = await SandboxHost.StartAsync();
        await host.ControlAsync("POST", "/flocksy/tag-mappings", Json.Parse("""{"locationId":"loc-1","ghlTag":"vip","contactIds":["contact-1-09"]}"""));

        var mappings = (await host.ControlAsync("GET", "/flocksy/tag-mappings?locationId=loc-1")).Json["items"]!;

        mappings.Should().ContainSingle();
        mappings[0]!["flocksyTag"]!.ToString().Should().Be("VIP client");
        mappings[0]!["contactIds"]!.Select(id => id.ToString()).Should().Equal("contact-1-09");
    }

    [Fact]
    public async Task Upsert_OfAnUnknownCollection_MakesIt()
    {
        await using var host = await SandboxHost.StartAsync();

        var reply = await host.ControlAsync("POST", "/ghl/invoices", new JArray(Enumerable.Range(0, 3).Select(i => new JObject { ["locationId"] = "loc-9", ["number"] = i })));

        reply.Json["ids"]!.Select(id => id.ToString()).Should().HaveCount(3).And.OnlyHaveUniqueItems();
        (await host.ControlAsync("GET", "/ghl/invoices?locationId=loc-9")).Json["items"]!.Should().HaveCount(3);
    }

    [Fact]
    public async Task Requests_OfOneApiSinceATime_ShowWhatWasReceived()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z"));
        await using var host = await SandboxHost.StartAsync(clock: clock);
        await host.FlocksyAsync("GET", "/campaigns?locationId=loc-1");
        clock.Advance(TimeSpan.FromMinutes(1));
        await host.FlocksyAsync("PUT", "/tag-mappings/new%2Ftag", Json.Parse("""{"locationId":"loc-1"}"""), "key-9");
        await host.GhlAsync("GET", "/users/?locationId=loc-1");

        var items = (await host.ControlAsync("GET", "/requests?api=flocksy&since=2026-01-01T00:00:30Z")).Json["items"]!;

        items.Should().ContainSingle();
        items[0]!["method"]!.ToString().Should().Be("PUT");
        items[0]!["body"]!["locationId"]!.ToString().Should().Be("loc-1");
        items[0]!["status"]!.Value<int>().Should().Be(200);
        items[0]!["idempotencyKey"]!.ToString().Should().Be("key-9");
        (await host.ControlAsync("GET", "/flocksy/tag-mappings")).Json["items"]!.Should().Contain(m => m["ghlTag"]!.ToString() == "new/tag");
    }

    [Fact]
    public async Task Fault_ForTwoRequests_EndsAfterThem()
    {
        await using var host = await SandboxHost.StartAsync();
        await host.ControlAsync("POST", "/ghl/faults", Json.Parse("""{"match":"POST /contacts/*","status":503,"times":2}"""));
        var statuses = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            statuses.Add((await host.GhlAsync("POST", "/contacts/contact-1-04/tags", Json.Parse($$"""{"tags":["try-{{i}}"]}"""))).Status);
        }

        statuses.Should().Equal(503, 503, 201);
        (await host.GhlAsync("GET", "/contacts/contact-1-04")).Json["contact"]!["tags"]!.Select(t => t.ToString()).Should().NotContain("try-0").And.Contain("try-2");
    }

    [Fact]
    public async Task Fault_AfterTheEffect_FailsAndHasHappened()
    {
        await using var host = await SandboxHost.StartAsync();
        await host.ControlAsync("POST", "/ghl/faults", Json.Parse("""{"match":"POST /contacts/","status":502,"after":true}"""));

        var reply = await host.GhlAsync("POST", "/contacts/", Json.Parse("""{"locationId":"loc-after","email":"a@after.example"}"""));

        reply.Status.Should().Be(502);
        (await host.ControlAsync("GET", "/ghl/contacts?locationId=loc-after")).Json["items"]!.Should().ContainSingle();
    }

    [Fact]
    public async Task Fault_OfEachKind_SpoilsTheAnswer()
    {
        await using var host = await SandboxHost.StartAsync();
        await host.ControlAsync("POST", "/ghl/faults", Json.Parse("""{"match":"GET /users/","kind":"html"}"""));
        var html = await host.GhlAsync("GET", "/users/?locationId=loc-1");
        html.Status.Should().Be(200);
        html.Text.Should().StartWith("<!DOCTYPE html>");

        foreach (var kind in (string[])["half", "reset"])
        {
            await host.ControlAsync("POST", "/ghl/faults", new JObject { ["match"] = "GET /users/", ["kind"] = kind });
            await FluentActions.Awaiting(() => host.GhlAsync("GET", "/users/?locationId=loc-1")).Should().ThrowAsync<HttpRequestException>(kind);
        }

        await host.ControlAsync("POST", "/ghl/faults", Json.Parse("""{"match":"GET /users/","kind":"timeout"}"""));
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/sandbox/ghl/users/?locationId=loc-1");
        request.Headers.Add("Authorization", "Bearer sandbox-ghl-token");
        request.Headers.Add("Version", "2021-07-28");
        await FluentActions.Awaiting(() => host.Client.SendAsync(request, patience.Token)).Should().ThrowAsync<OperationCanceledException>();
        (await host.GhlAsync("GET", "/users/?locationId=loc-1")).Status.Should().Be(200);
    }

    [Fact]
    public async Task Reset_OfOneApi_BringsItsSeedBack()
    {
        await using var host = await SandboxHost.StartAsync();
        await host.ControlAsync("POST", "/ghl/social-tags", Json.Parse("""{"id":"t1","locationId":"loc-1","tag":"one"}"""));
        await host.ControlAsync("POST", "/flocksy/campaigns", Json.Parse("""{"id":"c9","locationId":"loc-1","name":"Nine"}"""));
        await host.GhlAsync("DELETE", "/contacts/contact-1-01");

        (await host.ControlAsync("DELETE", "/ghl")).Status.Should().Be(200);

        (await host.ControlAsync("GET", "/ghl/social-tags?locationId=loc-1")).Json["items"]!.Should().HaveCount(4);
        (await host.GhlAsync("GET", "/contacts/contact-1-01")).Status.Should().Be(200);
        (await host.ControlAsync("GET", "/flocksy/campaigns")).Json["items"]!.Should().Contain(c => c["id"]!.ToString() == "c9");
    }

    [Fact]
    public async Task Restart_OnTheSameFile_KeepsStateKeysAndRequests()
    {
        var folder = Directory.CreateTempSubdirectory("sandbox-").FullName;
        try
        {
            string first;
            await using (var host = await SandboxHost.StartAsync(folder: folder))
            {
                first = (await host.FlocksyAsync("POST", "/campaigns/campaign-1a/refresh", new JObject(), "restart-key")).Text;
                await host.GhlAsync("DELETE", "/contacts/contact-1-01");
            }

            await using var again = await SandboxHost.StartAsync(folder: folder);
            var repeated = await again.FlocksyAsync("POST", "/campaigns/campaign-1a/refresh", new JObject(), "restart-key");

            repeated.Text.Should().Be(first);
            (await again.GhlAsync("GET", "/contacts/contact-1-01")).Status.Should().Be(404);
            (await again.ControlAsync("GET", "/requests?api=ghl")).Json["items"]!.Should().Contain(r => r["method"]!.ToString() == "DELETE");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Demo_AfterItsDelay_ChangesATag()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.Parse("2026-01-01T00:00:00Z"));
        await using var host = await SandboxHost.StartAsync(s => s with { Demo = true }, clock: clock);
        var before = await TagAsync(host);

        // The demo waits on the clock it was given; it may not have begun to wait yet.
        var patience = Stopwatch.StartNew();
        string after;
        do
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            after = await TagAsync(host);
        }
        while (after == before && patience.Elapsed < TimeSpan.FromSeconds(20));

        after.Should().NotBe(before);

        static async Task<string> TagAsync(SandboxHost host) => (await host.ControlAsync("GET", "/ghl/social-tags?locationId=loc-1")).Json["items"]!.Single(t => t["id"]!.ToString() == "tag-1-vip").ToString();
    }
}
