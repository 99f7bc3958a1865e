using Automation.Engine;
using Automation.Engine.Http;
using Newtonsoft.Json.Linq;

namespace Automation.Activities.Http;

[Activity(HttpEndpointBookmark.Name, "HTTP", "Waits for an inbound HTTP request that matches the path and methods.", DisplayName = "HTTP Endpoint", Kind = ActivityKind.Trigger)]
public sealed class HttpEndpoint : Activity
{
    [Input(Required = true, Description = "The path below /workflows, as orders/{id}.")]
    public Input<string> Path { get; init; } = default!;

    [Input(DisplayName = "Supported Methods", UIHint = "checklist", Default = new[] { "GET" }, Options = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH"], Description = "The HTTP methods to accept.")]
    public Input<string[]> SupportedMethods { get; init; } = default!;

    [Input(Default = false, Category = "Security", Description = "Only requests with a valid key or sign-in are accepted.")]
    public Input<bool> Authorize { get; init; } = default!;

    [Input(Category = "Security", Description = "The authorization policy to evaluate.")]
    public Input<string> Policy { get; init; } = default!;

    [Input(DisplayName = "Request Timeout", Category = "Upload", Description = "Not used: a request takes as long as its flow does.")]
    public Input<TimeSpan?> RequestTimeout { get; init; } = default!;

    [Input(DisplayName = "Request Size Limit", Category = "Upload", Description = "Bytes a request may have.")]
    public Input<long?> RequestSizeLimit { get; init; } = default!;

    [Input(DisplayName = "File Size Limit", Category = "Upload", Description = "Bytes a file may have.")]
    public Input<long?> FileSizeLimit { get; init; } = default!;

    [Input(DisplayName = "Allowed File Extensions", Category = "Upload")]
    public Input<string[]> AllowedFileExtensions { get; init; } = default!;

    [Input(DisplayName = "Blocked File Extensions", Category = "Upload")]
    public Input<string[]> BlockedFileExtensions { get; init; } = default!;

    [Input(DisplayName = "Allowed Mime Types", Category = "Upload")]
    public Input<string[]> AllowedMimeTypes { get; init; } = default!;

    [Input(Category = "Outcomes")] public bool ExposeRequestTooLargeOutcome { get; init; }
    [Input(Category = "Outcomes")] public bool ExposeFileTooLargeOutcome { get; init; }
    [Input(Category = "Outcomes")] public bool ExposeInvalidFileExtensionOutcome { get; init; }
    [Input(Category = "Outcomes", DisplayName = "Expose Invalid File Mime Type Outcome")] public bool ExposeInvalidFileMimeTypeOutcome { get; init; }

    [Output(Description = "The parsed request content, if any.")] public Output<object> ParsedContent { get; init; } = default!;
    [Output(TypeName = "IFormFile[]", Description = "The uploaded files, if any.")] public Output<object> Files { get; init; } = default!;
    [Output(TypeName = "IFormFile", Description = "The first uploaded file, if any.")] public Output<object> File { get; init; } = default!;
    [Output(TypeName = "ObjectDictionary", Description = "The parsed route data, if any.")] public Output<JObject> RouteData { get; init; } = default!;
    [Output(TypeName = "ObjectDictionary", Description = "The query string data, if any.")] public Output<JObject> QueryStringData { get; init; } = default!;
    [Output(TypeName = "ObjectDictionary", Description = "The headers, if any.")] public Output<JObject> Headers { get; init; } = default!;
    [Output(TypeName = "HttpRequest")] public Output<object> Result { get; init; } = default!;

    public override ValueTask<ActivityResult> ExecuteAsync(ActivityContext context, CancellationToken cancellationToken)
    {
        if (context.IsTriggerOfRun)
        {
            return new(Received(context, context.TriggerPayload));
        }

        var path = context.Get(Path);
        if (string.IsNullOrWhiteSpace(path))
        {
            return ValueTask.FromResult(ActivityResult.Faulted(new Fault("The HTTP endpoint has no path.") { Code = "missing-input", Property = "path", Action = "Give it a path, such as orders/{id}." }));
        }

        var methods = context.Get(SupportedMethods) is { Length: > 0 } chosen ? chosen : ["GET"];
        return ValueTask.FromResult(ActivityResult.Suspended([.. methods.Distinct(StringComparer.OrdinalIgnoreCase).Select(method => new BookmarkRequest(
            HttpEndpointBookmark.Name,
            HttpEndpointBookmark.KeyOf(method, path),
            Payload: new JObject
            {
                ["path"] = path,
                ["method"] = method.ToLowerInvariant(),
                ["authorize"] = context.Get(Authorize),
                ["policy"] = context.Get(Policy),
                ["requestSizeLimit"] = context.Get(RequestSizeLimit),
                ["exposeRequestTooLargeOutcome"] = ExposeRequestTooLargeOutcome,
            }))]));
    }

    public override ValueTask<ActivityResult> ResumeAsync(ActivityContext context, Resumption resumption, CancellationToken cancellationToken) =>
        new(Received(context, resumption.Input));

    private ActivityResult Received(ActivityContext context, JToken? request)
    {
        if (request is JObject payload)
        {
            context.Set(ParsedContent, payload["parsedContent"] is JValue scalar ? scalar.Value : payload["parsedContent"]);
            context.Set(RouteData, payload["routeData"] as JObject);
            context.Set(QueryStringData, payload["queryStringData"] as JObject);
            context.Set(Headers, payload["headers"] as JObject);
            context.Set(Result, payload);
            var files = payload["files"] as JArray ?? [];
            if (Refusal(context, payload, files) is { } refusal)
            {
                return refusal.IsExposed ? ActivityResult.Completed(refusal.Outcome) : Refuse(context, refusal);
            }

            if (files.Count > 0)
            {
                context.Set(Files, files);
                context.Set(File, files[0]);
            }
        }

        return ActivityResult.Done;
    }

    /// <summary>What is wrong with the request's size and files; null: nothing.</summary>
    private RefusedRequest? Refusal(ActivityContext context, JObject request, JArray files)
    {
        if (request[HttpEndpointBookmark.TooLarge] is not null)
        {
            return new(413, "Request too large", ExposeRequestTooLargeOutcome, $"The maximum request size allowed is {context.Get(RequestSizeLimit)} bytes.");
        }

        if (context.Get(FileSizeLimit) is { } limit && files.Any(file => (long)file["length"]! > limit))
        {
            return new(413, "File too large", ExposeFileTooLargeOutcome, $"The maximum file size allowed is {limit} bytes.");
        }

        if (context.Get(AllowedFileExtensions) is { Length: > 0 } allowed && files.Any(file => !Has(allowed, ExtensionOf(file))))
        {
            return new(415, "Invalid file extension", ExposeInvalidFileExtensionOutcome, $"Only the following file extensions are allowed: {string.Join(", ", allowed)}");
        }

        if (context.Get(BlockedFileExtensions) is { Length: > 0 } blocked && files.Any(file => Has(blocked, ExtensionOf(file))))
        {
            return new(415, "Invalid file extension", ExposeInvalidFileExtensionOutcome, $"The following file extensions are not allowed: {string.Join(", ", blocked)}");
        }

        return context.Get(AllowedMimeTypes) is { Length: > 0 } types && files.Any(file => !Has(types, (string?)file["contentType"] ?? ""))
            ? new(415, "Invalid file MIME type", ExposeInvalidFileMimeTypeOutcome, $"Only the following MIME types are allowed: {string.Join(", ", types)}")
            : null;

        static bool Has(string[] list, string value) => list.Contains(value, StringComparer.OrdinalIgnoreCase);
        static string ExtensionOf(JToken file) => System.IO.Path.GetExtension((string?)file["fileName"] ?? "");
    }

    /// <summary>Answers for the flow, which has no outcome for it and ends here.</summary>
    private static ActivityResult Refuse(ActivityContext context, RefusedRequest refusal)
    {
        context.Journal("Refused", refusal.Message);
        var answered = HttpAnswer.Send(context, new HttpReply(refusal.Status, "application/json", System.Text.Encoding.UTF8.GetBytes(Json.Write(new JObject { ["message"] = refusal.Message })), new Dictionary<string, string>()));
        return answered.Kind == ActivityResultKind.Faulted ? answered : ActivityResult.FinishRun;
    }

    private sealed record RefusedRequest(int Status, string Outcome, bool IsExposed, string Message);
}
