namespace Automation.Persistence.Sql;

/// <summary>Conditions of a list with their arguments.</summary>
internal sealed class Where
{
    private readonly List<string> _conditions = [];
    private readonly List<object?> _arguments = [];

    /// <summary>Adds a condition when it applies; each argument belongs to a <c>@name</c> that no other condition uses.</summary>
    public void AddIf(bool applies, string condition, params ReadOnlySpan<object?> arguments)
    {
        if (applies)
        {
            _conditions.Add(condition);
            foreach (var argument in arguments)
            {
                _arguments.Add(argument);
            }
        }
    }

    /// <summary>The arguments so far and those of what follows in the SQL.</summary>
    public object?[] With(params ReadOnlySpan<object?> further) => [.. _arguments, .. further];

    public override string ToString() => _conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", _conditions);
}
