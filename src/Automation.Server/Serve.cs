using Microsoft.Extensions.Options;

namespace Automation.Server;

/// <summary><c>serve</c>: runs the server until it is stopped.</summary>
public static class Serve
{
    /// <returns>Exit code: 0 stopped in order, 1 failed.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            await using var app = ServerComposition.Build(args);
            await app.RunAsync();
            return 0;
        }
        catch (OptionsValidationException error)
        {
            // A wrong setting is no bug: what is wrong and what to do, without a stack trace.
            foreach (var failure in error.Failures)
            {
                await Console.Error.WriteLineAsync(failure);
            }

            return 1;
        }
        catch (IOException error)
        {
            // The address is taken, or the data folder is another process's.
            await Console.Error.WriteLineAsync(error.Message);
            return 1;
        }
    }
}
