using Automation.Connectors;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

/// <summary>Sends a mail. After a crash in the middle nobody knows whether it left: it is not sent again, and a person decides.</summary>
[Activity("Elsa.SendEmail", "Email", "Sends an e-mail by the SMTP server of the installation.", DisplayName = "Send Email", Kind = ActivityKind.Task)]
public sealed class SendEmail(MailSender mail) : Activity
{
    [Input(Description = "The sender's address; empty: that of the settings (Automation__Smtp__From).")]
    public Input<string> From { get; init; } = default!;

    [Input(Required = true, UIHint = "multitext", Description = "The recipients' addresses.")]
    public Input<string[]> To { get; init; } = default!;

    [Input(UIHint = "multitext", Description = "Who gets a copy.", Category = "More")]
    public Input<string[]> Cc { get; init; } = default!;

    [Input(UIHint = "multitext", Description = "Who gets a copy without the others seeing it.", Category = "More")]
    public Input<string[]> Bcc { get; init; } = default!;

    [Input(DisplayName = "Reply To", Description = "Where answers go; empty: to the sender.", Category = "More")]
    public Input<string> ReplyTo { get; init; } = default!;

    [Input(Description = "The subject.")]
    public Input<string> Subject { get; init; } = default!;

    [Input(UIHint = "multi-line", Description = "The text, or HTML.")]
    public Input<string> Body { get; init; } = default!;

    [Input(UIHint = "multi-line", Description = "Files: a list of {fileName, contentType, text}, or with base64 in place of text.")]
    public Input<JToken> Attachments { get; init; } = default!;

    [Output(DisplayName = "Message Id", Description = "The mail's Message-ID.")]
    public Output<string> MessageId { get; init; } = default!;

    /// <summary>Runs when the mail was not sent; empty: that is an incident.</summary>
    [Port] public PlannedActivity? Error { get; init; }

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        try
        {
            var asked = new Connectors.Mail
            {
                From = context.Get(From) is { Length: > 0 } from ? from : null,
                To = context.Get(To) ?? [],
                Cc = context.Get(Cc) ?? [],
                Bcc = context.Get(Bcc) ?? [],
                ReplyTo = context.Get(ReplyTo),
                Subject = context.Get(Subject) ?? "",
                Body = context.Get(Body) ?? "",
                Attachments = context.Get(Attachments) switch { JArray list => list, JObject one => [one], _ => [] },
            };
            var response = await mail.SendAsync(context, asked, key: null, "Elsa.SendEmail", cancellationToken);
            context.Set(MessageId, (string?)response.Body?["messageId"]);
            return ActivityResult.Done;
        }
        catch (ConnectorException exception)
        {
            if (Error is null)
            {
                return ActivityResult.Faulted(OperationActivity.FaultOf(exception));
            }

            context.Journal("NotSent", exception.Message);
            context.Schedule(Error);
            return ActivityResult.Waiting;
        }
    }
}
