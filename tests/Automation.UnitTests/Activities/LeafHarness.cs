using System.Net;
using System.Text;
using Automation.Activities;
using Automation.Activities.Http;
using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Activities;

/// <summary>The built-in activities on the real engine; HTTP calls are answered by the test.</summary>
internal sealed class LeafHarness : IDisposable
{
    private readonly ServiceProvider services;

    public LeafHarness()
    {
        var automation = new AutomationBuilder(new ServiceCollection());
        automation.Services.AddLogging();
        automation.Services.AddSingleton<TimeProvider>(Clock);
        automation.Services.AddSingleton<IEffectLedger>(Ledger);
        automation.AddBuiltInActivities();
        automation.Services.AddHttpClient(HttpCaller.ClientName).ConfigurePrimaryHttpMessageHandler(() => new Answers(this));
        services = automation.Services.BuildServiceProvider();
        Registry = automation.Activities;
        Engine = new WorkflowEngine(Registry, new EngineOptions(), Clock, services);
    }

    public FakeTimeProvider Clock { get; } = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    public ActivityRegistry Registry { get; }
    public WorkflowEngine Engine { get; }
    public RecordingLedger Ledger { get; } = new();
    public List<JournalRecord> Journal { get; } = [];
    public RunChanges Changes { get; private set; } = new();

    /// <summary>Requests that were sent: line, headers, body.</summary>
    public List<(string Line, string? Authorization, string? ContentType, string? Body)> Sent { get; } = [];

    public Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> OnCall { get; set; } = (_, _) => Task.FromResult(Answer(200, "application/json", """{"ok":true}"""));

    public IHttpExchange? Exchange { get; set; }

    public static HttpResponseMessage Answer(int status, string type, string body) =>
        new((HttpStatusCode)status) { Content = new StringContent(body, Encoding.UTF8, type) };

    public WorkflowRun Create(JObject definition, RunStart? start = null)
    {
        var (read, problems) = DefinitionReader.Read(definition);
        return Engine.Create(Engine.Compile(read ?? throw new InvalidOperationException(string.Join("; ", problems))), start ?? new RunStart { InstanceId = "run" });
    }

    public async Task<WorkflowRun> RunAsync(JObject definition, RunStart? start = null)
    {
        var run = Create(definition, start);
        run.HttpExchange = Exchange;
        await BurstAsync(run);
        return run;
    }

    public async Task BurstAsync(WorkflowRun run, params Stimulus[] stimuli)
    {
        await Engine.RunAsync(run, stimuli, services, CancellationToken.None);
        await run.SendReplyAsync();
        Changes = run.DrainChanges();
        Journal.AddRange(Changes.Journal);
    }

    public Task ResumeAsync(WorkflowRun run, JToken? input) => BurstAsync(run, new Stimulus("s" + run.ActivityCount, run.Bookmarks.First().Id, input));

    /// <summary>Texts that WriteLine wrote.</summary>
    public IEnumerable<string?> Written => Journal.Where(record => record is { ActivityType: "Elsa.WriteLine", EventName: "Completed" }).Select(record => (string?)(record.State?["Text"] ?? record.State?["text"]));

    public void Dispose() => services.Dispose();

    private sealed class Answers(LeafHarness harness) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            harness.Sent.Add(($"{request.Method} {request.RequestUri}", request.Headers.Authorization?.ToString(), request.Content?.Headers.ContentType?.ToString(),
                request.Content is null ? null : await request.Content.ReadAsStringAsync(cancellationToken)));
            return await harness.OnCall(request, cancellationToken);
        }
    }
}

/// <summary>Sends, and keeps what an intent would keep.</summary>
internal sealed class RecordingLedger : IEffectLedger
{
    public List<Effect> Effects { get; } = [];

    public ValueTask<ConnectorResponse> SendAsync(ActivityContext context, Effect effect, Func<ConnectorRequest, CancellationToken, ValueTask<ConnectorResponse>> send, Func<ConnectorRequest, DateTimeOffset, CancellationToken, ValueTask<ConnectorResponse?>>? probe, CancellationToken cancellationToken)
    {
        Effects.Add(effect);
        return send(effect.Request, cancellationToken);
    }
}

/// <summary>A request that waits for its answer.</summary>
internal sealed class HeldExchange : IHttpExchange
{
    public HttpReply? Reply { get; private set; }
    public bool HasResponded => Reply is not null;
    public string Text => Encoding.UTF8.GetString(Reply!.Body);

    public ValueTask RespondAsync(HttpReply reply, CancellationToken cancellationToken)
    {
        Reply = reply;
        return ValueTask.CompletedTask;
    }
}
