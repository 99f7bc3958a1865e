using Automation.Connectors;
using Automation.Runtime.Storage;

namespace Automation.Server.Pages;

/// <summary>A connector as people know it.</summary>
internal static class ConnectorName
{
    /// <summary>Its display name; of one that this program does not have (a template may name any), the name itself.</summary>
    public static string Of(OperationCatalog operations, string name) => operations.Connectors.FirstOrDefault(c => c.Name == name)?.DisplayName ?? name;

    /// <summary>Where its calls go; one whose work is handed to people calls nothing.</summary>
    public static string AddressOf(ConnectionRecord connection) => connection.AuthKind is Credential.Email or Credential.Task ? "–" : connection.BaseUrl;

    /// <summary>How a connection signs in, or who serves it where there is no API.</summary>
    public static string SignsInWith(Texts T, string authKind) => authKind switch
    {
        "apiKey" => T["API key"],
        Credential.Email => T["Briefs by e-mail"],
        Credential.Task => T["Tasks for a person"],
        _ => "OAuth 2.0",
    };
}
