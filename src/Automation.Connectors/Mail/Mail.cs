using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>A mail, as an activity asks for it.</summary>
public sealed record Mail
{
    /// <summary>Sender; null: that of the settings.</summary>
    public string? From { get; init; }

    public required IReadOnlyList<string> To { get; init; }
    public IReadOnlyList<string> Cc { get; init; } = [];
    public IReadOnlyList<string> Bcc { get; init; } = [];
    public string? ReplyTo { get; init; }
    public string Subject { get; init; } = "";

    /// <summary>Text, or HTML: whatever has a tag in it, unless <see cref="IsPlain"/>.</summary>
    public string Body { get; init; } = "";

    /// <summary>The body is text, whatever is in it: what others wrote must not become markup.</summary>
    public bool IsPlain { get; init; }

    /// <summary>Files: <c>{fileName, contentType?, text}</c> or with <c>base64</c>.</summary>
    public JArray Attachments { get; init; } = [];

    /// <summary>It holds a link that decides something: encrypted where it is recorded.</summary>
    public bool HoldsSecret { get; init; }
}
