using Automation.Connectors;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class ContentHashTests
{
    private static string Hash(string json, params string[] ignored) => ContentHash.Of(global::Automation.Engine.Json.Parse(json), ignored);

    [Theory]
    [InlineData("""{"a":1,"b":{"c":[1,2],"d":null}}""", """{"b":{"d":null,"c":[1,2]},"a":1}""")]
    [InlineData("""{"a":1}""", """{"a":1.0}""")]
    public void Of_SameContent_IsTheSame(string one, string other) => Hash(one).Should().Be(Hash(other));

    [Theory]
    [InlineData("""{"a":1}""", """{"a":2}""")]
    [InlineData("""{"a":1}""", """{"a":"1"}""")]
    [InlineData("""{"a":null}""", "{}")]
    [InlineData("""{"a":[1,2]}""", """{"a":[2,1]}""")]
    [InlineData("""{"a":"x","b":""}""", """{"a":"","b":"x"}""")]
    [InlineData("""{"a":{"b":1}}""", """{"a":{},"b":1}""")]
    [InlineData("""{"a":true}""", """{"a":false}""")]
    public void Of_OtherContent_IsAnother(string one, string other) => Hash(one).Should().NotBe(Hash(other));

    [Fact]
    public void Of_IgnoredProperties_DoNotCount()
    {
        Hash("""{"id":1,"views":5,"meta":{"at":1,"x":2}}""", "views", "meta.at").Should().Be(Hash("""{"id":1,"views":6,"meta":{"at":9,"x":2}}""", "views", "meta.at"));
        Hash("""{"id":1,"meta":{"x":2}}""", "x").Should().NotBe(Hash("""{"id":1,"meta":{"x":3}}""", "x"));
    }

    /// <summary>Stored hashes must stay comparable after an upgrade: this value may never change.</summary>
    [Fact]
    public void Of_KnownItem_HasTheHashItAlwaysHad() =>
        Hash("""{"id":"t1","tag":"vip","n":1.5,"list":[true,null,"ü"]}""").Should().Be("be0aec062554b124c9e7deb2861e2aae");
}
