using System.Diagnostics;
using System.Globalization;
using Automation.Persistence;

namespace Automation.Benchmarks;

/// <summary>
/// Growth with further nodes on one PostgreSQL. Where the processors are few, several nodes of one machine only share them: here each node is a process held to a share of one processor (cgroup v1), as if it had a small machine
/// of its own, and the database has what is left. Without their bounds the same nodes show where the machine, or the database, is the limit.
/// </summary>
internal static class NodeRows
{
    private const string Groups = "/sys/fs/cgroup/cpu";
    private const int Nodes = 3;

    /// <summary>Of one processor, to each node.</summary>
    private const double Share = 0.25;
    private const int Period = 50_000;
    private const int WarmUp = 12_000;
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(5);

    public static async IAsyncEnumerable<BenchmarkRow> RunAsync(string database)
    {
        var nodes = new List<Child>();
        try
        {
            for (var i = 0; i < Nodes; i++)
            {
                nodes.Add(new Child(database));
            }

            await Task.WhenAll(nodes.Select(node => node.Answer()));

            // Without bounds first: a node that is held to its share would not come to the end of compiling its hot code.
            for (var count = 1; count <= Nodes; count++)
            {
                var (rate, use) = await MeasureAsync(database, nodes.Take(count).ToList());
                yield return new BenchmarkRow($"durable runs by {count} nodes, PostgreSQL", $"{rate:N0}/s", use, "", "");
            }

            if (Problem() is { } problem)
            {
                yield return new BenchmarkRow("the same by 1, 2, 3 nodes of a share of a processor", "not measured: " + problem, "", "", "grows with each");
            }
            else
            {
                nodes.ForEach(node => node.Bind());
                var alone = 0.0;
                for (var count = 1; count <= Nodes; count++)
                {
                    var (rate, use) = await MeasureAsync(database, nodes.Take(count).ToList());
                    alone = count == 1 ? rate : alone;
                    yield return new BenchmarkRow($"the same by {count} nodes of {Share:P0} of a processor", $"{rate:N0}/s", use, $"{rate / alone:0.00}x", $"{count}x");
                }
            }
        }
        finally
        {
            nodes.ForEach(node => node.Dispose());
        }
    }

    /// <summary>A node: warms up, says so, and works for as many seconds as each line of its input says.</summary>
    public static async Task<int> ServeAsync(string database)
    {
        await using var house = await DurableRows.House.OpenAsync(services => services.AddPostgreSqlStores(database), () => { });
        await DurableRows.EachAsync(WarmUp, _ => house.ExecuteAsync("ten"));
        Console.WriteLine("ready");
        while (Console.ReadLine() is { } seconds)
        {
            var (clock, until, done) = (Stopwatch.StartNew(), TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)), 0L);
            await Parallel.ForAsync(0, DurableRows.Callers, new ParallelOptions { MaxDegreeOfParallelism = DurableRows.Callers }, async (_, _) =>
            {
                while (clock.Elapsed < until)
                {
                    await house.ExecuteAsync("ten");
                    Interlocked.Increment(ref done);
                }
            });
            Console.WriteLine((done / clock.Elapsed.TotalSeconds).ToString(CultureInfo.InvariantCulture));
        }

        return 0;
    }

    /// <summary>The rate of all, and who used the processors for it.</summary>
    private static async Task<(double Rate, string Use)> MeasureAsync(string database, List<Child> nodes)
    {
        var (clock, own, theirs, machine) = (Stopwatch.StartNew(), nodes.Sum(node => node.Processor), Processors.OfDatabase(database), Processors.OfMachine());
        nodes.ForEach(node => node.Work(Measured));
        var rates = await Task.WhenAll(nodes.Select(node => node.Answer()));
        var seconds = clock.Elapsed.TotalSeconds;
        var use = $"of {Environment.ProcessorCount} CPUs: nodes {(nodes.Sum(node => node.Processor) - own) / seconds:0.00}, database {(Processors.OfDatabase(database) - theirs) / seconds:0.00}, in all {(Processors.OfMachine() - machine) / seconds:0.00}";
        return (rates.Sum(rate => double.Parse(rate, CultureInfo.InvariantCulture)), use);
    }

    /// <summary>Why nodes cannot be held to a share; null: they can.</summary>
    private static string? Problem()
    {
        try
        {
            var probe = Path.Combine(Groups, $"automation-bench-{Environment.ProcessId}");
            Directory.CreateDirectory(probe);
            var has = File.Exists(Path.Combine(probe, "cpu.cfs_quota_us"));
            Directory.Delete(probe);
            return has ? null : $"{Groups} has no cpu.cfs_quota_us";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return $"{Groups} cannot be written ({error.Message})";
        }
    }

    /// <summary>This program as a node of its own.</summary>
    private sealed class Child : IDisposable
    {
        private readonly Process _process;
        private readonly string _group;

        public Child(string database)
        {
            _process = Process.Start(new ProcessStartInfo("dotnet", [typeof(NodeRows).Assembly.Location, "node", database]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            _group = Path.Combine(Groups, $"automation-bench-{_process.Id}");
        }

        public double Processor
        {
            get
            {
                _process.Refresh();
                return _process.TotalProcessorTime.TotalSeconds;
            }
        }

        public void Work(TimeSpan duration) => _process.StandardInput.WriteLine(duration.TotalSeconds.ToString(CultureInfo.InvariantCulture));

        public async Task<string> Answer() => await _process.StandardOutput.ReadLineAsync() ?? throw new InvalidOperationException("A node ended before it answered.");

        public void Bind()
        {
            Directory.CreateDirectory(_group);
            File.WriteAllText(Path.Combine(_group, "cpu.cfs_period_us"), Period.ToString(CultureInfo.InvariantCulture));
            File.WriteAllText(Path.Combine(_group, "cpu.cfs_quota_us"), ((int)(Period * Share)).ToString(CultureInfo.InvariantCulture));
            File.WriteAllText(Path.Combine(_group, "cgroup.procs"), _process.Id.ToString(CultureInfo.InvariantCulture));
        }

        public void Dispose()
        {
            _process.StandardInput.Close();
            _process.WaitForExit();
            _process.Dispose();
            if (Directory.Exists(_group))
            {
                Directory.Delete(_group);
            }
        }
    }
}
