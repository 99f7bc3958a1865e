using Automation.Tests;
using Xunit;

namespace Automation.UnitTests.Persistence;

/// <summary>One cluster for all tests on PostgreSQL of this assembly.</summary>
[CollectionDefinition(Name)]
public sealed class PostgreSqlCollection : ICollectionFixture<PostgreSqlCluster>
{
    public const string Name = "PostgreSQL";
}
