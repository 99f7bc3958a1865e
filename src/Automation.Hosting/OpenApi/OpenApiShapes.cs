using System.Reflection;
using Automation.Engine;
using Microsoft.OpenApi;
using Newtonsoft.Json.Linq;

namespace Automation.Hosting.OpenApi;

/// <summary>
/// Bodies of the own API, from <c>shapes.json</c>. There a text names a type (<c>text</c>, <c>int</c>, <c>number</c>, <c>bool</c>, <c>time</c>, <c>object</c>, <c>any</c>, or <c>#Name</c> of
/// another shape), with <c>?</c> where null is allowed; an array has the shape of its items; a member whose name ends with <c>?</c> may be left out. An operation that answers
/// <c>{items, total}</c> names its <c>list</c>.
/// </summary>
internal sealed class OpenApiShapes
{
    private const string Json = "application/json";

    private readonly JObject schemas;
    private readonly JObject operations;

    public OpenApiShapes()
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream("openapi/shapes.json")!);
        var shapes = (JObject)Engine.Json.Parse(reader.ReadToEnd());
        (schemas, operations) = ((JObject)shapes["schemas"]!, (JObject)shapes["operations"]!);
    }

    public void AddSchemas(OpenApiDocument document)
    {
        document.Components ??= new OpenApiComponents();
        document.Components.Schemas ??= new Dictionary<string, IOpenApiSchema>();
        foreach (var (name, shape) in schemas)
        {
            document.Components.Schemas[name] = Schema(shape!, document);
        }
    }

    /// <summary>Completes an operation; one that is not in the file is left as it is.</summary>
    public void Complete(OpenApiOperation operation, string method, string path, OpenApiDocument document)
    {
        // A host may have mapped all of it below a prefix of its own.
        if (operations.Properties().FirstOrDefault(entry => entry.Name.Split(' ') is [var verb, var route] && verb == method && path.EndsWith(route, StringComparison.Ordinal))?.Value is not JObject shape)
        {
            return;
        }

        foreach (var name in shape["query"] as JArray ?? [])
        {
            operation.Parameters ??= [];
            operation.Parameters.Add(new OpenApiParameter { Name = (string)name!, In = ParameterLocation.Query, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
        }

        if (shape["body"] is { } body)
        {
            operation.RequestBody = new OpenApiRequestBody { Content = new Dictionary<string, OpenApiMediaType> { [Json] = new() { Schema = Schema(body, document) } } };
        }

        var answer = shape["list"] is { } item ? new JObject { ["items"] = new JArray(item), ["total"] = "int" } : shape["answer"];
        operation.Responses ??= [];
        operation.Responses.Clear();
        operation.Responses[((int?)shape["status"] ?? (answer is null ? 204 : 200)).ToString(System.Globalization.CultureInfo.InvariantCulture)] = new OpenApiResponse
        {
            Description = answer is null ? "Done." : "The answer.",
            Content = answer is null ? null : new Dictionary<string, OpenApiMediaType> { [Json] = new() { Schema = Schema(answer, document) } },
        };
        operation.Responses["default"] = new OpenApiResponse
        {
            Description = "What is wrong, where, why, and what to do.",
            Content = new Dictionary<string, OpenApiMediaType> { ["application/problem+json"] = new() { Schema = new OpenApiSchemaReference("Problem", document) } },
        };
    }

    private static IOpenApiSchema Schema(JToken shape, OpenApiDocument document) => shape switch
    {
        JObject members => new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Properties = members.Properties().ToDictionary(member => member.Name.TrimEnd('?'), member => Schema(member.Value, document)),
            Required = members.Properties().Where(member => !member.Name.EndsWith('?')).Select(member => member.Name).ToHashSet(),
        },
        JArray { Count: 1 } items => new OpenApiSchema { Type = JsonSchemaType.Array, Items = Schema(items[0], document) },
        JValue { Value: string type } => Named(type, document),
        _ => throw new InvalidOperationException($"shapes.json has no shape at {shape.Path}."),
    };

    private static IOpenApiSchema Named(string type, OpenApiDocument document)
    {
        var (name, nullable) = type.EndsWith('?') ? (type[..^1], JsonSchemaType.Null) : (type, default);
        if (name.StartsWith('#'))
        {
            var reference = new OpenApiSchemaReference(name[1..], document);
            return nullable == default ? reference : new OpenApiSchema { OneOf = [reference, new OpenApiSchema { Type = JsonSchemaType.Null }] };
        }

        return name switch
        {
            "any" => new OpenApiSchema(),
            "time" => new OpenApiSchema { Type = JsonSchemaType.String | nullable, Format = "date-time" },
            "text" => new OpenApiSchema { Type = JsonSchemaType.String | nullable },
            "int" => new OpenApiSchema { Type = JsonSchemaType.Integer | nullable },
            "number" => new OpenApiSchema { Type = JsonSchemaType.Number | nullable },
            "bool" => new OpenApiSchema { Type = JsonSchemaType.Boolean | nullable },
            "object" => new OpenApiSchema { Type = JsonSchemaType.Object | nullable },
            _ => throw new InvalidOperationException($"shapes.json names an unknown type '{type}'."),
        };
    }
}
