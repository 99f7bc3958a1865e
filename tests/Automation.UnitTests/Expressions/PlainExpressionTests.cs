using System.Net;
using Automation.Engine;
using Automation.Engine.Expressions;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Expressions;

public sealed class PlainExpressionTests
{
    private readonly ExpressionFactory factory = new(new EngineOptions());
    private readonly ListScope scope = new();

    public static TheoryData<JToken, Type, object?> Literals => new()
    {
        { "true", typeof(bool), true },
        { "False", typeof(bool), false },
        { true, typeof(bool), true },
        { "3", typeof(int), 3 },
        { " 3.0 ", typeof(int), 3 },
        { "3.5", typeof(double), 3.5 },
        { 3, typeof(long), 3L },
        { "", typeof(int), 0 },
        { "", typeof(int?), null },
        { "", typeof(string), "" },
        { "00:00:05", typeof(TimeSpan), TimeSpan.FromSeconds(5) },
        { "1.00:00:00", typeof(TimeSpan), TimeSpan.FromDays(1) },
        { "PT5S", typeof(TimeSpan), TimeSpan.FromSeconds(5) },
        { "OK", typeof(HttpStatusCode), HttpStatusCode.OK },
        { "404", typeof(HttpStatusCode), HttpStatusCode.NotFound },
        { "2030-01-31T08:00:00Z", typeof(DateTimeOffset), new DateTimeOffset(2030, 1, 31, 8, 0, 0, TimeSpan.Zero) },
        { "2030-01-31", typeof(DateTimeOffset), new DateTimeOffset(2030, 1, 31, 0, 0, 0, TimeSpan.Zero) },
        { "0f8fad5b-d9cb-469f-a165-70867728950e", typeof(Guid), Guid.Parse("0f8fad5b-d9cb-469f-a165-70867728950e") },
        { "https://a.example/b", typeof(Uri), new Uri("https://a.example/b") },
        { 41, typeof(string), "41" },
        { 6.5, typeof(string), "6.5" },
        { "2030-01-31T08:00:00Z", typeof(object), "2030-01-31T08:00:00Z" },
        { 5, typeof(object), 5L },
    };

    [Theory]
    [MemberData(nameof(Literals))]
    public void Literal_IsConvertedToTheTarget(JToken value, Type target, object? expected)
    {
        var expression = factory.Prepare("Literal", value);
        expression.IsConstant.Should().BeTrue();
        Evaluate(expression, target).Should().Be(expected);
        Evaluate(expression, target).Should().Be(expected);
    }

    [Theory]
    [InlineData("three", typeof(int))]
    [InlineData("3,5", typeof(double))]
    [InlineData("yes", typeof(bool))]
    [InlineData("99999999999", typeof(int))]
    [InlineData("soon", typeof(TimeSpan))]
    [InlineData("NoSuchName", typeof(HttpStatusCode))]
    [InlineData("{", typeof(JObject))]
    [InlineData("[1]", typeof(JObject))]
    public void Literal_ThatDoesNotFit_SaysWhatWasExpected(string value, Type target)
    {
        var act = () => Evaluate(factory.Prepare("Literal", value), target);
        var fault = act.Should().Throw<FaultException>().Which.Fault;
        fault.Code.Should().Be("conversion");
        fault.Message.Should().Contain(value);
        fault.Action.Should().NotBeNullOrEmpty();
    }

    [Fact]
    public void Object_TextIsReadIntoTheTarget_ButStaysTextForObject()
    {
        Evaluate(factory.Prepare("Object", """["GET","POST"]"""), typeof(string[])).Should().BeEquivalentTo(new[] { "GET", "POST" });
        Evaluate(factory.Prepare("Object", "[200, 404]"), typeof(int[])).Should().BeEquivalentTo(new[] { 200, 404 });
        Evaluate(factory.Prepare("Object", "200"), typeof(int[])).Should().BeEquivalentTo(new[] { 200 });
        Evaluate(factory.Prepare("Object", """{"a":[1]}"""), typeof(object)).Should().Be("""{"a":[1]}""");
        Evaluate(factory.Prepare("Object", """{"a":[1]}"""), typeof(JObject)).Should().BeOfType<JObject>();
        Evaluate(factory.Prepare("Object", """{"a":1}"""), typeof(IDictionary<string, object>)).Should().BeAssignableTo<IDictionary<string, object>>().Which["a"].Should().Be(1L);
        Evaluate(factory.Prepare("Object", ""), typeof(string[])).Should().BeNull();
    }

