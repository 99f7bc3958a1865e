using Automation.Connectors;
using Automation.Hosting.Web;
using Automation.Runtime.People;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.People;

/// <summary>
/// <c>/decide/{token}</c>: an approval by the link of a mail. Opening it only shows what is asked: mail programs and scanners open links by themselves. The form
/// decides, once.
/// </summary>
internal static class DecisionEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup(TaskLinks.Decisions).AllowAnonymous().ExcludeFromDescription().DisableAntiforgery();
        group.MapMethods("/{token}", [HttpMethods.Get, HttpMethods.Head], ShowAsync);

        // The token is the credential: no browser adds it on its own, so another site cannot make somebody decide.
        group.MapPost("/{token}", DecideAsync);
    }

    private static async Task<IResult> ShowAsync(string token, HttpContext context, TaskLinks links, ITaskStore tasks)
    {
        Close(context);
        var (task, refusal) = await FindAsync(token, context, links, tasks);
        return refusal ?? Form(task!, null, null);
    }

    private static async Task<IResult> DecideAsync(string token, HttpContext context, TaskLinks links, ITaskStore tasks, TaskService service)
    {
        Close(context);
        var (task, refusal) = await FindAsync(token, context, links, tasks);
        if (refusal is not null)
        {
            return refusal;
        }

        var form = await PlainPage.ReadFormAsync(context);
        var comment = form.GetValueOrDefault("comment");
        try
        {
            var decided = await service.CompleteAsync(task!.Id, [], form.GetValueOrDefault("outcome"), comment, task.Request.Assignee ?? "mail link", context.RequestAborted);
            return PlainPage.Of(decided.Request.Title, $"<p role=\"status\">Thank you: <strong>{PlainPage.Encode(decided.Outcome!.ToLowerInvariant())}</strong>.</p>");
        }
        catch (TaskFormException error)
        {
            return Form(task!, error.Message, comment, StatusCodes.Status400BadRequest);
        }
        catch (TaskEndedException error)
        {
            return Ended(error.Task);
        }
    }

    private static async Task<(TaskRecord? Task, IResult? Refusal)> FindAsync(string token, HttpContext context, TaskLinks links, ITaskStore tasks)
    {
        if (links.Read(token) is not { } link || await tasks.FindAsync(link.TaskId, context.RequestAborted) is not { Request.Kind: TaskRequest.ApprovalKind } task)
        {
            return (null, PlainPage.Of("No such link", "<p>This link is not one of ours, or was not copied as a whole. If the mail has just come, try again in a moment.</p>", StatusCodes.Status404NotFound));
        }

        return task.Status != "open" ? (task, Ended(task))
            : link.HasExpired ? (task, PlainPage.Of(task.Request.Title, "<p>This link has expired. Who can sign in finds the question under <em>Tasks</em>.</p>", StatusCodes.Status410Gone))
            : (task, null);
    }

    private static IResult Ended(TaskRecord task) => PlainPage.Of(
        task.Request.Title,
        $"<p>{PlainPage.Encode(task.Outcome is { } outcome ? $"This was {outcome.ToLowerInvariant()} already{(task.FinishedBy is { } by ? $" by {by}" : "")}." : task.Status == "overdue" ? "The time for an answer is over." : "This is no longer asked.")} There is nothing left to decide.</p>",
        StatusCodes.Status409Conflict);

    private static IResult Form(TaskRecord task, string? error, string? comment, int status = StatusCodes.Status200OK) => PlainPage.Of(
        task.Request.Title,
        $"""
        {PlainPage.Alert(error)}
        <p class="text">{PlainPage.Encode(task.Request.Instructions ?? "")}</p>
        <p>Asked by the flow {PlainPage.Encode(task.DefinitionName ?? task.DefinitionId)}{(task.Request.DueAt is { } due ? $", until {due.UtcDateTime:yyyy-MM-dd HH:mm} UTC" : "")}.</p>
        <form method="post">
          <label>Comment <textarea name="comment" rows="3" maxlength="4000">{PlainPage.Encode(comment ?? "")}</textarea></label>
          <button name="outcome" value="{TaskService.Approved}">Approve</button>
          <button name="outcome" value="{TaskService.Rejected}">Reject</button>
        </form>
        """,
        status);

    /// <summary>The address is a credential: it is kept by nobody and told to nobody.</summary>
    private static void Close(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers["Referrer-Policy"] = "no-referrer";
        context.Response.Headers["X-Robots-Tag"] = "noindex";
        context.Response.Headers.ContentSecurityPolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; frame-ancestors 'none'";
    }
}
