using Fluid;
using Fluid.Ast;
using Fluid.Values;

namespace Automation.Engine.Expressions;

/// <summary>Puts a limit on the ranges of a template: Fluid makes a list of each before the first of its items is asked for, and looks at no limit while it does.</summary>
internal sealed class LiquidRanges(int limit) : AstRewriter
{
    protected override Expression VisitRangeExpression(RangeExpression rangeExpression) => new BoundedRange((RangeExpression)base.VisitRangeExpression(rangeExpression), limit);

    private sealed class BoundedRange(RangeExpression range, int limit) : Expression
    {
        public override async ValueTask<FluidValue> EvaluateAsync(TemplateContext context)
        {
            var count = (await range.To.EvaluateAsync(context)).ToNumberValue() - (await range.From.EvaluateAsync(context)).ToNumberValue() + 1;
            return count <= limit
                ? await range.EvaluateAsync(context)
                : throw new FaultException(new Fault($"The template has a range of {count:N0} numbers and was stopped: the limit is {limit:N0}.") { Code = "script-size", Action = "Use a smaller range." });
        }
    }
}
