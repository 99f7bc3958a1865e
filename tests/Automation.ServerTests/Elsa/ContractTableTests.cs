using System.Reflection;
using System.Text.RegularExpressions;
using Automation.ServerTests.Api;
using FluentAssertions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Automation.ServerTests.Elsa;

/// <summary>
/// Every endpoint of Elsa's API and the test that holds its shape and status: <c>Class.Method</c>; where that is a theory, one of its cases is a call of the endpoint. A row that
/// begins with <c>README:</c> names the limit by which it is not built.
/// </summary>
public sealed partial class ContractTableTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Get = $"{nameof(ContractTests)}.{nameof(ContractTests.Get_AnswersInItsShape)}";
    private const string Post = $"{nameof(ContractTests)}.{nameof(ContractTests.Post_AnswersInItsShape)}";
    private const string Lifecycle = $"{nameof(ContractTests)}.{nameof(ContractTests.Version_Revert_Retract_Delete_FollowTheContract)}";
    private const string Transfer = $"{nameof(ContractTests)}.{nameof(ContractTests.Runs_Exported_Deleted_AndImported_AreTheSameToLookAt)}";

    private static readonly Dictionary<string, string> Table = new()
    {
        ["GET /workflow-definitions"] = Get,
        ["POST /workflow-definitions"] = $"{nameof(RecordedCallTests)}.{nameof(RecordedCallTests.EveryRecordedCall_GetsAnAnswerOfTheRecordedStatus_InItsShape)}",
        ["GET /workflow-definitions/by-definition-id/{}"] = Get,
        ["GET /workflow-definitions/by-id/{}"] = Get,
        ["GET /workflow-definitions/many-by-id"] = Get,
        ["GET /workflow-definitions/validation/is-name-unique"] = Get,
        ["GET /workflow-definitions/query/count"] = Get,
        ["GET /workflow-definitions/subgraph/{}"] = Get,
        ["GET /workflow-definitions/subgraph/segments/{}"] = Get,
        ["GET /workflow-definitions/{}"] = Get,
        ["GET /workflow-definitions/{}/versions"] = Get,
        ["GET /workflow-definitions/{}/consumers"] = Get,
        ["GET /workflow-definitions/{}/export"] = $"{nameof(ImportExportTests)}.{nameof(ImportExportTests.ExportImportExport_EverySample_IsTheSameToTheByte_AlsoInAFreshInstallation)}",
        ["POST /workflow-definitions/{}/export"] = $"{nameof(HandleTests)}.{nameof(HandleTests.Export_ByPost_IsTheSameFile)}",
        ["GET /workflow-definitions/{}/execute"] = $"{nameof(HandleTests)}.{nameof(HandleTests.Execute_ByGet_TakesItsInputFromTheQuery)}",
        ["POST /workflow-definitions/{}/execute"] = $"{nameof(HandleTests)}.{nameof(HandleTests.Execute_WithAnActivityHandle_RunsThatActivityAlone)}",
        ["POST /workflow-definitions/{}/dispatch"] = Post,
        ["POST /workflow-definitions/{}/bulk-dispatch"] = Post,
        ["POST /workflow-definitions/{}/publish"] = Post,
        ["POST /workflow-definitions/{}/update-references"] = Post,
        ["POST /workflow-definitions/{}/retract"] = Lifecycle,
        ["POST /workflow-definitions/{}/revert/{}"] = Lifecycle,
        ["DELETE /workflow-definitions/{}"] = Lifecycle,
        ["DELETE /workflow-definition-versions/{}"] = Lifecycle,
        ["DELETE /workflow-definitions/{}/version/{}"] = $"{nameof(HandleTests)}.{nameof(HandleTests.Version_IsDeletedByItsNumber)}",
        ["POST /workflow-definitions/import"] = $"{nameof(ElsaApiTests)}.{nameof(ElsaApiTests.Export_ThenImport_IsTheSameToTheByte)}",
        ["PUT /workflow-definitions/import"] = $"{nameof(HandleTests)}.{nameof(HandleTests.Import_UnderAGivenId_IsThatDefinition)}",
        ["PUT /workflow-definitions/{}/import"] = $"{nameof(HandleTests)}.{nameof(HandleTests.Import_UnderAGivenId_IsThatDefinition)}",
        ["POST /workflow-definitions/{}/import"] = $"{nameof(HandleTests)}.{nameof(HandleTests.Import_UnderAGivenId_IsThatDefinition)}",
        ["POST /workflow-definitions/import-files"] = $"{nameof(ImportExportTests)}.{nameof(ImportExportTests.Import_DuplicateIdsInTheFiles_KeepsNothing_AndNamesBoth)}",
        ["POST /actions/workflow-definitions/reload"] = Post,
        ["POST /actions/workflow-definitions/refresh"] = Post,
        ["POST /bulk-actions/export/workflow-definitions"] = $"{nameof(ImportExportTests)}.{nameof(ImportExportTests.BulkExport_IsAFlatArchiveOfImportableFiles_AlwaysTheSame)}",
        ["POST /bulk-actions/publish/workflow-definitions/by-definition-ids"] = Post,
        ["POST /bulk-actions/retract/workflow-definitions/by-definition-ids"] = Post,
        ["POST /bulk-actions/delete/workflow-definitions/by-definition-id"] = Post,
        ["POST /bulk-actions/delete/workflow-definitions/by-id"] = Post,
        ["POST /bulk-actions/cancel/workflow-instances"] = Post,
        ["POST /bulk-actions/delete/workflow-instances"] = Post,
        ["POST /bulk-actions/delete/workflow-instances/by-id"] = Post,
        ["POST /bulk-actions/export/workflow-instances"] = Transfer,
        ["POST /bulk-actions/import/workflow-instances"] = Transfer,
        ["GET /workflow-instances"] = Get,
        ["POST /workflow-instances"] = Post,
        ["GET /workflow-instances/{}"] = Get,
        ["DELETE /workflow-instances/{}"] = Transfer,
        ["GET /workflow-instances/{}/execution-state"] = Get,
        ["GET /workflow-instances/{}/variables"] = Get,
        ["POST /workflow-instances/{}/variables"] = $"{nameof(ContractTests)}.{nameof(ContractTests.Variables_OfAWaitingRun_AreChanged_AndTheRunGoesOnWithThem)}",
        ["GET /workflow-instances/{}/journal"] = Get,
        ["POST /workflow-instances/{}/journal"] = Post,
        ["GET /workflow-instances/{}/journal/{}"] = Get,
        ["GET /workflow-instances/{}/export"] = Transfer,
        ["POST /cancel/workflow-instances/{}"] = $"{nameof(ContractTests)}.{nameof(ContractTests.Request_ForWhatIsNotThere_IsAProblem)}",
        ["GET /activity-executions/list"] = Get,
        ["GET /activity-executions/count"] = Get,
        ["GET /activity-executions/by-id"] = Get,
        ["GET /activity-executions/{}"] = Get,
        ["GET /activity-executions/{}/call-stack"] = Get,
        ["POST /activity-executions/report"] = Post,
        ["GET /activity-execution-summaries/list"] = Get,
        ["POST /tests/activities"] = Post,
        ["POST /tasks/{}/complete"] = $"{nameof(ContractTests)}.{nameof(ContractTests.Request_ForWhatIsNotThere_IsAProblem)}",
        ["POST /events/{}/trigger"] = Post,
        ["GET /descriptors/activities"] = Get,
        ["GET /descriptors/activities/{}"] = Get,
        ["POST /descriptors/activities/{}/options/{}"] = Post,
        ["GET /descriptors/expression-descriptors"] = Get,
        ["GET /descriptors/storage-drivers"] = Get,
        ["GET /descriptors/variables"] = Get,
        ["GET /descriptors/workflow-activation-strategies"] = Get,
        ["GET /descriptors/incident-strategies"] = Get,
        ["GET /descriptors/log-persistence-strategies"] = Get,
        ["GET /descriptors/commit-strategies/workflows"] = Get,
        ["GET /descriptors/commit-strategies/activities"] = Get,
        ["GET /descriptors/output-converters"] = Get,
        ["GET /features/installed"] = Get,
        ["GET /features/installed/{}"] = Get,
        ["GET /package/version"] = Get,
        ["GET /resilience/strategies"] = Get,
        ["GET /resilience/retries/{}"] = Get,
        ["POST /scripting/javascript/type-definitions/{}"] = $"{nameof(ElsaApiTests)}.{nameof(ElsaApiTests.TypeDefinitions_OfADefinition_DeclareItsVariablesAndInputs_AndTheEvent)}",
        ["POST /identity/login"] = $"{nameof(AccessTests)}.{nameof(AccessTests.Login_RightPassword_GivesATokenThatIsTaken)}",
        ["POST /identity/refresh-token"] = $"{nameof(AccessTests)}.{nameof(AccessTests.Login_RefreshToken_IsNoAccessToken_ButGivesOne)}",
        ["POST /alterations/*"] = "README: alterations",
        ["GET /secrets/descriptors"] = "README: secrets",
    };

    [Fact]
    public void EveryMappedEndpoint_IsInTheTable()
    {
        var mapped = server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText?.StartsWith("/elsa/api/", StringComparison.Ordinal) == true && endpoint.Metadata.GetMetadata<HttpMethodMetadata>() is not null)
            .SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Where(method => method != "HEAD").Select(method => Plain($"{method} {endpoint.RoutePattern.RawText!["/elsa/api".Length..]}")))
            .Distinct().ToList();

        mapped.Should().BeSubsetOf(Table.Keys);
        Table.Where(row => !row.Value.StartsWith("README:", StringComparison.Ordinal)).Select(row => row.Key).Should().BeSubsetOf(mapped);
    }

    [SkippableFact]
    public void EveryEndpointOfTheContract_IsInTheTable()
    {
        var text = string.Concat(Directory.EnumerateFiles(SharedFiles.Folder("elsa"), "elsa-api*.md").Select(File.ReadAllText));
        var calls = Call().Matches(text).Select(match => Plain(match.Value)).Distinct().ToList();

        calls.Should().HaveCountGreaterThan(60).And.BeSubsetOf(Table.Keys);
    }

    [Fact]
    public void EveryRow_NamesATest_ThatCallsIt()
    {
        var readme = File.ReadAllText(Path.Combine(Path.GetDirectoryName(SharedFiles.OwnDefinitions().First())!, "..", "README.md"));
        foreach (var (call, test) in Table)
        {
            if (test.StartsWith("README:", StringComparison.Ordinal))
            {
                readme.Should().ContainEquivalentOf(test["README:".Length..].Trim(), call);
                continue;
            }

            var parts = test.Split('.');
            var type = typeof(ContractTableTests).Assembly.GetTypes().Single(candidate => candidate.Name == parts[0]);
            var cases = type.GetMethod(parts[1], BindingFlags.Public | BindingFlags.Instance)!.GetCustomAttributes<InlineDataAttribute>()
                .SelectMany(data => data.GetData(null!)).SelectMany(row => row).OfType<string>().ToList();
            var path = "^" + Regex.Escape(call[call.IndexOf('/', StringComparison.Ordinal)..]).Replace("\\{}", "[^/?]+", StringComparison.Ordinal) + "(\\?|$)";
            if (cases.Exists(value => value.StartsWith('/')))
            {
                cases.Should().Contain(value => Regex.IsMatch(value, path), "{0} is to be called by {1}", call, test);
            }
        }
    }

    /// <summary>A call without the names of its parts.</summary>
    private static string Plain(string call) => Part().Replace(call.TrimEnd('/', '.', ':'), "{}");

    [GeneratedRegex(@"\b(GET|POST|PUT|DELETE) /[^\s`?,;)]+")]
    private static partial Regex Call();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Part();
}
