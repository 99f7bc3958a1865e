using Automation.Engine;
using Microsoft.Extensions.DependencyInjection;

namespace Automation.Connectors;

/// <summary>What <c>AddAutomation</c> returns, and connector and activity projects extend.</summary>
public sealed class AutomationBuilder(IServiceCollection services)
{
    public IServiceCollection Services { get; } = services;
    public ActivityRegistry Activities { get; } = new ActivityRegistry().AddControlFlow();
    public OperationCatalog Operations { get; } = new();

    /// <summary>Adds every class with <see cref="ActivityAttribute"/> in the assembly of <typeparamref name="T"/>.</summary>
    public AutomationBuilder AddActivitiesFrom<T>()
    {
        foreach (var type in typeof(T).Assembly.GetTypes())
        {
            if (type is { IsAbstract: false } && typeof(Activity).IsAssignableFrom(type) && type.IsDefined(typeof(ActivityAttribute), false))
            {
                Activities.Add(type);
            }
        }

        return this;
    }

    /// <summary>Adds a connector: its operations become activities.</summary>
    public AutomationBuilder AddConnector(Connector connector)
    {
        Operations.Add(connector);
        foreach (var operation in connector.Operations)
        {
            Activities.Add(OperationActivity.Describe(operation));
        }

        return this;
    }
}
