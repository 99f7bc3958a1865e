using Automation.Tests;
using Xunit;

namespace Automation.ServerTests.Nodes;

/// <summary>One cluster for all tests on PostgreSQL of this assembly.</summary>
[CollectionDefinition(Name)]
public sealed class PostgreSqlCollection : ICollectionFixture<PostgreSqlCluster>
{
    public const string Name = "PostgreSQL";
}
