"""Python source laid out as ruff does by default: lines of 88 columns, double quotes, trailing commas.

Of the language it knows what generated modules are made of; comments are not kept.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from inspect import cleandoc

WIDTH = 88

PRECEDENCE: dict[type, int] = {
    ast.Or: 1, ast.And: 2, ast.Not: 3, ast.BitOr: 5, ast.BitXor: 6, ast.BitAnd: 7, ast.Add: 9, ast.Sub: 9,
    ast.Mult: 10, ast.Div: 10, ast.FloorDiv: 10, ast.Mod: 10, ast.MatMult: 10, ast.USub: 11, ast.Pow: 12,
}  # fmt: skip
SIGNS: dict[type, str] = {
    ast.Or: "or", ast.And: "and", ast.Not: "not ", ast.BitOr: "|", ast.BitXor: "^", ast.BitAnd: "&", ast.Add: "+",
    ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.MatMult: "@", ast.USub: "-",
    ast.Pow: "**", ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
TERNARY, COMPARISON, ATOM = 0, 4, 20


def formatted(text: str) -> str:
    """The same program, laid out. Raises `SyntaxError` for what is none."""
    return "\n".join(block(ast.parse(text).body, 0)) + "\n"


def block(body: Sequence[ast.stmt], depth: int) -> list[str]:
    """The lines of statements, not indented yet; depth: how far they will be, in steps of four."""
    lines: list[str] = []
    before: ast.stmt | None = None
    for node in body:
        lines += [""] * blank_lines(before, node, depth)
        lines += statement(node, depth)
        before = node
    return lines


def blank_lines(before: ast.stmt | None, node: ast.stmt, depth: int) -> int:
    """How many blank lines stand between two statements."""
    if before is None:
        return 0
    defines = (ast.FunctionDef, ast.ClassDef)
    if isinstance(before, defines) or isinstance(node, defines):
        return 1 if depth else 2
    imports = (ast.Import, ast.ImportFrom)
    if isinstance(before, ast.Expr) and is_text(before.value):
        return 0 if depth else 1
    if isinstance(before, imports) != isinstance(node, imports) and isinstance(before, imports):
        return 1
    return int(isinstance(before, imports) and isinstance(node, imports) and own_house(before) != own_house(node))


def own_house(node: ast.Import | ast.ImportFrom) -> bool:
    """Whether an import is of Python's own library."""
    import sys

    name = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
    return (name or "").partition(".")[0] in sys.stdlib_module_names


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a string alone."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def statement(node: ast.stmt, depth: int) -> list[str]:
    """The lines of one statement, not indented themselves."""
    room = WIDTH - 4 * depth
    match node:
        case ast.FunctionDef() | ast.ClassDef():
            lines = [f"@{flat(decorator)}" for decorator in node.decorator_list]
            head = function_head(node, room) if isinstance(node, ast.FunctionDef) else class_head(node)
            return [*lines, *head, *inner(node.body, depth, isinstance(node, ast.ClassDef))]
        case ast.For(target=target, iter=iterated):
            return [*laid(iterated, f"for {bare(target)} in ", ":", room), *inner(node.body, depth)]
        case ast.While(test=test):
            return [*laid(test, "while ", ":", room), *inner(node.body, depth)]
        case ast.With(items=items):
            heads = [flat(i.context_expr) + (f" as {flat(i.optional_vars)}" if i.optional_vars else "") for i in items]
            return [f"with {', '.join(heads)}:", *inner(node.body, depth)]
        case ast.If():
            return conditional(node, depth)
        case ast.Assign(targets=targets, value=value):
            return laid(value, "".join(f"{bare(target)} = " for target in targets), "", room)
        case ast.AnnAssign(target=target, annotation=annotation, value=None):
            return [f"{flat(target)}: {flat(annotation)}"]
        case ast.AnnAssign(target=target, annotation=annotation, value=ast.expr() as value):
            return laid(value, f"{flat(target)}: {flat(annotation)} = ", "", room)
        case ast.AugAssign(target=target, op=op, value=value):
            return laid(value, f"{flat(target)} {SIGNS[type(op)]}= ", "", room)
        case ast.Expr(value=ast.Constant(value=str() as text)):
            return docstring(text)
        case ast.Expr(value=value):
            return laid(value, "", "", room)
        case ast.Return(value=None):
            return ["return"]
        case ast.Return(value=ast.expr() as value):
            return laid(value, "return ", "", room)
        case ast.Raise(exc=ast.expr() as raised):
            return laid(raised, "raise ", "", room)
        case ast.Assert(test=test):
            return laid(test, "assert ", "", room)
        case ast.Import(names=names):
            return [f"import {', '.join(alias_of(name) for name in names)}"]
        case ast.ImportFrom(module=module, names=names):
            head, listed = f"from {module} import ", [alias_of(name) for name in names]
            line = head + ", ".join(listed)
            return [line] if len(line) <= room else [f"{head}(", *(f"    {name}," for name in listed), ")"]
        case _:
            return ast.unparse(node).split("\n")


