using Automation.Connectors;
using Automation.Engine;
using Automation.UnitTests.Connectors;
using Automation.UnitTests.Sandbox;
using FluentAssertions;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.GoHighLevel;

/// <summary>Custom fields of contacts, told by what the stand-in holds afterwards.</summary>
public sealed class CustomFieldTests : IAsyncLifetime
{
    private const string Create = "GoHighLevel.Contacts.CreateContact";
    private const string Update = "GoHighLevel.Contacts.UpdateContact";
    private Kit kit = null!;
    private SandboxHost host = null!;

    private Connection Connection => Kit.Ghl(new Uri(host.Client.BaseAddress!, "/sandbox/ghl")) with { Credential = new Credential { Kind = "apiKey", ApiKey = "sandbox-ghl-token" } };

    public async Task InitializeAsync()
    {
        kit = NewKit();
        host = await SandboxHost.StartAsync();
        await DefineAsync("""
            [{"id":"f-text","name":"Nickname","fieldKey":"contact.nickname","dataType":"TEXT"},
             {"id":"f-large","name":"About","fieldKey":"contact.about","dataType":"LARGE_TEXT"},
             {"id":"f-number","name":"Staff","fieldKey":"contact.staff","dataType":"NUMERICAL"},
             {"id":"f-money","name":"Spent","fieldKey":"contact.spent","dataType":"MONETORY"},
             {"id":"f-date","name":"Met on","fieldKey":"contact.met_on","dataType":"DATE"},
             {"id":"f-single","name":"Size","fieldKey":"contact.size","dataType":"SINGLE_OPTIONS","picklistOptions":["S","M","L"]},
             {"id":"f-radio","name":"Channel","fieldKey":"contact.channel","dataType":"RADIO","picklistOptions":["mail","phone"]},
             {"id":"f-multi","name":"Interests","fieldKey":"contact.interests","dataType":"MULTIPLE_OPTIONS","picklistOptions":["art","film","music"]},
             {"id":"f-check","name":"Days","fieldKey":"contact.days","dataType":"CHECKBOX","picklistOptions":["Mon","Tue"],"isAllowedCustomOption":true},
             {"id":"f-file","name":"Contract","fieldKey":"contact.contract","dataType":"FILE_UPLOAD"},
             {"id":"f-phone","name":"Second phone","fieldKey":"contact.second_phone","dataType":"PHONE"},
             {"id":"f-twin-1","name":"Twin","fieldKey":"contact.twin","dataType":"TEXT"},
             {"id":"f-twin-2","name":"Twin","fieldKey":"contact.twin_2","dataType":"TEXT"}]
            """);
    }

    public async Task DisposeAsync()
    {
        await kit.DisposeAsync();
        await host.DisposeAsync();
    }

    [Fact]
    public async Task Fields_ByNameAndKey_AreWrittenAsTheirTypesWant()
    {
        var file = JObject.Parse("""{"f31175d4":{"meta":{"originalname":"a.pdf","mimetype":"application/pdf","size":3},"url":"https://files.example/a.pdf"}}""");
        var given = new JObject
        {
            ["Nickname"] = "Addy",
            ["contact.about"] = "Long text",
            ["staff"] = "12",
            ["Spent"] = 99.5,
            ["met on"] = "2026-02-03T10:00:00Z",
            ["Size"] = "M",
            ["f-radio"] = "phone",
            ["Interests"] = new JArray("art", "music"),
            ["Days"] = "Sun",
            ["Contract"] = file,
            ["second_phone"] = "+15550001",
        };

        var contact = await WriteAsync(Create, new JObject { ["email"] = "a@x.io", ["customFields"] = given });

        var values = Values(contact);
        values.Should().HaveCount(11);
        JToken.DeepEquals(values["f-number"], 12).Should().BeTrue();
        JToken.DeepEquals(values["f-money"], 99.5).Should().BeTrue();
        JToken.DeepEquals(values["f-multi"], new JArray("art", "music")).Should().BeTrue();
        JToken.DeepEquals(values["f-check"], new JArray("Sun")).Should().BeTrue();
        JToken.DeepEquals(values["f-file"], file).Should().BeTrue();
        new[] { "f-text", "f-large", "f-date", "f-single", "f-radio", "f-phone" }.Select(id => (string?)values[id]).Should().Equal("Addy", "Long text", "2026-02-03", "M", "phone", "+15550001");
    }

