using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Automation.Hosting.Elsa;

/// <summary><c>/elsa/api</c>: the API of Elsa 3 as its designer and clients call it. Query names in any case; pages from 0.</summary>
internal static class ElsaEndpoints
{
    public static void Map(RouteGroupBuilder group)
    {
        group.ExcludeFromDescription();
        IdentityEndpoints.Map(group);
        DefinitionEndpoints.Map(group);
        DefinitionWriteEndpoints.Map(group);
        BulkEndpoints.Map(group);
        SubgraphEndpoints.Map(group);
        ActivityTestEndpoints.Map(group);
        ExecutionEndpoints.Map(group);
        InstanceEndpoints.Map(group);
        InstanceTransferEndpoints.Map(group);
        ActivityExecutionEndpoints.Map(group);
        DescriptorEndpoints.Map(group);
        OptionEndpoints.Map(group);
        group.Map("/{**path}", (HttpContext context) => AutomationEndpoints.Unknown(context));
    }
}
