using Newtonsoft.Json.Linq;

namespace Automation.ServerTests.Elsa;

/// <summary>What Elsa's clients read, by answer.</summary>
internal static class Shapes
{
    public static readonly JObject Link = JObject.Parse("""{"href":"text","rel":"text","method":"text"}""");

    public static readonly JObject Definition = JObject.Parse("""
        {"id":"text","definitionId":"text","name":"text?","description":"text!","createdAt":"time","version":"int","toolVersion":"version!",
         "variables":[{"id":"text","name":"text","typeName":"text","isArray":"bool","value":"text!","storageDriverTypeName":"text!"}],
         "inputs":[{"type":"text","name":"text","displayName":"text","description":"text","category":"text","isArray":"bool","uiHint":"text","storageDriverType":"text!"}],
         "outputs":[{"type":"text","name":"text","displayName":"text","description":"text","category":"text","isArray":"bool"}],"outcomes":["text"],
         "customProperties":"object","isReadonly":"bool","isSystem":"bool","isLatest":"bool","isPublished":"bool",
         "options":{"activationStrategyType":"text!","usableAsActivity":"bool!","autoUpdateConsumingWorkflows":"bool","activityCategory":"text!","incidentStrategyType":"text!","commitStrategyName":"text!"},
         "root":{"id":"text","nodeId":"text","type":"text","version":"int"},"providerName":"text","materializerName":"text","materializerContext":"text!"}
        """).With("links", new JArray(Link));

    public static readonly JObject Summary = JObject.Parse("""
        {"id":"text","definitionId":"text","name":"text","description":"text!","version":"int","toolVersion":"version!","isLatest":"bool","isPublished":"bool",
         "providerName":"text","materializerName":"text","createdAt":"time","isReadonly":"bool","isSystem":"bool","isMaterializerAvailable":"bool"}
        """).With("links", new JArray(Link));

    public static readonly JObject SummaryList = new() { ["items"] = new JArray(Summary), ["totalCount"] = "int", ["links"] = new JArray(Link) };

    public static readonly JObject Saved = new()
    {
        ["workflowDefinition"] = Definition,
        ["alreadyPublished"] = "bool",
        ["consumingWorkflowCount"] = "int",
        ["validationErrors"] = new JArray("text"),
    };

    public static readonly JObject Instance = JObject.Parse("""
        {"id":"text","definitionId":"text","definitionVersionId":"text","version":"int","status":"Running|Finished",
         "subStatus":"Pending|Executing|Suspended|Finished|Cancelled|Faulted|Interrupted","correlationId":"text!","name":"text!","incidentCount":"int",
         "createdAt":"time","updatedAt":"time","finishedAt":"time!"}
        """);

    public static readonly JObject Exception = JObject.Parse("""{"type":"text","message":"text","stackTrace":"text!","innerException":"object!","metadata":"texts"}""");

    public static readonly JObject State = JObject.Parse("""
        {"id":"text","definitionId":"text","definitionVersion":"int","correlationId":"text!","status":"Running|Finished",
         "subStatus":"Pending|Executing|Suspended|Finished|Cancelled|Faulted|Interrupted",
         "bookmarks":[{"id":"text","name":"text","hash":"text","payload":"any","activityNodeId":"text","activityInstanceId":"text","autoBurn":"bool","callbackMethodName":"text!","metadata":"texts"}],
         "completionCallbacks":[{"ownerInstanceId":"text","childNodeId":"text","methodName":"text!"}],
         "activityExecutionContexts":[{"id":"text","parentContextId":"text!","scheduledActivityNodeId":"text","ownerActivityNodeId":"text!","properties":"object","activityState":"object!","dynamicVariables":"array"}],
         "input":"object","output":"object","properties":"object","createdAt":"time","updatedAt":"time","finishedAt":"time!"}
        """)
        .With("incidents", new JArray(JObject.Parse("""{"activityId":"text","activityNodeId":"text","activityInstanceId":"text!","activityType":"text","message":"text","timestamp":"time"}""").With("exception", Exception)))
        .With("fault", "object!");

    public static readonly JObject Journal = JObject.Parse("""
        {"items":[{"id":"text","activityInstanceId":"text","parentActivityInstanceId":"text!","activityId":"text","activityType":"text","activityTypeVersion":"int","activityName":"text!",
         "nodeId":"text","timestamp":"time","sequence":"int","eventName":"text!","message":"text!","source":"text!","activityState":"object!","payload":"any"}],"totalCount":"int"}
        """);

