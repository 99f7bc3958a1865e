using Microsoft.Extensions.DependencyInjection;

namespace Automation.UnitTests.Persistence;

public sealed class SqliteRunLeaseTests : RunLeaseCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteRunCommitTests : RunCommitCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteStimulusTests : StimulusCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteEffectTests : EffectCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteIntakeTests : IntakeCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteLedgerTests : LedgerCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteWatermarkTests : WatermarkCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteDeliveryTests : DeliveryCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteAdminTests : AdminCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteTaskTests : TaskCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteTokenTests : TokenCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteGateTests : GateCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteArrivalTests : ArrivalCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteWebhookTests : WebhookCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}

public sealed class SqliteActivationTests : ActivationCompliance
{
    private readonly SqliteFile _file = new();

    protected override void AddStores(IServiceCollection services) => _file.AddTo(services);

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _file.Delete();
    }
}
