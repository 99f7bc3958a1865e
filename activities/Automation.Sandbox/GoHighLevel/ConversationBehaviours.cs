using System.Security.Cryptography;
using System.Text;
using Automation.Engine;
using Newtonsoft.Json.Linq;
using static Automation.Sandbox.Behaviours;
using static Automation.Sandbox.GhlCollections;

namespace Automation.Sandbox;

/// <summary>What is special about conversations: cursors over their last message, recordings and transcriptions.</summary>
internal static class ConversationBehaviours
{
    /// <summary>In the order of their numbers.</summary>
    private static readonly string[] Kinds = ["TYPE_PHONE", "TYPE_EMAIL", "TYPE_FB_MESSENGER", "TYPE_REVIEW", "TYPE_GROUP_SMS"];

    public static Answer Search(Call call)
    {
        var size = call.Number("limit", 20, 100);
        var ascending = call.Text("sort") == "asc";
        var query = call.Indexed(new RecordQuery { Take = size, Order = $"updated_at {(ascending ? "asc" : "desc")}, key {(ascending ? "asc" : "desc")}" })
            .In(call.Location)
            .Containing(call.Text("query"), Conversations.SearchFields)
            .Equal("contactId", call.Text("contactId"))
            .Equal("assignedTo", call.Text("assignedTo"))
            .Equal("id", call.Text("id"))
            .Equal("lastMessageType", call.Text("lastMessageType"))
            .Equal("lastMessageDirection", call.Text("lastMessageDirection"));
        switch (call.Text("status"))
        {
            case "unread":
                query.Where($"coalesce({RecordQuery.Property("unreadCount")}, 0) > 0");
                break;
            case "read":
                query.Where($"coalesce({RecordQuery.Property("unreadCount")}, 0) = 0");
                break;
            case "starred":
                query.Equal("starred", 1);
                break;
        }

        if (Timestamps.Read(call.Text("startDate")) is { } from)
        {
            query.Where("updated_at >= ?", from);
        }

        if (Timestamps.Read(call.Text("endDate")) is { } to)
        {
            query.Where("updated_at <= ?", to);
        }

        if (Timestamps.Read(call.Text("startAfterDate")) is { } after)
        {
            query.After = new RecordQuery().Where($"updated_at {(ascending ? ">" : "<")} ?", after);
        }

        var found = call.Session.List(Conversations, query).Select(text =>
        {
            var conversation = SandboxSession.Parse(text).Json;

            // Times of this list are milliseconds, and its cursor is the sort value of the last row.
            conversation["dateAdded"] = text.CreatedAt;
            conversation["dateUpdated"] = conversation["lastMessageDate"] = text.UpdatedAt;
            conversation["sort"] = new JArray(text.UpdatedAt);
            return conversation;
        });
        return new Answer(200, new JObject { ["conversations"] = new JArray(found), ["total"] = call.Session.Count(Conversations, query) });
    }

    /// <summary>Lists name a conversation's kind; read alone it has a number.</summary>
    public static Answer Read(Call call)
    {
        var answer = Behaviours.Read(Conversations, "conversationId")(call);
        if (answer.Body is JObject conversation)
        {
            conversation["type"] = Math.Max(1, 1 + Array.IndexOf(Kinds, conversation["type"]?.ToString()));
        }

        return answer;
    }

    public static Answer ListMessages(Call call)
    {
        if (call.Session.Find(Conversations, call.Path["conversationId"]) is null)
        {
            return Missing(call, Conversations, "conversationId");
        }

        var size = call.Number("limit", 20, 100);
        var query = new RecordQuery { Take = size + 1, Order = "created_at desc, key desc" }.Of(call.Path["conversationId"]);
        if (call.Text("type") is { Length: > 0 } types)
        {
            var list = types.Split(',');
            query.Where($"json_extract(json, '$.messageType') in ({string.Join(", ", list.Select(_ => "?"))})", list);
        }

        if (call.Session.Find(Messages, call.Text("lastMessageId")) is { } last)
        {
            query.Where("(created_at, key) < (?, ?)", last.CreatedAt, last.Key);
        }

        var found = call.Session.List(Messages, query);
        var page = found.Take(size).ToList();
        return new Answer(200, new JObject
        {
            ["messages"] = new JObject { ["lastMessageId"] = page.Count > 0 ? page[^1].Key : null, ["nextPage"] = found.Count > size, ["messages"] = Raw.Array(page) },
        });
    }

