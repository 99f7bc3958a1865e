using System.ComponentModel.DataAnnotations;

namespace Automation.Connectors;

/// <summary>The server that takes the installation's mail (<c>Automation:Smtp</c>).</summary>
public sealed class SmtpOptions
{
    /// <summary>Host name; empty: no mail is sent, and activities that need it say so.</summary>
    public string? Host { get; set; }

    [Range(1, 65535)]
    public int Port { get; set; } = 587;

    /// <summary><c>Auto</c> (encrypted where the server can; never a password in the clear), <c>Tls</c> from the first byte, <c>StartTls</c>, or <c>None</c>.</summary>
    public string Security { get; set; } = "Auto";

    public string? UserName { get; set; }
    public string? Password { get; set; }

    /// <summary>Sender where a mail names none, as <c>Automation &lt;flows@example.com&gt;</c>.</summary>
    public string? From { get; set; }

    /// <summary>How long one mail may take. Default 30 s.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    public bool IsSet => !string.IsNullOrWhiteSpace(Host);
}
