using System.Text.RegularExpressions;
using Automation.Runtime;
using FluentAssertions;
using Xunit;
using YamlDotNet.RepresentationModel;

namespace Automation.UnitTests.Conventions;

/// <summary>docker-compose.yml and Dockerfile hold together, and with the program: no engine is needed to see it.</summary>
public sealed class ContainerTests
{
    private static readonly YamlMappingNode Compose = ReadCompose();
    private static readonly string[] Dockerfile = File.ReadAllLines(Path.Combine(Repository.Root, "Dockerfile"));

    private static IEnumerable<(string Name, YamlMappingNode Service)> Servers => Map(Compose, "services").Children.Select(pair => (Text(pair.Key), (YamlMappingNode)pair.Value)).Where(s => s.Item1.StartsWith("server-", StringComparison.Ordinal));

    [Fact]
    public void Compose_HasTwoServersAndADatabase_EachWithHealthCheckAndVolume()
    {
        var services = Map(Compose, "services");
        Servers.Should().HaveCount(2);
        foreach (var (name, node) in services.Children)
        {
            var service = (YamlMappingNode)node;
            service.Children.Keys.Select(Text).Should().Contain(["healthcheck", "volumes", "restart"], Text(name));
            foreach (var volume in List(service, "volumes"))
            {
                Map(Compose, "volumes").Children.Keys.Select(Text).Should().Contain(volume.Split(':')[0]);
            }
        }

        Servers.SelectMany(s => List(s.Service, "ports")).Select(port => port.Split(':')[0]).Should().OnlyHaveUniqueItems();
        Servers.SelectMany(s => List(s.Service, "volumes")).Select(volume => volume.Split(':')[0]).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void Compose_Servers_WaitForAHealthyDatabaseAndDoNotStartForEver()
    {
        foreach (var (_, server) in Servers)
        {
            Text(Map(Map(server, "depends_on"), "database")["condition"]).Should().Be("service_healthy");
            Text(server["restart"]).Should().MatchRegex("^on-failure:[0-9]+$");
        }
    }

    [Fact]
    public void Compose_Settings_AreSettingsOfTheProgram()
    {
        foreach (var (_, server) in Servers)
        {
            foreach (var (key, _) in Map(server, "environment").Children)
            {
                var name = Text(key);
                if (name.StartsWith("Automation__", StringComparison.Ordinal))
                {
                    var type = typeof(AutomationOptions);
                    foreach (var part in name.Replace("_FILE", "", StringComparison.Ordinal).Split("__").Skip(1))
                    {
                        var property = type.GetProperty(part);
                        property.Should().NotBeNull($"{name} is no setting");
                        type = property!.PropertyType;
                    }
                }
                else
                {
                    name.Should().BeOneOf("ConnectionStrings__Automation_FILE", "ASPNETCORE_HTTP_PORTS");
                }
            }
        }
    }

    [Fact]
    public void Compose_Secrets_ComeByFileAndNowhereElse()
    {
        var declared = Map(Compose, "secrets").Children.Keys.Select(Text).ToList();
        foreach (var (_, node) in Map(Compose, "services").Children)
        {
            var service = (YamlMappingNode)node;
            var granted = List(service, "secrets").ToList();
            granted.Should().BeSubsetOf(declared);
            foreach (var (key, value) in Map(service, "environment").Children)
            {
                if (Regex.IsMatch(Text(key), "password|secret|connectionstring|key", RegexOptions.IgnoreCase))
                {
                    Text(value).Should().StartWith("/run/secrets/", Text(key));
                    granted.Should().Contain(Text(value)["/run/secrets/".Length..]);
                }
            }
        }
    }

    [Fact]
    public void Images_AreOfficialOnes()
    {
        var bases = Dockerfile.Where(line => line.StartsWith("FROM ", StringComparison.Ordinal)).Select(line => line.Split(' ')[1]).ToList();
        bases.Should().OnlyContain(image => image.StartsWith("mcr.microsoft.com/dotnet/", StringComparison.Ordinal));
        Text(Map(Map(Compose, "services"), "database")["image"]).Should().MatchRegex("^postgres:[0-9]+$");
        Servers.Should().OnlyContain(s => Text(s.Service["build"]) == ".");
    }

    [Fact]
    public void Dockerfile_RunsWithoutRightsWhatTheProjectBuilds()
    {
        var user = Array.FindLastIndex(Dockerfile, line => line.StartsWith("USER ", StringComparison.Ordinal));
        var entry = Array.FindIndex(Dockerfile, line => line.StartsWith("ENTRYPOINT ", StringComparison.Ordinal));
        Dockerfile[user].Should().Be("USER $APP_UID");
        user.Should().BeLessThan(entry);
        Dockerfile[entry].Should().Be("""ENTRYPOINT ["dotnet", "Automation.Server.dll"]""");
        File.Exists(Path.Combine(Repository.Root, "src/Automation.Server/Automation.Server.csproj")).Should().BeTrue();
        foreach (var source in Dockerfile.Where(line => line.StartsWith("COPY ", StringComparison.Ordinal) && !line.Contains("--from", StringComparison.Ordinal)).SelectMany(line => line.Split(' ')[1..^1]))
        {
            Path.Exists(Path.Combine(Repository.Root, source)).Should().BeTrue($"the Dockerfile copies {source}");
        }
    }

    private static YamlMappingNode ReadCompose()
    {
        var yaml = new YamlStream();
        using var reader = File.OpenText(Path.Combine(Repository.Root, "docker-compose.yml"));

        // The parser gives anchors their values, and leaves merging to whoever reads.
        yaml.Load(reader);
        var root = (YamlMappingNode)yaml.Documents[0].RootNode;
        foreach (var service in ((YamlMappingNode)root["services"]).Children.Values.Cast<YamlMappingNode>())
        {
            if (service.Children.Remove("<<", out var merged))
            {
                foreach (var (key, value) in ((YamlMappingNode)merged).Children)
                {
                    service.Children.TryAdd(key, value);
                }
            }
        }

        return root;
    }

    private static YamlMappingNode Map(YamlMappingNode node, string name) => (YamlMappingNode)node[name];

    private static IEnumerable<string> List(YamlMappingNode node, string name) => ((YamlSequenceNode)node[name]).Children.Select(Text);

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;
}
