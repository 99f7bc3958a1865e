using Automation.Connectors;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class RedactionTests
{
    [Theory]
    [InlineData("Authorization: Bearer abc.def.ghi-123")]
    [InlineData("got pit-0f0f0f0f-1111-2222-3333-444444444444 back")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.s5fQ is expired")]
    [InlineData("https://x.example/cb?access_token=abcdef123&x=1")]
    [InlineData("""{"refresh_token":"abcdef123"}""")]
    [InlineData("client_secret=abcdef123&grant_type=refresh_token")]
    [InlineData("apiKey: abcdef123")]
    [InlineData("""{"password": "abcdef123"}""")]
    public void Clean_Credential_IsHidden(string text)
    {
        var cleaned = Redaction.Clean(text);

        cleaned.Should().Contain(Redaction.Mark).And.NotContain("abcdef123").And.NotContain("0f0f0f0f").And.NotContain("abc.def").And.NotContain("eyJzdWI");
    }

    [Theory]
    [InlineData("contact c1 of a@x.io has no token")]
    [InlineData("https://x.example/contacts/?page=2")]
    [InlineData("The token is not authorized for this scope.")]
    public void Clean_NoCredential_IsLeftAlone(string text) => Redaction.Clean(text).Should().Be(text);

    [Fact]
    public void Clean_OwnSecret_IsHiddenWhereverItStands() =>
        Redaction.Clean("prefixmy-own-keysuffix", new Credential { Kind = "apiKey", ApiKey = "my-own-key" }).Should().Be($"prefix{Redaction.Mark}suffix");

    [Fact]
    public void Clean_Json_HidesSecretPropertiesAtAnyDepth()
    {
        var cleaned = Redaction.Clean(JToken.Parse("""{"user":{"email":"a@x.io","password":"p"},"list":[{"accessToken":"t"}],"nextPageToken":"n"}"""));

        cleaned.ToString(Newtonsoft.Json.Formatting.None).Should().Be($$"""{"user":{"email":"a@x.io","password":"{{Redaction.Mark}}"},"list":[{"accessToken":"{{Redaction.Mark}}"}],"nextPageToken":"n"}""");
    }
}
