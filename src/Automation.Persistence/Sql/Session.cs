using System.Data.Common;

namespace Automation.Persistence.Sql;

/// <summary>
/// One connection with the statements it has prepared. SQL is written once for all databases; where they differ it has a mark (<see cref="Columns"/>) that each session replaces: <c>#now#</c>, <c>#lock#</c>,
/// <c>#skip_locked#</c>, <c>#like#</c>, <c>#instr#</c>, <c>#each @list#</c>, <c>#cross#</c>. Arguments are given in the order in which the <c>@names</c> first appear. Flags are numbers (0, 1) on every database.
/// Used by one thread at a time; a reader is disposed before the next statement runs.
/// </summary>
internal abstract class Session : IDisposable
{
    /// <summary>Runs a query; the caller disposes the reader.</summary>
    public abstract DbDataReader Query(string sql, params ReadOnlySpan<object?> arguments);

    /// <summary>Runs a statement; returns the number of rows changed.</summary>
    public abstract int Run(string sql, params ReadOnlySpan<object?> arguments);

    /// <summary>Runs a statement whose answer nobody needs: where the database is away, it travels with the next one that is waited for. It fails there, too.</summary>
    public abstract void Post(string sql, params ReadOnlySpan<object?> arguments);

    /// <summary>Many rows are written by one statement that takes a list per column (<c>unnest</c>): worth it where the database is another process.</summary>
    public virtual bool TakesLists => false;

    /// <summary>Runs a query for what it locks; its rows are passed over.</summary>
    public virtual void PostQuery(string sql, params ReadOnlySpan<object?> arguments) => Query(sql, arguments).Dispose();

    /// <summary>Keeps a row, named by its id, to this transaction until its end: later statements see what others did to it and around it before. Nothing to do where there is one writer.</summary>
    public void Lock(string table, string id) => Lock(table, "id", id);

    /// <inheritdoc cref="Lock(string, string)"/>
    public abstract void Lock(string table, string column, string value);

    /// <summary>Keeps one transaction at a time in what is named so. Nothing to do where there is one writer.</summary>
    public abstract void LockAll(string name);

    /// <summary>Begins a transaction that writes.</summary>
    public abstract void Begin();
    public abstract void Commit();

    /// <summary>Takes everything back. False: the connection is beyond use; its database drops what it left undone.</summary>
    public abstract bool RollBack();

    /// <summary>Everything until <see cref="KeepPart"/> or <see cref="DropPart"/> can be taken back alone.</summary>
    public abstract void BeginPart();

    /// <summary>Keeps the part; throws what any of it failed with.</summary>
    public abstract void KeepPart();

    /// <summary>Takes the part back. False: the transaction as a whole is gone.</summary>
    public abstract bool DropPart();

    /// <summary>The transaction lost to another one that it waited for: all of it may be tried again.</summary>
    public virtual bool IsWorthRetrying(Exception exception) => false;

    /// <summary>Number by which the database knows the transaction in progress, or the last one; null where a commit that fails has surely not happened.</summary>
    public virtual long? Transaction => null;

    /// <summary>Whether a transaction of another connection was committed; null: it is still open.</summary>
    public virtual bool? OutcomeOf(long transaction) => false;

    /// <summary>First column of the first row; null when there is none or it is NULL.</summary>
    public object? Scalar(string sql, params ReadOnlySpan<object?> arguments)
    {
        using var reader = Query(sql, arguments);
        return reader.Read() && !reader.IsDBNull(0) ? reader.GetValue(0) : null;
    }

    public long? Long(string sql, params ReadOnlySpan<object?> arguments) =>
        Scalar(sql, arguments) is { } value ? Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture) : null;

    /// <summary>All rows of a query.</summary>
    public List<T> List<T>(Func<DbDataReader, T> read, string sql, params ReadOnlySpan<object?> arguments)
    {
        var rows = new List<T>();
        using var reader = Query(sql, arguments);
        while (reader.Read())
        {
            rows.Add(read(reader));
        }

        return rows;
    }

    /// <summary>The first row of a query, or null.</summary>
    public T? First<T>(Func<DbDataReader, T> read, string sql, params ReadOnlySpan<object?> arguments)
        where T : class
    {
        using var reader = Query(sql, arguments);
        return reader.Read() ? read(reader) : null;
    }

    /// <summary>The <c>@names</c> of a statement, each once, in order.</summary>
    protected static List<string> ParameterNames(string sql)
    {
        var names = new List<string>();
        for (var start = sql.IndexOf('@'); start >= 0; start = sql.IndexOf('@', start + 1))
        {
            var end = start + 1;
            while (end < sql.Length && (char.IsAsciiLetterOrDigit(sql[end]) || sql[end] == '_'))
            {
                end++;
            }

            var name = sql[start..end];
            if (name.Length > 1 && !names.Contains(name, StringComparer.Ordinal))
            {
                names.Add(name);
            }
        }

        return names;
    }

    protected abstract void Dispose(bool disposing);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }
}
