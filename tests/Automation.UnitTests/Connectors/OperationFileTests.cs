using System.Collections;
using System.Reflection;
using System.Text;
using Automation.Connectors;
using FluentAssertions;
using Newtonsoft.Json;
using Newtonsoft.Json.Converters;
using Newtonsoft.Json.Linq;
using Newtonsoft.Json.Serialization;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class OperationFileTests
{
    /// <summary>The reader is written by hand: whatever an operation has, a file can say.</summary>
    [Fact]
    public void Read_EveryPropertyOfARecord_IsTakenFromTheFile()
    {
        var full = (Operation)Fill(typeof(Operation), "operation")!;
        full = full with { Connector = "x", Path = "/a/{name}", Inputs = [full.Inputs[0] with { Name = "name", Place = InputPlace.Path }], OneOf = ["name"], Poll = full.Poll! with { Rolling = new JObject { ["name"] = "1d" } } };
        var settings = new JsonSerializerSettings
        {
            ContractResolver = new DefaultContractResolver { NamingStrategy = new CamelCaseNamingStrategy { ProcessDictionaryKeys = false } },
            Converters = { new StringEnumConverter(new CamelCaseNamingStrategy()) },
        };
        var json = JObject.Parse(JsonConvert.SerializeObject(full, settings));
        json.Remove("connector");
        json.Descendants().OfType<JProperty>().Where(p => p.Name == "propertyName").ToList().ForEach(p => p.Remove());

        var read = Read(new JArray(json).ToString()).Single();

        JsonConvert.SerializeObject(read, settings).Should().Be(JsonConvert.SerializeObject(full, settings));
    }

    [Theory]
    [InlineData("""{"name":"Get","category":"Things","activityType":"X.Things.Get","method":"GET","path":"/things","scope":[]}""", "'scope'")]
    [InlineData("""{"name":"Get","category":"Things","activityType":"X.Things.Get","method":"GET","path":"/things/{id}","inputs":[{"name":"id","place":"path","mandatory":true}]}""", "'mandatory'")]
    [InlineData("""{"name":"Get","category":"Things","activityType":"X.Things.Get","method":"GET","path":"/things/{id}","inputs":[{"name":"id","place":"header"}]}""", "Path, Query, Body, WholeBody")]
    [InlineData("""{"name":"Get","category":"Things","activityType":"X.Things.Get","method":"GET","path":"/things/{id}"}""", "path parameter that is no input")]
    [InlineData("""{"name":"Get","activityType":"X.Things.Get","method":"GET","path":"/things"}""", "lacks one of")]
    [InlineData("""{"name":1}""", "cannot be read")]
    [InlineData("""{"name":""", "cannot be read")]
    public void Read_ADefect_IsNamed(string record, string says) =>
        FluentActions.Invoking(() => Read($"[{record}]")).Should().Throw<InvalidDataException>().WithMessage($"*{says}*");

    private static IReadOnlyList<Operation> Read(string text) => OperationFile.Read(new MemoryStream(Encoding.UTF8.GetBytes(text)), "x");

    /// <summary>A value of a type in which nothing is left at its standard.</summary>
    private static object? Fill(Type type, string name)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string))
        {
            return name;
        }

        if (type == typeof(bool))
        {
            return true;
        }

        if (type == typeof(TimeSpan))
        {
            return TimeSpan.FromMinutes(7);
        }

        if (type == typeof(JArray))
        {
            return new JArray(new JObject { [name] = 1 });
        }

        if (type == typeof(JObject) || type == typeof(JToken))
        {
            return new JObject { [name] = new JArray(1, 2.5, "x", true, null!) };
        }

        if (type.IsEnum)
        {
            return Enum.GetValues(type).GetValue(Enum.GetValues(type).Length - 1);
        }

        if (type.IsPrimitive)
        {
            return Convert.ChangeType(7, type);
        }

        if (typeof(IEnumerable).IsAssignableFrom(type))
        {
            var item = type.GetGenericArguments()[0];
            var list = Array.CreateInstance(item, 1);
            list.SetValue(Fill(item, name), 0);
            return list;
        }

        var record = System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type);
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite))
        {
            property.SetValue(record, Fill(property.PropertyType, property.Name));
        }

        return record;
    }
}
