using Automation.ServerTests.Api;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.ServerTests.GoHighLevel;

/// <summary>Files as answers and as inputs: a call's recording is read and put into the media library, as a flow would do it.</summary>
public sealed class FileTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    public async Task Recording_IsAFileThatAnotherOperationTakes()
    {
        var (read, recording) = await ExecuteAsync("GoHighLevel.Conversations.GetMessageRecording", new JObject { ["messageId"] = "message-1-2", ["locationId"] = "loc-1" });
        var file = (JObject)recording["outputs"]!["result"]!;
        file["name"] = "call.wav";
        var (written, upload) = await ExecuteAsync("GoHighLevel.Media.UploadMediaFile", new JObject { ["file"] = file, ["name"] = "The call" });
        var (_, kept) = await server.GetAsync("/sandbox/control/ghl/media-files");

        (read, written).Should().Be((200, 200), "{0} {1}", recording, upload);
        ((string?)file["contentType"]).Should().StartWith("audio/");
        Convert.FromBase64String((string)file["base64"]!).Length.Should().Be((int)file["size"]!);
        var item = kept["items"]!.Single(i => (string?)i["name"] == "The call");
        ((int?)item["size"], (string?)item["contentType"]).Should().Be(((int?)file["size"], (string?)file["contentType"]));
    }

    [Fact]
    public async Task Transcription_IsAFileOfText()
    {
        var (status, answer) = await ExecuteAsync("GoHighLevel.Conversations.DownloadTranscription", new JObject { ["messageId"] = "message-1-2", ["locationId"] = "loc-1" });

        status.Should().Be(200, "{0}", answer);
        ((string?)answer["outputs"]!["result"]!["text"]).Should().NotBeNullOrEmpty();
    }

    [Fact]
    public async Task File_LargerThanARequestMayBe_IsRefusedBeforeItIsSent()
    {
        var (status, answer) = await ExecuteAsync("GoHighLevel.Media.UploadMediaFile", new JObject { ["file"] = new JObject { ["name"] = "a.bin", ["base64"] = Convert.ToBase64String(new byte[7_480_000]) + "AAAA", ["contentType"] = new string('x', 600_000) } });

        status.Should().BeOneOf(400, 413);
        ((string?)answer["detail"]).Should().Contain("10 MB");
    }

    private Task<(int Status, JToken Answer)> ExecuteAsync(string type, JObject inputs) =>
        server.PostAsync($"/api/operations/{type}/execute", new JObject { ["connectionId"] = "sandbox-ghl", ["inputs"] = inputs });
}
