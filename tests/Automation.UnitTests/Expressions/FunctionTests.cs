using Automation.Engine;
using Automation.Engine.Expressions;
using Automation.Engine.Functions;
using FluentAssertions;
using Newtonsoft.Json.Linq;
using Xunit;

namespace Automation.UnitTests.Expressions;

public sealed class FunctionTests
{
    private readonly ListScope scope = new();
    private readonly ExpressionFactory factory = new(new EngineOptions(), () => new Tables());

    [Theory]
    [InlineData("dates.now()", "2030-01-31T08:00:00Z")]
    [InlineData("dates.today('Asia/Tokyo')", "2030-01-31")]
    [InlineData("dates.add('2030-01-31T08:00:00Z', 1, 'month')", "2030-02-28T08:00:00Z")]
    [InlineData("dates.add('2030-03-30T08:00:00Z', 1, 'day', 'Europe/Berlin')", "2030-03-31T07:00:00Z")] // Summer time begins: the clock's time stays.
    [InlineData("dates.add(0, 90, 'minutes')", "1970-01-01T01:30:00Z")]
    [InlineData("dates.parse('31.01.2030 09:15', 'dd.MM.yyyy HH:mm', 'Europe/Berlin')", "2030-01-31T08:15:00Z")]
    [InlineData("dates.format('2030-01-31T20:00:00Z', 'dddd, d MMMM yyyy HH:mm', 'Asia/Tokyo')", "Friday, 1 February 2030 05:00")]
    [InlineData("dates.startOf('2030-01-31T12:00:00Z', 'week')", "2030-01-28T00:00:00Z")]
    [InlineData("dates.endOf('2030-02-10', 'month')", "2030-02-28T23:59:59.999Z")]
    [InlineData("dates.addBusinessDays('2030-02-01', 1)", "2030-02-04T00:00:00Z")]
    [InlineData("dates.addBusinessDays('2030-02-04', -1)", "2030-02-01T00:00:00Z")]
    [InlineData("dates.diff('2030-01-31', '2030-03-01', 'months')", "1")]
    [InlineData("dates.diff('2030-03-01', '2030-01-31', 'days')", "-29")]
    [InlineData("dates.age('2000-02-01')", "29")]
    [InlineData("dates.isWeekend('2030-02-02')", "true")]
    [InlineData("dates.isBefore(new Date('2030-01-01'), '2030-01-02')", "true")]
    [InlineData("dates.weekday('2030-01-31')", "Thursday")]
    [InlineData("dates.toUnix(dates.fromUnix(1893456000))", "1893456000")]
    [InlineData("phones.e164('(415) 555-2671')", "+14155552671")]
    [InlineData("phones.e164('030 901820', 'DE')", "+4930901820")]
    [InlineData("phones.e164('+44 20 7946 0018')", "+442079460018")]
    [InlineData("phones.e164('12')", null)]
    [InlineData("phones.national('+14155552671')", "(415) 555-2671")]
    [InlineData("phones.international('4155552671')", "+1 415-555-2671")]
    [InlineData("phones.country('+4930901820')", "DE")]
    [InlineData("phones.type('+18005551212')", "tollFree")]
    [InlineData("phones.same('415.555.2671', '+1 415 555 2671')", "true")]
    [InlineData("phones.isValid(null)", "false")]
    [InlineData("money.parse('$1,234.50')", "1234.5")]
    [InlineData("money.parse('1.234,50 €')", "1234.5")]
    [InlineData("money.parse('(12.00)')", "-12")]
    [InlineData("money.parse('1,234')", "1234")]
    [InlineData("money.parse('none')", null)]
    [InlineData("money.format(1234.5)", "$1,234.50")]
    [InlineData("money.round(2.675)", "2.68")]
    [InlineData("money.toCents('$0.29')", "29")]
    [InlineData("money.percent(19.99, 7.5)", "1.5")]
    [InlineData("money.split(10, 3)", "[3.34,3.33,3.33]")]
    [InlineData("names.split('Dr. Ludwig van Beethoven Jr.')", """{"prefix":"Dr.","first":"Ludwig","middle":"","last":"van Beethoven","suffix":"Jr."}""")]
    [InlineData("names.last('Lovelace, Ada')", "Lovelace")]
    [InlineData("names.first('Cher')", "Cher")]
    [InlineData("names.proper('SEAN o\\'neil MCDONALD')", "Sean O'Neil McDonald")]
    [InlineData("names.proper('anna VAN DER berg-smith')", "Anna van der Berg-Smith")]
    [InlineData("names.initials('Ada King Lovelace')", "AL")]
    [InlineData("names.full('Ada', 'Lovelace', '')", "Ada Lovelace")]
    [InlineData("emails.normalize('  Ada@Example.ORG ')", "ada@example.org")]
    [InlineData("emails.normalize('Ada <ada@example.org>')", null)]
    [InlineData("emails.isValid('ada@localhost')", "false")]
    [InlineData("emails.domain('ada@example.org')", "example.org")]
    [InlineData("emails.isFree('a@Gmail.com')", "true")]
    [InlineData("emails.mask('ada@example.org')", "a***@example.org")]
    [InlineData("lists.unique([{id:1},{id:1},{id:2}], 'id')", """[{"id":1},{"id":2}]""")]
    [InlineData("lists.sortBy([{n:10},{n:9},{}], 'n')", """[{"n":9},{"n":10},{}]""")]
    [InlineData("lists.sortBy(['b','A','c'], null, true)", """["c","b","A"]""")]
    [InlineData("lists.groupBy([{k:'a',v:1},{k:'b'},{k:'a'}], 'k')", """{"a":[{"k":"a","v":1},{"k":"a"}],"b":[{"k":"b"}]}""")]
    [InlineData("lists.countBy(['x','y','x'], '')", """{"x":2,"y":1}""")]
    [InlineData("lists.pluck([{a:{b:1}},{}], 'a.b')", "[1,null]")]
    [InlineData("lists.find([{id:1,n:'x'},{id:2,n:'y'}], 'id', 2).n", "y")]
    [InlineData("lists.find([], 'id', 2)", null)]
    [InlineData("lists.sum([{n:'0.1'},{n:0.2}], 'n')", "0.3")]
    [InlineData("lists.average([])", null)]
    [InlineData("lists.max([3, '12', 7])", "12")]
    [InlineData("lists.chunk([1,2,3], 2)", "[[1,2],[3]]")]
    [InlineData("lists.intersect([{id:1},{id:2}], [{id:2}], 'id')", """[{"id":2}]""")]
    [InlineData("lists.except([1,2,3], [2])", "[1,3]")]
    [InlineData("lists.flatten([1,[2,3]])", "[1,2,3]")]
    [InlineData("lists.compact([1,null,'',' a'])", """[1," a"]""")]
    [InlineData("lists.sentence(['a','b','c'])", "a, b and c")]
    [InlineData("tables.lookup('Stages', 'WON ')", "Closed won")]
    [InlineData("tables.lookup('reps', 'north', 'email')", "n@x.org")]
    [InlineData("tables.lookup('stages', 'nope', '', 'other')", "other")]
    [InlineData("tables.has('stages', 'lost')", "false")]
    [InlineData("tables.keys('reps')", """["north"]""")]
    public void Function_InJavaScript_Answers(string script, string? expected)
    {
        var value = factory.Prepare("JavaScript", script).Evaluate(factory.OpenSession(), scope, typeof(object), CancellationToken.None);
        (value is null ? null : value is JToken or string ? value is JToken token ? Json.Write(token) : (string)value : Json.Write(ValueConverter.ToJson(value))).Should().Be(expected);
    }

