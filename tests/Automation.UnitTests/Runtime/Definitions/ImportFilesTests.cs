using System.IO.Compression;
using System.Text;
using Automation.Runtime.Definitions;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Runtime.Definitions;

public sealed class ImportFilesTests
{
    [Fact]
    public async Task AddAsync_ArchiveInAnArchive_TakesJsonOnly_AndNamesEachFileByItsWayIn()
    {
        var inner = Zip(("b.json", Bytes("{}")), ("__MACOSX/._b.json", Bytes("junk")));
        var outer = Zip(("a.json", Bytes("\uFEFF{}")), ("more/inner.zip", inner), ("readme.txt", Bytes("hello")), ("._a.json", [0xFF, 0xFE]));
        var files = new ImportFiles();

        var taken = await files.AddAsync("flows.zip", new MemoryStream(outer), default);
        var left = await files.AddAsync("picture.png", new MemoryStream([1, 2]), default);

        (taken, left).Should().Be((true, false));
        files.All.Should().Equal(("flows.zip/a.json", "{}"), ("flows.zip/more/inner.zip/b.json", "{}"));
    }

    [Theory]
    [InlineData("../evil.json")]
    [InlineData("a/../../evil.json")]
    [InlineData("/etc/evil.json")]
    [InlineData("C:/evil.json")]
    [InlineData("..\\evil.json")]
    public async Task AddAsync_EntryThatLeadsOut_IsRefusedByName(string entry)
    {
        var act = () => new ImportFiles().AddAsync("flows.zip", new MemoryStream(Zip(("good.json", Bytes("{}")), (entry, Bytes("{}")))), default);

        var refused = (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which;
        refused.Problems.Single().Code.Should().Be("unsafe-path");
        refused.FileName.Should().Be("flows.zip/" + entry);
    }

    [Fact]
    public async Task AddAsync_EntryThatUnpacksEnormously_IsRefusedBeforeItIsUnpacked()
    {
        var bomb = Zip(("bomb.json", new byte[90 * 1024 * 1024]));

        var act = () => new ImportFiles().AddAsync("flows.zip", new MemoryStream(bomb), default);

        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Single().Code.Should().Be("archive-bomb");
    }

    [Fact]
    public async Task AddAsync_MoreBytesThanAllowedInAll_IsRefused()
    {
        var files = new ImportFiles();
        await files.AddAsync("first.json", new MemoryStream(new byte[60 * 1024 * 1024]), default);

        var act = () => files.AddAsync("second.json", new MemoryStream(new byte[60 * 1024 * 1024]), default);

        var refused = (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which;
        (refused.Problems.Single().Code, refused.FileName).Should().Be(("too-large", "second.json"));
    }

    [Fact]
    public async Task AddAsync_TooManyEntries_IsRefused()
    {
        var many = Zip([.. Enumerable.Range(0, ImportFiles.MaximumFiles + 1).Select(i => ($"f{i}.json", Bytes("{}")))]);

        var act = () => new ImportFiles().AddAsync("flows.zip", new MemoryStream(many), default);

        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Single().Code.Should().Be("too-many-files");
    }

    [Fact]
    public async Task AddAsync_ArchivesNestedTooDeep_IsRefused()
    {
        var archive = Zip(("a.json", Bytes("{}")));
        for (var i = 0; i < 3; i++)
        {
            archive = Zip(("inner.zip", archive));
        }

        var act = () => new ImportFiles().AddAsync("flows.zip", new MemoryStream(archive), default);

        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Problems.Single().Code.Should().Be("nested-archives");
    }

    [Theory]
    [InlineData("flows.zip", "bad-archive")]
    [InlineData("flow.json", "not-text")]
    public async Task AddAsync_Junk_IsRefusedByName(string name, string code)
    {
        var act = () => new ImportFiles().AddAsync(name, new MemoryStream([0xC3, 0x28, 1, 2, 3]), default);

        var refused = (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which;
        (refused.Problems.Single().Code, refused.FileName).Should().Be((code, name));
        refused.Message.Should().EndWith("Nothing was imported.");
    }

    [Fact]
    public async Task AddAsync_TextOfAnotherEncoding_IsRefused_AndAByteOrderMarkIsNoPartOfTheText()
    {
        var files = new ImportFiles();
        await files.AddAsync("marked.json", new MemoryStream([0xEF, 0xBB, 0xBF, .. Bytes("{}")]), default);

        var act = () => files.AddAsync("flow.json", new MemoryStream([0xFF, 0xFE, .. Encoding.Unicode.GetBytes("{}")]), default);

        (await act.Should().ThrowAsync<DefinitionRejectedException>()).Which.Message.Should().Be("flow.json: The file is UTF-16 text. Save it as UTF-8. Nothing was imported.");
        files.All.Should().Equal(("marked.json", "{}"));
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Zip(params (string Name, byte[] Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var archive = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (name, content) in entries)
            {
                using var entry = archive.CreateEntry(name).Open();
                entry.Write(content);
            }
        }

        return stream.ToArray();
    }
}
