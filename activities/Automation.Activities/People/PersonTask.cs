using Automation.Connectors;
using Automation.Engine;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

/// <summary>Gives a task to a person and waits for its end.</summary>
[Activity("Automation.Task", "People", "Gives a person a task, with a form to fill in, and waits until it is done, cancelled or overdue.", DisplayName = "Task for a Person")]
public sealed class PersonTask(MailSender mail) : Activity
{
    [Input(Required = true, Description = "What is to be done, in a few words.")]
    public Input<string> Title { get; init; } = default!;

    [Input(UIHint = "multi-line", Description = "All that the person needs to know.")]
    public Input<string> Instructions { get; init; } = default!;

    [Input(Description = "User name or e-mail address of the person; empty: whoever takes it.")]
    public Input<string> Assignee { get; init; } = default!;

    [Input(Description = "When it is to be done: a time (2030-01-31T17:00:00Z), a date (until its end), or a span from now (2h, 3d). Empty: whenever.")]
    public Input<object> Due { get; init; } = default!;

    [Input(DisplayName = "Time Zone", Description = "IANA time zone of a due time without one, as America/New_York. Empty: UTC.")]
    public Input<string> TimeZone { get; init; } = default!;

    [Input(DisplayName = "When Overdue", Options = ["GoOn", "KeepOpen"], Default = "GoOn", Description = "Go on by the outcome Overdue and close the task, or keep it open, marked as overdue.")]
    public Input<string> WhenOverdue { get; init; } = default!;

    [Input(UIHint = "json-editor", Description = "The form: a list of fields, each {name, label, type, required, help, options}. Types: text, multiline, number, date, checkbox, select, email, url.")]
    public Input<JToken> Fields { get; init; } = default!;

    [Input(DisplayName = "Send Email", Description = "Mail the task to an assignee who is named by an e-mail address.")]
    public Input<bool> SendEmail { get; init; } = default!;

    [Output(DisplayName = "Task Id", Description = "Id of the task, as in /api/tasks.")]
    public Output<string> TaskId { get; init; } = default!;

    [Output(Description = "The answers by field name.")]
    public Output<JToken> Result { get; init; } = default!;

    [Output(Description = "What the person remarked.")]
    public Output<string> Comment { get; init; } = default!;

    [Output(DisplayName = "Finished By", Description = "Who ended the task.")]
    public Output<string> FinishedBy { get; init; } = default!;

    public override IReadOnlyList<string> Outcomes => ["Done", "Cancelled", "Overdue"];

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var title = context.Get(Title)?.Trim() ?? "";
        if (title.Length == 0)
        {
            return ActivityResult.Faulted(new Fault("The task has no title.") { Code = "missing-input", Property = "title", Action = "Say in a few words what is to be done." });
        }

        var task = new TaskRequest
        {
            Id = TaskRequest.IdOf(context),
            Title = TaskRequest.Short(title),
            Instructions = context.Get(Instructions),
            Assignee = context.Get(Assignee)?.Trim() is { Length: > 0 } assignee ? assignee : null,
            DueAt = DueAt(context),
            Fields = TaskForm.Read(context.Get(Fields)),
        };
        context.Set(TaskId, task.Id);
        if (context.Run.IsDryRun)
        {
            context.Journal("DryRun", $"Would give {task.Assignee ?? "somebody"} the task '{task.Title}'.");
            context.Set(Result, new JObject());
            return ActivityResult.Done;
        }

        try
        {
            if (context.Get(SendEmail) && task.Assignee?.Contains('@', StringComparison.Ordinal) == true)
            {
                await MailAsync(context, task, cancellationToken);
            }
        }
        catch (ConnectorException exception)
        {
            return ActivityResult.Faulted(OperationActivity.FaultOf(exception));
        }

        return ActivityResult.Suspended(task.ToBookmark(endsWhenDue: context.Get(WhenOverdue) != "KeepOpen"));
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken)
    {
        var answer = TaskAnswer.Of(resumption.Input);
        context.Set(Result, answer?.Answers);
        context.Set(Comment, answer?.Comment);
        context.Set(FinishedBy, answer?.By);
        return ValueTask.FromResult(ActivityResult.Completed(answer is null ? "Overdue" : answer.Status == "cancelled" ? "Cancelled" : "Done"));
    }

    private ValueTask<ConnectorResponse> MailAsync(ActivityContext context, TaskRequest task, CancellationToken cancellationToken) => mail.SendAsync(
        context,
        new Connectors.Mail
        {
            To = [task.Assignee!],
            IsPlain = true,
            Subject = "A task for you: " + task.Title,
            Body = $"{task.Title}\n\n{task.Instructions}\n\n{(task.DueAt is { } due ? $"Due: {due.UtcDateTime:yyyy-MM-dd HH:mm} UTC\n" : "")}{context.Services.GetRequiredService<ITaskLinks>().PageOf(task.Id)}\n",
        },
        $"{context.EffectKey}/mail/0",
        "Automation.Task",
        cancellationToken);

    private DateTimeOffset? DueAt(ActivityContext context) => Moments.Due(context.Get(Due), Moments.Zone(context.Get(TimeZone)), context.Clock.GetUtcNow(), "due");
}
