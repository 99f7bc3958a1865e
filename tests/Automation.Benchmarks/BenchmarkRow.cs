namespace Automation.Benchmarks;

/// <summary>One line of the table: what was done, what it took, the raw limit beside it, their ratio, what was aimed at.</summary>
internal sealed record BenchmarkRow(string Work, string Measured, string Limit, string Ratio, string Target)
{
    public static void PrintHead()
    {
        new BenchmarkRow("work", "measured", "raw limit", "ratio", "target").Print();
        new BenchmarkRow("---", "---", "---", "---", "---").Print();
    }

    public void Print() => Console.WriteLine($"| {Work,-44} | {Measured,-30} | {Limit,-24} | {Ratio,-8} | {Target,-28} |");
}
