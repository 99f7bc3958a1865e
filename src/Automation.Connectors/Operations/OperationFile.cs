using System.Reflection;
using System.Text.Json;

namespace Automation.Connectors;

/// <summary>Reads a connector's operations from its data file: a JSON array with one record per operation, its properties those of <see cref="Operation"/>.</summary>
public static class OperationFile
{
    /// <summary>Reads the operations embedded in an assembly under <paramref name="resource"/>.</summary>
    /// <exception cref="InvalidDataException">The file is missing, or an operation in it is incomplete: names the operation.</exception>
    public static IReadOnlyList<Operation> Read(Assembly assembly, string resource, string connector)
    {
        using var stream = assembly.GetManifestResourceStream(resource) ?? throw new InvalidDataException($"There is no embedded file '{resource}' in {assembly.GetName().Name}.");
        return Read(stream, connector);
    }

    /// <inheritdoc cref="Read(Assembly, string, string)"/>
    public static IReadOnlyList<Operation> Read(Stream stream, string connector)
    {
        List<Operation> operations;
        try
        {
            operations = OperationReader.Read(stream, connector);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"The operations of '{connector}' cannot be read: {exception.Message}", exception);
        }

        for (var i = 0; i < operations.Count; i++)
        {
            if (Defect(operations[i]) is { } defect)
            {
                throw new InvalidDataException($"Operation {(operations[i].ActivityType is { Length: > 0 } type ? type : $"number {i + 1}")} of '{connector}' {defect}.");
            }
        }

        return operations;
    }

    private static string? Defect(Operation operation)
    {
        if (string.IsNullOrEmpty(operation.ActivityType) || string.IsNullOrEmpty(operation.Name) || string.IsNullOrEmpty(operation.Category)
            || string.IsNullOrEmpty(operation.Method) || string.IsNullOrEmpty(operation.Path))
        {
            return "lacks one of activityType, name, category, method, path";
        }

        foreach (var input in operation.Inputs)
        {
            if (input.Place == InputPlace.Path && !operation.Path.Contains("{" + input.Name + "}", StringComparison.Ordinal))
            {
                return $"has a path input '{input.Name}' that its path does not name";
            }
        }

        if (operation.Path.Count(c => c == '{') != operation.Inputs.Count(i => i.Place == InputPlace.Path))
        {
            return "has a path parameter that is no input";
        }

        if (operation.OneOf.Concat(operation.Poll?.Rolling?.Properties().Select(p => p.Name) ?? []).FirstOrDefault(name => operation.Inputs.All(i => i.Name != name)) is { } missing)
        {
            return $"names an input '{missing}' that it does not have";
        }

        if (operation.Effect == EffectClass.Probe && operation.Probe is null)
        {
            return "is of effect class 'probe' and has no probe";
        }

        return null;
    }
}
