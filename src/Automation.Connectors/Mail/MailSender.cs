using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Automation.Engine;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MimeKit;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>Sends mail by SMTP, as an effect: its intent is committed before, its outcome after. A mail whose answer was lost is not sent again; a person decides.</summary>
public sealed partial class MailSender(IOptions<SmtpOptions> options, TimeProvider clock)
{
    private const int MostRecipients = 100;
    private const int LargestBody = 1024 * 1024;
    private const int LargestAttachments = 15 * 1024 * 1024;

    private readonly SmtpOptions options = options.Value;

    /// <summary>Sends a mail for an activity.</summary>
    /// <param name="context">The activity.</param>
    /// <param name="mail">The mail.</param>
    /// <param name="key">Key of the effect, where the activity sends several; null: its own.</param>
    /// <param name="operation">What the effect is listed as.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="ConnectorException">It was not sent.</exception>
    /// <exception cref="FaultException">Whether it was sent is unknown.</exception>
    public ValueTask<ConnectorResponse> SendAsync(ActivityContext context, Mail mail, string? key, string operation, CancellationToken cancellationToken)
    {
        var effect = new Effect
        {
            Key = key ?? context.EffectKey,
            Class = EffectClass.Unsafe,
            Operation = operation,
            Request = Build(mail, key ?? context.EffectKey),
            HoldsSecret = mail.HoldsSecret,
        };
        return context.Services.GetRequiredService<IEffectLedger>().SendAsync(context, effect, DeliverAsync, probe: null, cancellationToken);
    }

    /// <summary>The mail as it is recorded and sent. Nothing is sent.</summary>
    /// <exception cref="ConnectorException">No server is set, or a part of the mail is wrong (<c>invalid-input</c>, with its property).</exception>
    public ConnectorRequest Build(Mail mail, string key)
    {
        if (!options.IsSet)
        {
            throw new ConnectorException("No mail can be sent: this installation has no SMTP server.") { Code = "no-mail-server", Action = "Set Automation__Smtp__Host (and Port, UserName, Password, From) and start the server again." };
        }

        var from = Addresses([mail.From ?? options.From ?? ""], "from").FirstOrDefault()
            ?? throw Wrong("from", "The mail has no sender.", "Give one, or set Automation__Smtp__From.");
        var (to, cc, bcc) = (Addresses(mail.To, "to"), Addresses(mail.Cc, "cc"), Addresses(mail.Bcc, "bcc"));
        var recipients = to.Count + cc.Count + bcc.Count;
        if (recipients is 0 or > MostRecipients)
        {
            throw Wrong("to", recipients == 0 ? "The mail has no recipient." : $"The mail has {recipients} recipients.", $"Give from one to {MostRecipients} addresses.");
        }

        if (mail.Body.Length > LargestBody)
        {
            throw Wrong("body", $"The mail's body has {mail.Body.Length / 1024} KB.", $"Give at most {LargestBody / 1024} KB; attach what is longer.");
        }

        foreach (var file in mail.Attachments)
        {
            ContentOf(file);
        }

        return new ConnectorRequest
        {
            Method = "SEND",
            Url = $"smtp://{options.Host}:{options.Port}",
            Body = new JObject
            {
                // Follows from the effect's key, so that whoever sees one mail twice sees that it is one.
                ["messageId"] = $"{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))[..32]}@{from.Domain}",
                ["from"] = from.ToString(),
                ["to"] = List(to),
                ["cc"] = List(cc),
                ["bcc"] = List(bcc),
                ["replyTo"] = mail.ReplyTo is { Length: > 0 } reply ? List(Addresses([reply], "replyTo")) : new JArray(),
                ["subject"] = mail.Subject.ReplaceLineEndings(" ").Trim(),
                ["body"] = mail.Body,
                ["isHtml"] = !mail.IsPlain && Tag().IsMatch(mail.Body),
                ["attachments"] = mail.Attachments.DeepClone(),
            },
        };
    }

