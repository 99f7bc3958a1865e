using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Automation.Tests;

/// <summary>A mail server of a test's own: takes mails on a port of this machine and keeps them.</summary>
public sealed class SmtpListener : IAsyncDisposable
{
    private readonly TcpListener listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource stop = new();
    private readonly Lock gate = new();
    private readonly List<string> mails = [];
    private readonly Task accepting;

    public SmtpListener()
    {
        listener.Start();
        accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)listener.LocalEndpoint).Port;

    /// <summary>Recipients that are refused.</summary>
    public string? Refuses { get; set; }

    /// <summary>Takes a mail and hangs up without a word: its sender does not know.</summary>
    public bool HangsUp { get; set; }

    /// <summary>Mails as they came, decoded where they were quoted-printable.</summary>
    public IReadOnlyList<string> Mails
    {
        get
        {
            lock (gate)
            {
                return [.. mails];
            }
        }
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
        catch (OperationCanceledException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var connection = client;
        try
        {
            await using var stream = connection.GetStream();
            using var reader = new StreamReader(stream, Encoding.UTF8);
            await using var writer = new StreamWriter(stream, new UTF8Encoding(false)) { NewLine = "\r\n", AutoFlush = true };
            await writer.WriteLineAsync("220 test ready");
            while (await reader.ReadLineAsync(stop.Token) is { } line)
            {
                switch (line.Split(' ')[0].ToUpperInvariant())
                {
                    case "EHLO" or "HELO":
                        await writer.WriteLineAsync("250-test\r\n250-8BITMIME\r\n250 SMTPUTF8");
                        break;
                    case "RCPT" when Refuses is { } refused && line.Contains(refused, StringComparison.OrdinalIgnoreCase):
                        await writer.WriteLineAsync("550 5.1.1 no such mailbox");
                        break;
                    case "DATA":
                        await writer.WriteLineAsync("354 go on");
                        await TakeAsync(reader);
                        if (HangsUp)
                        {
                            return;
                        }

                        await writer.WriteLineAsync("250 2.0.0 taken");
                        break;
                    case "QUIT":
                        await writer.WriteLineAsync("221 bye");
                        return;
                    default:
                        await writer.WriteLineAsync("250 ok");
                        break;
                }
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            // The client went, or the test is over.
        }
    }

    private async Task TakeAsync(StreamReader reader)
    {
        var text = new StringBuilder();
        while (await reader.ReadLineAsync(stop.Token) is { } line && line != ".")
        {
            text.AppendLine(line);
        }

        var mail = text.ToString();
        if (mail.Contains("quoted-printable", StringComparison.OrdinalIgnoreCase))
        {
            mail = mail.Replace("=" + Environment.NewLine, "", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal);
        }

        lock (gate)
        {
            mails.Add(mail);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await stop.CancelAsync();
        listener.Stop();
        await accepting;
        stop.Dispose();
    }
}
