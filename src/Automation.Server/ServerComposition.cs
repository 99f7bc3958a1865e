namespace Automation.Server;
internal static class ServerComposition {
  public static WebApplicationBuilder CreateBuilder(string[] args) => throw new NotSupportedException();
  public static WebApplication Build(string[] args) => throw new NotSupportedException();
  public static WebApplication BuildSandbox(string url, string data) => throw new NotSupportedException();
}
