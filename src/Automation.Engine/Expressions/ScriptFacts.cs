using Acornima.Ast;
using Jint;

namespace Automation.Engine.Expressions;

/// <summary>What a script's text says about how it must be run; found once, when it is prepared.</summary>
/// <param name="NeedsBlock">It declares let, const or class at its top.</param>
/// <param name="LeavesTraces">It may change globals or built-in objects: its engine is not used again.</param>
/// <param name="MayMutate">It may change an object or list that it got: variables it read are compared afterwards.</param>
/// <param name="NeedsCaps">It names a native that can make something huge in one call, or reaches properties by computed names.</param>
/// <param name="NeedsJoinCap">It joins lists: the most common of those natives, so common that it is capped alone where it is the only one.</param>
/// <param name="NeedsBuffers">It may make buffers or typed arrays.</param>
internal sealed record ScriptFacts(bool NeedsBlock, bool LeavesTraces, bool MayMutate, bool NeedsCaps, bool NeedsJoinCap, bool NeedsBuffers)
{
    private static readonly HashSet<string> Mutators = new(StringComparer.Ordinal)
    {
        "push", "pop", "shift", "unshift", "splice", "sort", "reverse", "fill", "copyWithin", "set", "assign", "defineProperty", "defineProperties",
        "Reflect", "setPrototypeOf", "__defineGetter__", "__defineSetter__",
    };

    private static readonly HashSet<string> Tracing = new(StringComparer.Ordinal)
    {
        "globalThis", "prototype", "__proto__", "constructor", "setPrototypeOf", "getPrototypeOf", "defineProperty", "defineProperties", "Reflect",
        "__defineGetter__", "__defineSetter__", "freeze", "seal", "preventExtensions", "Promise", "then", "catch",
    };

    public static ScriptFacts Of(Script program, ReferencedGlobals free)
    {
        var walk = new Walk(free);
        walk.Visit(program, insideFunction: false);
        var lexical = program.Body.Any(statement => statement is ClassDeclaration || statement is VariableDeclaration { Kind: not VariableDeclarationKind.Var });
        var directive = program.Body.Count > 0 && program.Body[0] is Directive;
        var traces = walk.LeavesTraces || (lexical && directive);
        return new ScriptFacts(lexical && !traces, traces, walk.MayMutate, walk.NeedsCaps, walk.NeedsCaps || walk.NeedsJoinCap, walk.NeedsBuffers);
    }

    private sealed class Walk(ReferencedGlobals free)
    {
        public bool LeavesTraces { get; private set; }
        public bool MayMutate { get; private set; }
        public bool NeedsCaps { get; private set; }
        public bool NeedsJoinCap { get; private set; }
        public bool NeedsBuffers { get; private set; }

        public void Visit(Node node, bool insideFunction)
        {
            switch (node)
            {
                case Identifier identifier:
                    Mention(identifier.Name);
                    break;
                case StringLiteral literal:
                    Mention(literal.Value);
                    break;
                case ThisExpression:
                    LeavesTraces = NeedsCaps = NeedsBuffers = true;
                    break;
                case VariableDeclaration { Kind: VariableDeclarationKind.Var } when !insideFunction:
                    LeavesTraces = true;
                    break;
                case MemberExpression { Computed: true, Property: not NumericLiteral and not StringLiteral }:
                case Property { Computed: true }:
                    NeedsCaps = true;
                    break;
                case AssignmentExpression assignment:
                    Target(assignment.Left);
                    break;
                case UpdateExpression update:
                    Target(update.Argument);
                    break;
                case UnaryExpression { Operator: Acornima.Operator.Delete } delete:
                    Target(delete.Argument);
                    break;
                case ForInStatement { Left: not VariableDeclaration } loop:
                    Target(loop.Left);
                    break;
                case ForOfStatement { Left: not VariableDeclaration } loop:
                    Target(loop.Left);
                    break;
                case FunctionDeclaration when !insideFunction:
                    LeavesTraces = true;
                    break;
            }

            if (node is IFunction { Async: true })
            {
                LeavesTraces = true;
            }

            var inside = insideFunction || node is IFunction;
            foreach (var child in node.ChildNodes)
            {
                Visit(child, inside);
            }
        }

        private void Mention(string name)
        {
            MayMutate |= Mutators.Contains(name);
            LeavesTraces |= Tracing.Contains(name);
            NeedsCaps |= ScriptCaps.Names.Contains(name);
            NeedsJoinCap |= name == ScriptCaps.Join;
            NeedsBuffers |= ScriptCaps.BufferNames.Contains(name);
        }

        /// <summary>What is written to: a free name is a global, a member is somebody's object.</summary>
        private void Target(Node target)
        {
            switch (target)
            {
                case Identifier identifier:
                    LeavesTraces |= free.Contains(identifier.Name);
                    break;
                case MemberExpression member:
                    MayMutate = true;
                    var root = member.Object;
                    while (root is MemberExpression inner)
                    {
                        root = inner.Object;
                    }

                    // Math.x = 1 stays behind; variables.x = 1 goes to the run.
                    LeavesTraces |= root is Identifier { Name: not "variables" and not "event" } global && free.Contains(global.Name);
                    break;
                default:
                    foreach (var child in target.ChildNodes)
                    {
                        Target(child);
                    }

                    break;
            }
        }
    }
}
