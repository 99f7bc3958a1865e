using Automation.Benchmarks;

if (args is ["node", var database])
{
    return await NodeRows.ServeAsync(database);
}

// Each group measures one room; a row is printed when it is done. With arguments only the groups named run: dotnet run -c Release -- engine
var groups = new Dictionary<string, Func<IAsyncEnumerable<BenchmarkRow>>>(StringComparer.OrdinalIgnoreCase)
{
    ["catalogue"] = CatalogueRows.RunAsync,
    ["operations"] = OperationRows.RunAsync,
    ["engine"] = EngineRows.RunAsync,
    ["flowchart"] = FlowchartRows.RunAsync,
    ["storage"] = StorageRows.RunAsync,
    ["durable"] = DurableRows.RunAsync,
    ["postgres"] = PostgreSqlRows.RunAsync,
    ["polls"] = PollRows.RunAsync,
    ["http"] = HttpRows.RunAsync,
    ["api"] = ApiRows.RunAsync,
};
var wanted = args.Length == 0 ? groups.Keys.ToArray() : args;
foreach (var unknown in wanted.Where(name => !groups.ContainsKey(name)))
{
    Console.Error.WriteLine($"There is no group '{unknown}'. Groups: {string.Join(", ", groups.Keys)}.");
    return 2;
}

BenchmarkRow.PrintHead();
foreach (var name in wanted)
{
    await foreach (var row in groups[name]())
    {
        row.Print();
    }
}

return 0;
