using System.Xml.Linq;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Conventions;

/// <summary>References between projects run one way; the core knows no activity project.</summary>
public sealed class ReferencesTests
{
    private static readonly string[] Layers =
    [
        "Automation.Engine", "Automation.Connectors", "Automation.Runtime", "Automation.Persistence", "Automation.Hosting", "Automation.Server",
    ];

    private static readonly Dictionary<string, string[]> Activities = new()
    {
        ["Automation.Activities"] = ["Automation.Connectors"],
        ["Automation.Activities.GoHighLevel"] = ["Automation.Connectors"],
        ["Automation.Activities.Flocksy"] = ["Automation.Connectors"],
        ["Automation.Sandbox"] = ["Automation.Activities.GoHighLevel", "Automation.Activities.Flocksy"],
    };

    [Fact]
    public void SourceProjects_ReferenceOnlyLayersBelow()
    {
        foreach (var (project, references) in Projects("src"))
        {
            var layer = Array.IndexOf(Layers, project);
            layer.Should().BeGreaterThanOrEqualTo(0, $"{project} is a layer of the house");
            foreach (var reference in references)
            {
                if (project == "Automation.Server" && Activities.ContainsKey(reference))
                {
                    continue;
                }

                Array.IndexOf(Layers, reference).Should().BeInRange(0, layer - 1, $"{project} may reference layers below it, not {reference}");
            }
        }
    }

    [Fact]
    public void ActivityProjects_ReferenceOnlyTheKit()
    {
        foreach (var (project, references) in Projects("activities"))
        {
            Activities.Should().ContainKey(project);
            references.Should().BeSubsetOf(Activities[project], $"that is all that {project} builds on");
        }
    }

    [Theory]
    [InlineData("Automation.Engine", "EntityFrameworkCore", "Hangfire", "AspNetCore", "Extensions.Http")]
    [InlineData("Automation.Connectors", "EntityFrameworkCore", "Hangfire", "AspNetCore")]
    [InlineData("Automation.Runtime", "EntityFrameworkCore", "Data.Sqlite", "Npgsql")]
    public void PureProjects_UseNoPackageOfOtherRooms(string project, params string[] banned)
    {
        var file = XDocument.Load(Path.Combine(Repository.Root, "src", project, project + ".csproj"));
        var packages = file.Descendants("PackageReference").Concat(file.Descendants("FrameworkReference")).Select(x => (string)x.Attribute("Include")!);
        foreach (var package in packages.Where(x => x != "Microsoft.AspNetCore.DataProtection.Abstractions"))
        {
            banned.Should().NotContain(x => package.Contains(x, StringComparison.Ordinal), $"{project} stays free of it");
        }
    }

    private static Dictionary<string, string[]> Projects(string folder)
    {
        var projects = new Dictionary<string, string[]>();
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.csproj", SearchOption.AllDirectories))
        {
            var references = XDocument.Load(file).Descendants("ProjectReference")
                .Select(x => Path.GetFileNameWithoutExtension(((string)x.Attribute("Include")!).Replace('\\', '/')))
                .ToArray();
            projects.Add(Path.GetFileNameWithoutExtension(file), references);
        }

        projects.Should().NotBeEmpty();
        return projects;
    }
}
