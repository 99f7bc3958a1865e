using Automation.Activities;
using Automation.Activities.Flocksy;
using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.UnitTests.Conventions;
using Automation.UnitTests.Connectors;
using Automation.UnitTests.Sandbox;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.GoHighLevel;

/// <summary>The tag-sync template, run as it stands against both stand-ins.</summary>
public sealed class TagSyncTemplateTests : IAsyncLifetime
{
    private SandboxHost sandbox = null!;
    private ServiceProvider services = null!;

    public async Task InitializeAsync()
    {
        sandbox = await SandboxHost.StartAsync();
        var collection = new ServiceCollection();
        var builder = new AutomationBuilder(collection).AddGoHighLevel().AddFlocksy().AddBuiltInActivities();
        collection.AddLogging();
        collection.AddSingleton(builder.Operations);
        collection.AddSingleton(builder.Activities);
        collection.AddAutomationConnectors();
        collection.Configure<OutboundOptions>(o => o.AllowPrivateNetworks = true);
        collection.AddSingleton<IConnections>(new Pair(sandbox.Client.BaseAddress!));
        collection.AddSingleton(new EngineOptions());
        collection.AddSingleton<ExpressionFactory>();
        collection.AddSingleton<WorkflowEngine>();
        services = collection.BuildServiceProvider();
    }

    public async Task DisposeAsync()
    {
        await services.DisposeAsync();
        await sandbox.DisposeAsync();
    }

    private static JObject Installed()
    {
        var text = File.ReadAllText(Path.Combine(Repository.Root, "workflow-definitions", "tag-sync.template.json"));
        return (JObject)Json.Parse(text.Replace("{{slot:ghl}}", "ghl").Replace("{{slot:flocksy}}", "flocksy").Replace("{{input:locationId}}", "loc-1").Replace("{{input:interval}}", "5m"), Json.DefinitionDepth);
    }

    private WorkflowPlan Compile()
    {
        var (definition, problems) = DefinitionReader.Read(Installed());
        problems.Should().BeEmpty();
        return services.GetRequiredService<WorkflowEngine>().Compile(definition!);
    }

    private async Task<WorkflowRun> RunAsync(string tagId, string tag)
    {
        var item = new JObject { ["_id"] = tagId, ["locationId"] = "loc-1", ["tag"] = tag };
        await sandbox.ControlAsync("POST", "/ghl/social-tags", new JArray(new JObject(item) { ["id"] = tagId }));
        var engine = services.GetRequiredService<WorkflowEngine>();
        var run = engine.Create(Compile(), new RunStart { InstanceId = "run-" + tagId + tag, TriggerActivityId = "new-tag", TriggerPayload = new JObject { ["key"] = tagId + "@1", ["item"] = item, ["revision"] = 1 } });
        await engine.RunAsync(run, [], services, CancellationToken.None);
        run.Incidents.Select(i => i.Fault.Message).Should().BeEmpty();
        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        return run;
    }

    private async Task<List<string>> WritesAsync(string api)
    {
        var requests = (JArray)(await sandbox.ControlAsync("GET", $"/requests?api={api}&pageSize=100")).Json["items"]!;
        return [.. requests.Where(r => (string?)r["method"] != "GET").Select(r => $"{r["method"]} {r["path"]}")];
    }

    [Fact]
    public void Template_Compiles_WithoutProblems_AndStartsAtItsTrigger()
    {
        var plan = Compile();

        plan.Problems.Should().BeEmpty();
        plan.Triggers.Should().ContainSingle().Which.Id.Should().Be("new-tag");
    }

    [Fact]
    public async Task Template_PublishChecks_FindNothing()
    {
        foreach (var activity in Compile().Activities.Where(a => a.Descriptor.CheckAsync is not null))
        {
            var inputs = activity.Descriptor.Inputs.Select(i => char.ToLowerInvariant(i.Name[0]) + i.Name[1..]).Where(n => activity.Json[n]?["expression"] is not null).ToHashSet();
            var literals = new JObject(inputs.Where(n => (string?)activity.Json[n]!["expression"]!["type"] == "Literal").Select(n => new JProperty(n, activity.Json[n]!["expression"]!["value"])));
            var context = new PublishCheckContext { Activity = activity, Literals = literals, SetInputs = inputs, Services = services };

            await activity.Descriptor.CheckAsync!(context);

            context.Problems.Should().BeEmpty();
        }
    }

    [Fact]
    public async Task Template_MappedTag_TagsTheMappingsContactsAndRefreshesItsCampaigns()
    {
        await RunAsync("tag-1-vip", "vip");

        (await WritesAsync("ghl")).Should().BeEquivalentTo(
            "POST /social-media-posting/loc-1/tags/details", "POST /contacts/contact-1-01/tags", "POST /contacts/contact-1-02/tags", "POST /contacts/contact-1-03/tags");
        (await WritesAsync("flocksy")).Should().BeEquivalentTo("PUT /tag-mappings/vip", "POST /campaigns/campaign-1a/refresh", "POST /campaigns/campaign-1b/refresh");
        var contact = await sandbox.GhlAsync("GET", "/contacts/contact-1-02");
        contact.Json["contact"]!["tags"]!.Values<string>().Should().Contain(t => t!.Equals("VIP client", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Template_UnmappedTag_GetsAMappingOfItsNameAndTouchesNobody()
    {
        await RunAsync("t-new", "spring sale/2026");

        (await WritesAsync("ghl")).Should().Equal("POST /social-media-posting/loc-1/tags/details");
        var mappings = (JArray)(await sandbox.ControlAsync("GET", "/flocksy/tag-mappings?locationId=loc-1&pageSize=100")).Json["items"]!;
        mappings.Single(m => (string?)m["ghlTag"] == "spring sale/2026")["flocksyTag"]!.ToString().Should().Be("spring sale/2026");
    }

    [Fact]
    public async Task Template_TagGoneSince_UsesWhatTheTriggerSaw()
    {
        var engine = services.GetRequiredService<WorkflowEngine>();
        var payload = JObject.Parse("""{"key":"gone@1","item":{"_id":"gone","locationId":"loc-1","tag":"was here"},"revision":1}""");
        var run = engine.Create(Compile(), new RunStart { InstanceId = "run-gone", TriggerActivityId = "new-tag", TriggerPayload = payload });

        await engine.RunAsync(run, [], services, CancellationToken.None);

        run.SubStatus.Should().Be(WorkflowSubStatus.Finished);
        (await WritesAsync("flocksy")).Should().ContainSingle().Which.Should().StartWith("PUT /tag-mappings/was");
    }

    private sealed class Pair(Uri host) : IConnections
    {
        public ValueTask<Connection?> FindAsync(string idOrName, CancellationToken cancellationToken) => ValueTask.FromResult<Connection?>(idOrName switch
        {
            "ghl" => Kit.Ghl(new Uri(host, "/sandbox/ghl")) with { Id = "ghl", IsSandbox = true, Credential = new Credential { Kind = "apiKey", ApiKey = "sandbox-ghl-token" } },
            "flocksy" => Kit.Flocksy(new Uri(host, "/sandbox/flocksy")) with { Id = "flocksy", IsSandbox = true, Credential = new Credential { Kind = "apiKey", ApiKey = "sandbox-flocksy-token" } },
            _ => null,
        });
    }
}
