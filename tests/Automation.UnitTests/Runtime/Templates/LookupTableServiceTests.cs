using Automation.Runtime.Storage;
using Automation.Runtime.Templates;
using Automation.UnitTests.Runtime.Polling;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Runtime.Templates;

public sealed class LookupTableServiceTests
{
    [Fact]
    public async Task StartAsync_OneTableThatCannotBeRead_LoadsTheOthers()
    {
        await using var world = await PollingWorld.StartAsync();
        using var tables = new LookupTableService(world.Get<IDocumentStore>(), world.Clock, Microsoft.Extensions.Logging.Abstractions.NullLogger<LookupTableService>.Instance);
        await tables.SaveAsync(new JObject { ["name"] = "good", ["rows"] = new JObject { ["a"] = 1 } }, default);
        foreach (var (name, json) in (IEnumerable<(string, string)>)[("other", "{\"rows\":7}"), ("list", "[]"), ("broken", "{")])
        {
            await world.Get<IDocumentStore>().SaveAsync(new DocumentRecord("table", name, json, world.Clock.GetUtcNow(), world.Clock.GetUtcNow()), default);
        }

        await tables.StartAsync(default);

        tables.Find("good").Should().NotBeNull();
        tables.Find("broken").Should().BeNull();
    }
}
