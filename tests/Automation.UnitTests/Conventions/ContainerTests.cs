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

        // Of this machine only: the pages ask for passwords, and have no TLS of their own.
        var ports = Servers.SelectMany(s => List(s.Service, "ports")).ToList();
        ports.Should().OnlyContain(port => port.StartsWith("127.0.0.1:", StringComparison.Ordinal) && port.EndsWith(":8080", StringComparison.Ordinal));
        ports.Should().OnlyHaveUniqueItems();
        Servers.SelectMany(s => List(s.Service, "volumes")).Select(volume => volume.Split(':')[0]).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void Compose_Servers_WaitForAHealthyDatabaseAndComeBackWithTheMachine()
    {
        // Without an address the question is answered by the server that the image starts for a moment, on a socket, while it makes the database.
        List(Map(Map(Map(Compose, "services"), "database"), "healthcheck"), "test").Should().ContainInOrder("CMD", "pg_isready").And.Contain(part => part.StartsWith("--host=", StringComparison.Ordinal));
        Map(Compose, "services").Children.Values.Should().OnlyContain(service => Text(((YamlMappingNode)service)["restart"]) == "unless-stopped");
        foreach (var (_, server) in Servers)
        {
            Text(Map(Map(server, "depends_on"), "database")["condition"]).Should().Be("service_healthy");
            List(Map(server, "healthcheck"), "test").Should().Equal("CMD", "dotnet", "Automation.Server.dll", "health");
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
        var folder = Dockerfile.Single(line => line.StartsWith("RUN mkdir", StringComparison.Ordinal));
        folder.Should().Contain("chown $APP_UID /data").And.Contain("-m 700");
        Dockerfile.Should().Contain("VOLUME /data").And.ContainSingle(line => line.StartsWith("ENV ", StringComparison.Ordinal)).Which.Should().Contain("Automation__DataDirectory=/data");
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

    [Fact]
    public void Dockerfile_CopiesWhatTheServersProjectsTake()
    {
        // A file that a project of the server takes from elsewhere in the repository must be in the image's build, too.
        var copied = Dockerfile.Where(line => line.StartsWith("COPY ", StringComparison.Ordinal)).SelectMany(line => line.Split(' ')[1..^1]).ToList();
        var projects = new[] { "src", "activities" }.SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.csproj", SearchOption.AllDirectories)).ToList();
        var taken = projects.SelectMany(project => Regex.Matches(File.ReadAllText(project), "Include=\"(\\.\\./[^\"*]+)").Select(match => Path.GetRelativePath(Repository.Root, Path.GetFullPath(match.Groups[1].Value, Path.GetDirectoryName(project)!)).TrimEnd(Path.DirectorySeparatorChar))).ToList();
        taken.Should().Contain("workflow-definitions");
        taken.Should().OnlyContain(path => copied.Any(place => path == place || path.StartsWith(place + "/", StringComparison.Ordinal)));
        Dockerfile.Should().Contain(line => line.Contains("test -f /app/designer/", StringComparison.Ordinal), "an image without the designer must not be built silently");
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
