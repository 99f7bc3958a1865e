using Automation.Connectors;
using Automation.Engine;
using FluentAssertions;
using Xunit;

namespace Automation.UnitTests.Connectors;

public sealed class DescribeTests : IAsyncDisposable
{
    private readonly Kit kit = new();

    public ValueTask DisposeAsync() => kit.DisposeAsync();

    private ActivityDescriptor this[string type] => OperationActivity.Describe(kit[type]);

    [Fact]
    public void Describe_Trigger_HasConnectionIntervalModeThenTheApisInputs()
    {
        var descriptor = this["GoHighLevel.SocialPlanner.ListSocialPlannerTags"];

        descriptor.Kind.Should().Be(ActivityKind.Trigger);
        descriptor.Category.Should().Be("GoHighLevel: Social Planner");
        descriptor.Inputs.OrderBy(i => i.Order).Select(i => i.Name).Should().Equal("ConnectionId", "Interval", "Mode", "Filter", "Backfill", "TimeZone", "LocationId", "SearchText", "Limit", "Skip");
        descriptor.Outputs.Select(o => o.Name).Should().Equal("Result", "Event");
        descriptor.Inputs.Single(i => i.Name == "Interval").DefaultValue!.ToString().Should().Be("5m");
        descriptor.Inputs.Single(i => i.Name == "Skip").Category.Should().Be("Advanced");
    }

    [Fact]
    public void Describe_Action_HasNoTriggerInputsAndOnlyAResult()
    {
        var descriptor = this["GoHighLevel.Contacts.AddTagsToContact"];

        descriptor.Kind.Should().Be(ActivityKind.Action);
        descriptor.Inputs.Select(i => i.Name).Should().Equal("ConnectionId", "ContactId", "Tags");
        descriptor.Inputs.Should().OnlyContain(i => i.Required);
        descriptor.Outputs.Select(o => o.Name).Should().Equal("Result");
    }

    [Fact]
    public void Describe_TakenNames_ArePrefixed() =>
        this["GoHighLevel.Contacts.BulkUpdateContactTags"].Inputs.Select(i => i.Name).Should().Contain("InputType").And.NotContain("Type");

    [Fact]
    public void Describe_Enum_IsADropDown()
    {
        var input = this["GoHighLevel.Opportunities.UpdateOpportunityStatus"].Inputs.Single(i => i.Name == "Status");

        input.UIHint.Should().Be("dropdown");
        input.UISpecifications!["dropdown"]!["selectList"]!["items"]!.Select(i => (string?)i["value"]).Should().Equal("open", "won", "lost", "abandoned", "all");
    }

    [Fact]
    public void Describe_LiveOptions_NameTheirProvider() =>
        ((string?)this["GoHighLevel.Opportunities.CreateOpportunity"].Inputs.Single(i => i.Name == "PipelineId").UISpecifications!["dropdown"]!["providerName"])
            .Should().Be("operation:GoHighLevel.Opportunities.ListPipelines");

    [Fact]
    public void Describe_Password_IsSensitive() =>
        this["GoHighLevel.Users.CreateUser"].Inputs.Single(i => i.Name == "Password").IsSensitive.Should().BeTrue();

    [Fact]
    public void Describe_EveryOperation_GivesADescriptorOfItsType() =>
        kit.Operations.All.Select(OperationActivity.Describe).Should().OnlyContain(d => d.DisplayName.Length > 0 && d.Description.Length > 0 && d.CheckAsync != null)
            .And.HaveCount(kit.Operations.All.Count);
}
