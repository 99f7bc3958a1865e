using System.Globalization;
using Microsoft.Extensions.Logging;

namespace Automation.Hosting.Support;

/// <summary>The last lines of this process's log, for the support bundle. Bounded; the oldest go.</summary>
public sealed class RecentLog(TimeProvider clock) : ILoggerProvider
{
    private const int Lines = 2000;
    private const int LineLimit = 4000;
    private readonly Queue<string> lines = new();

    public IReadOnlyList<string> Read()
    {
        lock (lines)
        {
            return [.. lines];
        }
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void Dispose()
    {
    }

    private void Add(string line)
    {
        lock (lines)
        {
            if (lines.Count == Lines)
            {
                lines.Dequeue();
            }

            lines.Enqueue(line.Length <= LineLimit ? line : line[..LineLimit] + "…");
        }
    }

    private sealed class Logger(RecentLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                log.Add(string.Create(CultureInfo.InvariantCulture, $"{log.Now:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {logLevel} {category}: {formatter(state, exception)}{(exception is null ? "" : " " + exception)}"));
            }
        }
    }

    private DateTime Now => clock.GetUtcNow().UtcDateTime;
}
