using System.Security;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using FluentAssertions;
using Xunit;

namespace Automation.ServerTests.Browser;

/// <summary>The texts of the pages are in their resource file: what a translator gets is complete, and holds nothing that no page says.</summary>
public sealed partial class TextsTests
{
    /// <summary>Set to 1, the test writes the file anew in place of comparing it.</summary>
    private const string Update = "AUTOMATION_UPDATE_TEXTS";

    private static readonly string Server = Path.Combine(Root(), "src", "Automation.Server");
    private static readonly string File = Path.Combine(Server, "Pages", "Texts.resx");

    [Fact]
    public void ResourceFile_HasEveryTextOfThePages_AndNoOther()
    {
        var said = Sources().SelectMany(source => Said().Matches(source)).Select(match => Regex.Unescape(match.Groups[1].Value)).Distinct().Order(StringComparer.Ordinal).ToList();
        if (Environment.GetEnvironmentVariable(Update) == "1")
        {
            Write(said);
        }

        var kept = XDocument.Load(File).Root!.Elements("data").Select(data => (string)data.Attribute("name")!).ToList();

        said.Should().OnlyHaveUniqueItems(text => text.ToLowerInvariant(), "names of resources differ by more than their case");
        kept.Should().BeEquivalentTo(said, "pages and resource file say the same; '{0}=1 dotnet test' writes the file", Update);
    }

    [Fact]
    public void Pages_SayNothingOutsideOfTheResourceFile()
    {
        var loose = Directory.EnumerateFiles(Path.Combine(Server, "Pages"), "*.razor", SearchOption.AllDirectories)
            .SelectMany(file => Markup(System.IO.File.ReadAllText(file)).SelectMany(markup => Loose().Matches(markup)).Select(match => $"{Path.GetFileName(file)}: {match.Groups[1].Value.Trim()}"))
            .Where(text => !Exempt.Any(word => text.EndsWith(": " + word, StringComparison.Ordinal)))
            .ToList();

        loose.Should().BeEmpty("every text that a reader sees can be translated");
    }

    /// <summary>Names that are the same in every language.</summary>
    private static readonly string[] Exempt = ["Automation", "· Automation", "OpenAPI", "Hangfire"];

    private static IEnumerable<string> Sources() =>
        Directory.EnumerateFiles(Server, "*.*", SearchOption.AllDirectories)
            .Where(file => Path.GetExtension(file) is ".razor" or ".cs" && !file.Contains("node_modules", StringComparison.Ordinal) && !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal))
            .Select(System.IO.File.ReadAllText);

    /// <summary>The markup of a page: what stands before its code.</summary>
    private static IEnumerable<string> Markup(string source) => [Comment().Replace(Said().Replace(source.Split("@code {")[0], ""), "")];

    private static void Write(IEnumerable<string> texts)
    {
        var resx = new StringBuilder("""
            <?xml version="1.0" encoding="utf-8"?>
            <root>
              <resheader name="resmimetype"><value>text/microsoft-resx</value></resheader>
              <resheader name="version"><value>2.0</value></resheader>
              <resheader name="reader"><value>System.Resources.ResXResourceReader, System.Windows.Forms, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089</value></resheader>
              <resheader name="writer"><value>System.Resources.ResXResourceWriter, System.Windows.Forms, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089</value></resheader>

            """);
        foreach (var text in texts)
        {
            resx.Append("  <data name=\"").Append(SecurityElement.Escape(text)).Append("\" xml:space=\"preserve\"><value>").Append(SecurityElement.Escape(text)).Append("</value></data>\n");
        }

        System.IO.File.WriteAllText(File, resx.Append("</root>\n").ToString());
    }

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!System.IO.File.Exists(Path.Combine(folder.FullName, "Automation.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("Automation.sln was not found above the test assembly.");
        }

        return folder.FullName;
    }

    // T["…"], T["…", values], T.Html("…"), and the same of a parameter named texts.
    [GeneratedRegex("""\b(?:T|texts)(?:\[|\.Html\()"((?:[^"\\]|\\.)*)["]""")]
    private static partial Regex Said();

    // Words between two tags, or between a tag and the end of the line.
    [GeneratedRegex(""">\s*([A-Z][a-z]+[^<>@{}=;()"]*)<""")]
    private static partial Regex Loose();

    [GeneratedRegex("""@\*.*?\*@""", RegexOptions.Singleline)]
    private static partial Regex Comment();
}