    [Theory]
    [InlineData("dates.format('2030-01-31', 'd. MMMM yyyy', 'UTC', 'de-DE')")]
    [InlineData("dates.weekday('2030-01-31', 'UTC', 'fr-FR')")]
    [InlineData("money.format(3, 'EUR', 'de-DE')")]
    public void Function_OfACultureThatTheProgramLacks_SaysSoInsteadOfWritingEnglish(string script)
    {
        // The tests are built as the server is: without .NET's cultures.
        var evaluate = () => factory.Prepare("JavaScript", script).Evaluate(factory.OpenSession(), scope, typeof(string), CancellationToken.None);
        evaluate.Should().Throw<FaultException>().WithMessage("*English only*");
    }

    [Theory]
    [InlineData("{{ '4155552671' | phones_e164 }}", "+14155552671")]
    [InlineData("{{ '2030-01-31' | dates_add: 1, 'day' | dates_format: 'd MMM' }}", "1 Feb")]
    [InlineData("{{ 'ada LOVELACE' | names_proper }}", "Ada Lovelace")]
    [InlineData("{{ 'stages' | tables_lookup: 'won' }}", "Closed won")]
    [InlineData("{{ 'USD 5' | money_parse | money_format }}", "$5.00")]
    public void Function_AsALiquidFilter_Answers(string template, string expected) =>
        factory.Prepare("Liquid", template).Evaluate(factory.OpenSession(), scope, typeof(string), CancellationToken.None).Should().Be(expected);

