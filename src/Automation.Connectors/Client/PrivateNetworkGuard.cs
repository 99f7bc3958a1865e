using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace Automation.Connectors;

/// <summary>Where calls may go.</summary>
public sealed class OutboundOptions
{
    /// <summary>Lets calls reach private, loopback and link-local addresses; the host sets it from <c>Automation:Http:AllowPrivateNetworks</c>. Default: no.</summary>
    public bool AllowPrivateNetworks { get; set; }
}

/// <summary>
/// Refuses to connect to private addresses. It judges the address that is connected to, at the moment of connecting: redirects and names that resolve
/// to something else the second time are covered.
/// </summary>
public sealed class PrivateNetworkGuard(IOptions<OutboundOptions> options)
{
    private readonly bool allow = options.Value.AllowPrivateNetworks;

    /// <summary>A handler whose every connection passes the guard. A proxy would hide the address, so none is used where private networks are closed.</summary>
    public SocketsHttpHandler CreateHandler() => new()
    {
        ConnectCallback = ConnectAsync,
        UseProxy = allow,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        ConnectTimeout = TimeSpan.FromSeconds(10),
        AutomaticDecompression = DecompressionMethods.All,
    };

    /// <summary>Loopback, private, shared, link-local, multicast and reserved ranges of IPv4 and IPv6, also where IPv6 carries an IPv4 address inside.</summary>
    public static bool IsPrivate(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            Span<byte> six = stackalloc byte[16];
            address.TryWriteBytes(six, out _);
            if (address.IsIPv4MappedToIPv6 || IsNat64(six) || six[..12].IndexOfAnyExcept((byte)0) < 0)
            {
                return IsPrivate(new IPAddress(six[12..])); // ::ffff:a.b.c.d, 64:ff9b::a.b.c.d, and ::a.b.c.d with it :: and ::1
            }

            return six[0] == 0xFF // multicast
                || (six[0] & 0xFE) == 0xFC // unique local, fc00::/7
                || (six[0] == 0xFE && (six[1] & 0x80) != 0) // link and site local, fe80::/9
                || (six[0] == 0x20 && six[1] == 0x02 && IsPrivate(new IPAddress(six.Slice(2, 4)))) // 6to4
                || (six[0] == 0x20 && six[1] == 0x01 && six[2] == 0 && six[3] == 0) // Teredo
                || (six[0] == 0x20 && six[1] == 0x01 && six[2] == 0x0D && six[3] == 0xB8); // documentation
        }

        Span<byte> four = stackalloc byte[4];
        address.TryWriteBytes(four, out _);
        return four[0] is 0 or 10 or 127 or >= 224
            || (four[0] == 100 && (four[1] & 0xC0) == 64)
            || (four[0] == 169 && four[1] == 254)
            || (four[0] == 172 && (four[1] & 0xF0) == 16)
            || (four[0] == 192 && four[1] == 168)
            || (four[0] == 192 && four[1] == 0 && four[2] is 0 or 2)
            || (four[0] == 198 && four[1] is 18 or 19)
            || (four[0] == 198 && four[1] == 51 && four[2] == 100)
            || (four[0] == 203 && four[1] == 0 && four[2] == 113);
    }

    private static bool IsNat64(ReadOnlySpan<byte> six) => six[..12].SequenceEqual<byte>([0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]);

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var host = context.DnsEndPoint.Host;
        var addresses = IPAddress.TryParse(host, out var literal) ? [literal] : await Dns.GetHostAddressesAsync(host, cancellationToken);
        if (!allow)
        {
            var open = Array.FindAll(addresses, address => !IsPrivate(address));
            addresses = open.Length > 0 ? open : addresses.Length == 0 ? addresses : throw new PrivateNetworkException(host);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, context.DnsEndPoint.Port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}

/// <summary>A call was to go to a private address, and private networks are closed. Arrives as the inner exception of <see cref="HttpRequestException"/>.</summary>
public sealed class PrivateNetworkException(string host) : Exception($"'{host}' is at a private address, and calls to private networks are switched off. An operator can allow them with the setting Automation__Http__AllowPrivateNetworks.")
{
    public string Host { get; } = host;
}
