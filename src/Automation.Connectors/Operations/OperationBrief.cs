using System.Globalization;
using System.Text;
using Automation.Engine;
using Newtonsoft.Json.Linq;

namespace Automation.Connectors;

/// <summary>
/// Hands an operation to people where an account has no API: as a mail, after which the flow goes on, or as a task that reports what came of it. The result is
/// what was asked for, with what the person reported, so that the flow reads it as it would an answer.
/// </summary>
public sealed class OperationBrief(OperationCatalog catalog, MailSender mail)
{
    private const string Asked = "asked";

    /// <summary>Inputs that say in a line what is wanted, the most telling first.</summary>
    private static readonly string[] Telling = ["title", "name", "flocksyTag", "ghlTag", "text", "reason"];

    internal async ValueTask<ActivityResult> HandOverAsync(ActivityContext context, Operation operation, Connection connection, JObject inputs, CancellationToken cancellationToken)
    {
        var connector = catalog.ConnectorOf(operation.Connector);
        if (operation.Effect == EffectClass.Read || connector.BriefForm is not { } formOf)
        {
            return ActivityResult.Faulted(new Fault($"{operation.Name}: connection '{connection.Name}' hands work to people and has no API to read from.") { Code = "no-api", Property = "connectionId", Action = "Choose a connection with an API, or take the activity out of the flow." });
        }

        // Checked as for the API: a brief that lacks what it needs helps nobody.
        RequestBuilder.Build(operation, connection, inputs);
        var asked = (JObject)inputs.DeepClone();
        foreach (var input in operation.Inputs.Where(input => asked[input.Name] is null && RequestBuilder.FromConnection(input, connection) is not null))
        {
            asked[input.Name] = RequestBuilder.FromConnection(input, connection);
        }

        foreach (var subject in Subjects.Of(operation, asked))
        {
            context.AddSubject(subject);
        }

        var title = TitleOf(connector, operation, asked);
        if (context.Run.IsDryRun)
        {
            context.Journal("DryRun", $"Would hand over by {connection.Credential.Kind}: {title}", new JObject { ["brief"] = TextOf(context, operation, asked) });
            context.SetOutput("Result", ResultOf(context, asked, []));
            return ActivityResult.Done;
        }

        if (connection.Credential.Kind == Credential.Email)
        {
            var brief = new Mail { To = [connection.Credential.Recipient ?? ""], Subject = title, Body = TextOf(context, operation, asked), IsPlain = true };
            var sent = await mail.SendAsync(context, brief, key: null, operation.ActivityType, cancellationToken);
            context.SetOutput("Result", ResultOf(context, asked, new JObject { ["messageId"] = sent.Body?["messageId"]?.DeepClone() }));
            return ActivityResult.Done;
        }

        context.SetState(Asked, asked);
        var task = new TaskRequest
        {
            Id = TaskRequest.IdOf(context),
            Title = TaskRequest.Short(title),
            Instructions = TextOf(context, operation, asked),
            Assignee = connection.Credential.Recipient,
            Fields = formOf(operation),
        };
        return ActivityResult.Suspended(task.ToBookmark(endsWhenDue: false));
    }

    internal static ActivityResult TakeBack(ActivityContext context, Operation operation, TaskAnswer? answer)
    {
        if (answer is not { Status: "done" })
        {
            return ActivityResult.Faulted(new Fault($"{operation.Name}: {answer?.By ?? "somebody"} cancelled the task{(answer?.Comment is { } why ? $": {why}" : ".")}") { Code = "task-cancelled", Action = "Replay the run from the failed activity to ask again, or leave it." });
        }

        var result = ResultOf(context, (JObject)context.GetState(Asked)!, answer.Answers);
        context.SetOutput("Result", result);
        foreach (var subject in Subjects.Of(operation, result))
        {
            context.AddSubject(subject);
        }

        return ActivityResult.Done;
    }

    /// <summary>What was asked for and what was reported; with an id of ours where nobody gave one.</summary>
    private static JObject ResultOf(ActivityContext context, JObject asked, JObject reported)
    {
        var result = (JObject)asked.DeepClone();
        result.Merge(reported, new JsonMergeSettings { MergeArrayHandling = MergeArrayHandling.Replace });
        result["id"] ??= "brief-" + Bookmark.HashOf("brief", context.EffectKey)[..12];
        return result;
    }

    private static string TitleOf(Connector connector, Operation operation, JObject asked)
    {
        var told = Telling.Select(name => JsonPaths.Text(asked[name])).FirstOrDefault(text => !string.IsNullOrWhiteSpace(text));
        return $"{connector.DisplayName}: {operation.Name}{(told is null ? "" : $", {InputBinding.Cut(told.ReplaceLineEndings(" "), 100)}")}";
    }

    private static string TextOf(ActivityContext context, Operation operation, JObject asked)
    {
        var text = new StringBuilder($"{operation.Description}\n\n");
        foreach (var (name, value) in asked)
        {
            var shown = value switch
            {
                JArray list when list.All(item => item is JValue) => string.Join(", ", list.Select(item => JsonPaths.Text(item))),
                JValue plain => JsonPaths.Text(plain) ?? "",
                _ => Json.Write(value),
            };
            text.Append(CultureInfo.InvariantCulture, $"{operation.Inputs.FirstOrDefault(input => input.Name == name)?.DisplayName ?? name}: {shown}\n");
        }

        return text.Append(CultureInfo.InvariantCulture, $"\nFrom the flow '{context.Run.Plan.Definition.Name ?? context.Run.Plan.Definition.DefinitionId}', run {context.Run.InstanceId}.\n").ToString();
    }
}