    [Fact]
    public async Task Fields_InBothShapesOfTheApi_MeetTheSameFieldAndKeepTheOthers()
    {
        var made = await WriteAsync(Create, new JObject { ["email"] = "b@x.io", ["customFields"] = JArray.Parse("""[{"id":"f-text","field_value":"one"},{"key":"staff","field_value":3}]""") });
        var changed = await WriteAsync(Update, new JObject { ["contactId"] = made["id"], ["customFields"] = new JObject { ["Nickname"] = null, ["Interests"] = null } });

        Values(made).Select(v => $"{v.Key}={v.Value}").Should().BeEquivalentTo("f-text=one", "f-number=3");
        Values(changed).Select(v => $"{v.Key}={Json.Write(v.Value)}").Should().BeEquivalentTo("f-text=\"\"", "f-number=3", "f-multi=[]");
    }

    [Fact]
    public async Task FieldsOfOpportunities_ByNameAndKey_AreWrittenAsTextsAndLists_AndReadInTheirOwnShape()
    {
        await DefineAsync("""
            [{"id":"o-text","name":"Code","fieldKey":"opportunity.code","dataType":"TEXT"},
             {"id":"o-number","name":"Rooms","fieldKey":"opportunity.rooms","dataType":"NUMERICAL"},
             {"id":"o-money","name":"Deposit","fieldKey":"opportunity.deposit","dataType":"MONETORY"},
             {"id":"o-date","name":"Hand-over","fieldKey":"opportunity.hand_over","dataType":"DATE"},
             {"id":"o-multi","name":"Services","fieldKey":"opportunity.services","dataType":"MULTIPLE_OPTIONS","picklistOptions":["design","print"]},
             {"id":"o-single","name":"Priority","fieldKey":"opportunity.priority","dataType":"SINGLE_OPTIONS","picklistOptions":["low","high"]}]
            """, "opportunity");
        var fields = new JObject { ["Code"] = "X1", ["rooms"] = 4, ["deposit"] = "99.5", ["Hand-over"] = "2026-02-03T10:00:00Z", ["Services"] = new JArray("design"), ["opportunity.priority"] = "high" };

        var made = await WriteAsync("GoHighLevel.Opportunities.CreateOpportunity", new JObject { ["pipelineId"] = "pipeline-1", ["name"] = "House", ["status"] = "open", ["contactId"] = "contact-1-01", ["customFields"] = fields }, "opportunity");
        var changed = await WriteAsync("GoHighLevel.Opportunities.UpdateOpportunity", new JObject { ["id"] = made["id"], ["customFields"] = new JObject { ["Rooms"] = 5, ["Services"] = null } }, "opportunity");
        var raw = await WriteAsync("GoHighLevel.Opportunities.UpdateOpportunity", new JObject { ["id"] = made["id"], ["customFields"] = JArray.Parse("""[{"key":"code","field_value":"X2"},{"id":"o-date","field_value":"2026-03-01"}]""") }, "opportunity");
        var refused = await FluentActions.Awaiting(() => WriteAsync("GoHighLevel.Opportunities.UpdateOpportunity", new JObject { ["id"] = made["id"], ["customFields"] = new JObject { ["Nickname"] = "a contact's" } })).Should().ThrowAsync<ConnectorException>();

        Values(made, "fieldValue").Select(v => $"{v.Key}={Json.Write(v.Value)}").Should()
            .BeEquivalentTo("o-text=\"X1\"", "o-number=\"4\"", "o-money=\"99.5\"", "o-date=\"2026-02-03\"", "o-multi=[\"design\"]", "o-single=\"high\"");
        Values(changed, "fieldValue").Should().HaveCount(6).And.Subject.As<IDictionary<string, JToken>>()["o-number"].ToString().Should().Be("5");
        ((string?)Values(raw, "fieldValue")["o-text"]).Should().Be("X2");
        refused.Which.Message.Should().Contain("has no field 'Nickname'");
    }

