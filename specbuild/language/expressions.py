"""`${...}`: expressions over variables in the strings of a document.

A closed list of Python's forms, walked over `ast`: nothing is compiled or evaluated by Python itself, and
everything is bounded before it is computed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from specbuild.diagnostics.suggest import is_clear, nearest
from specbuild.language.evaluation import CONSTANTS, FUNCTIONS, Evaluator, Failure
from specbuild.language.meter import spend

LONGEST = 1000
"""The length of an expression, in characters."""
DEEPEST = 50
"""How deep the forms of an expression nest."""
FORMS = (
    ast.Constant, ast.Name, ast.Load, ast.List, ast.Subscript, ast.Call, ast.IfExp,
    ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow,
    ast.UnaryOp, ast.USub, ast.Not, ast.BoolOp, ast.And, ast.Or,
    ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE,
)  # fmt: skip
ALLOWED = (
    "numbers, strings, true, false, null, lists and indexing, + - * / // % **, comparisons, and or not, "
    "`a if c else b`, and min max round int len"
)
REFUSED = {
    ast.Attribute: "an attribute (`a.b`)", ast.Lambda: "a lambda", ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension", ast.DictComp: "a comprehension", ast.GeneratorExp: "a comprehension",
    ast.NamedExpr: "an assignment (`:=`)", ast.JoinedStr: "an f-string", ast.Starred: "a starred value",
    ast.Slice: "a slice", ast.Tuple: "a tuple", ast.Dict: "a mapping", ast.Set: "a set", ast.Await: "await",
    ast.Yield: "yield", ast.YieldFrom: "yield", ast.keyword: "a keyword argument", ast.In: "`in`",
    ast.NotIn: "`not in`", ast.Is: "`is`", ast.IsNot: "`is not`", ast.UAdd: "a unary `+`", ast.Invert: "`~`",
    ast.LShift: "`<<`", ast.RShift: "`>>`", ast.BitAnd: "`&`", ast.BitOr: "`|`", ast.BitXor: "`^`",
    ast.MatMult: "`@`",
}  # fmt: skip
NEXT = re.compile(r"\$\$\{|\$\{")


class ExpressionError(Exception):
    """What is wrong with an expression.

    code: SB209 for an unknown variable, SB208 for all else. unknown: that variable's name.
    meant: the variable that it is beyond doubt.
    """

    def __init__(
        self, code: str, message: str, fix: str | None = None, unknown: str | None = None, meant: str | None = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.fix, self.unknown, self.meant = code, message, fix, unknown, meant


class Expression(NamedTuple):
    """An expression that has been read."""

    text: str
    body: ast.expr
    names: tuple[str, ...]
    """The variables in it, in order."""


def substitute(value: Any, variables: Mapping[str, Any]) -> Any:
    """`value` with the expressions in it evaluated; raises `ExpressionError`.

    A string that is one `${...}` takes its typed value. In a longer one the values are put in as text,
    `$${` stands for `${`, and what is no string is returned as it is.
    """
    if not isinstance(value, str) or "${" not in value:
        return value
    parts = template(value)
    if len(parts) == 1 and isinstance(parts[0], Expression):
        return evaluate(parts[0], variables)
    return "".join(part if isinstance(part, str) else as_text(part, evaluate(part, variables)) for part in parts)


def variables_in(text: str) -> set[str]:
    """The names that the expressions in a string use; none if it cannot be read."""
    if "${" not in text:
        return set()
    try:
        parts = template(text)
    except ExpressionError:
        return set()
    return {name for part in parts if isinstance(part, Expression) for name in part.names}


def template(text: str) -> tuple[str | Expression, ...]:
    """A string as its literal parts and its expressions; short ones are remembered."""
    return remembered(text) if len(text) <= 200 else split(text)


@lru_cache(maxsize=4096)
def remembered(text: str) -> tuple[str | Expression, ...]:
    """The parts of a string that is often met again."""
    return split(text)


def split(text: str) -> tuple[str | Expression, ...]:
    """The literal parts and the expressions of a string."""
    parts: list[str | Expression] = []
    position = 0
    while (found := NEXT.search(text, position)) is not None:
        if found.start() > position:
            parts.append(text[position : found.start()])
        position = found.end()
        if found[0] == "$${":
            parts.append("${")
            continue
        close = closing_brace(text, position)
        if close is None:
            raise ExpressionError("SB208", "`${` is not closed by a `}`", "write `$${` for a plain `${`")
        parts.append(parsed(text[position:close]))
        position = close + 1
    if position < len(text):
        parts.append(text[position:])
    return tuple(parts)


def closing_brace(text: str, position: int) -> int | None:
    """The index of the `}` that ends the expression that begins at `position`; quotes hide braces."""
    depth, quote = 0, ""
    while position < len(text):
        character = text[position]
        if quote:
            if character == "\\":
                position += 1
            elif character == quote:
                quote = ""
        elif character in "'\"":
            quote = character
        elif character == "{":
            depth += 1
        elif character == "}":
            if depth == 0:
                return position
            depth -= 1
        position += 1
    return None


def parsed(written: str) -> Expression:
    """An expression of the allowed forms only."""
    text = re.sub(r"[\r\n]", " ", written).strip()
    shown = quoted(text)
    spend(30 + len(text) + len(text) // 2)
    if not text:
        raise ExpressionError("SB208", "`${}` is empty", "write an expression in it: ${width * 2}")
    if len(text) > LONGEST:
        raise ExpressionError("SB208", f"an expression may have {LONGEST:,} characters; this one has {len(text):,}")
    import warnings  # Python warns of `1if` and of odd escapes

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text, mode="eval").body
    except (RecursionError, MemoryError):
        raise ExpressionError("SB208", f"{shown} is nested too deep") from None
    except (SyntaxError, ValueError):
        raise ExpressionError("SB208", f"{shown} is not an expression", syntax_fix(text)) from None
    names: dict[str, None] = {}
    level: list[ast.AST] = [body]
    depth = 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise ExpressionError("SB208", f"{shown} is nested too deep: at most {DEEPEST} forms within another")
        inner: list[ast.AST] = []
        for node in level:
            children = list(ast.iter_child_nodes(node))
            if isinstance(node, ast.Call):
                children = call_arguments(node, shown)
            elif isinstance(node, ast.Name):
                if node.id not in CONSTANTS:
                    names[node.id] = None
            else:
                check_form(node, shown)
            inner += children
        level = inner
    return Expression(text, body, tuple(names))


def call_arguments(node: ast.Call, shown: str) -> list[ast.AST]:
    """The arguments of a call of one of the functions."""
    name = node.func.id if isinstance(node.func, ast.Name) else None
    if name not in FUNCTIONS:
        meant = nearest(name, FUNCTIONS) if name else None
        what = f"`{name}` is not a function of an expression" if name else "only functions can be called"
        raise ExpressionError(
            "SB208",
            f"{shown}: {what}",
            f"did you mean `{meant}`?" if meant else "the functions are min, max, round, int and len",
        )
    if node.keywords:
        raise ExpressionError("SB208", f"{shown} holds a keyword argument", f"write the arguments of `{name}` alone")
    return [*node.args]


def check_form(node: ast.AST, shown: str) -> None:
    """Refuse what is not on the list."""
    if isinstance(node, ast.Constant):
        if node.value is not None and not isinstance(node.value, bool | int | float | str):
            what = {bytes: "bytes", complex: "a complex number"}.get(type(node.value), "`...`")
            raise ExpressionError("SB208", f"{shown} holds {what}", f"an expression has {ALLOWED}")
    elif not isinstance(node, FORMS):
        fix = f"an expression has {ALLOWED}"
        if isinstance(node, ast.Set) and len(node.elts) == 1:
            fix = f"one pair of braces is enough: ${{{ast.unparse(node.elts[0])}}}"
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "vars":
            fix = f"a variable stands by its name alone: ${{{node.attr}}}"
        raise ExpressionError("SB208", f"{shown} holds {REFUSED.get(type(node), 'a form of Python')}", fix)


def syntax_fix(text: str) -> str:
    """A mend for the usual slips of other languages."""
    if "&&" in text or "||" in text:
        return "write `and` and `or`"
    if "?" in text:
        return "write `a if c else b`"
    if re.search(r"![^=]", text):
        return "write `not`"
    if re.search(r"(?<![=<>!])=(?!=)", text):
        return "write `==` to compare"
    return f"an expression has {ALLOWED}"


def evaluate(expression: Expression, variables: Mapping[str, Any]) -> Any:
    """The value of an expression; a variable that it does not reach must be there all the same."""
    for name in expression.names:
        if name not in variables:
            meant = nearest(name, variables)
            fix = f"did you mean `{meant}`?" if meant else known(name, variables)
            message = f"{quoted(expression.text)}: there is no variable `{name}`"
            certain = meant if meant is not None and is_clear(name, meant, variables) else None
            raise ExpressionError("SB209", message, fix, name, certain)
    spend(3 + len(expression.text) // 4)
    try:
        return Evaluator(variables).value(expression.body)
    except Failure as failure:
        raise ExpressionError("SB208", f"{quoted(expression.text)}: {failure}", failure.fix) from None
    except (RecursionError, MemoryError, ValueError, OverflowError, TypeError, ArithmeticError):
        raise ExpressionError("SB208", f"{quoted(expression.text)} cannot be computed") from None


def known(name: str, variables: Mapping[str, Any]) -> str:
    """What to do about a variable that resembles none."""
    if name in FUNCTIONS:
        return f"`{name}` is a function: {name}(...)"
    if not variables:
        return f"define it: vars: {{{name}: ...}}"
    names = list(variables)
    return f"the variables here are {', '.join(names[:8])}{', …' if len(names) > 8 else ''}"


def as_text(expression: Expression, value: Any) -> str:
    """A value as it stands inside a longer string."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return str(value)
    raise ExpressionError(
        "SB208",
        f"{quoted(expression.text)} is a list, which cannot stand inside a longer text",
        "let the expression be the whole string, or take an item: ${xs[0]}",
    )


def quoted(text: str) -> str:
    """An expression as a message quotes it."""
    return f"`${{{text if len(text) <= 60 else text[:59] + '…'}}}`"