def inner(body: Sequence[ast.stmt], depth: int, of_class: bool = False) -> list[str]:
    """The body of a compound statement at `depth`, indented by one step."""
    lines = block(body, depth + 1)
    if of_class and len(body) > 1 and isinstance(body[0], ast.Expr) and is_text(body[0].value):
        first = len(statement(body[0], 0))
        if lines[first]:
            lines.insert(first, "")
    return [f"    {line}" if line else "" for line in lines]


def conditional(node: ast.If, depth: int, word: str = "if") -> list[str]:
    """`if`, with what follows it."""
    lines = [*laid(node.test, f"{word} ", ":", WIDTH - 4 * depth), *inner(node.body, depth)]
    match node.orelse:
        case []:
            return lines
        case [ast.If() as other]:
            return [*lines, *conditional(other, depth, "elif")]
        case _:
            return [*lines, "else:", *inner(node.orelse, depth)]


def alias_of(name: ast.alias) -> str:
    """One name of an import."""
    return f"{name.name} as {name.asname}" if name.asname else name.name


def class_head(node: ast.ClassDef) -> list[str]:
    """The line that a class begins with."""
    bases = ", ".join(flat(base) for base in node.bases)
    return [f"class {node.name}({bases}):" if bases else f"class {node.name}:"]


def function_head(node: ast.FunctionDef, room: int) -> list[str]:
    """The line, or the lines, that a function begins with."""
    parameters = list(parameters_of(node.args))
    tail = f") -> {flat(node.returns)}:" if node.returns is not None else "):"
    head = f"def {node.name}("
    line = f"{head}{', '.join(parameters)}{tail}"
    if len(line) <= room:
        return [line]
    joined = ", ".join(parameters)
    if len(joined) + 4 <= room and len(parameters) > 1:
        return [head, f"    {joined}", tail]
    return [head, *(f"    {parameter}," for parameter in parameters), tail]


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


def docstring(text: str) -> list[str]:
    """A string that stands alone, in three quotes."""
    clean = cleandoc(text).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    lines = clean.split("\n")
    if len(lines) > 1 or clean.endswith('"'):
        return [f'"""{lines[0]}', *lines[1:], '"""']
    return [f'"""{clean}"""']


def laid(node: ast.expr, head: str, tail: str, room: int) -> list[str]:
    """An expression between what its first line begins and what its last line ends with."""
    line = f"{head}{bare(node) if head.endswith((' = ', 'return ')) else flat(node)}{tail}"
    if len(line) <= room:
        return [line]
    if isinstance(node, BRACKETED):
        return broken(node, head, tail, room)
    return [f"{head}(", *(f"    {part}" for part in operands(node, room - 4)), f"){tail}"]


BRACKETED = (ast.Call, ast.List, ast.Tuple, ast.Dict, ast.Set, ast.ListComp, ast.GeneratorExp, ast.DictComp, ast.Subscript, ast.Constant, ast.Name, ast.Attribute)  # fmt: skip


