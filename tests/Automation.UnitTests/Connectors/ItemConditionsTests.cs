using Automation.Connectors;
using Automation.Engine;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class ItemConditionsTests
{
    private const string Item = """{"status":"Won","value":120.5,"tags":["vip","new"],"contact":{"email":"ada@x.io"},"done":true,"note":"","at":"2026-03-02T10:00:00Z","stage":"s2"}""";
    private const string Previous = """{"status":"open","value":100,"tags":["new","old"],"contact":{"email":"ada@x.io"},"done":false,"note":"x","at":"2026-03-01T10:00:00Z","stage":"s1"}""";

    [Theory]
    [InlineData("""[{"field":"status","operator":"equals","value":"won"}]""", true)]
    [InlineData("""{"field":"status","value":"open"}""", false)]
    [InlineData("""[{"field":"status","operator":"notEquals","value":"open"}]""", true)]
    [InlineData("""[{"field":"value","operator":"equals","value":"120.50"}]""", true)]
    [InlineData("""[{"field":"tags","operator":"contains","value":"VIP"}]""", true)]
    [InlineData("""[{"field":"tags","operator":"contains","value":"vi"}]""", false)]
    [InlineData("""[{"field":"contact.email","operator":"contains","value":"@X."}]""", true)]
    [InlineData("""[{"field":"tags","operator":"notContains","value":"old"}]""", true)]
    [InlineData("""[{"field":"contact.email","operator":"startsWith","value":"ada"},{"field":"contact.email","operator":"endsWith","value":".io"}]""", true)]
    [InlineData("""[{"field":"value","operator":"greaterThan","value":120}]""", true)]
    [InlineData("""[{"field":"value","operator":"lessThan","value":120}]""", false)]
    [InlineData("""[{"field":"at","operator":"greaterThan","value":"2026-03-02T09:00:00+00:00"}]""", true)]
    [InlineData("""[{"field":"status","operator":"in","value":["lost","won"]}]""", true)]
    [InlineData("""[{"field":"status","operator":"in","value":"lost, abandoned"}]""", false)]
    [InlineData("""[{"field":"note","operator":"isEmpty"},{"field":"nothing","operator":"isEmpty"},{"field":"tags","operator":"isNotEmpty"}]""", true)]
    [InlineData("""[{"field":"done","operator":"isTrue"}]""", true)]
    [InlineData("""[{"field":"done","operator":"isFalse"}]""", false)]
    [InlineData("""[{"field":"stage","operator":"changed"}]""", true)]
    [InlineData("""[{"field":"contact.email","operator":"changed"}]""", false)]
    [InlineData("""[{"field":"status","operator":"changedTo","value":"won"}]""", true)]
    [InlineData("""[{"field":"status","operator":"changedFrom","value":"open"}]""", true)]
    [InlineData("""[{"field":"tags","operator":"added"}]""", true)]
    [InlineData("""[{"field":"tags","operator":"added","value":"new"}]""", false)]
    [InlineData("""[{"field":"tags","operator":"removed","value":"old"}]""", true)]
    [InlineData("""[{"any":[{"field":"status","value":"lost"},{"field":"done","operator":"istrue"}]}]""", true)]
    [InlineData("""[{"any":[{"field":"status","value":"lost"}]}]""", false)]
    [InlineData("[]", true)]
    public void Refuses_AnItemThatChanged(string conditions, bool holds) =>
        (ItemConditions.Read(conditions).Refuses(Json.Parse(Item), Json.Parse(Previous)) is null).Should().Be(holds);

    [Theory]
    [InlineData("""[{"field":"tags","operator":"added","value":"vip"}]""", true)]
    [InlineData("""[{"field":"status","operator":"changedTo","value":"won"}]""", true)]
    [InlineData("""[{"field":"stage","operator":"changed"}]""", false)]
    [InlineData("""[{"field":"tags","operator":"removed"}]""", false)]
    public void Refuses_AnItemThatIsNew(string conditions, bool holds) =>
        (ItemConditions.Read(conditions).Refuses(Json.Parse(Item), null) is null).Should().Be(holds);

    [Fact]
    public void Refuses_WhatDoesNotHold_SaysWhichAndWhatItIs() =>
        ItemConditions.Read("""[{"field":"done","operator":"isTrue"},{"field":"status","operator":"equals","value":"lost"}]""").Refuses(Json.Parse(Item), null)
            .Should().Be("'status' equals \"lost\" does not hold: it is \"Won\".");

    [Theory]
    [InlineData("""[{"operator":"equals","value":1}]""", "*condition 1*'field'*")]
    [InlineData("""[{"field":"a","operator":"resembles","value":1}]""", "*'resembles'*operator*changedTo*")]
    [InlineData("""[{"field":"a","operator":"contains"}]""", "*'contains' needs a 'value'*")]
    [InlineData("""[7]""", "*condition 1*no object*")]
    [InlineData("""[{"any":[]}]""", "*'any'*")]
    public void Read_WrongConditions_SaysWhichAndWhy(string conditions, string message) =>
        FluentActions.Invoking(() => ItemConditions.Read(conditions)).Should().Throw<FormatException>().WithMessage(message);

    [Theory]
    [InlineData("event.item.tags.includes('vip')", false)]
    [InlineData("[1,2].includes(event.revision)", false)]
    [InlineData("""{ "a": 1 }""", false)]
    [InlineData(""" [{"field":"a","operator":"isTrue"}]""", true)]
    public void AreMeant_TellsScriptsFromConditions(string text, bool meant) => ItemConditions.AreMeant(new JValue(text)).Should().Be(meant);
}
