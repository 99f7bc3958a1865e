using Microsoft.AspNetCore.Http;
using Newtonsoft.Json.Linq;

namespace Automation.Sandbox;

/// <summary>Reads a body that came as a form as if it had come as JSON; of files it keeps what they are.</summary>
internal static class FormBody
{
    public static async Task<JObject> ReadAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        var form = await request.ReadFormAsync(cancellationToken);
        var fields = new JObject();
        foreach (var (name, value) in form)
        {
            // A form has only text; what is true or false is meant so.
            fields[name] = value.ToString() switch { "true" => true, "false" => false, var text => text };
        }

        foreach (var file in form.Files)
        {
            fields[file.Name] = new JObject { ["name"] = file.FileName, ["contentType"] = file.ContentType, ["size"] = file.Length };
        }

        return fields;
    }
}