    [Theory]
    [InlineData("dates.add('soon', 1, 'day')", "*'soon' is no date*")]
    [InlineData("dates.add('2030-01-01', 1, 'fortnight')", "*no unit*")]
    [InlineData("dates.add('9999-12-31', 1, 'year')", "*calendar*")]
    [InlineData("dates.format('2030-01-01', 'd', 'Mars/Olympus')", "*no time zone 'Mars/Olympus'*")]
    [InlineData("dates.fromUnix(1e15)", "*calendar*")]
    [InlineData("tables.lookup('gone', 'x')", "*no lookup table 'gone'*")]
    [InlineData("lists.sum(['x'])", "*cannot be converted*")]
    [InlineData("lists.sum(Array.from({length: 100001}, () => 1))", "*at most 100,000*")]
    public void Function_WrongArguments_SaySo(string script, string message)
    {
        var evaluate = () => factory.Prepare("JavaScript", script).Evaluate(factory.OpenSession(), scope, typeof(object), CancellationToken.None);
        evaluate.Should().Throw<FaultException>().WithMessage(message);
    }

    [Fact]
    public void Function_Failing_CanBeCaughtByTheScript() =>
        factory.Prepare("JavaScript", "try { dates.age('x') } catch (e) { 'caught' }").Evaluate(factory.OpenSession(), scope, typeof(object), CancellationToken.None).Should().Be("caught");

    [Fact]
    public void Groups_ThatAScriptNamesItself_AreItsOwn() =>
        factory.Prepare("JavaScript", "const dates = { now: () => 'mine' }; dates.now()").Evaluate(factory.OpenSession(), scope, typeof(object), CancellationToken.None).Should().Be("mine");

    [Fact]
    public void Guide_HasEveryFunction()
    {
        var guide = File.ReadAllText(Path.Combine(Conventions.Repository.Root, "docs", "guides", "functions.md"));
        foreach (var function in FunctionCatalog.All)
        {
            guide.Should().Contain($"`{function.FullName}({function.Parameters}): {function.Returns}`").And.Contain(function.Description);
        }
    }

    private sealed class Tables : ILookupTables
    {
        private readonly LookupTable[] all =
        [
            LookupTable.Read(JObject.Parse("""{"name":"stages","rows":{"won":"Closed won","open":"Open"}}""")),
            LookupTable.Read(JObject.Parse("""{"name":"reps","rows":{"north":{"name":"Nora","email":"n@x.org"}}}""")),
        ];

        public LookupTable? Find(string name) => all.FirstOrDefault(table => table.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
    }
}
