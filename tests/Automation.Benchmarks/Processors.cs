using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Automation.Benchmarks;

/// <summary>Seconds of processor time. On a machine that is shared they say more than rates.</summary>
internal static class Processors
{
    public static double OfThis()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime.TotalSeconds;
    }

    /// <summary>Seconds of processor time that the server's processes have used; 0 where it is another machine's.</summary>
    public static double OfDatabase(string database)
    {
        using var connection = new NpgsqlConnection(database);
        connection.Open();
        using var command = new NpgsqlCommand("SELECT pid FROM pg_stat_activity", connection);
        using var reader = command.ExecuteReader();
        var seconds = 0.0;
        while (reader.Read())
        {
            try
            {
                // The name stands in brackets and may have spaces; user and system time are the 14th and 15th field.
                var fields = File.ReadAllText($"/proc/{reader.GetInt32(0)}/stat").Split(')')[^1].Split(' ');
                seconds += (long.Parse(fields[12], CultureInfo.InvariantCulture) + long.Parse(fields[13], CultureInfo.InvariantCulture)) / 100.0;
            }
            catch (IOException)
            {
                // It ended in this moment, or runs elsewhere.
            }
        }

        return seconds;
    }

    /// <summary>Seconds in which the machine's processors were not idle, whoever used them.</summary>
    public static double OfMachine()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(field => long.Parse(field, CultureInfo.InvariantCulture)).ToArray();
        return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / 100.0;
    }
}
