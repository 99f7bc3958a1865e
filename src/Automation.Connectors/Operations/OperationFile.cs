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

    /// <summary>Adds triggers in a user's words (a tag was added): each is a list of the operations with a condition, and shares its sources.</summary>
    /// <exception cref="InvalidDataException">The file is missing, or names an operation that is not there or is not polled.</exception>
    public static IReadOnlyList<Operation> WithMeanings(IReadOnlyList<Operation> operations, Assembly assembly, string resource)
    {
        using var stream = assembly.GetManifestResourceStream(resource) ?? throw new InvalidDataException($"There is no embedded file '{resource}' in {assembly.GetName().Name}.");
        List<OperationReader.Meaning> meanings;
        try
        {
            meanings = OperationReader.ReadMeanings(stream);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"The triggers of '{resource}' cannot be read: {exception.Message}", exception);
        }

        return [.. operations, .. meanings.Select(meaning =>
        {
            var list = operations.FirstOrDefault(operation => operation.ActivityType == meaning.Of && operation.Poll is not null)
                ?? throw new InvalidDataException($"Trigger '{meaning.Name}' is of '{meaning.Of}', which is no list that is polled.");
            if (meaning.When is { } when)
            {
                ItemConditions.Read(when);
            }

            return list with
            {
                Number = null,
                ActivityType = meaning.ActivityType,
                Name = meaning.Name,
                FiresOn = meaning.FiresOn,
                Description = meaning.Description,
                Poll = list.Poll! with { Source = list.ActivityType, When = meaning.When, Modes = meaning.Modes ?? ["updated"] },
            };
        })];
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