    private async ValueTask<ConnectorResponse> DeliverAsync(ConnectorRequest request, CancellationToken cancellationToken)
    {
        using var message = MessageOf((JObject)request.Body!);
        using var deadline = new CancellationTokenSource(options.Timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var hasLeft = false;
        try
        {
            using var client = new SmtpClient();
            await client.ConnectAsync(options.Host!, options.Port, Security(), either.Token);
            await SignInAsync(client, either.Token);
            hasLeft = true;
            var answer = await client.SendAsync(message, either.Token);
            await client.DisconnectAsync(quit: true, CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(2), clock, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return new ConnectorResponse { Status = 200, Body = new JObject { ["messageId"] = message.MessageId, ["answer"] = answer } };
        }
        catch (SmtpCommandException exception)
        {
            // The server said no: surely nothing was delivered.
            throw Refused(exception);
        }
        catch (AuthenticationException exception)
        {
            throw new ConnectorException($"The mail server {options.Host} does not take the user name and password.", exception) { Code = "unauthorized", ProviderMessage = exception.Message, Action = "Correct Automation__Smtp__UserName and Automation__Smtp__Password." };
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw Away($"The mail server {options.Host} did not answer within {options.Timeout.TotalSeconds:0} s.", "timeout", hasLeft, null);
        }
        catch (Exception exception) when (exception is IOException or SocketException or ProtocolException or SslHandshakeException or ServiceNotConnectedException)
        {
            throw Away($"The mail server {options.Host}:{options.Port} {(hasLeft ? "broke off while it took the mail" : "cannot be reached")}: {exception.Message.Split('\n')[0].Trim()}", "unreachable", hasLeft, exception);
        }
    }

    private async Task SignInAsync(SmtpClient client, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(options.UserName))
        {
            return;
        }

        if (!client.IsSecure && !Is("None"))
        {
            throw new ConnectorException($"The mail server {options.Host} offers no encryption, so the password was not sent.") { Code = "not-encrypted", Action = "Use its encrypted port (465 with Automation__Smtp__Security=Tls, or 587), or allow it with Security=None." };
        }

        await client.AuthenticateAsync(options.UserName, options.Password ?? "", cancellationToken);
    }

    private static MimeMessage MessageOf(JObject mail)
    {
        var message = new MimeMessage { Subject = (string?)mail["subject"] ?? "", MessageId = (string)mail["messageId"]! };
        message.From.Add(MailboxAddress.Parse((string)mail["from"]!));
        Fill(message.To, mail["to"]);
        Fill(message.Cc, mail["cc"]);
        Fill(message.Bcc, mail["bcc"]);
        Fill(message.ReplyTo, mail["replyTo"]);
        var text = (string?)mail["body"] ?? "";
        var body = mail["isHtml"] is JValue { Value: true } ? new BodyBuilder { HtmlBody = text } : new BodyBuilder { TextBody = text };
        foreach (var file in mail["attachments"] as JArray ?? [])
        {
            var (name, type, content) = ContentOf(file);
            body.Attachments.Add(name, content, type);
        }

        message.Body = body.ToMessageBody();
        return message;
    }

    private static void Fill(InternetAddressList list, JToken? addresses) => list.AddRange((addresses as JArray ?? []).Select(a => MailboxAddress.Parse((string)a!)));

    private static (string Name, ContentType Type, byte[] Content) ContentOf(JToken file)
    {
        try
        {
            if (file is JObject && (string?)file["fileName"] is { Length: > 0 } name)
            {
                var content = (string?)file["base64"] is { } packed ? Convert.FromBase64String(packed) : (string?)file["text"] is { } text ? Encoding.UTF8.GetBytes(text) : null;
                if (content is { Length: <= LargestAttachments })
                {
                    return (Path.GetFileName(name), ContentType.TryParse((string?)file["contentType"] ?? "", out var type) ? type : ContentType.Parse(MimeTypes.GetMimeType(name)), content);
                }
            }
        }
        catch (FormatException)
        {
            // As below.
        }

        throw Wrong("attachments", "An attachment cannot be read.", $"Give objects {{fileName, contentType, text}}, or with base64 in place of text, of at most {LargestAttachments / (1024 * 1024)} MB.");
    }

    private static List<MailboxAddress> Addresses(IReadOnlyList<string> texts, string property)
    {
        var addresses = new List<MailboxAddress>();
        foreach (var text in texts.Where(text => !string.IsNullOrWhiteSpace(text)))
        {
            if (!InternetAddressList.TryParse(text, out var list) || list.Any(a => a is not MailboxAddress { Domain.Length: > 0 }))
            {
                throw Wrong(property, $"'{InputBinding.Cut(text, 100)}' is no e-mail address.", "Write it as ann@example.com or Ann <ann@example.com>; several with commas between.");
            }

            addresses.AddRange(list.Mailboxes);
        }

        return addresses;
    }

    private ConnectorException Refused(SmtpCommandException exception) => new($"The mail server {options.Host} refused the mail: {exception.Message}", exception)
    {
        Code = "mail-refused",
        ProviderMessage = $"{(int)exception.StatusCode} {exception.Message}",
        IsTransient = (int)exception.StatusCode is >= 400 and < 500,
        Property = exception.ErrorCode switch { SmtpErrorCode.RecipientNotAccepted => "to", SmtpErrorCode.SenderNotAccepted => "from", _ => null },
        Action = exception.ErrorCode == SmtpErrorCode.RecipientNotAccepted ? $"Correct the address {exception.Mailbox?.Address}; nobody got the mail." : "See what the server says, and ask whoever runs it.",
    };

    private static ConnectorException Away(string message, string code, bool mayHaveHappened, Exception? inner) => new(message, inner)
    {
        Code = code,
        IsTransient = !mayHaveHappened,
        MayHaveHappened = mayHaveHappened,
        Action = "Check Automation__Smtp__Host, Port and Security, and that the server runs.",
    };

    private static ConnectorException Wrong(string property, string message, string action) => new(message) { Code = "invalid-input", Property = property, Action = action };

    private static JArray List(List<MailboxAddress> addresses) => new(addresses.Select(a => a.ToString()));

    private bool Is(string security) => string.Equals(options.Security, security, StringComparison.OrdinalIgnoreCase);

    private SecureSocketOptions Security() =>
        Is("None") ? SecureSocketOptions.None : Is("Tls") ? SecureSocketOptions.SslOnConnect : Is("StartTls") ? SecureSocketOptions.StartTls : SecureSocketOptions.Auto;

    [GeneratedRegex("<[a-zA-Z/!][^>]*>")]
    private static partial Regex Tag();
}
