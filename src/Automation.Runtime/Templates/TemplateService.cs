using System.Collections.Concurrent;
using Automation.Connectors;
using Automation.Engine;
using Automation.Runtime.Definitions;
using Automation.Runtime.Storage;
using Newtonsoft.Json.Linq;

namespace Automation.Runtime.Templates;

/// <summary>The gallery: template files of the definitions folder and templates that people saved; their installation and upgrade.</summary>
public sealed class TemplateService(
    DefinitionService definitions,
    IDefinitionStore store,
    IDocumentStore documents,
    IConnections connections,
    OperationCatalog operations,
    WorkflowEngine engine,
    TimeProvider clock)
{
    private const string Kind = "template";
    private const int NameLimit = 100;
    private readonly ConcurrentDictionary<string, Template> byFile = new(StringComparer.Ordinal);
    private readonly TemplateAuthoring authoring = new(connections, operations);
    private readonly TemplateFilling filling = new(connections);

    /// <summary>All templates by name.</summary>
    public async Task<IReadOnlyList<Template>> ListAsync(CancellationToken cancellationToken)
    {
        var saved = (await documents.ListAsync(Kind, cancellationToken)).Select(Read).Where(template => FindFile(template.Name) is null);
        return [.. byFile.Values.Concat(saved).OrderBy(template => template.Name, StringComparer.Ordinal)];
    }

    /// <summary>A template by name, in any case. One of the folder goes before a saved one.</summary>
    public async Task<Template?> FindAsync(string name, CancellationToken cancellationToken) =>
        FindFile(name) ?? (await documents.FindAsync(Kind, name, cancellationToken) is { } saved ? Read(saved) : null);

    /// <summary>Makes a template of a flow and saves it.</summary>
    /// <param name="version">The flow.</param>
    /// <param name="name">Name of the template.</param>
    /// <param name="description">What it is for; null: the flow's own description.</param>
    /// <param name="values">Values that it asks for; null: location and interval, where the flow has them.</param>
    /// <param name="replace">A saved template of the name is replaced; what was installed from it can be upgraded.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="DefinitionRejectedException">It cannot be made or kept; the problems say why.</exception>
    public async Task<Template> SaveAsync(DefinitionVersion version, string name, string? description, IReadOnlyList<TemplateValue>? values, bool replace, CancellationToken cancellationToken) =>
        await AddAsync(await authoring.MakeAsync(version, name.Trim(), description, values, cancellationToken), replace, cancellationToken);

    /// <summary>Saves a template that came as a file.</summary>
    /// <exception cref="DefinitionRejectedException">It cannot be kept, or what was installed from it could not run; the problems say why.</exception>
    public async Task<Template> AddAsync(JObject definition, bool replace, CancellationToken cancellationToken)
    {
        var (read, broken) = DefinitionReader.Read(definition);
        if (read is null)
        {
            throw new DefinitionRejectedException(string.Join(" ", broken.Select(problem => problem.ToString())), broken);
        }

        var template = Template.Read(definition, "the template");
        var problems = Check(template);
        if (FindFile(template.Name) is not null || (!replace && await documents.FindAsync(Kind, template.Name, cancellationToken) is not null))
        {
            problems.Add(Problem("duplicate-template", $"There is a template '{template.Name}' already. Choose another name{(FindFile(template.Name) is null ? ", or replace it" : "; that one is a file of the definitions folder")}.", "name"));
        }

        if (problems.Count > 0)
        {
            throw new DefinitionRejectedException(string.Join(" ", problems.Select(problem => problem.ToString())), problems);
        }

        var now = clock.GetUtcNow();
        await documents.SaveAsync(new DocumentRecord(Kind, template.Name, Json.Write(definition), now, now), cancellationToken);
        return template;
    }

    /// <summary>Deletes a saved template. What was installed from it stays.</summary>
    public Task<bool> DeleteAsync(string name, CancellationToken cancellationToken) => documents.DeleteAsync(Kind, name, cancellationToken);

    private Template? FindFile(string name) => byFile.Values.FirstOrDefault(template => string.Equals(template.Name, name, StringComparison.OrdinalIgnoreCase));

    /// <summary>Takes a template file into the gallery, in place of what the same file held before.</summary>
    /// <exception cref="DefinitionRejectedException">The file has no <c>customProperties.template</c>, or one that cannot be read; or another file has a template of this name.</exception>
    public Template Put(string fileName, JObject definition)
    {
        var template = Template.Read(definition, fileName);
        if (byFile.FirstOrDefault(other => other.Key != fileName && other.Value.Name == template.Name).Key is { } taken)
        {
            throw Rejected("duplicate-template", $"The template name '{template.Name}' is taken by {taken}. Give one of the two another customProperties.template.name.", "customProperties.template.name", fileName);
        }

        return byFile[fileName] = template;
    }

    /// <summary>Takes a file's template out of the gallery. What was installed from it stays.</summary>
    public void Remove(string fileName) => byFile.TryRemove(fileName, out _);

    /// <summary>Fills slots and inputs and saves the definition; publishes it when asked.</summary>
    /// <exception cref="KeyNotFoundException">There is no such template.</exception>
    /// <exception cref="DefinitionRejectedException">A slot or input is missing or wrong, named in the problem's property (<c>connections.ghl</c>, <c>inputs.interval</c>); or publishing is refused. Nothing is kept.</exception>
    public async Task<SavedDefinition> InstallAsync(string template, string? name, IReadOnlyDictionary<string, string> connections, JObject inputs, bool publish, CancellationToken cancellationToken)
    {
        var found = await FindAsync(template, cancellationToken) ?? throw await NoTemplateAsync(template, cancellationToken);
        var model = await filling.FillAsync(found, connections, inputs, cancellationToken);
        model["definitionId"] = Ids.New(clock);
        model["name"] = await UniqueNameAsync(string.IsNullOrWhiteSpace(name) ? found.Definition.Value<string>("name") ?? found.Name : name.Trim(), cancellationToken);
        var saved = await definitions.SaveAsync(model, publish: false, new DefinitionService.Origin($"template:{found.Name}"), cancellationToken);
        if (!publish)
        {
            return saved;
        }

        try
        {
            return await definitions.PublishAsync(saved.Version.DefinitionId, cancellationToken) with { WasNew = true };
        }
        catch (DefinitionRejectedException)
        {
            // Installed is all or nothing: a second try would otherwise find the first one's draft in its way.
            await definitions.DeleteAsync(saved.Version.DefinitionId, CancellationToken.None);
            throw;
        }
    }

    /// <summary>
    /// Brings an installed flow to the present revision of its template, with the connections and inputs it was installed with, or others. Its name stays; triggers that
    /// have the same activity keep their place.
    /// </summary>
    /// <param name="definitionId">The flow.</param>
    /// <param name="given">Connections of slots that are new or to be changed.</param>
    /// <param name="inputs">Inputs that are new or to be changed.</param>
    /// <param name="apply">False: only says what would change.</param>
    /// <param name="publish">Publishes the result.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="KeyNotFoundException">There is no such flow, or its template is gone.</exception>
    /// <exception cref="DefinitionRejectedException">It was not installed from a template, or a slot or input is missing or wrong.</exception>
    public async Task<TemplateUpgrade> UpgradeAsync(string definitionId, IReadOnlyDictionary<string, string> given, JObject inputs, bool apply, bool publish, CancellationToken cancellationToken)
    {
        var latest = await store.FindAsync(definitionId, VersionOptions.Latest, cancellationToken) ?? throw new KeyNotFoundException($"There is no workflow definition '{definitionId}'.");
        var present = (JObject)Json.Parse(latest.Json, Json.DefinitionDepth);
        if (InstalledFrom.Of(present) is not { } origin)
        {
            throw Rejected("not-from-template", $"The workflow '{latest.Name ?? definitionId}' was not installed from a template, or has lost the mark of it. Install the template beside it.", "definitionId", null);
        }

        var template = await FindAsync(origin.Template, cancellationToken) ?? throw await NoTemplateAsync(origin.Template, cancellationToken);
        var slots = origin.Connections.Where(slot => template.Slots.Any(s => s.Name == slot.Key)).Concat(given).GroupBy(slot => slot.Key).ToDictionary(slot => slot.Key, slot => slot.Last().Value);
        var values = new JObject(origin.Inputs.Properties().Where(input => template.Inputs.Any(i => i.Name == input.Name)));
        values.Merge(inputs, new JsonMergeSettings { MergeArrayHandling = MergeArrayHandling.Replace, MergeNullValueHandling = MergeNullValueHandling.Merge });
        var model = await filling.FillAsync(template, slots, values, cancellationToken);
        model["definitionId"] = definitionId;
        model["name"] = latest.Name;

        var upgrade = new TemplateUpgrade
        {
            Template = template.Name,
            IsCurrent = origin.Revision == template.Revision,
            WasEdited = origin.Content != InstalledFrom.HashOf(present),
            Changes = DefinitionComparison.Compare(InstalledFrom.Without(present), InstalledFrom.Without(model)),
        };
        if (!apply || (upgrade.Changes.Count == 0 && upgrade.IsCurrent))
        {
            return upgrade;
        }

        var saved = await definitions.SaveAsync(model, publish: false, new DefinitionService.Origin($"template:{template.Name}"), cancellationToken);
        return upgrade with { Saved = publish ? await definitions.PublishAsync(definitionId, cancellationToken) : saved };
    }

    private async Task<KeyNotFoundException> NoTemplateAsync(string name, CancellationToken cancellationToken) =>
        new($"There is no template '{name}'. There are: {string.Join(", ", (await ListAsync(cancellationToken)).Select(known => known.Name))}.");

    /// <summary>Problems of a template file, as far as the template itself tells.</summary>
    internal IReadOnlyList<DefinitionProblem> Check(JObject definition, string fileName)
    {
        try
        {
            return Check(Template.Read(definition, fileName));
        }
        catch (DefinitionRejectedException rejected)
        {
            return rejected.Problems;
        }
    }

    /// <summary>What would stop a flow installed from it from running here, as far as the template itself tells.</summary>
    private List<DefinitionProblem> Check(Template template)
    {
        var problems = new List<DefinitionProblem>();
        if (template.Name.Length > NameLimit || template.Name.Any(character => !char.IsLetterOrDigit(character) && character is not (' ' or '-' or '_' or '.')) || template.Name.Trim() != template.Name)
        {
            problems.Add(Problem("bad-name", $"The name '{template.Name}' of the template must have at most {NameLimit} letters, digits, spaces, '-', '_' and '.'.", "name"));
        }

        foreach (var slot in template.Slots.Where(slot => operations.Connectors.All(connector => connector.Name != slot.Connector)))
        {
            problems.Add(Problem("unknown-connector", $"The slot '{slot.Name}' is for the connector '{slot.Connector}', which this installation does not have. It has: {string.Join(", ", operations.Connectors.Select(connector => connector.Name))}.", $"connections.{slot.Name}"));
        }

        var known = template.Slots.Select(slot => "slot:" + slot.Name).Concat(template.Inputs.Select(input => "input:" + input.Name)).ToHashSet(StringComparer.Ordinal);
        foreach (var missing in TemplateFilling.Placeholders(template.Definition).Where(name => !known.Contains(name)))
        {
            problems.Add(Problem("unknown-placeholder", $"The template uses '{missing}', which is not among its slots and inputs. Add it to customProperties.template.", "customProperties.template"));
        }

        foreach (var activity in ActivityTree.Walk((JObject)template.Definition["root"]!).Select(entry => entry.Json))
        {
            var type = (string?)(activity["type"] as JValue) ?? "";
            if (engine.Activities.Find(type) is null && activity["workflowDefinitionId"] is null)
            {
                problems.Add(Problem("unknown-activity-type", $"This installation has no activity type '{type}', so the flow could not run. Add what brings it, or take the activity out.", "type") with
                {
                    ActivityId = (string?)(activity["id"] as JValue),
                    ActivityType = type,
                });
            }
        }

        return problems;
    }

    private static Template Read(DocumentRecord document) => Template.Read((JObject)Json.Parse(document.Json, Json.DefinitionDepth), document.Name) with { IsSaved = true };

    private async Task<string> UniqueNameAsync(string name, CancellationToken cancellationToken)
    {
        for (var number = 1; ; number++)
        {
            var candidate = number == 1 ? name : $"{name} {number}";
            if ((await store.ListAsync(new DefinitionFilter { Name = candidate, PageSize = 1 }, withJson: false, cancellationToken)).Total == 0)
            {
                return candidate;
            }
        }
    }

    private static DefinitionProblem Problem(string code, string message, string property) => Template.Problem(code, message, property);

    private static DefinitionRejectedException Rejected(string code, string message, string property, string? fileName) => new(message, [Problem(code, message, property)], fileName);
}
