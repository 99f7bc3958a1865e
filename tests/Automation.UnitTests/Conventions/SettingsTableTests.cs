using System.Text.RegularExpressions;
using Automation.Connectors;
using Automation.Runtime;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Conventions;

/// <summary>The README's table and the program have the same settings.</summary>
public sealed partial class SettingsTableTests
{
    /// <summary>Settings that are for tests and embedding hosts: what they promise is written down as fixed (leases of 15 s, a sweep every 5 s).</summary>
    private static readonly string[] NotForOperators = ["Automation__Runner__LeaseDuration", "Automation__Runner__LeaseRenewal", "Automation__Runner__SweepInterval", "Automation__Smtp__Timeout"];

    private static readonly string Readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));

    [Fact]
    public void EverySetting_IsInTheTable_OrDeliberatelyNot()
    {
        // A row may name several settings of one section: `Automation__Smtp__Host` · `__Port`.
        var table = Readme.Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal)).Select(line => line.Split('|')[1])
            .SelectMany(cell => Name().Matches(cell).Select(match => match.Value).Select(name => name.StartsWith("__", StringComparison.Ordinal) ? Section().Match(cell).Value + name[2..] : name)).ToList();
        table.Should().Contain(All().Except(NotForOperators).Where(name => !name.StartsWith("Automation__Webhooks__", StringComparison.Ordinal)));
        table.Should().NotContain(NotForOperators);
    }

    [Fact]
    public void EverySettingThatADocumentNames_IsOne()
    {
        var all = All().ToHashSet(StringComparer.Ordinal);
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "docs"), "*.md", SearchOption.AllDirectories).Append(Path.Combine(Repository.Root, "README.md")))
        {
            foreach (var name in Name().Matches(File.ReadAllText(file)).Select(match => match.Value).Where(name => name.StartsWith("Automation__", StringComparison.Ordinal) && name.Count(c => c == '_') > 2))
            {
                (all.Contains(name) || name is "Automation__Section__Key" || name.StartsWith("Automation__Webhooks__PublicKeys__", StringComparison.Ordinal)).Should().BeTrue($"{Path.GetFileName(file)} names {name}");
            }
        }
    }

    private static IEnumerable<string> All() => Of(typeof(AutomationOptions), "Automation").Concat(Of(typeof(SmtpOptions), "Automation__Smtp"));

    private static IEnumerable<string> Of(Type type, string prefix) => type.GetProperties().Where(property => property.CanWrite).SelectMany(property =>
        property.PropertyType.Name.EndsWith("Options", StringComparison.Ordinal) ? Of(property.PropertyType, $"{prefix}__{property.Name}") : [$"{prefix}__{property.Name}"]);

    [GeneratedRegex("(Automation)?__[A-Za-z]+(__[A-Za-z]+)*")]
    private static partial Regex Name();

    [GeneratedRegex("Automation__[A-Za-z]+__")]
    private static partial Regex Section();
}
