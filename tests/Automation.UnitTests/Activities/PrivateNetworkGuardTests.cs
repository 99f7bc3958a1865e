using System.Net;
using System.Net.Sockets;
using Automation.Connectors;
using FluentAssertions;
using Microsoft.Extensions.Options;
using Xunit;

namespace Automation.UnitTests.Activities;

public sealed class PrivateNetworkGuardTests
{
    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("172.31.0.1", true)]
    [InlineData("172.32.0.1", false)]
    [InlineData("192.168.1.1", true)]
    [InlineData("192.0.0.8", true)]
    [InlineData("192.0.1.8", false)]
    [InlineData("169.254.169.254", true)]
    [InlineData("100.64.0.1", true)]
    [InlineData("0.0.0.0", true)]
    [InlineData("224.0.0.1", true)]
    [InlineData("198.19.0.1", true)]
    [InlineData("8.8.8.8", false)]
    [InlineData("::1", true)]
    [InlineData("::", true)]
    [InlineData("fe80::1", true)]
    [InlineData("fd12::1", true)]
    [InlineData("::ffff:10.0.0.1", true)]
    [InlineData("::ffff:8.8.8.8", false)]
    [InlineData("64:ff9b::7f00:1", true)]
    [InlineData("2002:7f00:1::", true)]
    [InlineData("2606:4700::1111", false)]
    public void IsPrivate_Address_IsJudgedByItsRange(string address, bool expected) => PrivateNetworkGuard.IsPrivate(IPAddress.Parse(address)).Should().Be(expected);

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("localhost")]
    [InlineData("[::1]")]
    public async Task Send_ToLoopback_IsRefusedBeforeConnecting(string host)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new HttpClient(Guard(allow: false).CreateHandler());

        var act = () => client.GetAsync(new Uri($"http://{host}:{((IPEndPoint)listener.LocalEndpoint).Port}/"));

        (await act.Should().ThrowAsync<HttpRequestException>()).WithInnerException<PrivateNetworkException>();
        listener.Pending().Should().BeFalse();
    }

    [Fact]
    public async Task Send_ToLoopback_WhenAllowed_Connects()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new HttpClient(Guard(allow: true).CreateHandler());

        var answer = client.GetStringAsync(new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/"));
        using var server = await listener.AcceptTcpClientAsync();
        await server.GetStream().WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"u8.ToArray());

        (await answer).Should().Be("ok");
    }

    private static PrivateNetworkGuard Guard(bool allow) => new(Options.Create(new OutboundOptions { AllowPrivateNetworks = allow }));
}