def broken(node: ast.expr, head: str, tail: str, room: int) -> list[str]:
    """An expression with brackets that does not fit into its line."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call() as called, attr=name)) if (
            len(f"{head}{flat(node.func)}(") > room and (called.args or called.keywords)
        ):
            return broken(called, head, f".{name}({call_of(node)}){tail}", room)
        case ast.Call(func=function, args=arguments, keywords=keywords) if arguments or keywords:
            parts: list[tuple[str, ast.expr]] = [("", argument) for argument in arguments]
            parts += [(f"{keyword.arg}=" if keyword.arg else "**", keyword.value) for keyword in keywords]
            opening = f"{head}{flat(function)}("
            joined = ", ".join(f"{name}{flat(value)}" for name, value in parts)
            if len(joined) + 4 <= room:
                return [opening, f"    {joined}", f"){tail}"]
            lines = listed(parts, room - 4)
            if len(parts) == 1 and not isinstance(parts[0][1], ast.GeneratorExp):
                lines[-1] = lines[-1].removesuffix(",")
            return [opening, *lines, f"){tail}"]
        case ast.List(elts=items):
            return [f"{head}[", *listed([("", item) for item in items], room - 4), f"]{tail}"]
        case ast.Tuple(elts=items):
            return [f"{head}(", *listed([("", item) for item in items], room - 4), f"){tail}"]
        case ast.Dict(keys=keys, values=values):
            named = [(f"{flat(key)}: ", value) for key, value in zip(keys, values, strict=True) if key is not None]
            return [f"{head}{{", *listed(named, room - 4), f"}}{tail}"]
        case ast.ListComp(elt=element, generators=generators) | ast.GeneratorExp(elt=element, generators=generators):
            opening, closing = ("[", "]") if isinstance(node, ast.ListComp) else ("(", ")")
            return [f"{head}{opening}", *comprehension([("", element)], generators, room), f"{closing}{tail}"]
        case ast.DictComp(key=key, value=value, generators=generators):
            made = [(f"{flat(key)}: ", value)]
            return [f"{head}{{", *comprehension(made, generators, room), f"}}{tail}"]
        case _:
            return [f"{head}{flat(node)}{tail}"]


def comprehension(
    element: Sequence[tuple[str, ast.expr]], generators: Sequence[ast.comprehension], room: int
) -> list[str]:
    """What is between the brackets of a comprehension."""
    ((name, value),) = element
    clauses = [clause_of(generator) for generator in generators]
    line = f"{name}{flat(value)} {' '.join(clauses)}"
    if len(line) + 4 <= room:
        return [f"    {line}"]
    return [f"    {part}" for part in [*laid(value, name, "", room - 4), *clauses]]


def listed(parts: Sequence[tuple[str, ast.expr]], room: int) -> list[str]:
    """Items one to a line, each with its comma, indented."""
    sole = len(parts) == 1 and isinstance(parts[0][1], ast.GeneratorExp)
    lines: list[str] = []
    for name, value in parts:
        if sole:
            made = comprehension([("", value.elt)], value.generators, room + 4)  # type: ignore[attr-defined]
            return made
        if isinstance(value, ast.Starred) and len(f"{name}{flat(value)},") > room:
            item = broken(value.value, f"{name}*", ",", room)
        elif len(f"{name}{flat(value)},") <= room:
            item = [f"{name}{flat(value)},"]
        elif isinstance(value, BRACKETED):
            item = broken(value, name, ",", room)
        else:
            item = operands(value, room)
            item[0], item[-1] = f"{name}{item[0]}", f"{item[-1]},"
        lines += [f"    {line}" for line in item]
    return lines


def operands(node: ast.expr, room: int) -> list[str]:
    """An expression of operators, broken before those that bind least."""
    match node:
        case _ if len(bare(node)) <= room:
            return [bare(node)]
        case ast.IfExp(test=test, body=body, orelse=otherwise):
            return [*laid(body, "", "", room), *laid(test, "if ", "", room), *laid(otherwise, "else ", "", room)]
        case ast.BoolOp(op=op, values=[first, *others]):
            parts = [flat(first, PRECEDENCE[type(op)])]
            return [*parts, *(f"{SIGNS[type(op)]} {flat(other, PRECEDENCE[type(op)] + 1)}" for other in others)]
        case ast.BinOp(left=left, op=op, right=right):
            level = PRECEDENCE[type(op)]
            same = isinstance(left, ast.BinOp) and PRECEDENCE[type(left.op)] == level
            before = operands(left, 0) if same else laid(left, "", "", room)
            return [*before, *laid(right, f"{SIGNS[type(op)]} ", "", room)]
        case _:
            return broken(node, "", "", room)


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
                space = "" if all(isinstance(o, (ast.Name, ast.Constant, ast.Attribute)) for o in (left, right)) else " "
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
    plain = all(end is None or isinstance(simple_of(end), (ast.Name, ast.Constant)) for end in (index.lower, index.upper))
    if plain:
        return ":".join(ends)
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
    return repr(value)


def quoted(text: str) -> str:
    """A string in double quotes, or in single ones where that saves escapes."""
    if text.count('"') > text.count("'"):
        return "'" + repr('"' + text)[2:-1].replace("\\'", "'").replace("'", "\\'") + "'"
    return '"' + repr("'" + text + '"')[3:-2].replace("\\'", "'").replace('"', '\\"') + '"'
