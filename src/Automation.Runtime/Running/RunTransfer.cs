using Automation.Engine;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Running;

/// <summary>
/// Takes the record of a run to another installation: its row, journal and incidents, to be looked at there. Its state stays behind, for it may hold what is secret here,
/// and its effects too: so an imported run is a finished one, and is not replayed.
/// </summary>
public sealed class RunTransfer(IRunStore runs, IIncidentStore incidents, Node node)
{
    /// <summary>How an imported run was started.</summary>
    public const string StartedBy = "import";

    private const string Kind = "automation-run";
    private const int Format = 1;
    private const int IncidentLimit = 1000;

    private static readonly JsonSerializer Serializer = JsonSerializer.Create(new JsonSerializerSettings
    {
        DateParseHandling = DateParseHandling.None,
        NullValueHandling = NullValueHandling.Ignore,
        Culture = Json.Settings.Culture,
        Converters = { new Newtonsoft.Json.Converters.StringEnumConverter() },
    });

    /// <summary>The record of a run; null: there is no such run.</summary>
    public async Task<JObject?> ExportAsync(string instanceId, CancellationToken cancellationToken)
    {
        if (await runs.FindAsync(instanceId, cancellationToken) is not { } instance)
        {
            return null;
        }

        return new JObject
        {
            ["kind"] = Kind,
            ["format"] = Format,
            ["instance"] = JObject.FromObject(instance, Serializer),
            ["journal"] = JArray.FromObject(await runs.ReadJournalAsync(instanceId, cancellationToken), Serializer),
            ["incidents"] = JArray.FromObject((await incidents.ListAsync(null, instanceId, null, 0, IncidentLimit, cancellationToken)).Items, Serializer),
        };
    }

    /// <summary>Keeps the records of finished runs. All files are read before the first is kept.</summary>
    /// <returns>How many were kept.</returns>
    /// <exception cref="DefinitionRejectedException">A file is no such record, or of a run that had not finished, or of one that is here already; nothing was kept.</exception>
    public async Task<int> ImportAsync(IReadOnlyList<(string FileName, string Text)> files, CancellationToken cancellationToken)
    {
        var commits = new List<RunCommit>();
        var fileOf = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (fileName, text) in files)
        {
            var commit = Read(fileName, text);
            if (!fileOf.TryAdd(commit.InstanceId, fileName))
            {
                throw Rejected("instance-exists", fileName, $"{fileOf[commit.InstanceId]} is the same run.");
            }

            if (await runs.FindAsync(commit.InstanceId, cancellationToken) is not null)
            {
                throw Rejected("instance-exists", fileName, $"The run '{commit.InstanceId}' is here already. Delete it first, or leave the file out.");
            }

            commits.Add(commit);
        }

        foreach (var commit in commits)
        {
            await runs.CommitAsync(commit, cancellationToken);
        }

        return commits.Count;
    }

    private RunCommit Read(string fileName, string text)
    {
        try
        {
            if (Json.Parse(text, Json.DefinitionDepth) is not JObject json || (string?)(json["kind"] as JValue) != Kind || json["instance"] is not JObject row)
            {
                throw Rejected("not-a-run", fileName, "The file is no exported run.");
            }

            if (json["format"] is not JValue { Value: long and >= 1 and <= Format })
            {
                throw Rejected("newer-format", fileName, $"The file was written by a newer version; this one reads formats up to {Format}.");
            }

            var instance = row.ToObject<InstanceRecord>(Serializer)!;
            if (instance.Status != WorkflowStatus.Finished)
            {
                throw Rejected("not-finished", fileName, $"The run '{instance.Id}' had not finished when it was exported: it goes on where it came from.");
            }

            return new RunCommit
            {
                InstanceId = instance.Id,
                Lease = new Lease(node.Id, 1),
                Insert = new NewInstance
                {
                    Id = instance.Id,
                    DefinitionId = instance.DefinitionId,
                    VersionId = instance.VersionId,
                    Version = instance.Version,
                    DefinitionName = instance.DefinitionName,
                    Start = new RunStart { InstanceId = instance.Id, CorrelationId = instance.CorrelationId, Name = instance.Name, LocationId = instance.LocationId, ParentInstanceId = instance.ParentInstanceId },
                    StartedBy = StartedBy,
                    Subjects = instance.Subjects,
                    IsSandbox = instance.IsSandbox,
                    CreatedAt = instance.CreatedAt,
                },
                Status = instance.Status,
                SubStatus = instance.SubStatus,
                CorrelationId = instance.CorrelationId,
                Name = instance.Name,
                State = [],
                Changes = new RunChanges { Journal = (json["journal"] as JArray ?? []).ToObject<List<JournalRecord>>(Serializer)! },
                Incidents = (json["incidents"] as JArray ?? []).ToObject<List<IncidentRecord>>(Serializer)!,
                Release = true,
                At = instance.FinishedAt ?? instance.UpdatedAt,
            };
        }
        catch (JsonException error)
        {
            throw Rejected("malformed-json", fileName, $"The file cannot be read: {error.Message}");
        }
    }

    private static DefinitionRejectedException Rejected(string code, string fileName, string message) =>
        new($"{fileName}: {message} Nothing was imported.", [new DefinitionProblem(ProblemSeverity.Error, code, message)], fileName);
}
