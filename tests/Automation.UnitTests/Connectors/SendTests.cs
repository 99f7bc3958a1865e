using System.Text;
using Automation.Connectors;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class SendTests : IAsyncDisposable
{
    private const string Read = "GoHighLevel.Contacts.GetContact";
    private const string Safe = "GoHighLevel.Contacts.UpsertContact";
    private const string Probed = "GoHighLevel.Contacts.CreateContact";
    private const string Unsafe = "GoHighLevel.Contacts.AddContactToCampaign";
    private static readonly StubReply Fine = new() { Body = """{"contact":{"id":"c1"},"traceId":"t-1"}""" };
    private readonly Kit kit = new();

    public ValueTask DisposeAsync() => kit.DisposeAsync();

    [Fact]
    public async Task Send_Answer_IsParsedWithItsTraceId()
    {
        await using var server = StubServer.Of(Fine);

        var response = await kit.SendAsync(Read, new { contactId = "c1" }, Kit.Ghl(server.Url));

        ((string?)response.Body!["contact"]!["id"]).Should().Be("c1");
        response.TraceId.Should().Be("t-1");
        var request = server.Requests.Should().ContainSingle().Which;
        request.Target.Should().Be("/api/contacts/c1");
        request.Headers["Authorization"].Should().Be("Bearer " + Kit.Secret);
        request.Headers["Version"].Should().Be("2021-07-28");
    }

    [Theory]
    [InlineData(Read, 503, true)]
    [InlineData(Read, 429, true)]
    [InlineData(Read, 404, false)]
    [InlineData(Safe, 502, true)]
    [InlineData(Safe, 422, false)]
    [InlineData(Probed, 503, false)]
    [InlineData(Probed, 429, true)]
    [InlineData(Unsafe, 500, false)]
    [InlineData(Unsafe, 429, true)]
    public async Task Send_FailsOnce_IsTriedAgainWhereSafe(string type, int status, bool isTriedAgain)
    {
        await using var server = StubServer.Of(StubReply.Failed(status) with { Headers = new() { ["Retry-After"] = "0" } }, Fine);
        var inputs = type is Read ? (object)new { contactId = "c1" } : type is Unsafe ? new { contactId = "c1", campaignId = "k" } : new { email = "a@x.io" };

        if (isTriedAgain)
        {
            await kit.SendAsync(type, inputs, Kit.Ghl(server.Url));
        }
        else
        {
            (await kit.FailAsync(type, inputs, Kit.Ghl(server.Url))).Status.Should().Be(status);
        }

        server.Requests.Should().HaveCount(isTriedAgain ? 2 : 1);
    }

    [Fact]
    public async Task Send_DeleteWithoutAnAnswer_IsDoneWhenItsRepeatFindsNothing()
    {
        await using var server = StubServer.Of(StubReply.Failed(503), StubReply.Failed(404));
        await using var never = StubServer.Of(StubReply.Failed(404));

        var gone = await kit.SendAsync("GoHighLevel.Contacts.DeleteContact", new { contactId = "c1" }, Kit.Ghl(server.Url));
        var wrong = await kit.FailAsync("GoHighLevel.Contacts.DeleteContact", new { contactId = "c1" }, Kit.Ghl(never.Url));

        gone.Status.Should().Be(404);
        server.Requests.Should().HaveCount(2);
        wrong.Code.Should().Be("not-found");
    }

    [Fact]
    public async Task Send_FailsForGood_GivesUpAfterTheAllowedTries()
    {
        await using var server = StubServer.Of(StubReply.Failed(503));

        var failure = await kit.FailAsync(Read, new { contactId = "c1" }, Kit.Ghl(server.Url));

        failure.Code.Should().Be("provider-error");
        failure.IsTransient.Should().BeTrue();
        server.Requests.Should().HaveCount(4);
    }

    [Theory]
    [InlineData(Read)]
    [InlineData(Probed)]
    public async Task Send_NobodyListens_CannotHaveHappened(string type)
    {
        var failure = await kit.FailAsync(type, type == Read ? new { contactId = "c1" } : new { email = "a@x.io" }, Kit.Ghl(StubServer.Nobody()));

        failure.Code.Should().Be("unreachable");
        failure.MayHaveHappened.Should().BeFalse();
        failure.Action.Should().Contain("base URL");
    }

    [Theory]
    [InlineData(Read, 4)]
    [InlineData(Probed, 1)]
    public async Task Send_ConnectionBreaksInTheMiddleOfTheAnswer_MayHaveHappened(string type, int tries)
    {
        await using var server = StubServer.Of(Fine with { Missing = 100 });

        var failure = await kit.FailAsync(type, type == Read ? new { contactId = "c1" } : new { email = "a@x.io" }, Kit.Ghl(server.Url));

        failure.Code.Should().Be("unreachable");
        failure.MayHaveHappened.Should().BeTrue();
        server.Requests.Should().HaveCount(tries);
    }

    [Fact]
    public async Task Send_Silence_TimesOut()
    {
        await using var quick = new Kit(o => { o.Timeout = TimeSpan.FromMilliseconds(500); o.Attempts = 2; });
        await using var server = StubServer.Of(new StubReply { Silent = true });

        var failure = await quick.FailAsync(Read, new { contactId = "c1" }, Kit.Ghl(server.Url));

        failure.Code.Should().Be("timeout");
        failure.MayHaveHappened.Should().BeTrue();
        failure.Message.Should().Contain("0.5 s");
        server.Requests.Should().HaveCount(2);
    }

    [Fact]
    public async Task Send_CallerCancels_IsNoConnectorFailure()
    {
        await using var server = StubServer.Of(new StubReply { Silent = true });
        using var cancel = new CancellationTokenSource();
        var connection = Kit.Ghl(server.Url);
        var call = kit.Client.SendAsync(kit[Read], connection, kit.Build(Read, new { contactId = "c" }, connection), CallPriority.Action, null, cancel.Token).AsTask();

        await cancel.CancelAsync();

        await FluentActions.Awaiting(() => call).Should().ThrowAsync<OperationCanceledException>();
    }

    [Theory]
    [InlineData("<html><body>Sign in</body></html>", "text/html", "HTML")]
    [InlineData("{\"contact\":{\"id\":\"c1", "application/json", "not whole JSON")]
    [InlineData("OK", "text/plain", "not whole JSON")]
    public async Task Send_AnswerIsNotJson_SaysSoWithAnExcerpt(string body, string contentType, string says)
    {
        await using var server = StubServer.Of(new StubReply { Body = body, ContentType = contentType });

        var failure = await kit.FailAsync(Probed, new { email = "a@x.io" }, Kit.Ghl(server.Url));

        failure.Code.Should().Be("not-json");
        failure.Message.Should().Contain(says).And.Contain(body[..2]);
        failure.MayHaveHappened.Should().BeTrue();
        server.Requests.Should().ContainSingle();
    }

    [Fact]
    public async Task Send_JsonOfAnotherContentType_IsTaken()
    {
        await using var server = StubServer.Of(Fine with { ContentType = "text/plain" });

        (await kit.SendAsync(Read, new { contactId = "c1" }, Kit.Ghl(server.Url))).Body.Should().NotBeNull();
    }

    [Fact]
    public async Task Send_EmptyAnswer_HasNoBody()
    {
        await using var server = StubServer.Of(new StubReply { Status = 204 });

        var response = await kit.SendAsync("GoHighLevel.Contacts.DeleteContact", new { contactId = "c1" }, Kit.Ghl(server.Url));

        response.Body.Should().BeNull();
        response.Status.Should().Be(204);
    }

    [Fact]
    public async Task Send_AnswerTooLarge_IsCutOff()
    {
        await using var small = new Kit(o => o.MaximumAnswer = 2048);
        await using var server = StubServer.Of(new StubReply { Body = $"\"{new string('x', 5000)}\"" });

        var failure = await small.FailAsync(Read, new { contactId = "c1" }, Kit.Ghl(server.Url));

        failure.Code.Should().Be("provider-error");
        failure.Message.Should().Contain("larger");
        server.Requests.Should().ContainSingle();
    }

    [Fact]
    public async Task Send_File_ComesAsBytes()
    {
        await using var server = StubServer.Of(new StubReply { Bytes = Encoding.UTF8.GetBytes("day,value\n"), ContentType = "text/csv" });

        var response = await kit.SendAsync("Flocksy.Reports.DownloadReport", new { reportId = "r" }, Kit.Flocksy(server.Url));

        OperationActivity.ResultOf(response)!["text"]!.ToString().Should().Be("day,value\n");
    }

    [Theory]
    [InlineData(400, """{"statusCode":400,"message":"Bad email"}""", "invalid-input", "Bad email")]
    [InlineData(401, """{"statusCode":401,"message":"Invalid JWT","error":"Unauthorized"}""", "unauthorized", "Invalid JWT")]
    [InlineData(401, """{"message":"The token is not authorized for this scope."}""", "missing-scope", "scope")]
    [InlineData(403, """{"message":"Forbidden"}""", "missing-scope", "contacts.write")]
    [InlineData(404, "", "not-found", "no such record")]
    [InlineData(409, """{"message":"There already"}""", "conflict", "There already")]
    [InlineData(422, """{"message":["email must be an email","phone is wrong"],"error":"Unprocessable"}""", "invalid-input", "email must be an email; phone is wrong")]
    [InlineData(302, "", "provider-error", "redirect")]
    [InlineData(500, "<html>down</html>", "provider-error", "<html>down</html>")]
    public async Task Send_ErrorStatus_IsMappedWithTheProvidersWordsAndWhatToDo(int status, string body, string code, string says)
    {
        await using var server = StubServer.Of(StubReply.Failed(status, body) with { Headers = new() { ["x-trace-id"] = "tr-9" } });

        var failure = await kit.FailAsync(Probed, new { email = "a@x.io" }, Kit.Ghl(server.Url));

        failure.Code.Should().Be(code);
        failure.Status.Should().Be(status);
        (failure.Message + failure.Action).Should().Contain(says);
        failure.TraceId.Should().Be("tr-9");
        failure.Message.Should().Contain("tr-9");
        failure.Action.Should().NotBeNullOrEmpty();
    }

    /// <summary>A read, a DELETE with a body, a list as body, a file as answer, a form and a form with a file: an error is an error whatever the request was.</summary>
    [Theory]
    [InlineData("GoHighLevel.Calendars.ListCalendars", "{}")]
    [InlineData("GoHighLevel.Contacts.RemoveTagsFromContact", """{"contactId":"c","tags":["a"]}""")]
    [InlineData("GoHighLevel.Calendars.CreateCalendarNotification", """{"calendarId":"c","items":[{"channel":"email"}]}""")]
    [InlineData("GoHighLevel.Conversations.GetMessageRecording", """{"messageId":"m"}""")]
    [InlineData("GoHighLevel.OAuth.GetLocationToken", """{"companyId":"c"}""")]
    [InlineData("GoHighLevel.Media.UploadMediaFile", """{"file":{"text":"x"}}""")]
    public async Task Send_ErrorOfAnyKindOfRequest_IsMappedTheSame(string type, string inputs)
    {
        foreach (var (status, body, code) in (IEnumerable<(int, string, string)>)
        [
            (400, """{"message":"Bad"}""", "invalid-input"), (422, """{"message":["Bad","worse"]}""", "invalid-input"), (401, """{"message":"Bad"}""", "unauthorized"), (403, """{"message":"Bad"}""", "missing-scope"),
            (404, """{"message":"Bad"}""", "not-found"), (409, """{"message":"Bad"}""", "conflict"), (429, """{"message":"Bad"}""", "rate-limited"), (503, """{"message":"Bad"}""", "provider-error"),
        ])
        {
            await using var server = StubServer.Of(StubReply.Failed(status, body) with { Headers = new() { ["Retry-After"] = "0" } });

            var failure = await kit.FailAsync(type, Newtonsoft.Json.Linq.JObject.Parse(inputs), Kit.Ghl(server.Url));

            (failure.Status, failure.Code).Should().Be((status, code));
            failure.ProviderMessage.Should().StartWith("Bad");
            failure.Action.Should().NotBeNullOrEmpty();
        }
    }

    [Fact]
    public async Task Send_UnprocessableInput_NamesTheProperty()
    {
        await using var server = StubServer.Of(StubReply.Failed(422, """{"message":["email must be an email"]}"""));

        (await kit.FailAsync(Probed, new { email = "a" }, Kit.Ghl(server.Url))).Property.Should().Be("email");
    }

    [Fact]
    public async Task Send_ErrorEchoesTheCredential_ItIsHidden()
    {
        await using var server = StubServer.Of(StubReply.Failed(401, $$"""{"message":"Token {{Kit.Secret}} is not valid: Bearer abcdefghijk"}"""));

        var failure = await kit.FailAsync(Probed, new { email = "a@x.io" }, Kit.Ghl(server.Url));

        (failure + failure.ProviderMessage).Should().NotContain(Kit.Secret).And.NotContain("abcdefghijk").And.Contain(Redaction.Mark);
    }

    [Fact]
    public async Task Send_FlocksyWrite_CarriesOneIdempotencyKeyThroughAllTries()
    {
        await using var server = StubServer.Of(StubReply.Failed(503), StubReply.Failed(503), Fine);

        await kit.SendAsync("Flocksy.Campaigns.RefreshCampaign", new { campaignId = "k" }, Kit.Flocksy(server.Url), "run-1:Flow:é:0");

        var keys = server.Requests.Select(r => r.Headers["Idempotency-Key"]).ToList();
        keys.Should().HaveCount(3);
        keys.Distinct().Should().ContainSingle().Which.Should().MatchRegex("^[0-9a-f]{64}$");
    }

    [Fact]
    public async Task Send_RequestForAnotherHost_IsNotSent()
    {
        await using var server = StubServer.Of(Fine);
        var recorded = kit.Build(Read, new { contactId = "c1" }, Kit.Ghl(server.Url));

        var send = () => kit.Client.SendAsync(kit[Read], Kit.Ghl(), recorded, CallPriority.Action, null, CancellationToken.None).AsTask();

        await send.Should().ThrowAsync<ConnectorException>().WithMessage("*not sent*");
        server.Requests.Should().BeEmpty();
    }

    [Fact]
    public async Task Send_PrivateNetworksClosed_IsRefusedOnceAndSaysWhatToDo()
    {
        await using var closed = new Kit(add: s => s.Configure<OutboundOptions>(o => o.AllowPrivateNetworks = false));
        await using var server = StubServer.Of(Fine);

        var failure = await closed.FailAsync(Read, new { contactId = "c1" }, Kit.Ghl(server.Url));

        failure.Code.Should().Be("private-network");
        failure.IsTransient.Should().BeFalse();
        failure.Action.Should().Contain("base URL");
        server.Requests.Should().BeEmpty();
    }

    [Fact]
    public async Task Send_NoToken_SaysSoAndSendsNothing()
    {
        await using var server = StubServer.Of(Fine);
        var connection = Kit.Ghl(server.Url) with { Credential = new Credential { Kind = "oauth2" } };

        (await kit.FailAsync(Read, new { contactId = "c1" }, connection)).Code.Should().Be("unauthorized");
        server.Requests.Should().BeEmpty();
    }
}
