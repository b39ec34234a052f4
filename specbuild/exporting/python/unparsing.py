"""Expressions of Python on one line, as ruff writes them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

PRECEDENCE: dict[type, int] = {
    ast.Or: 1, ast.And: 2, ast.Not: 3, ast.BitOr: 5, ast.BitXor: 6, ast.BitAnd: 7, ast.Add: 9, ast.Sub: 9,
    ast.Mult: 10, ast.Div: 10, ast.FloorDiv: 10, ast.Mod: 10, ast.MatMult: 10, ast.USub: 11, ast.Invert: 11,
    ast.Pow: 12,
}  # fmt: skip
SIGNS: dict[type, str] = {
    ast.Or: "or", ast.And: "and", ast.Not: "not ", ast.BitOr: "|", ast.BitXor: "^", ast.BitAnd: "&", ast.Add: "+",
    ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.MatMult: "@", ast.USub: "-",
    ast.Pow: "**", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in", ast.Invert: "~",
}  # fmt: skip
TERNARY, COMPARISON, ATOM = 0, 4, 20


def parameters_of(arguments: ast.arguments) -> Iterator[str]:
    """The parameters of a function, as they are written."""
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [*[None] * (len(plain) - len(arguments.defaults)), *arguments.defaults]
    for argument, default in zip(plain, defaults, strict=True):
        yield parameter_of(argument, default)
    if arguments.vararg is not None:
        yield f"*{parameter_of(arguments.vararg, None)}"
    elif arguments.kwonlyargs:
        yield "*"
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        yield parameter_of(argument, default)
    if arguments.kwarg is not None:
        yield f"**{parameter_of(arguments.kwarg, None)}"


def parameter_of(argument: ast.arg, default: ast.expr | None) -> str:
    """One parameter, with its annotation and its default."""
    if argument.annotation is None:
        return argument.arg + (f"={flat(default)}" if default is not None else "")
    return f"{argument.arg}: {flat(argument.annotation)}" + (f" = {flat(default)}" if default is not None else "")


def clause_of(generator: ast.comprehension) -> str:
    """`for x in y if z`."""
    conditions = "".join(f" if {flat(condition)}" for condition in generator.ifs)
    return f"for {bare(generator.target)} in {flat(generator.iter)}{conditions}"


def bare(node: ast.expr) -> str:
    """An expression on one line; a tuple without its parentheses, as targets have them."""
    if isinstance(node, ast.Tuple) and len(node.elts) > 1:
        return ", ".join(flat(element) for element in node.elts)
    return flat(node)


def flat(node: ast.expr, level: int = -1) -> str:
    """An expression on one line; level: how tightly its surroundings bind."""
    text, own = written(node)
    return f"({text})" if own < level else text


def written(node: ast.expr) -> tuple[str, int]:
    """An expression on one line, and how tightly it binds."""
    match node:
        case ast.Constant(value=value):
            return literal(value), ATOM
        case ast.Name(id=name):
            return name, ATOM
        case ast.Attribute(value=value, attr=name):
            inner = flat(value, ATOM)
            return f"({inner}).{name}" if inner.isdigit() else f"{inner}.{name}", ATOM
        case ast.Call(func=function, args=arguments, keywords=keywords):
            if len(arguments) == 1 and not keywords and isinstance(arguments[0], ast.GeneratorExp):
                return f"{flat(function, ATOM)}{flat(arguments[0])}", ATOM
            return f"{flat(function, ATOM)}({call_of(node)})", ATOM
        case ast.Subscript(value=value, slice=index):
            return f"{flat(value, ATOM)}[{sliced(index)}]", ATOM
        case ast.Starred(value=value):
            return f"*{flat(value, ATOM)}", ATOM
        case ast.List(elts=items):
            return f"[{', '.join(flat(item) for item in items)}]", ATOM
        case ast.Tuple(elts=[item]):
            return f"({flat(item)},)", ATOM
        case ast.Tuple(elts=items):
            return f"({', '.join(flat(item) for item in items)})", ATOM
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return "{" + ", ".join(f"{flat(k)}: {flat(v)}" if k else f"**{flat(v)}" for k, v in pairs) + "}", ATOM
        case ast.ListComp(elt=element, generators=generators):
            return f"[{flat(element)} {' '.join(map(clause_of, generators))}]", ATOM
        case ast.GeneratorExp(elt=element, generators=generators):
            return f"({flat(element)} {' '.join(map(clause_of, generators))})", ATOM
        case ast.DictComp(key=key, value=value, generators=generators):
            return f"{{{flat(key)}: {flat(value)} {' '.join(map(clause_of, generators))}}}", ATOM
        case ast.JoinedStr(values=values):
            return f'f"{"".join(map(piece, values))}"', ATOM
        case ast.UnaryOp(op=op, operand=operand):
            level = PRECEDENCE[type(op)]
            return f"{SIGNS[type(op)]}{flat(operand, level)}", level
        case ast.BinOp(left=left, op=op, right=right):
            level = PRECEDENCE[type(op)]
            if isinstance(op, ast.Pow):
                space = (
                    "" if all(isinstance(o, (ast.Name, ast.Constant, ast.Attribute)) for o in (left, right)) else " "
                )
                return f"{flat(left, level + 1)}{space}**{space}{flat(right, level)}", level
            return f"{flat(left, level)} {SIGNS[type(op)]} {flat(right, level + 1)}", level
        case ast.BoolOp(op=op, values=values):
            level = PRECEDENCE[type(op)]
            return f" {SIGNS[type(op)]} ".join(flat(value, level + 1) for value in values), level
        case ast.Compare(left=left, ops=ops, comparators=others):
            rest = (f" {SIGNS[type(op)]} {flat(o, COMPARISON + 1)}" for op, o in zip(ops, others, strict=True))
            return flat(left, COMPARISON + 1) + "".join(rest), COMPARISON
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return f"{flat(body, 1)} if {flat(test, 1)} else {flat(otherwise)}", TERNARY
        case ast.Lambda(args=arguments, body=body):
            names = ", ".join(parameters_of(arguments))
            return f"lambda {names}: {flat(body)}" if names else f"lambda: {flat(body)}", -1
        case _:
            return ast.unparse(node), TERNARY


def call_of(node: ast.Call) -> str:
    """What stands between the parentheses of a call."""
    named = [(f"{keyword.arg}=" if keyword.arg else "**") + flat(keyword.value) for keyword in node.keywords]
    return ", ".join([*(flat(argument) for argument in node.args), *named])


def sliced(index: ast.expr) -> str:
    """What stands between the brackets of a subscript."""
    if isinstance(index, ast.Tuple):
        return ", ".join(map(sliced, index.elts))
    if not isinstance(index, ast.Slice):
        return flat(index)
    ends = [flat(end) if end is not None else "" for end in (index.lower, index.upper)]
    if index.step is not None:
        ends.append(flat(index.step))
    plain = all(
        end is None or isinstance(simple_of(end), (ast.Name, ast.Constant)) for end in (index.lower, index.upper)
    )
    if plain:
        return ":".join(ends)
    assert index.step is None, "no module has such a slice"
    return f"{ends[0]}{' ' if ends[0] else ''}:{' ' if ends[1] else ''}{ends[1]}"


def simple_of(end: ast.expr) -> ast.expr:
    """The end of a slice without its sign."""
    return end.operand if isinstance(end, ast.UnaryOp) else end


def piece(node: ast.expr) -> str:
    """A part of a string that is put together."""
    if isinstance(node, ast.Constant):
        return literal(str(node.value))[1:-1].replace("{", "{{").replace("}", "}}")
    assert isinstance(node, ast.FormattedValue)
    form = "".join(map(piece, node.format_spec.values)) if isinstance(node.format_spec, ast.JoinedStr) else ""
    return f"{{{flat(node.value)}{':' + form if form else ''}}}"


def literal(value: object) -> str:
    """A constant as ruff writes it."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, float):
        mantissa, _, exponent = repr(value).partition("e")
        return f"{mantissa}e{int(exponent)}" if exponent else mantissa
    return "..." if value is ... else repr(value)


def quoted(text: str) -> str:
    """A string in double quotes, or in single ones where that saves escapes."""
    if text.count('"') > text.count("'"):
        return "'" + repr('"' + text)[2:-1].replace("\\'", "'").replace("'", "\\'") + "'"
    return '"' + repr("'" + text + '"')[3:-2].replace("\\'", "'").replace('"', '\\"') + '"'
