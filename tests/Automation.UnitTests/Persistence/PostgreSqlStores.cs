using Automation.Persistence;
using Automation.Tests;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Automation.UnitTests.Persistence;

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlRunLeaseTests(PostgreSqlCluster cluster) : RunLeaseCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlRunCommitTests(PostgreSqlCluster cluster) : RunCommitCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlStimulusTests(PostgreSqlCluster cluster) : StimulusCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlEffectTests(PostgreSqlCluster cluster) : EffectCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlIntakeTests(PostgreSqlCluster cluster) : IntakeCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlLedgerTests(PostgreSqlCluster cluster) : LedgerCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlWatermarkTests(PostgreSqlCluster cluster) : WatermarkCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlDeliveryTests(PostgreSqlCluster cluster) : DeliveryCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlAdminTests(PostgreSqlCluster cluster) : AdminCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlTaskTests(PostgreSqlCluster cluster) : TaskCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlTokenTests(PostgreSqlCluster cluster) : TokenCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlGateTests(PostgreSqlCluster cluster) : GateCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlArrivalTests(PostgreSqlCluster cluster) : ArrivalCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlWebhookTests(PostgreSqlCluster cluster) : WebhookCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}

[Collection(PostgreSqlCollection.Name)]
public sealed class PostgreSqlActivationTests(PostgreSqlCluster cluster) : ActivationCompliance
{
    private string _schema = "";

    protected override void AddStores(IServiceCollection services) => services.AddPostgreSqlStores(_schema);

    protected override async Task CreateAsync() => _schema = await cluster.NewSchemaAsync();

    protected override Task DropAsync() => _schema.Length == 0 ? Task.CompletedTask : cluster.DropSchemaAsync(_schema);
}
