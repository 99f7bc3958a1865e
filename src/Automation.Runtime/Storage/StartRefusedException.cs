namespace Automation.Runtime.Storage;

/// <summary>The program cannot start as it is set up: says what is wrong and what to do, to a person, without secrets.</summary>
public sealed class StartRefusedException(string message, Exception? inner = null) : InvalidOperationException(message, inner);