    [Theory]
    [InlineData("""{"Nick":"x"}""", "has no field 'Nick'", "'Nickname'")]
    [InlineData("""{"Twin":"x"}""", "2 fields 'Twin'", "contact.twin_2")]
    [InlineData("""{"Staff":"many"}""", "'Staff' is 'many'", "Correct 'Staff'")]
    [InlineData("""{"Met on":"soon"}""", "must be a date", "Met on")]
    [InlineData("""{"Size":"XL"}""", "allowed are S, M, L", "Size")]
    [InlineData("""{"Interests":["art","sport"]}""", "'sport'", "Interests")]
    [InlineData("""{"Contract":"a.pdf"}""", "files that were uploaded", "Contract")]
    public async Task Fields_ThatDoNotFit_AreRefusedBeforeAnythingIsSent(string fields, string says, string action)
    {
        var failure = (await FluentActions.Awaiting(() => WriteAsync(Create, new JObject { ["email"] = "c@x.io", ["customFields"] = JObject.Parse(fields) })).Should().ThrowAsync<ConnectorException>()).Which;

        failure.Code.Should().Be("invalid-input");
        failure.Message.Should().Contain(says);
        failure.Action.Should().Contain(action);
        failure.Property.Should().Be("customFields");
        (await RequestsAsync("POST", "/contacts/")).Should().Be(0);
    }

    [Fact]
    public async Task Definitions_AreReadOnceAndAgainForANewName()
    {
        foreach (var i in Enumerable.Range(0, 3))
        {
            await WriteAsync(Create, new JObject { ["email"] = $"d{i}@x.io", ["customFields"] = new JObject { ["Nickname"] = "x" } });
        }

        (await RequestsAsync("GET", "/locations/loc-1/customFields")).Should().Be(1);
        await DefineAsync("""[{"id":"f-new","name":"New one","fieldKey":"contact.new_one","dataType":"TEXT"}]""");
        Values(await WriteAsync(Create, new JObject { ["email"] = "e@x.io", ["customFields"] = new JObject { ["New one"] = "y" } })).Should().ContainKey("f-new");
        (await RequestsAsync("GET", "/locations/loc-1/customFields")).Should().Be(2);
    }

    private async Task<JObject> WriteAsync(string type, JObject inputs, string record = "contact")
    {
        var resolved = await kit.Services.GetRequiredService<FieldValues>().ResolveAsync(kit[type], Connection, inputs, CancellationToken.None);
        return (JObject)(await kit.SendAsync(type, resolved, Connection)).Body![record]!;
    }

    private static Kit NewKit() => new();

    private async Task<int> RequestsAsync(string method, string path) =>
        (await host.ControlAsync("GET", "/requests?api=ghl")).Json.SelectTokens("$..path").Count(p => (string?)p == path && (string?)p.Parent!.Parent!["method"] == method);

    private async Task DefineAsync(string fields, string model = "contact")
    {
        foreach (var field in JArray.Parse(fields).Cast<JObject>())
        {
            field["locationId"] = "loc-1";
            field["model"] = model;
            (await host.ControlAsync("POST", "/ghl/custom-fields", field)).Status.Should().Be(200);
        }
    }

    private static Dictionary<string, JToken> Values(JObject record, string property = "value") => record["customFields"]!.ToDictionary(f => (string)f["id"]!, f => f[property]!);
}
