using System.Diagnostics;
using System.Net;
using System.Text;
using Automation.ServerTests.Processes;
using Newtonsoft.Json.Linq;

namespace Automation.ServerTests.Elsa;

/// <summary>One case on a server: imports its definitions, does its steps, compares. What is expected may take its time: it is asked for until it holds.</summary>
internal sealed class ElsaCase(ServerProcess server, JObject definition, string mode, string suffix)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly JObject content = JObject.Parse(definition.ToString().Replace("@R@", suffix, StringComparison.Ordinal));
    private readonly Dictionary<string, string> instances = new(StringComparer.Ordinal);

    /// <exception cref="ElsaCaseException">Something is not as expected.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        foreach (var model in content["definitions"]!.Cast<JObject>())
        {
            await ImportAsync(model, cancellationToken);
        }

        foreach (var step in content["run"]!.Cast<JObject>())
        {
            await DoAsync(step, cancellationToken);
        }

        if (content["expect"] is JObject expected)
        {
            await ExpectAsync(expected, cancellationToken);
        }
    }

    private async Task ImportAsync(JObject given, CancellationToken cancellationToken)
    {
        var model = (JObject)(given["model"] ?? given);
        var custom = (JObject)(model["customProperties"] ??= new JObject());
        custom["flowchartMode"] = mode;
        await SendAsync(HttpMethod.Post, "/elsa/api/workflow-definitions/import", model, [200, 201], cancellationToken);
        if (given["publish"] is not JValue { Value: false })
        {
            await SendAsync(HttpMethod.Post, $"/elsa/api/workflow-definitions/{model["definitionId"]}/publish", new JObject(), [(int?)given["expectPublish"]?["status"] ?? 200], cancellationToken);
        }
    }

    private async Task DoAsync(JObject step, CancellationToken cancellationToken)
    {
        switch ((string)step["do"]!)
        {
            case "import":
                await ImportAsync((JObject)step["definition"]!, cancellationToken);
                break;
            case "execute":
                var body = new JObject(step.Properties().Where(p => p.Name is "input" or "correlationId" or "variables" or "name"));
                int[] expected = step["expectStatus"] is { } status ? [(int)status] : [200, 500];
                var executed = await SendAsync(new HttpMethod((string?)step["method"] ?? "POST"), $"/elsa/api/workflow-definitions/{step["definitionId"]}/execute", (string?)step["method"] == "GET" ? null : body, expected, cancellationToken);
                if (expected is not [404])
                {
                    instances[(string?)step["as"] ?? "main"] = executed.InstanceId ?? throw new ElsaCaseException("The answer to execute names no instance.");
                }

                break;
            case "dispatch":
                var dispatched = await SendAsync(HttpMethod.Post, $"/elsa/api/workflow-definitions/{step["definitionId"]}/dispatch", new JObject(step.Properties().Where(p => p.Name is "input" or "correlationId")), [200], cancellationToken);
                instances[(string?)step["as"] ?? "main"] = (string)dispatched.Body!["workflowInstanceId"]!;
                break;
            case "event":
                var published = new JObject { ["input"] = step["input"], ["workflowExecutionMode"] = step["mode"] ?? "Synchronous", ["correlationId"] = step["correlationId"] };
                if ((string?)step["instance"] is { } one)
                {
                    published["workflowInstanceId"] = instances[one];
                }

                await SendAsync(HttpMethod.Post, $"/elsa/api/events/{Uri.EscapeDataString((string)step["name"]!)}/trigger", published, [200, 202, 204], cancellationToken);
                break;
            case "cancel":
                await SendAsync(HttpMethod.Post, $"/elsa/api/cancel/workflow-instances/{InstanceOf(step)}", new JObject(), [200, 202, 204], cancellationToken);
                break;
            case "complete-task":
                var state = await GetAsync($"/elsa/api/workflow-instances/{InstanceOf(step)}", cancellationToken);
                await SendAsync(HttpMethod.Post, $"/elsa/api/tasks/{state["workflowState"]!["bookmarks"]![0]!["payload"]!["taskId"]}/complete", new JObject { ["result"] = step["result"] }, [200, 202, 204], cancellationToken);
                break;
            case "http":
                await CallAsync(step, cancellationToken);
                break;
            case "find-instances":
                await FindAsync(step, cancellationToken);
                break;
            case "wait":
                await ExpectAsync(new JObject { ["instance"] = step["instance"], ["subStatus"] = step["subStatus"] }, cancellationToken);
                break;
            case "expect":
                await ExpectAsync(step, cancellationToken);
                break;
            case "api":
                var answer = await SendAsync(new HttpMethod((string?)step["method"] ?? "GET"), "/elsa/api" + step["path"]!.ToString().Replace("{main}", instances.GetValueOrDefault("main"), StringComparison.Ordinal), step["body"], [(int?)step["expect"]?["status"] ?? 200], cancellationToken);
                foreach (var path in (step["expect"]?["paths"] as JObject)?.Properties() ?? [])
                {
                    Same(path.Name, path.Value, answer.Body?.SelectToken(path.Name), []);
                }

                break;
            default:
                throw new ElsaCaseException($"There is no step '{step["do"]}'.");
        }
    }

    /// <summary>Calls an HTTP endpoint of a workflow.</summary>
    private async Task CallAsync(JObject step, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(new HttpMethod((string?)step["method"] ?? "GET"), new Uri("/workflows/" + ((string)step["path"]!).TrimStart('/'), UriKind.Relative));
        var headers = step["headers"] as JObject ?? [];
        if ((step["json"] ?? step["body"]) is { } body)
        {
            request.Content = new StringContent(body is JValue { Value: string text } ? text : body.ToString(), Encoding.UTF8, (string?)headers["Content-Type"] ?? "application/json");
        }

        foreach (var header in headers.Properties().Where(h => h.Name != "Content-Type"))
        {
            request.Headers.TryAddWithoutValidation(header.Name, (string)header.Value!);
        }

        using var response = await server.Client.SendAsync(request, cancellationToken);
        var answer = await response.Content.ReadAsStringAsync(cancellationToken);
        var expected = (JObject)step["expect"]!;
        var problems = new List<string>();
        Same("status", expected["status"]!, (int)response.StatusCode, problems);
        if (expected["text"] is { } plain)
        {
            Same("body", plain, answer, problems);
        }

        if (expected["json"] is { } json)
        {
            Same("body", json, JToken.Parse(answer), problems);
        }

        foreach (var header in (expected["headers"] as JObject)?.Properties() ?? [])
        {
            var found = response.Headers.TryGetValues(header.Name, out var values) || response.Content.Headers.TryGetValues(header.Name, out values) ? string.Join(",", values) : "";
            if (!found.StartsWith((string)header.Value!, StringComparison.OrdinalIgnoreCase))
            {
                problems.Add($"header {header.Name} is '{found}', not '{header.Value}'");
            }
        }

        Check(problems);
        if (response.Headers.TryGetValues("x-elsa-workflow-instance-id", out var ids))
        {
            instances[(string?)step["as"] ?? "main"] = ids.First();
        }
    }

    private async Task FindAsync(JObject step, CancellationToken cancellationToken)
    {
        var count = (int)step["count"]!;
        JArray items = [];
        await UntilAsync(async () =>
        {
            items = (JArray)(await GetAsync($"/elsa/api/workflow-instances?definitionId={step["definitionId"]}&pageSize=100&orderBy=Created&orderDirection=Ascending", cancellationToken))["items"]!;
            return items.Count == count ? [] : [$"{items.Count} instances of {step["definitionId"]}, not {count}"];
        });
        for (var i = 0; i < count; i++)
        {
            instances[$"{step["as"]}{i}"] = (string)items[i]["id"]!;
        }

        if (count == 1)
        {
            instances[(string)step["as"]!] = (string)items[0]["id"]!;
        }
    }

    private async Task ExpectAsync(JObject given, CancellationToken cancellationToken)
    {
        var expected = (JObject)given.DeepClone();
        foreach (var property in (given["byMode"]?[mode] as JObject)?.Properties() ?? [])
        {
            expected[property.Name] = property.Value;
        }

        await UntilAsync(() => ProblemsAsync(InstanceOf(expected), expected, cancellationToken));
    }

    private async Task<List<string>> ProblemsAsync(string id, JObject expected, CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        var instance = await GetAsync($"/elsa/api/workflow-instances/{id}", cancellationToken);
        var state = instance["workflowState"]!;
        JArray? executions = null;
        foreach (var (name, value) in expected)
        {
            JToken? found = name switch
            {
                "subStatus" or "correlationId" => instance[name],
                "instanceName" => instance["name"],
                "texts" => await TextsAsync(id, cancellationToken),
                "incidentCount" => ((JArray)state["incidents"]!).Count,
                "bookmarkCount" => ((JArray)state["bookmarks"]!).Count,
                "outputs" => state["output"],
                "variables" => await VariablesAsync(id, (JObject)value!, cancellationToken),
                "activities" => Statuses(executions ??= await ExecutionsAsync(id, cancellationToken), (JObject)value!),
                _ => value,
            };
            Same(name, value!, found, problems);
        }

        return problems;
    }

    /// <summary>Texts that WriteLine wrote, in the order of its completions.</summary>
    private async Task<JArray> TextsAsync(string id, CancellationToken cancellationToken)
    {
        var journal = (JArray)(await GetAsync($"/elsa/api/workflow-instances/{id}/journal?skip=0&take=500", cancellationToken))["items"]!;
        var states = (await ExecutionsAsync(id, cancellationToken)).ToDictionary(e => (string)e["id"]!);
        return new JArray(journal
            .Where(e => (string?)e["activityType"] == "Elsa.WriteLine" && (string?)e["eventName"] == "Completed")
            .Select(e => states[(string)e["activityInstanceId"]!])
            .Where(e => (string?)e["status"] == "Completed")
            .Select(e => (string?)e["activityState"]?["Text"] ?? ""));
    }

    private async Task<JArray> ExecutionsAsync(string id, CancellationToken cancellationToken) =>
        await GetAsync($"/elsa/api/activity-executions/list?workflowInstanceId={id}", cancellationToken) is var found && found is JArray list ? list : (JArray)found["items"]!;

    private async Task<JObject> VariablesAsync(string id, JObject asked, CancellationToken cancellationToken)
    {
        var found = await GetAsync($"/elsa/api/workflow-instances/{id}/variables", cancellationToken);
        return new JObject((found as JArray ?? (JArray)found["items"]!).Where(v => asked.ContainsKey((string)v["name"]!)).Select(v => new JProperty((string)v["name"]!, v["value"])));
    }

    private static JObject Statuses(JArray executions, JObject asked)
    {
        var found = new JObject();
        foreach (var group in executions.GroupBy(e => (string)e["activityId"]!).Where(g => asked.ContainsKey(g.Key)))
        {
            var statuses = group.Select(e => (string)e["status"]!).Order(StringComparer.Ordinal).ToArray();
            found[group.Key] = statuses is [var one] ? one : new JArray(statuses);
        }

        return found;
    }

    private string InstanceOf(JObject step) => instances[(string?)step["instance"] ?? "main"];

    private static void Same(string what, JToken expected, JToken? found, List<string> problems)
    {
        if (!JToken.DeepEquals(Plain(expected), Plain(found)))
        {
            problems.Add($"{what} is {found?.ToString(Newtonsoft.Json.Formatting.None) ?? "absent"}, not {expected.ToString(Newtonsoft.Json.Formatting.None)}");
        }
    }

    /// <summary>Numbers as numbers, keys in any order; marks of Elsa's serialisation left out.</summary>
    private static JToken Plain(JToken? token) => token switch
    {
        null => JValue.CreateNull(),
        JObject { } island when island["_island"] is JValue { Value: string text } => Plain(JToken.Parse(text)),
        JObject { } wrapped when wrapped["_items"] is { } items => Plain(items),
        JObject map => new JObject(map.Properties().Where(p => p.Name is not ("_type" or "$type" or "$id")).OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => new JProperty(p.Name, Plain(p.Value)))),
        JArray list => new JArray(list.Select(Plain)),
        JValue { Type: JTokenType.Integer or JTokenType.Float } number => new JValue((double)number),
        _ => token,
    };

    private async Task<JToken> GetAsync(string path, CancellationToken cancellationToken) => (await SendAsync(HttpMethod.Get, path, null, [200], cancellationToken)).Body!;

    private async Task<(JToken? Body, string? InstanceId)> SendAsync(HttpMethod method, string path, JToken? body, int[] expected, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (body is not null)
        {
            request.Content = new StringContent(body.ToString(), Encoding.UTF8, "application/json");
        }

        using var response = await server.Client.SendAsync(request, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        if (!expected.Contains((int)response.StatusCode))
        {
            throw new ElsaCaseException($"{method} {path}: {(int)response.StatusCode} {text[..Math.Min(300, text.Length)]}");
        }

        var id = response.Headers.TryGetValues("x-elsa-workflow-instance-id", out var ids) ? ids.First() : null;
        return (response.StatusCode == HttpStatusCode.NoContent || !text.StartsWith('{') && !text.StartsWith('[') ? null : JToken.Parse(text), id);
    }

    private static async Task UntilAsync(Func<Task<List<string>>> problemsAsync)
    {
        var clock = Stopwatch.StartNew();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        for (var problems = await problemsAsync(); problems.Count > 0; problems = await problemsAsync())
        {
            if (clock.Elapsed > Patience)
            {
                Check(problems);
            }

            await timer.WaitForNextTickAsync();
        }
    }

    private static void Check(List<string> problems)
    {
        if (problems.Count > 0)
        {
            throw new ElsaCaseException(string.Join("; ", problems));
        }
    }
}

/// <summary>A case did not go as it went on a real Elsa.</summary>
internal sealed class ElsaCaseException(string message) : Exception(message);
