"""Python source laid out as ruff does by default: lines of 88 columns, double quotes, trailing commas.

Of the language it knows what generated modules are made of; comments are not kept.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from inspect import cleandoc

from specbuild.exporting.python.unparsing import PRECEDENCE, SIGNS, bare, call_of, clause_of, flat, parameters_of

WIDTH = 88


def formatted(text: str) -> str:
    """The same program, laid out. Raises `SyntaxError` for what is none."""
    program = ast.parse(text)
    made = "\n".join(block(program.body, 0)) + "\n"
    assert ast.dump(cleaned(ast.parse(made))) == ast.dump(cleaned(program)), "what is laid out is the same program"
    return made


def cleaned(program: ast.Module) -> ast.Module:
    """A program with the margins of its docstrings taken away."""
    for node in ast.walk(program):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            node.value = ast.Constant(cleandoc(node.value.value))
    return program


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
            opening, aliases = f"from {module} import ", [alias_of(name) for name in names]
            line = opening + ", ".join(aliases)
            return [line] if len(line) <= room else [f"{opening}(", *(f"    {name}," for name in aliases), ")"]
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


BRACKETED = (
    ast.Attribute, ast.Call, ast.Constant, ast.Dict, ast.DictComp, ast.GeneratorExp, ast.List, ast.ListComp, ast.Name,
    ast.Set, ast.Subscript, ast.Tuple,
)  # fmt: skip
"""What is broken at its own brackets, or not at all; all else gets parentheses."""


def broken(node: ast.expr, head: str, tail: str, room: int) -> list[str]:
    """An expression with brackets that does not fit into its line."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Call() as called, attr=name)) if len(
            f"{head}{flat(node.func)}("
        ) > room and (called.args or called.keywords):
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
            named = [(f"{flat(key)}: " if key else "**", value) for key, value in zip(keys, values, strict=True)]
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
