namespace Automation.Hosting.Security;

/// <summary>Names of authentication schemes, roles and policies.</summary>
public static class Access
{
    /// <summary>Chooses among the others by the request's Authorization header.</summary>
    public const string Scheme = "Automation";

    public const string ApiKeyScheme = "Automation.ApiKey";
    public const string BearerScheme = "Automation.Bearer";
    public const string CookieScheme = "Automation.Cookie";

    /// <summary>Anyone who is signed in.</summary>
    public const string SignedIn = "Automation.SignedIn";

    /// <summary>Administrators only.</summary>
    public const string Administrators = "Automation.Administrators";

    public const string AdministratorRole = "admin";
    public const string OperatorRole = "operator";

    /// <summary>Name of the first user.</summary>
    public const string FirstUser = "admin";
}
