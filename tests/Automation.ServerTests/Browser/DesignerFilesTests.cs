using System.Net;
using Automation.ServerTests.Api;
using FluentAssertions;
using Xunit;

namespace Automation.ServerTests.Browser;

/// <summary>How the designer's package is served: what browsers are strict about.</summary>
public sealed class DesignerFilesTests(RunningServer server) : IClassFixture<RunningServer>
{
    [SkippableTheory]
    [InlineData("_framework/blazor.webassembly.js", "text/javascript")]
    [InlineData("_framework/dotnet.js", "text/javascript")]
    [InlineData("_content/MudBlazor/MudBlazor.min.css", "text/css")]
    public async Task File_ByItsName_HasTypeEncodingAndTag(string path, string type)
    {
        using var response = await GetAsync(path, "br, gzip");
        response.Content.Headers.ContentType!.MediaType.Should().Be(type);
        response.Content.Headers.ContentEncoding.Should().Equal("br");
        response.Headers.Vary.Should().Contain("Accept-Encoding");
        response.Headers.CacheControl!.NoCache.Should().BeTrue();

        using var again = new HttpRequestMessage(HttpMethod.Get, "/designer/" + path);
        again.Headers.TryAddWithoutValidation("Accept-Encoding", "br, gzip");
        again.Headers.IfNoneMatch.Add(response.Headers.ETag!);
        using var unchanged = await server.Client.SendAsync(again);
        unchanged.StatusCode.Should().Be(HttpStatusCode.NotModified);
    }

    [SkippableTheory]
    [InlineData("br, gzip", "br")]
    [InlineData("gzip", "gzip")]
    [InlineData("identity", null)]
    public async Task File_NamedByItsHash_IsKeptForGood(string accepted, string? encoding)
    {
        var folder = Directory.EnumerateFiles(Path.Combine(PackageOrSkip(), "_framework"), "icudt*.dat").Single();

        using var response = await GetAsync("_framework/" + Path.GetFileName(folder), accepted);

        response.Content.Headers.ContentType!.MediaType.Should().Be("application/octet-stream");
        response.Content.Headers.ContentEncoding.SingleOrDefault().Should().Be(encoding);
        response.Headers.CacheControl!.ToString().Should().Contain("immutable");
    }

    [Theory]
    [InlineData("../package.json")]
    [InlineData("%2e%2e/%2e%2e/package.json")]
    [InlineData("index.html")]
    [InlineData("_framework/nothing.js")]
    public async Task File_NotOfThePackage_IsNotFound(string path)
    {
        using var response = await server.Client.GetAsync(new Uri(server.Url, "/designer/" + path));

        response.StatusCode.Should().Be(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Document_ForNobody_LeadsToSignIn_AndHasItsPolicyOtherwise()
    {
        using var anonymous = server.NewClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/designer/definitions");
        request.Headers.Accept.ParseAdd("text/html");
        using var refused = await anonymous.SendAsync(request);
        using var shown = await server.Client.GetAsync(new Uri("/designer/definitions", UriKind.Relative));

        refused.StatusCode.Should().Be(HttpStatusCode.Redirect);
        refused.Headers.Location!.ToString().Should().Contain("/login");
        shown.Headers.GetValues("Content-Security-Policy").Single().Should().Contain("default-src 'none'").And.Contain("frame-ancestors 'none'");
        (await shown.Content.ReadAsStringAsync()).Should().NotContain(RunningServer.ApiKey).And.NotContain("https://");
    }

    private static string PackageOrSkip()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var package = Path.Combine(folder.FullName, "src/Automation.Server/Designer/node_modules/@elsa-workflows/elsa-studio-wasm");
            if (Directory.Exists(package))
            {
                return package;
            }
        }

        throw new SkipException("The designer is not restored: build with Node on the PATH.");
    }

    private async Task<HttpResponseMessage> GetAsync(string path, string accepted)
    {
        PackageOrSkip();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/designer/" + path);
        request.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);
        var response = await server.Client.SendAsync(request);
        response.StatusCode.Should().Be(HttpStatusCode.OK);
        return response;
    }
}
