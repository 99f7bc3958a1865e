using System.Security.Claims;
using Automation.Hosting.Security;
using Automation.Runtime.Storage;

namespace Automation.Hosting.People;

/// <summary>Who may end a task: whom it is for, by name or role; anybody where it is for nobody; administrators always.</summary>
public static class TaskAccess
{
    public static bool MayEnd(ClaimsPrincipal user, TaskRecord task) =>
        task.Request.Assignee is not { Length: > 0 } assignee
        || user.IsInRole(Access.AdministratorRole)
        || string.Equals(user.Identity?.Name, assignee, StringComparison.OrdinalIgnoreCase)
        || user.Identities.Any(identity => identity.FindAll(identity.RoleClaimType).Any(role => string.Equals(role.Value, assignee, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Why somebody else may not.</summary>
    public static string RefusalOf(TaskRecord task) => $"The task '{task.Request.Title}' is for {task.Request.Assignee}: only {task.Request.Assignee} or an administrator can end it.";
}
