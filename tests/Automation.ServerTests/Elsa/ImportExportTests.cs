using System.IO.Compression;
using System.Text;
using Automation.ServerTests.Api;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.Elsa;

public sealed class ImportExportTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Definitions = "/elsa/api/workflow-definitions";

    [SkippableFact]
    public async Task ExportImportExport_EverySample_IsTheSameToTheByte_AlsoInAFreshInstallation()
    {
        var samples = SharedFiles.OwnDefinitions().Select(file => (Name: Path.GetFileName(file), Model: (JObject)SharedFiles.Json(file)))
            .Concat(Directory.EnumerateFiles(SharedFiles.Folder(Path.Combine("elsa", "conformance", "cases")), "*.json").Order(StringComparer.Ordinal)
                .SelectMany(file => (SharedFiles.Json(file)["definitions"] as JArray ?? []).OfType<JObject>().Select((model, index) => (Name: $"{Path.GetFileName(file)}[{index}]", Model: model))))
            .ToList();

        foreach (var (name, sample) in samples)
        {
            var model = sample["model"] as JObject ?? sample;
            var id = (string?)model["definitionId"] ?? "sample-" + name;
            model["definitionId"] = id;
            var path = $"{Definitions}/{Uri.EscapeDataString(id)}";
            var (imported, answer) = await server.PostAsync(Definitions + "/import", model);
            imported.Should().BeOneOf([200, 201], "{0}: {1}", name, answer);
            var first = await TextAsync(path + "/export");
            (await server.SendTextAsync(HttpMethod.Post, Definitions + "/import", first)).Status.Should().Be(200, name);
            var second = await TextAsync(path + "/export");
            (await server.SendAsync(HttpMethod.Delete, path)).Status.Should().Be(204);
            (await server.SendTextAsync(HttpMethod.Post, Definitions + "/import", first)).Status.Should().Be(201, name);
            var fresh = await TextAsync(path + "/export");
            (await server.SendAsync(HttpMethod.Delete, path)).Status.Should().Be(204);

            second.Should().Be(first, name);
            fresh.Should().Be(first, name);
            ((JObject)JToken.Parse(first)["root"]!).Should().BeEquivalentTo((JObject)model["root"]!, name);
        }

        samples.Should().HaveCountGreaterThan(60);
    }

    [Fact]
    public async Task Import_DuplicateIdsInTheFiles_KeepsNothing_AndNamesBoth()
    {
        var (status, body) = await UploadAsync("", Zip(("a.json", Models.Sequence("twice", Models.Output("x", "X", "1"))), ("b/c.json", Models.Sequence("twice", Models.Output("y", "X", "1")))));

        status.Should().Be(400);
        ((string?)body["detail"]).Should().Contain("flows.zip/a.json").And.Contain("flows.zip/b/c.json");
        (await server.GetAsync($"{Definitions}/by-definition-id/twice")).Status.Should().Be(404);
    }

    [Fact]
    public async Task Import_BrokenFile_IsNamedWithLineAndColumnAndReason()
    {
        var (status, body) = await UploadAsync("", Zip(("good.json", Models.Sequence("beside-broken", Models.Output("x", "X", "1")).ToString()), ("bad.json", "{\n  \"name\": 5,\n  \"root\": {\"id\":\"r\",\"type\":\"Elsa.Sequence\"}\n}")));

        status.Should().Be(400);
        (body["file"], body["line"], body["property"]).Should().Be(((JToken)"flows.zip/bad.json", (JToken)2, (JToken)"name"));
        ((string?)body["detail"]).Should().Contain("'name' must be text");
        (await server.GetAsync($"{Definitions}/by-definition-id/beside-broken")).Status.Should().Be(404);
    }

    [Fact]
    public async Task Import_Bomb_IsRefused()
    {
        var (status, body) = await UploadAsync("", Zip(("bomb.json", new string(' ', 50_000_000))));

        status.Should().Be(400);
        ((string?)body["code"]).Should().Be("archive-bomb");
    }

    [Fact]
    public async Task Import_RenewedIds_StandBesideTheOldOnes_AndReferToEachOther()
    {
        var child = Models.Sequence("renew-child", Models.Output("x", "X", "1"));
        var parent = Models.Sequence("renew-parent", Models.Activity("d", "Elsa.DispatchWorkflow", ("workflowDefinitionId", "Literal", "renew-child")));
        await UploadAsync("", Zip(("child.json", child), ("parent.json", parent)));

        var (status, body) = await UploadAsync("?renewIds=true", Zip(("child.json", child), ("parent.json", parent)));

        status.Should().Be(200);
        var (newChild, newParent) = ((string)body["definitions"]![0]!["definitionId"]!, (string)body["definitions"]![1]!["definitionId"]!);
        new[] { newChild, newParent }.Should().NotContain(["renew-child", "renew-parent"]);
        body["definitions"]!.Select(d => (string?)d["name"]).Should().Equal("renew-child 2", "renew-parent 2");
        var (_, saved) = await server.GetAsync($"{Definitions}/by-definition-id/{newParent}");
        ((string?)saved["root"]!["activities"]![0]!["workflowDefinitionId"]!["expression"]!["value"]).Should().Be(newChild);
        ((string?)(await server.GetAsync($"{Definitions}/by-definition-id/renew-parent")).Body["root"]!["activities"]![0]!["workflowDefinitionId"]!["expression"]!["value"]).Should().Be("renew-child");
    }

    [Fact]
    public async Task Import_RenewedIds_OfARepeatedRequest_GiveTheSameDefinitions()
    {
        var archive = Zip(("one.json", Models.Sequence("repeat-one", Models.Output("x", "X", "1"))), ("two.json", Models.Sequence("repeat-two", Models.Output("x", "X", "1"))));

        var (_, first) = await UploadAsync("?renewIds=true", archive);
        var (_, second) = await UploadAsync("?renewIds=true", archive);

        second["definitions"]!.Select(d => (string?)d["definitionId"]).Should().Equal(first["definitions"]!.Select(d => (string?)d["definitionId"]));
        second["definitions"]!.Select(d => (string?)d["name"]).Should().Equal("repeat-one", "repeat-two");
    }

    [Fact]
    public async Task Export_NamesSlots_AndImportPutsTheConnectionsBack_ToTheByte()
    {
        await server.PostAsync(Definitions, new JObject { ["model"] = Connected("slotted") });

        var text = await TextAsync(Definitions + "/slotted/export");
        var (_, imported) = await server.SendTextAsync(HttpMethod.Post, Definitions + "/import", text);
        var (_, reply) = await UploadAsync("", Zip(("slotted.json", text)));

        text.Should().Contain("{{slot:gohighlevel}}").And.Contain("{{slot:flocksy}}").And.NotContain(": \"sandbox-ghl\"\n        }");
        JObject.Parse(text)["customProperties"]!["connectionSlots"]!.Select(slot => ((string?)slot["name"], (string?)slot["connector"])).Should().Equal(("gohighlevel", "gohighlevel"), ("flocksy", "flocksy"));
        imported["root"]!["activities"]!.Select(activity => (string?)(activity["connectionId"] is JObject wrapped ? wrapped["expression"]!["value"] : activity["connectionId"])).Should().Equal("sandbox-ghl", "sandbox-flocksy", "sandbox-ghl");
        reply["definitions"]![0]!["slots"]!.Select(slot => (string?)slot["connectionId"]).Should().Equal("sandbox-ghl", "sandbox-flocksy");
        (await TextAsync(Definitions + "/slotted/export")).Should().Be(text);
    }

    [Fact]
    public async Task Import_SlotIsFilledByChoice_OrStaysOpen_AndPublishingSaysSo()
    {
        await server.PostAsync("/api/connections", JObject.Parse("""{"name":"other GHL","connector":"gohighlevel","auth":{"kind":"apiKey","apiKey":"pit-x"}}"""));
        await server.PostAsync(Definitions, new JObject { ["model"] = Connected("chosen") });
        var text = await TextAsync(Definitions + "/chosen/export");
        var elsewhere = (JObject)Automation.Engine.Json.Parse(text, Automation.Engine.Json.DefinitionDepth);
        elsewhere["customProperties"]!["connectionSlots"]![0]!["connection"] = "a connection of another installation";
        var open = elsewhere.ToString().ReplaceLineEndings("\n") + "\n";

        var (chosen, byChoice) = await UploadAsync("?connection=" + Uri.EscapeDataString("gohighlevel:other GHL"), Zip(("a.json", open)));
        var (left, stays) = await UploadAsync("", Zip(("a.json", open)));
        var again = await TextAsync(Definitions + "/chosen/export");
        var (published, why) = await server.PostAsync(Definitions + "/chosen/publish", new JObject());
        var (none, noSlot) = await UploadAsync("?connection=salesforce:x", Zip(("a.json", open)));
        var (wrong, refusal) = await UploadAsync("?connection=gohighlevel:sandbox-flocksy", Zip(("a.json", open)));

        (chosen, left, published, none, wrong).Should().Be((200, 200, 400, 400, 400));
        byChoice["definitions"]![0]!["slots"]![0]!["connectionId"]!.Type.Should().Be(JTokenType.String);
        stays["definitions"]![0]!["problems"]!.Select(problem => (string?)problem["code"]).Should().Contain("unfilled-slot");
        again.Should().Be(open, "an open slot goes out as it came in");
        ((string?)why["detail"]).Should().Contain("The slot 'gohighlevel' has no connection yet");
        ((string?)noSlot["detail"]).Should().Contain("None of the files has a slot 'salesforce'");
        ((string?)refusal["detail"]).Should().Contain("takes a gohighlevel connection").And.StartWith("flows.zip/a.json");
    }

    [Theory]
    [InlineData("twice", "duplicate-activity-id", "used more than once")]
    [InlineData("deep", "too-deep", "nested deeper")]
    [InlineData("list", "not-a-definition", "not an object")]
    [InlineData("empty", "malformed-json", "flows.zip/x.json")]
    public async Task Import_WhatCannotBeKept_IsNamedWithItsReason(string kind, string code, string reason)
    {
        var text = kind switch
        {
            "twice" => """{"definitionId":"x","root":{"id":"r","type":"Elsa.Sequence","activities":[{"id":"a","type":"Elsa.End"},{"id":"a","type":"Elsa.End"}]}}""",
            "deep" => string.Concat(Enumerable.Repeat("{\"root\":", 300)) + "1" + new string('}', 300),
            "list" => "[]",
            _ => "",
        };

        var (status, body) = await UploadAsync("", Zip(("x.json", text)));

        (status, (string?)body["code"], (string?)body["file"]).Should().Be((400, code, "flows.zip/x.json"));
        ((string?)body["detail"]).Should().Contain(reason);
    }

    [Fact]
    public async Task Import_UnknownTypes_AreKeptAndWarnedOf_AndACycleIsRefusedOnlyWhenPublished()
    {
        var unknown = Models.Sequence("unknown-types", Models.Activity("a", "Acme.Nothing", ("anything", "Literal", "kept")));
        JObject Ring(string id, string other) => new(Models.Sequence(id, new JObject(Models.Activity("use", other)) { ["workflowDefinitionId"] = "ring-" + other.ToLowerInvariant() })) { ["name"] = id[^1..].ToUpperInvariant(), ["options"] = new JObject { ["usableAsActivity"] = true } };
        var (status, body) = await UploadAsync("", Zip(("u.json", unknown), ("a.json", Ring("ring-x", "Y")), ("b.json", Ring("ring-y", "X"))));

        var (published, why) = await server.PostAsync(Definitions + "/ring-x/publish", new JObject());
        var (_, kept) = await server.GetAsync(Definitions + "/by-definition-id/unknown-types");

        status.Should().Be(200, "{0}", body);
        body["definitions"]![0]!["problems"]!.Select(problem => (string?)problem["code"]).Should().Equal("unknown-activity-type");
        ((string?)kept["root"]!["activities"]![0]!["anything"]!["expression"]!["value"]).Should().Be("kept");
        (published, (string?)why["code"]).Should().Be((400, "workflow-cycle"));
    }

    [Fact]
    public async Task Export_OfAnIdThatIsAPath_HasAPlainFileName_AndItsArchiveIsTaken()
    {
        var (_, saved) = await server.PostAsync(Definitions, new JObject { ["model"] = Models.Sequence("../../evil/x", Models.Output("o", "X", "1")) });

        var archive = await BytesAsync("/elsa/api/bulk-actions/export/workflow-definitions", new JObject { ["ids"] = new JArray(saved["workflowDefinition"]!["id"]!) });
        var (status, body) = await UploadAsync("", archive);

        new ZipArchive(new MemoryStream(archive)).Entries.Single().FullName.Should().NotContainAny("/", "\\", "..");
        (status, (string?)body["definitions"]![0]!["definitionId"]).Should().Be((200, "../../evil/x"));
    }

    private static JObject Connected(string id)
    {
        var model = Models.Sequence(
            id,
            Models.Activity("get", "GoHighLevel.Contacts.GetContact", ("connectionId", "Literal", "sandbox-ghl"), ("contactId", "Literal", "c1")),
            Models.Activity("map", "Flocksy.Campaigns.RefreshCampaign", ("campaignId", "Literal", "c1")),
            Models.Activity("more", "GoHighLevel.Contacts.GetContact", ("connectionId", "Literal", "sandbox-ghl"), ("contactId", "Literal", "c2")));
        model["root"]!["activities"]![1]!["connectionId"] = "sandbox-flocksy";
        return model;
    }

    [Fact]
    public async Task BulkExport_IsAFlatArchiveOfImportableFiles_AlwaysTheSame()
    {
        var ids = new List<string>();
        foreach (var name in new[] { "bulk-a", "bulk-b" })
        {
            var (_, saved) = await server.PostAsync(Definitions, new JObject { ["model"] = Models.Sequence(name, Models.Output("x", "X", "1")) });
            ids.Add((string)saved["workflowDefinition"]!["id"]!);
        }

        var body = new JObject { ["ids"] = new JArray(ids), ["includeConsumingWorkflows"] = false };
        var first = await BytesAsync("/elsa/api/bulk-actions/export/workflow-definitions", body);
        var second = await BytesAsync("/elsa/api/bulk-actions/export/workflow-definitions", body);
        var (none, _) = await server.PostAsync("/elsa/api/bulk-actions/export/workflow-definitions", new JObject { ["ids"] = new JArray("not-there") });

        second.Should().Equal(first);
        none.Should().Be(204);
        using var archive = new ZipArchive(new MemoryStream(first));
        archive.Entries.Select(e => e.FullName).Should().BeEquivalentTo($"workflow-definition-bulk-a-bulk-a-{ids[0]}.json", $"workflow-definition-bulk-b-bulk-b-{ids[1]}.json");
        archive.Entries.Select(e => e.LastWriteTime.Year).Should().AllBeEquivalentTo(1980);
        ((int)(await UploadAsync("", first)).Body["count"]!).Should().Be(2);
    }

    private async Task<string> TextAsync(string path) => await server.Client.GetStringAsync(new Uri(path, UriKind.Relative));

    private async Task<byte[]> BytesAsync(string path, JObject body)
    {
        using var response = await server.Client.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body.ToString(), Encoding.UTF8, "application/json"));
        return await response.Content.ReadAsByteArrayAsync();
    }

    private async Task<(int Status, JToken Body)> UploadAsync(string query, byte[] archive)
    {
        using var form = new MultipartFormDataContent { { new ByteArrayContent(archive), "files", "flows.zip" } };
        using var response = await server.Client.PostAsync(new Uri($"{Definitions}/import-files{query}", UriKind.Relative), form);
        return ((int)response.StatusCode, await RunningServer.ReadAsync(response));
    }

    private static byte[] Zip(params (string Name, JToken Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var writer = new StreamWriter(archive.CreateEntry(name).Open());
                writer.Write(content is JValue { Value: string text } ? text : content.ToString());
            }
        }

        return stream.ToArray();
    }
}