    public static readonly JObject ExecutionSummary = JObject.Parse("""
        {"id":"text","workflowInstanceId":"text","activityId":"text","activityNodeId":"text","activityType":"text","activityTypeVersion":"int","activityName":"text!","metadata":"object",
         "startedAt":"time","hasBookmarks":"bool","status":"Pending|Running|Completed|Canceled|Faulted","aggregateFaultCount":"int","completedAt":"time!",
         "schedulingActivityExecutionId":"text!","schedulingActivityId":"text!","schedulingWorkflowInstanceId":"text!","callStackDepth":"int"}
        """);

    public static readonly JObject Execution = ((JObject)ExecutionSummary.DeepClone())
        .With("activityState", "object").With("payload", "object").With("outputs", "object").With("properties", "object").With("exception", "object!");

    public static readonly JObject Report = JObject.Parse("""
        {"stats":[{"activityId":"text","activityNodeId":"text","startedCount":"int","completedCount":"int","uncompletedCount":"int","isBlocked":"bool","isFaulted":"bool","metadata":"object"}]}
        """);

    public static readonly JObject Descriptors = JObject.Parse("""
        {"items":[{"typeName":"text","namespace":"text","name":"text","version":"int","category":"text","displayName":"text","description":"text?","kind":"Action|Trigger|Job|Task",
          "runAsynchronously":"bool","isContainer":"bool","isBrowsable":"bool","isStart":"bool","isTerminal":"bool",
          "inputs":[{"name":"text","typeName":"text","displayName":"text","description":"text?","order":"number","isBrowsable":"bool","isSerializable":"bool","isSynthetic":"bool","isWrapped":"bool",
            "uiHint":"text","category":"text?","defaultValue":"any","defaultSyntax":"text","isReadOnly":"bool","isSensitive":"bool","storageDriverType":"text?","autoEvaluate":"bool","uiSpecifications":"object?"}],
          "outputs":[{"name":"text","typeName":"text","displayName":"text","description":"text?","order":"number","isBrowsable":"bool","isSerializable":"bool","isSynthetic":"bool"}],
          "ports":[{"name":"text","displayName":"text","type":"Flow|Embedded","isBrowsable":"bool"}],"customProperties":"object","constructionProperties":"object"}],"count":"int"}
        """);

    public static readonly JObject Expressions = JObject.Parse("""{"items":[{"type":"text","displayName":"text","isSerializable":"bool","isBrowsable":"bool","properties":"object"}],"count":"int"}""");
    public static readonly JObject Strategies = JObject.Parse("""{"items":[{"displayName":"text","description":"text?","typeName":"text"}],"count":"int"}""");
    public static readonly JObject CommitStrategies = JObject.Parse("""{"items":[{"name":"text","displayName":"text","description":"text"}],"count":"int"}""");
    public static readonly JObject StorageDrivers = JObject.Parse("""{"items":[{"typeName":"text","displayName":"text","priority":"number","deprecated":"bool"}]}""");
    public static readonly JObject Variables = JObject.Parse("""{"items":[{"typeName":"text","displayName":"text","category":"text","description":"text?"}]}""");
    public static readonly JObject Features = JObject.Parse("""{"items":[{"name":"text","namespace":"text","fullName":"text","displayName":"text","description":"text"}],"count":"int"}""");
    public static readonly JObject Node = JObject.Parse("""{"activity":{"id":"text","nodeId":"text","type":"text"},"port":"text","nodeId":"text","parents":"array","children":[{"activity":"object","port":"text","nodeId":"text","parents":"array","children":"array"}]}""");

    public static JObject InstanceList => new() { ["items"] = new JArray(Instance), ["totalCount"] = "int" };
    public static JObject FullInstance => ((JObject)Instance.DeepClone()).With("workflowState", State);
    public static JObject Counted(JToken item) => new() { ["items"] = new JArray(item), ["count"] = "int" };

    public static JObject Parse(string shape) => JObject.Parse(shape);

    private static JObject With(this JObject shape, string name, JToken value)
    {
        shape[name] = value;
        return shape;
    }
}
