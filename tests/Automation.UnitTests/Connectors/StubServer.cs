using System.Net;
using System.Net.Sockets;
using System.Text;
using Newtonsoft.Json.Linq;

namespace Automation.UnitTests.Connectors;

/// <summary>An HTTP server on a raw socket, so that it can also misbehave: half answers, broken connections, silence.</summary>
internal sealed class StubServer : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Func<StubRequest, StubReply> answer;
    private readonly Task loop;

    public StubServer(Func<StubRequest, StubReply> answer)
    {
        this.answer = answer;
        listener.Start();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}/api");
        loop = AcceptAsync();
    }

    public Uri Url { get; }
    public List<StubRequest> Requests { get; } = [];

    /// <summary>A server that answers each request with the next of these, the last again and again.</summary>
    public static StubServer Of(params StubReply[] replies)
    {
        var next = -1;
        return new StubServer(_ => replies[Math.Min(++next, replies.Length - 1)]);
    }

    /// <summary>An address where nobody listens.</summary>
    public static Uri Nobody()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        return new Uri($"http://127.0.0.1:{((IPEndPoint)free.LocalEndpoint).Port}");
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await loop;
        stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync(stop.Token);
                _ = ServeAsync(client);
            }
        }
        catch (Exception exception) when (stop.IsCancellationRequested || exception is OperationCanceledException or SocketException)
        {
            // Stopped.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                var stream = client.GetStream();
                var request = await ReadAsync(stream);
                StubReply reply;
                lock (Requests)
                {
                    Requests.Add(request);
                    reply = answer(request);
                }

                if (reply.Silent)
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stop.Token);
                }

                var body = reply.Bytes ?? Encoding.UTF8.GetBytes(reply.Body ?? "");
                var head = new StringBuilder($"HTTP/1.1 {reply.Status} X\r\nConnection: close\r\nContent-Type: {reply.ContentType}\r\nContent-Length: {body.Length + reply.Missing}\r\n");
                foreach (var (name, value) in reply.Headers)
                {
                    head.Append(name).Append(": ").Append(value).Append("\r\n");
                }

                await stream.WriteAsync(Encoding.ASCII.GetBytes(head + "\r\n"), stop.Token);
                await stream.WriteAsync(body, stop.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The caller gave up first.
        }
    }

    private async Task<StubRequest> ReadAsync(NetworkStream stream)
    {
        var bytes = new List<byte>();
        var buffer = new byte[8192];
        while (true)
        {
            var text = Encoding.UTF8.GetString(bytes.ToArray());
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end >= 0)
            {
                var lines = text[..end].Split("\r\n");
                var headers = lines.Skip(1).Select(l => l.Split(": ", 2)).ToDictionary(p => p[0], p => p[1], StringComparer.OrdinalIgnoreCase);
                var length = int.Parse(headers.GetValueOrDefault("Content-Length", "0"));
                if (bytes.Count >= end + 4 + length)
                {
                    var first = lines[0].Split(' ');
                    return new StubRequest(first[0], first[1], headers, Encoding.UTF8.GetString(bytes.ToArray(), end + 4, length));
                }
            }

            var read = await stream.ReadAsync(buffer, stop.Token);
            if (read == 0)
            {
                throw new IOException("closed");
            }

            bytes.AddRange(buffer.AsSpan(0, read));
        }
    }
}

internal sealed record StubRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Text)
{
    public JToken Json => global::Automation.Engine.Json.Parse(Text);

    public string? Query(string name) => Target.Split('?', 2).ElementAtOrDefault(1)?.Split('&')
        .Select(p => p.Split('=', 2)).Where(p => p[0] == name).Select(p => Uri.UnescapeDataString(p[1])).FirstOrDefault();
}

internal sealed record StubReply
{
    public int Status { get; init; } = 200;
    public string? Body { get; init; }
    public byte[]? Bytes { get; init; }
    public string ContentType { get; init; } = "application/json; charset=utf-8";
    public Dictionary<string, string> Headers { get; init; } = [];

    /// <summary>Bytes promised and never sent: the connection closes in the middle of the answer.</summary>
    public int Missing { get; init; }

    /// <summary>Never answers.</summary>
    public bool Silent { get; init; }

    public static StubReply Json(JToken body) => new() { Body = body.ToString() };
    public static StubReply Failed(int status, string body = "{}") => new() { Status = status, Body = body };
}
