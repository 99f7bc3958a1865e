using Automation.Connectors;
using Automation.Engine;
using Microsoft.Extensions.DependencyInjection;
using Newtonsoft.Json.Linq;

namespace Automation.Activities;

/// <summary>Asks people to decide: each approver has a task, and the decision ends those that are left.</summary>
[Activity("Automation.Approval", "People", "Asks people to approve something, under Tasks or by a link in an e-mail, and goes on by what they decide.")]
public sealed class Approval(MailSender mail) : Activity
{
    private const int MostApprovers = 20;

    /// <summary>How long a link works where no due time ends it.</summary>
    private static readonly TimeSpan LinkLife = TimeSpan.FromDays(30);

    [Input(Required = true, Description = "What is to be approved, in a few words.")]
    public Input<string> Title { get; init; } = default!;

    [Input(UIHint = "multi-line", Description = "All that is needed to decide.")]
    public Input<string> Details { get; init; } = default!;

    [Input(UIHint = "multitext", Description = "User names or e-mail addresses; empty: anybody who can sign in.")]
    public Input<string[]> Approvers { get; init; } = default!;

    [Input(Options = ["Any", "All"], Default = "Any", Description = "Any: the first answer decides. All: everybody must approve, and the first who rejects decides.")]
    public Input<string> Rule { get; init; } = default!;

    [Input(Description = "Until when: a time (2030-01-31T17:00:00Z), a date (until its end), or a span from now (2h, 3d). Then the outcome is Timed Out. Empty: however long it takes.")]
    public Input<object> Due { get; init; } = default!;

    [Input(DisplayName = "Time Zone", Description = "IANA time zone of a due time without one, as America/New_York. Empty: UTC.")]
    public Input<string> TimeZone { get; init; } = default!;

    [Input(DisplayName = "Send Email", Description = "Mail approvers who are named by an e-mail address a link on which they decide without signing in.")]
    public Input<bool> SendEmail { get; init; } = default!;

    [Output(Description = "What was remarked with the decision.")]
    public Output<string> Comment { get; init; } = default!;

    [Output(DisplayName = "Decided By", Description = "Whose answer decided.")]
    public Output<string> DecidedBy { get; init; } = default!;

    [Output(Description = "All answers: a list of {approver, outcome, comment, by, at}.")]
    public Output<JToken> Result { get; init; } = default!;

    public override IReadOnlyList<string> Outcomes => ["Approved", "Rejected", "TimedOut"];

    public override async ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        var title = context.Get(Title)?.Trim() ?? "";
        if (title.Length == 0)
        {
            return Fault("missing-input", "title", "The approval has no title.", "Say in a few words what is to be approved.");
        }

        var approvers = (context.Get(Approvers) ?? []).Select(approver => approver.Trim()).Where(approver => approver.Length > 0).Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        if (approvers.Count > MostApprovers)
        {
            return Fault("too-many", "approvers", $"{approvers.Count} approvers are too many.", $"Name at most {MostApprovers}.");
        }

        if (context.Run.IsDryRun)
        {
            context.Journal("DryRun", $"Would ask {(approvers.Count == 0 ? "somebody" : string.Join(", ", approvers))} to approve '{title}'.");
            context.Set(Result, new JArray());
            return ActivityResult.Completed("Approved");
        }

        var due = Moments.Due(context.Get(Due), Moments.Zone(context.Get(TimeZone)), context.Clock.GetUtcNow(), "due");
        var tasks = approvers.DefaultIfEmpty("").Select((approver, index) => new TaskRequest
        {
            Id = TaskRequest.IdOf(context, index),
            Kind = TaskRequest.ApprovalKind,
            Title = TaskRequest.Short(title),
            Instructions = context.Get(Details),
            Assignee = approver.Length == 0 ? null : approver,
            DueAt = due,
        }).ToList();
        try
        {
            if (context.Get(SendEmail))
            {
                await MailAsync(context, tasks, cancellationToken);
            }
        }
        catch (ConnectorException exception)
        {
            return ActivityResult.Faulted(OperationActivity.FaultOf(exception));
        }

        context.SetState("approvers", tasks.Count);
        return ActivityResult.Suspended([.. tasks.Select(task => task.ToBookmark(endsWhenDue: true) with { Tag = task.Assignee })]);
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken)
    {
        var decisions = context.GetState("decisions") as JArray ?? [];
        if (TaskAnswer.Of(resumption.Input) is not { Outcome: { } outcome } answer)
        {
            context.Set(Result, decisions);
            return ValueTask.FromResult(ActivityResult.Completed("TimedOut"));
        }

        decisions = [.. decisions.Select(known => known.DeepClone()), new JObject
        {
            ["approver"] = resumption.Tag,
            ["outcome"] = outcome,
            ["comment"] = answer.Comment,
            ["by"] = answer.By,
            ["at"] = answer.At?.UtcDateTime.ToString("O"),
        }];
        context.SetState("decisions", decisions);
        if (outcome == "Approved" && context.Get(Rule) == "All" && decisions.Count < (int)context.GetState("approvers")!)
        {
            // The others' bookmarks are still there.
            return ValueTask.FromResult(ActivityResult.Suspended());
        }

        context.Set(Result, decisions);
        context.Set(Comment, answer.Comment);
        context.Set(DecidedBy, answer.By);
        return ValueTask.FromResult(ActivityResult.Completed(outcome));
    }

    /// <summary>Each mail is an effect of its own. They leave before the tasks are there: a link that is opened in that moment says so and asks to try again.</summary>
    private async ValueTask MailAsync(ActivityContext context, List<TaskRequest> tasks, CancellationToken cancellationToken)
    {
        var links = context.Services.GetRequiredService<ITaskLinks>();
        for (var i = 0; i < tasks.Count; i++)
        {
            var task = tasks[i];
            if (task.Assignee?.Contains('@', StringComparison.Ordinal) != true)
            {
                continue;
            }

            var until = task.DueAt ?? context.Clock.GetUtcNow() + LinkLife;
            var asked = new Connectors.Mail
            {
                To = [task.Assignee],
                Subject = "Please decide: " + task.Title,
                Body = $"{task.Title}\n\n{task.Instructions}\n\nApprove or reject it here:\n{links.DecisionOf(task.Id, until)}\n\nThe link decides once, and works until {until.UtcDateTime:yyyy-MM-dd HH:mm} UTC. Opening it decides nothing. Whoever has it can decide: do not pass it on.\n",
                IsPlain = true,
                HoldsSecret = true,
            };
            await mail.SendAsync(context, asked, $"{context.EffectKey}/mail/{i}", "Automation.Approval", cancellationToken);
        }
    }

    private static ActivityResult Fault(string code, string property, string message, string action) =>
        ActivityResult.Faulted(new Fault(message) { Code = code, Property = property, Action = action });
}
