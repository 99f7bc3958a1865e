namespace Automation.Connectors;

/// <summary>Where activities write files.</summary>
public sealed class FilesOptions
{
    /// <summary>The folder; the host sets it to <c>files</c> in its data folder.</summary>
    public string Directory { get; set; } = Path.Combine("data", "files");
}