    [Fact]
    public void Object_EntriesMayCarryExpressions()
    {
        scope.Variables["N"] = 5;
        var expression = factory.Prepare("Object", """{"plain":"x","script":{"type":"JavaScript","value":"getN() + 1"},"data":{"type":"parcel"}}""");
        expression.IsConstant.Should().BeFalse();
        Evaluate(expression, typeof(JObject)).Should().BeOfType<JObject>().Which.ToString(Newtonsoft.Json.Formatting.None).Should().Be("""{"plain":"x","script":6,"data":{"type":"parcel"}}""");
    }

    [Fact]
    public void Object_ThatIsNoJson_SaysWhere()
    {
        var act = () => Evaluate(factory.Prepare("Object", "{\n  \"a\" 1\n}"), typeof(JObject));
        act.Should().Throw<FaultException>().Which.Fault.Message.Should().Contain("line 2");
    }

    [Fact]
    public void Object_EachEvaluationHasItsOwnValue()
    {
        var expression = factory.Prepare("Object", """{"a":1}""");
        ((JObject)Evaluate(expression, typeof(JObject))!)["a"] = 2;
        ((int?)((JObject)Evaluate(expression, typeof(JObject))!)["a"]).Should().Be(1);
    }

    [Fact]
    public void VariableAndInput_AreFoundByObjectTextOrName()
    {
        scope.Variables["var-Msg"] = "by id";
        scope.Variables["Count"] = "41";
        scope.Inputs["In1"] = "in";
        Evaluate(factory.Prepare("Variable", JObject.Parse("""{"id":"var-Msg","name":"Msg"}""")), typeof(string)).Should().Be("by id");
        Evaluate(factory.Prepare("Variable", """{"id":"gone","name":"Count"}"""), typeof(int)).Should().Be(41);
        Evaluate(factory.Prepare("Variable", "Count"), typeof(object)).Should().Be("41");
        Evaluate(factory.Prepare("Input", JObject.Parse("""{"name":"In1"}""")), typeof(string)).Should().Be("in");
    }

    [Fact]
    public void UnknownType_FaultsWhenEvaluated()
    {
        var expression = factory.Prepare("CSharp", "1 + 1");
        var act = () => Evaluate(expression, typeof(object));
        act.Should().Throw<FaultException>().Which.Fault.Message.Should().Contain("CSharp");
    }

    [Theory]
    [InlineData("{% for i in (1..3) %}{{ i }}{{ Variables.Sep }}{% endfor %}", "1;2;3;")]
    [InlineData("{{ Input.Name | upcase }}/{{ Variables.o.list[1].b }}/{{ Variables.o.list.size }}", "ZOE/x/2")]
    [InlineData("{{ CorrelationId }} {{ WorkflowInstanceId }} {{ WorkflowDefinitionId }} {{ WorkflowDefinitionVersionId }} {{ WorkflowDefinitionVersion }}", "c1 instance-1 definition-1 version-1 3")]
    [InlineData("{{ 'Hi' | base64 }} {{ Variables.o | keys | join: ',' }} {{ Variables.o | json }}", """SGk= list,n {"list":[1,{"b":"x"}],"n":2.5}""")]
    [InlineData("{% if Variables.none %}a{% else %}b{% endif %}{{ Variables.none.x.y }}", "b")]
    [InlineData("<b>&amp;</b>", "<b>&amp;</b>")]
    public void Liquid_Template_IsRendered(string template, string expected)
    {
        scope.Variables["Sep"] = ";";
        scope.Variables["o"] = JObject.Parse("""{"list":[1,{"b":"x"}],"n":2.5}""");
        scope.Inputs["Name"] = "Zoe";
        scope.CorrelationId = "c1";
        Evaluate(factory.Prepare("Liquid", template), typeof(string)).Should().Be(expected);
    }

