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

    /// <summary>How many rows a list has in all. A page that is not full is the last: what was looked for is not looked for again to be counted.</summary>
    /// <param name="page">From 0.</param>
    /// <param name="pageSize">Most rows of a page.</param>
    /// <param name="rows">Rows found for it.</param>
    /// <param name="count">Counts them all.</param>
    public static long Total(long page, int pageSize, int rows, Func<long?> count) => rows < pageSize && (rows > 0 || page == 0) ? page * pageSize + rows : count() ?? 0;
}
