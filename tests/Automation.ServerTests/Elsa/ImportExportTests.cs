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