    [Theory]
    [InlineData("{% for i in (1..100000000) %}{{ i }}{% endfor %}", "script-size", "*range of 100,000,000 numbers*")]
    [InlineData("{% assign n = 2147483647 %}{% for i in (1..n) %}{% endfor %}", "script-size", "*range of 2,147,483,647 numbers*")]
    [InlineData("{% if true %}{{ 1 | divided_by: 0 }}{% endif %}", "liquid-error", "The template failed:*zero*")]
    [InlineData("{% include 'other' %}", "liquid-error", "The template failed: it includes*other*no others*")]
    [InlineData("{% render 'other' %}", "liquid-error", "The template failed: it includes*other*no others*")]
    public void Liquid_ThatFails_SaysWhatInAFault(string template, string code, string message)
    {
        var act = () => Evaluate(factory.Prepare("Liquid", template), typeof(string));

        act.Should().Throw<FaultException>().WithMessage(message).Which.Fault.Code.Should().Be(code);
    }

    [Fact]
    public void Liquid_Ranges_CountAsBefore() =>
        Evaluate(factory.Prepare("Liquid", "{% assign n = 3 %}{% for i in (1..n) limit: 2 %}{% for j in (i..2) %}{{ i }}{{ j }} {% endfor %}{% endfor %}{% for k in (3..1) %}x{% endfor %}"), typeof(string)).Should().Be("11 12 22 ");

    [Fact]
    public void Liquid_ThatDoesNotParse_SaysWhere()
    {
        var act = () => factory.Prepare("Liquid", "fine\n{% if %}x{% endif %}");
        act.Should().Throw<ExpressionSyntaxException>().Which.Line.Should().Be(2);
    }

    [Theory]
    [InlineData("{% assign a = 'x,x,x,x' | split: ',' %}{% for i in (1..40) %}{% assign a = a | concat: a %}{% endfor %}{{ a.size }}")]
    [InlineData("{% assign s = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..15) %}{% assign s = s | append: s %}{% endfor %}{{ s | replace: 'x', s }}")]
    [InlineData("{% for i in (1..2000000) %}{% for j in (1..2000000) %}x{% endfor %}{% endfor %}")]
    [InlineData("{% assign s = 'xxxxxxxxxxxxxxxx' %}{% for i in (1..40) %}{% assign s = s | append: s %}{% endfor %}{{ s }}")]
    public void Liquid_ThatDoesTooMuch_IsStopped(string template)
    {
        var act = () => Evaluate(factory.Prepare("Liquid", template), typeof(string));
        act.Should().Throw<FaultException>();
    }

    [Theory]
    [InlineData("String", false, typeof(string))]
    [InlineData("Int32", true, typeof(int[]))]
    [InlineData("Object[]", false, typeof(object[]))]
    [InlineData("ObjectDictionary", false, typeof(IDictionary<string, object>))]
    [InlineData("Acme.Unknown, Acme", false, typeof(object))]
    [InlineData(null, false, typeof(object))]
    public void TypeOf_Alias_IsItsType(string? alias, bool isArray, Type expected) => ValueConverter.TypeOf(alias, isArray).Should().Be(expected);

    [Theory]
    [InlineData(typeof(int?), "Int32")]
    [InlineData(typeof(string[]), "String[]")]
    [InlineData(typeof(List<object>), "Object[]")]
    [InlineData(typeof(IDictionary<string, object>), "ObjectDictionary")]
    [InlineData(typeof(byte[]), "ByteArray")]
    public void AliasOf_Type_IsElsas(Type type, string expected) => ValueConverter.AliasOf(type).Should().Be(expected);

    private object? Evaluate(PreparedExpression expression, Type target) => expression.Evaluate(factory.OpenSession(), scope, target, CancellationToken.None);
}
