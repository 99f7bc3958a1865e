using System.Text;

namespace Automation.Sandbox;

/// <summary>Which records of a collection are wanted: conditions, order and page. Values go as parameters; property names must be checked by <see cref="Property"/>.</summary>
internal sealed class RecordQuery
{
    private readonly StringBuilder conditions = new();
    private readonly List<object> values = [];

    /// <summary>SQL that orders; the order of creation when not set.</summary>
    public string Order { get; set; } = "seq";

    public int Skip { get; set; }
    public int Take { get; set; } = int.MaxValue;

    /// <summary>Conditions that only choose the page, and do not count for the total.</summary>
    public RecordQuery? After { get; set; }

    public IReadOnlyList<object> Values => values;
    public string Conditions => conditions.ToString();

    /// <summary>Adds a condition; each <c>?</c> stands for one value.</summary>
    public RecordQuery Where(string sql, params ReadOnlySpan<object> parameters)
    {
        conditions.Append(" and (").Append(sql).Append(')');
        foreach (var value in parameters)
        {
            values.Add(value);
        }

        return this;
    }

    /// <summary>Records of a location; null: of all.</summary>
    public RecordQuery In(string? locationId) => locationId is null ? this : Where("location_id = ?", locationId);

    /// <summary>Records that belong to another.</summary>
    public RecordQuery Of(string parentId) => Where("parent_id = ?", parentId);

    /// <summary>Records whose property has a value; null: any.</summary>
    public RecordQuery Equal(string path, object? value) => value is null ? this : Where($"{Property(path)} = ?", value);

    /// <summary>Records in whose properties a text occurs; null or empty: any.</summary>
    public RecordQuery Containing(string? text, IReadOnlyList<string> paths)
    {
        if (string.IsNullOrEmpty(text))
        {
            return this;
        }

        var all = string.Join(" || ' ' || ", paths.Select(path => $"coalesce({Property(path)}, '')"));
        return Where($"{all} like ? escape '\\'", Like(text));
    }

    /// <summary>Pattern of LIKE that finds a text anywhere.</summary>
    public static string Like(string text) =>
        "%" + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal) + "%";

    /// <summary>SQL of a property's value.</summary>
    /// <exception cref="ArgumentException">The path is not made of names.</exception>
    public static string Property(string path)
    {
        if (!IsPath(path))
        {
            throw new ArgumentException($"'{path}' is not a property path.", nameof(path));
        }

        return $"json_extract(json, '$.{path}')";
    }

    /// <summary>Whether a text from a request may be used as a property path.</summary>
    public static bool IsPath(string path) => path.Length <= 100 && path.Split('.').All(name => name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'));
}
