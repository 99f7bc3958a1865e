using System.Globalization;
using Automation.ServerTests.Api;
using OpenQA.Selenium;
using OpenQA.Selenium.Chrome;
using OpenQA.Selenium.Support.UI;
using Xunit;

namespace Automation.ServerTests.Browser;

/// <summary>
/// A server with the repository's definitions and its sandbox, and one Chromium signed in to it through the form. Where there is no Chromium with its driver, or no designer, tests skip and say so.
/// </summary>
public sealed class BrowserServer : RunningServer, IAsyncLifetime, IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string profile = Directory.CreateTempSubdirectory("automation-browser-").FullName;
    private ChromeDriver? driver;
    private string? missing;

    public ChromeDriver Driver
    {
        get
        {
            Skip.If(missing is not null, missing);
            return driver!;
        }
    }

    protected override IEnumerable<string> Settings =>
    [
        $"--Automation:Security:BootstrapPassword={Password}",
        "--Automation:Sandbox:Demo=false",
        $"--Automation:Definitions:Directory={Path.Combine(Root(), "workflow-definitions")}",
    ];

    /// <summary>Path of the package that the build restores.</summary>
    private static string Package => Path.Combine(Root(), "src", "Automation.Server", "Designer", "node_modules");

    async Task IAsyncLifetime.InitializeAsync()
    {
        await base.InitializeAsync();
        var browser = Find("chromium", "chromium-browser", "google-chrome");
        var service = Find("chromedriver");
        missing = browser is null || service is null ? "There is no Chromium with its chromedriver on the PATH."
            : !Directory.Exists(Package) ? "The designer is not restored: build with Node on the PATH."
            : null;
        if (missing is not null)
        {
            return;
        }

        var options = new ChromeOptions { BinaryLocation = browser };
        options.AddArguments(
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--disable-dev-shm-usage", "--window-size=1900,1100", $"--user-data-dir={profile}");
        options.SetLoggingPreference(LogType.Browser, LogLevel.Warning);
        var driverService = ChromeDriverService.CreateDefaultService(Path.GetDirectoryName(service), Path.GetFileName(service));
        driverService.SuppressInitialDiagnosticInformation = true;
        driver = new ChromeDriver(driverService, options, Patience);
        SignIn();
    }

    public void Dispose()
    {
        driver?.Quit();
        driver?.Dispose();
        Directory.Delete(profile, recursive: true);
    }

    public void SignIn()
    {
        Open("/login");
        Driver.FindElement(By.Name("password")).SendKeys(Password);
        Click(By.TagName("button"));
        Until("the overview is there", () => Driver.Url == Url.ToString());
    }

    /// <summary>Opens a page; signs in again where an earlier test broke off without a session.</summary>
    public void Open(string path)
    {
        Driver.Navigate().GoToUrl(new Uri(Url, path));
        if (path != "/login" && Driver.Url.Contains("/login", StringComparison.Ordinal))
        {
            SignIn();
            Complaints();
            Driver.Navigate().GoToUrl(new Uri(Url, path));
        }
    }

    /// <summary>Text of the page as a reader sees it.</summary>
    public string Text() => (string)Driver.ExecuteScript("return document.body.innerText")!;

    /// <summary>Clicks it once it is there.</summary>
    public void Click(By by) => Until($"there is {by}", () => Driver.FindElement(by)).Click();

    public void Fill(string name, string value)
    {
        var field = Driver.FindElement(By.Name(name));
        field.Clear();
        field.SendKeys(value);
    }

    public static By Button(string text) => By.XPath($"//button[contains(normalize-space(.), '{text}')]");

    public T Until<T>(string what, Func<T?> condition)
    {
        var wait = new WebDriverWait(Driver, Patience) { PollingInterval = TimeSpan.FromMilliseconds(100), Message = what };
        wait.IgnoreExceptionTypes(typeof(NoSuchElementException), typeof(StaleElementReferenceException), typeof(ElementNotInteractableException));
        try
        {
            return wait.Until(_ => condition())!;
        }
        catch (WebDriverTimeoutException error)
        {
            throw new TimeoutException($"Not within {Patience.TotalSeconds.ToString(CultureInfo.InvariantCulture)} s: {what}. The page {Driver.Url} says: {Text()} Console: {string.Join(" | ", Complaints())}", error);
        }
    }

    /// <summary>What the browser's console complained of since last asked: errors of scripts, of the page's policy, of calls. The designer's own two mean nothing: of its line router, and of a live update that comes before it has drawn.</summary>
    public IReadOnlyList<string> Complaints() =>
        Driver.Manage().Logs.GetLog(LogType.Browser)
            .Where(entry => entry.Level >= LogLevel.Warning && !entry.Message.Contains("manhattan", StringComparison.Ordinal) && !entry.Message.Contains("Could not find wrapper element", StringComparison.Ordinal))
            .Select(entry => entry.Message).ToList();

    /// <summary>Serious and critical findings of the accessibility rules on the page as it is now, each with where it is. A scope limits what is looked at, a rule what is asked.</summary>
    public IReadOnlyList<string> Barriers(string scope = "document", string? rule = null)
    {
        var rules = Path.Combine(Root(), "tests", "Automation.ServerTests", "Browser", "Axe", "node_modules", "axe-core", "axe.min.js");
        Skip.IfNot(File.Exists(rules), "The accessibility rules are not restored: build with Node on the PATH.");
        if (!(bool)Driver.ExecuteScript("return window.axe !== undefined")!)
        {
            // By the driver and not by the page: the page's own policy lets no script in.
            Driver.ExecuteScript(File.ReadAllText(rules));
        }

        Driver.Manage().Timeouts().AsynchronousJavaScript = Patience;
        var found = Driver.ExecuteAsyncScript(
            $$"""
            const done = arguments[0];
            axe.run({{scope}}, { resultTypes: ["violations"]{{(rule is null ? "" : $", runOnly: [\"{rule}\"]")}} }).then(
              result => done(result.violations.filter(v => v.impact === "serious" || v.impact === "critical").flatMap(v => v.nodes.map(n => `${v.impact} ${v.id}: ${n.target.join(" ")} ${n.html.slice(0, 160)} ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ""}`))),
              error => done([String(error)]));
            """);
        return ((IReadOnlyCollection<object>)found!).Select(finding => (string)finding).ToList();
    }

    /// <summary>Light or dark, as a reader chooses it.</summary>
    public void Theme(string theme) => Driver.Manage().Cookies.AddCookie(new OpenQA.Selenium.Cookie("theme", theme));

    private static string? Find(params string[] names) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .SelectMany(folder => names.Select(name => Path.Combine(folder, name)))
            .FirstOrDefault(File.Exists);

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Automation.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("Automation.sln was not found above the test assembly.");
        }

        return folder.FullName;
    }
}

[CollectionDefinition(Name)]
public sealed class BrowserTests : ICollectionFixture<BrowserServer>
{
    public const string Name = "browser";
}
