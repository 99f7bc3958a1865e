using System.Globalization;
using Automation.Runtime.Storage;
using Microsoft.AspNetCore.Http;

namespace Automation.Hosting.Web;

/// <summary>Reads the query. Names are taken in any case.</summary>
internal static class Query
{
    /// <summary>A value; null when absent or empty.</summary>
    public static string? Text(HttpContext context, string name) => context.Request.Query[name] is [{ Length: > 0 } value, ..] ? value : null;

    /// <summary>A value, an empty one included; null when absent.</summary>
    public static string? Raw(HttpContext context, string name) => context.Request.Query[name] is [var value, ..] ? value ?? "" : null;

    /// <summary>All values of a repeated name; null when there is none.</summary>
    public static IReadOnlyList<string>? Many(HttpContext context, string name)
    {
        var values = context.Request.Query[name].SelectMany(v => (v ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToList();
        return values.Count == 0 ? null : values;
    }

    /// <exception cref="ProblemException">400: not a whole number in range.</exception>
    public static int Number(HttpContext context, string name, int fallback, int minimum, int maximum)
    {
        if (Text(context, name) is not { } text)
        {
            return fallback;
        }

        return int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number) && number >= minimum && number <= maximum
            ? number
            : throw new ProblemException(Problem.BadRequest($"'{name}' must be a whole number from {minimum} to {maximum}; it is '{text}'.", name));
    }

    /// <exception cref="ProblemException">400: neither true nor false.</exception>
    public static bool? Flag(HttpContext context, string name) => Text(context, name) is not { } text
        ? null
        : bool.TryParse(text, out var flag) ? flag : throw new ProblemException(Problem.BadRequest($"'{name}' must be true or false; it is '{text}'.", name));

    /// <exception cref="ProblemException">400: not a time.</exception>
    public static DateTimeOffset? Time(HttpContext context, string name) => Text(context, name) is not { } text
        ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new ProblemException(Problem.BadRequest($"'{name}' must be a time in ISO 8601; it is '{text}'.", name));

    /// <summary>One of an enum's names, in any case.</summary>
    /// <exception cref="ProblemException">400: not one of them.</exception>
    public static T? Name<T>(HttpContext context, string name)
        where T : struct, Enum =>
        Text(context, name) is { } text ? Name<T>(text, name) : null;

    /// <inheritdoc cref="Name{T}(HttpContext, string)"/>
    public static T Name<T>(string text, string name)
        where T : struct, Enum =>
        Enum.TryParse<T>(text, ignoreCase: true, out var value) && Enum.IsDefined(value)
            ? value
            : throw new ProblemException(Problem.BadRequest($"'{name}' must be one of {string.Join(", ", Enum.GetNames<T>())}; it is '{text}'.", name));

    /// <summary>Which version is meant; null is the fallback.</summary>
    /// <exception cref="ProblemException">400: it is no version.</exception>
    public static VersionOptions Version(string? text, VersionOptions fallback) => text is null
        ? fallback
        : VersionOptions.Read(text) ?? throw new ProblemException(Problem.BadRequest(
            $"'versionOptions' must be Latest, Published, Draft, LatestOrPublished, LatestAndPublished, AllVersions or a number; it is '{text}'.", "versionOptions"));

    /// <summary>Page (0-based) and size of the own API's lists, whose pages count from 1.</summary>
    public static (int Page, int Size) Page(HttpContext context) => (Number(context, "page", 1, 1, 1_000_000) - 1, Number(context, "pageSize", 50, 1, 100));
}
