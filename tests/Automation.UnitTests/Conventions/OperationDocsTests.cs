using Automation.Activities.Flocksy;
using Automation.Activities.GoHighLevel;
using Automation.Connectors;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Conventions;

/// <summary>The pages about operations are made of the data, and say what it says now.</summary>
public sealed class OperationDocsTests
{
    private static readonly IReadOnlyDictionary<string, string> Pages = OperationDocs.Pages([GoHighLevelConnector.Create(), FlocksyConnector.Create()]);

    [Fact]
    public void CommittedPages_AreThoseOfTheData()
    {
        var folder = Path.Combine(Repository.Root, "docs", "operations");

        Directory.EnumerateFiles(folder).Select(Path.GetFileName).Should().BeEquivalentTo(Pages.Keys);
        foreach (var (file, text) in Pages)
        {
            File.ReadAllText(Path.Combine(folder, file)).ReplaceLineEndings("\n").Should().Be(text, $"{file} is made by: automation operations --docs docs/operations");
        }
    }

    [Fact]
    public void Pages_NameEveryOperationOnce()
    {
        var text = string.Concat(Pages.Values);
        foreach (var operation in GoHighLevelConnector.Create().Operations)
        {
            text.Split($"| activity type | `{operation.ActivityType}` |").Should().HaveCount(2, operation.ActivityType);
        }
    }
}
