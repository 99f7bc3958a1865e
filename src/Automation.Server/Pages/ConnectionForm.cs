namespace Automation.Server.Pages;

/// <summary>Fields of the form that adds a connection.</summary>
internal sealed class ConnectionForm
{
    public string? Name { get; set; }
    public string? ApiKey { get; set; }
    public string? ClientId { get; set; }
    public string? ClientSecret { get; set; }
    public string? LocationId { get; set; }
    public string? CompanyId { get; set; }
    public string? BaseUrl { get; set; }
    public string? Recipient { get; set; }

    public static string? TrimToNull(string? text) => text?.Trim() is { Length: > 0 } trimmed ? trimmed : null;
}