    /// <summary>Adds an outbound message to the contact's conversation, which begins with its first.</summary>
    public static Answer Send(Call call)
    {
        if (call.Session.Find(Contacts, call.Text("contactId")) is not { } contact)
        {
            return Answer.NotFound("Contact", call.Text("contactId"));
        }

        if (call.Text("type") == "Email" ? call.Text("html") is null && call.Text("message") is null && call.Text("templateId") is null : call.Text("message") is null && call.Text("templateId") is null && call.Fields["attachments"] is null)
        {
            return Answer.Refuse(400, "message", "There is no message or attachments for this message. Skip sending.", "message");
        }

        var of = new RecordQuery { Take = 1 }.Of(contact.Key);
        var last = call.Session.List(Conversations, of).Select(SandboxSession.Parse).FirstOrDefault()
            ?? call.Session.Insert(Conversations, new JObject { ["contactId"] = contact.Key, ["locationId"] = contact.Json["locationId"], ["fullName"] = contact.Json["firstName"], ["unreadCount"] = 0 });
        var kind = "TYPE_" + call.Text("type")!.ToUpperInvariant();
        var text = call.Fields["message"] ?? call.Fields["html"];
        var message = call.Session.Insert(Messages, new JObject
        {
            ["locationId"] = contact.Json["locationId"],
            ["contactId"] = contact.Key,
            ["conversationId"] = last.Key,
            ["messageType"] = kind,
            ["direction"] = "outbound",
            ["status"] = call.Text("status"),
            ["subject"] = call.Fields["subject"],
            ["body"] = text,
            ["attachments"] = call.Fields["attachments"] ?? new JArray(),
            ["contentType"] = call.Text("type") == "Email" ? "text/html" : "text/plain",
        });
        call.Session.Update(Conversations, last, new JObject { ["lastMessageBody"] = text?.DeepClone(), ["lastMessageType"] = kind, ["lastMessageDirection"] = "outbound" });
        return new Answer(200, new JObject { ["conversationId"] = last.Key, ["messageId"] = message.Key, ["msg"] = "Message queued successfully.", ["status"] = call.Text("status") });
    }

    public static Answer UpdateStatus(Call call)
    {
        if (call.Session.Find(Messages, call.Path["messageId"]) is not { } message)
        {
            return Missing(call, Messages, "messageId");
        }

        call.Session.Update(Messages, message, new JObject { ["status"] = call.Fields["status"], ["error"] = call.Fields["error"] });
        return new Answer(200, new JObject
        {
            ["conversationId"] = message.Json["conversationId"],
            ["messageId"] = message.Key,
            ["messageIds"] = new JArray(message.Key),
            ["msg"] = "Message status updated successfully",
            ["status"] = call.Fields["status"],
        });
    }

    /// <summary>A WAV file of 32 bytes of sound, which differ as soon as the message does (its status apart).</summary>
    public static Answer Recording(Call call)
    {
        if (call.Session.Find(Messages, call.Path["messageId"]) is not { } message)
        {
            return Missing(call, Messages, "messageId");
        }

        message.Json.Remove("status");
        var sound = SHA256.HashData(Encoding.UTF8.GetBytes(Json.Write(message.Json)));
        byte[] wav =
            [.. "RIFF"u8, (byte)(36 + sound.Length), 0, 0, 0, .. "WAVEfmt "u8, 16, 0, 0, 0, 1, 0, 1, 0, 0x40, 0x1F, 0, 0, 0x80, 0x3E, 0, 0, 2, 0, 16, 0, .. "data"u8, (byte)sound.Length, 0, 0, 0, .. sound];
        return new Answer(200, null) { Content = wav, ContentType = "audio/x-wav" };
    }

    public static Answer Transcription(Call call) => Sentences(call) is { } sentences ? new Answer(200, new JArray(sentences)) : Missing(call, Messages, "messageId");

    public static Answer DownloadTranscription(Call call)
    {
        if (Sentences(call) is not { } sentences)
        {
            return Missing(call, Messages, "messageId");
        }

        var text = string.Join('\n', sentences.Select(sentence => sentence["transcript"]));
        return new Answer(200, null) { Content = Encoding.UTF8.GetBytes(text), ContentType = "text/plain; charset=utf-8" };
    }

    /// <summary>What the message says under <c>transcription</c> (sentences or text), else its body.</summary>
    private static List<JObject>? Sentences(Call call)
    {
        if (call.Session.Find(Messages, call.Path["messageId"]) is not { } message)
        {
            return null;
        }

        var given = message.Json["transcription"] ?? message.Json["transcript"] ?? message.Json["sentences"];
        return given is JArray sentences && sentences.All(sentence => sentence is JObject)
            ? [.. sentences.Cast<JObject>()]
            : [new JObject { ["mediaChannel"] = 1, ["sentenceIndex"] = 0, ["startTime"] = 0, ["endTime"] = 1000, ["transcript"] = given is JValue ? given : message.Json["body"], ["confidence"] = 0.9 }];
    }
}
