namespace Automation.Engine.Expressions;

/// <summary>Natives that could make something huge in one call, with the size checked before the call.</summary>
internal static class ScriptCaps
{
    /// <summary>Names by which a script reaches a capped native.</summary>
    public static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "repeat", "padStart", "padEnd", "replace", "replaceAll", "join", "concat", "fill", "from", "Array", "split", "raw", "stringify",
    };

    public static void Install(ScriptSession session)
    {
    }

    public static FaultException TooLong(ScriptSession session, string what) => new(new Fault($"The script tried to make {what} and was stopped: the limit is {session.Limits.ScriptStringLength:N0} characters or {session.Limits.ScriptArrayLength:N0} elements.")
    {
        Code = "script-size",
        Action = "Make smaller strings and lists.",
    });
}
