namespace Automation.Runtime.Storage;

/// <summary>Keys of the installation that live in the database, encrypted, and what tells its key file.</summary>
public interface IKeyStore
{
    /// <summary>The elements of the key ring, oldest first.</summary>
    Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken);

    /// <summary>Adds one; one of this id stays.</summary>
    Task AddAsync(string id, string xml, DateTimeOffset at, CancellationToken cancellationToken);

    /// <summary>The value of a setting that is set once and for all: what is there, else this one.</summary>
    Task<string> SettleAsync(string setting, string value, CancellationToken cancellationToken);
}
