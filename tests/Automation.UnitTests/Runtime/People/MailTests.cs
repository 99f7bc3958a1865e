using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Running;
using Automation.Runtime.Storage;
using Automation.Tests;
using Automation.UnitTests.Runtime.Running;
using FluentAssertions;
using Microsoft.Extensions.Options;
using Newtonsoft.Json.Linq;
using Xunit;
using static Automation.UnitTests.Runtime.Running.TestNode;

namespace Automation.UnitTests.Runtime.People;

/// <summary>Mail to a real SMTP listener, on the real effect ledger.</summary>
public sealed class MailTests : IAsyncLifetime, IDisposable
{
    private readonly TestDatabase database = new();
    private readonly SmtpListener server = new();

    public Task InitializeAsync()
    {
        database.MailPort = server.Port;
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await server.DisposeAsync();

    public void Dispose() => database.Dispose();

    private static JObject Mailing(params (string, object)[] inputs) =>
        Activity("Elsa.SendEmail", [("to", new JArray("ann@x.test, Bob <bob@x.test>")), ("subject", "Grüße\r\nBcc: eve@x.test"), ("body", "<p>It is <b>ready</b>.</p>"), .. inputs]);

    private static async Task<string> RunAsync(TestNode node, JObject activity)
    {
        await node.PublishAsync("flow", activity, Activity("Test.Note"));
        return (await node.Runs.ExecuteAsync(new StartRequest { DefinitionId = "flow" }, CancellationToken.None)).InstanceId;
    }

    [Fact]
    public async Task Send_Arrives_WithItsOutcomeRecorded()
    {
        var node = await database.StartNodeAsync();

        var run = await RunAsync(node, Mailing(("bcc", new JArray("carl@x.test")), ("attachments", JArray.Parse("""[{"fileName":"../rows.csv","text":"a,b"}]"""))));

        (await node.FindAsync(run)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        var mail = server.Mails.Should().ContainSingle().Subject;
        mail.Should().Contain("From: Flows <flows@automation.test>").And.Contain("ann@x.test").And.Contain("Bob <bob@x.test>").And.Contain("<b>ready</b>").And.Contain("rows.csv").And.NotContain("../");
        mail.Should().NotContain("carl@x.test", "nobody sees who gets a blind copy").And.NotContain("\nBcc:", "a subject is one line");
        var effect = (await node.EffectsAsync(run)).Single();
        (effect.Status, effect.Class, effect.Request.Method).Should().Be(("done", EffectClass.Unsafe, "SEND"));
        mail.Should().Contain((string)effect.Response!.Body!["messageId"]!);
    }

    [Fact]
    public async Task Send_ToARefusedRecipient_IsAFault_AndNobodyGetsIt()
    {
        server.Refuses = "bob@x.test";
        var node = await database.StartNodeAsync();

        var run = await RunAsync(node, Mailing());

        var incident = (await node.IncidentsAsync(run)).Single();
        incident.Code.Should().Be("mail-refused");
        incident.Message.Should().Contain("no such mailbox");
        incident.Action.Should().Contain("bob@x.test");
        server.Mails.Should().BeEmpty();
        (await node.EffectsAsync(run)).Single().Status.Should().Be("failed");
    }

    [Fact]
    public async Task Send_WhoseAnswerIsLost_IsNotRepeated_UntilAPersonSaysThatItDidNotHappen()
    {
        server.HangsUp = true;
        var node = await database.StartNodeAsync();

        var run = await RunAsync(node, Mailing());

        var incident = (await node.IncidentsAsync(run)).Should().ContainSingle(i => i.Kind == "effect").Subject;
        incident.Code.Should().Be("outcome-unknown");
        server.Mails.Should().ContainSingle();

        server.HangsUp = false;
        await node.Runs.ResolveIncidentAsync(incident.Id, "notHappened", CancellationToken.None);
        var replay = (await node.Store.ListAsync(new RunFilter(), CancellationToken.None)).Items.Single(r => r.StartedBy == "replay");
        await node.WorkAsync(replay.Id);

        (await node.FindAsync(replay.Id)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        server.Mails.Should().HaveCount(2);
        server.Mails.Select(m => m.Split('\n').Single(l => l.StartsWith("Message-", StringComparison.OrdinalIgnoreCase))).Distinct().Should().ContainSingle("it is one mail");
    }

    [Fact]
    public async Task Send_ToAServerWithoutEncryption_KeepsThePassword()
    {
        database.MailUser = "flows";
        var node = await database.StartNodeAsync();

        var run = await RunAsync(node, Mailing());

        var incident = (await node.IncidentsAsync(run)).Single();
        (incident.Code, incident.Message.Contains("a mail password", StringComparison.Ordinal)).Should().Be(("not-encrypted", false));
        server.Mails.Should().BeEmpty();
        (await node.EffectsAsync(run)).Single().Status.Should().Be("failed", "nothing has left");
    }

    [Fact]
    public async Task Send_ToAServerThatIsAway_SurelyDidNotHappen_AndAReplaySendsIt()
    {
        var away = new SmtpListener();
        database.MailPort = away.Port;
        await away.DisposeAsync();
        var run = await RunAsync(await database.StartNodeAsync(), Mailing());
        database.MailPort = server.Port;
        var node = await database.StartNodeAsync();
        (await node.IncidentsAsync(run)).Single().Code.Should().Be("unreachable");
        (await node.EffectsAsync(run)).Single().Status.Should().Be("failed");

        await node.WorkAsync(await node.Runs.ReplayAsync(run, fromFailed: true, CancellationToken.None));

        server.Mails.Should().ContainSingle();
    }

    [Fact]
    public async Task Send_WithAnErrorPort_GoesOnThere()
    {
        server.Refuses = "ann@x.test";
        var node = await database.StartNodeAsync();
        var mail = Mailing();
        mail["error"] = new JObject { ["type"] = "Test.Note", ["id"] = "inform" };

        var run = await RunAsync(node, mail);

        (await node.FindAsync(run)).SubStatus.Should().Be(WorkflowSubStatus.Finished);
        (await node.Store.ReadJournalAsync(run, CancellationToken.None)).Should().Contain(line => line.ActivityId == "inform" && line.EventName == "Completed");
    }

    [Theory]
    [InlineData("ann@x.test\r\nRCPT TO:<eve@x.test>", "to")]
    [InlineData("not an address", "to")]
    [InlineData("ann@", "to")]
    [InlineData("", "to")]
    public void Build_OfAWrongAddress_NamesIt(string address, string property) =>
        FluentActions.Invoking(() => Sender("localhost").Build(new Mail { To = [address] }, "k")).Should().Throw<ConnectorException>().Which.Property.Should().Be(property);

    [Fact]
    public void Build_WithoutAServer_SaysWhatToSet() =>
        FluentActions.Invoking(() => Sender(null).Build(new Mail { To = ["ann@x.test"] }, "k")).Should().Throw<ConnectorException>().Which.Action.Should().Contain("Automation__Smtp__Host");

    private static MailSender Sender(string? host) => new(Options.Create(new SmtpOptions { Host = host, From = "flows@x.test" }), TimeProvider.System);
}
