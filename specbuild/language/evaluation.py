"""The value of an expression: Python's own meaning of each form, and a bound on each result."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from specbuild.language.meter import spend

CONSTANTS = {"true": True, "false": False, "null": None}
MAX_INTEGER = 2**63
"""Integers are smaller than this, either way."""
MAX_STRING = 10_000
MAX_LIST = 10_000
"""The items of a list, those of the lists in it and the characters of its strings counted."""
MAX_NESTING = 20
"""How deep lists nest."""
MAX_PLACES = 20
"""The decimal places of `round`."""

ARITHMETIC: dict[type[ast.operator], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
    ast.Pow: ("**", operator.pow),
}
COMPARISONS: dict[type[ast.cmpop], tuple[str, Callable[[Any, Any], bool]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}


class Failure(Exception):  # noqa: N818  a bare fact, an error once the expression is named
    """What cannot be computed, and perhaps the mend."""

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.fix = fix


class Evaluator:
    """The values of forms, for one set of variables. Every name is known to be among them."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self.variables = variables

    def value(self, node: ast.expr) -> Any:
        """The value of a form."""
        match node:
            case ast.Constant():
                return bounded(node.value)
            case ast.Name():
                return CONSTANTS[node.id] if node.id in CONSTANTS else self.variable(node.id)
            case ast.BinOp():
                return arithmetic(node.op, self.value(node.left), self.value(node.right))
            case ast.UnaryOp(op=ast.Not()):
                return not self.value(node.operand)
            case ast.UnaryOp():
                return bounded(-number(self.value(node.operand), "`-`"))
            case ast.BoolOp():
                wanted = isinstance(node.op, ast.Or)
                result = None
                for operand in node.values:
                    result = self.value(operand)
                    if bool(result) is wanted:
                        break
                return result
            case ast.IfExp():
                return self.value(node.body if self.value(node.test) else node.orelse)
            case ast.Compare():
                return self.comparison(node)
            case ast.List():
                return bounded([self.value(item) for item in node.elts])
            case ast.Subscript():
                return item_of(self.value(node.value), self.value(node.slice))
            case ast.Call(func=ast.Name(id=name)):
                return bounded(FUNCTIONS[name](*self.arguments(name, node)))
        raise AssertionError(f"{type(node).__name__} passed the check of forms")

    def variable(self, name: str) -> Any:
        """The value of a variable."""
        value = self.variables[name]
        if value is None or isinstance(value, bool | int | float | str | list):
            return bounded(value)
        raise Failure(f"`{name}` has no value that an expression can use")

    def comparison(self, node: ast.Compare) -> bool:
        """`a < b < c`: as far as it holds."""
        left = self.value(node.left)
        for op, operand in zip(node.ops, node.comparators, strict=True):
            right = self.value(operand)
            sign, compare = COMPARISONS[type(op)]
            is_order = not isinstance(op, ast.Eq | ast.NotEq)
            if is_order and not (are_numbers(left, right) or are_strings(left, right)):
                raise Failure(f"`{sign}` compares two numbers or two strings; got {kind(left)} and {kind(right)}")
            if not compare(left, right):
                return False
            left = right
        return True

    def arguments(self, name: str, node: ast.Call) -> list[Any]:
        """The arguments of a function; their number is right."""
        least, most = ARITY[name]
        if not least <= len(node.args) <= most:
            wanted = "1 or more arguments" if most > 2 else "1 argument" if most == 1 else "1 or 2 arguments"
            raise Failure(f"`{name}` takes {wanted}; got {len(node.args)}")
        return [self.value(argument) for argument in node.args]


def arithmetic(op: ast.operator, left: Any, right: Any) -> Any:
    """The value of a binary operator."""
    sign, compute = ARITHMETIC[type(op)]
    if not are_numbers(left, right):
        joins = sign == "+" and (are_strings(left, right) or (isinstance(left, list) and isinstance(right, list)))
        repeats = sign == "*" and repetition(left, right)
        if not joins and not repeats:
            raise Failure(f"`{sign}` cannot take {kind(left)} and {kind(right)}")
        return bounded(compute(left, right))
    if sign == "**":
        bound_power(left, right)
    try:
        result = compute(left, right)
    except ZeroDivisionError:
        raise Failure("division by zero") from None
    except OverflowError:
        raise Failure("the result is not a finite number") from None
    if isinstance(result, complex):
        raise Failure("the result is not a real number")
    return bounded(result)


def repetition(left: Any, right: Any) -> bool:
    """Whether this is a string or a list times an integer; its length is bounded before it is made."""
    if is_integer(left):
        left, right = right, left
    if not isinstance(left, str | list) or not is_integer(right):
        return False
    most = MAX_STRING if isinstance(left, str) else MAX_LIST
    if len(left) * right > most:
        raise Failure(f"{kind(left)} may have a length of {most:,}; this one has {len(left) * right:,}")
    return True


def bound_power(base: Any, exponent: Any) -> None:
    """Refuse an integer power that is too large before it is computed."""
    if not (is_integer(base) and is_integer(exponent)) or exponent < 0 or abs(base) <= 1:
        return
    if (int(base).bit_length() - 1) * exponent >= 64:
        raise Failure("an integer must be smaller than 2**63")


def bounded(value: Any) -> Any:
    """The value, unless it is beyond what a document may hold."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        if not -MAX_INTEGER < value < MAX_INTEGER:
            raise Failure("an integer must be smaller than 2**63")
    elif isinstance(value, float):
        if not isfinite(value):
            raise Failure("the result is not a finite number")
    elif isinstance(value, str):
        spend(len(value) // 256)
        if len(value) > MAX_STRING:
            raise Failure(f"a string may have a length of {MAX_STRING:,}; this one has {len(value):,}")
        if not value.isascii():
            well_formed(value)
    elif isinstance(value, list):
        bound_list(value)
    return value


def well_formed(text: str) -> None:
    """Refuse half of a surrogate pair, which an escape in an expression can write."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Failure("a string holds half of a surrogate pair, which is not a character") from None


def bound_list(value: list[Any]) -> None:
    """Refuse a list that holds too much, however often it holds the same list."""
    weight, level = 0, [value]
    for _ in range(MAX_NESTING):
        inner: list[Any] = []
        for items in level:
            weight += len(items) + sum(len(item) for item in items if isinstance(item, str))
            if weight > MAX_LIST:
                raise Failure(f"a list may hold {MAX_LIST:,} items and characters; this one holds more")
            inner += [item for item in items if isinstance(item, list)]
        if not inner:
            spend(weight // 8)
            return
        level = inner
    raise Failure(f"lists may be nested {MAX_NESTING} deep; this one is deeper")


def item_of(value: Any, index: Any) -> Any:
    """An item of a list."""
    if not isinstance(value, list):
        raise Failure(f"only a list can be indexed; got {kind(value)}")
    if not is_integer(index) or isinstance(index, bool):
        raise Failure(f"an index must be an integer; got {kind(index)}")
    if not -len(value) <= index < len(value):
        raise Failure(f"there is no item {index} in a list of {len(value)}", "indices count from 0")
    return bounded(value[index])


def extreme(name: str, choose: Callable[[Any], Any]) -> Callable[..., Any]:
    """`min` or `max`, of its arguments or of the items of one list."""

    def of(*arguments: Any) -> Any:
        items = list(arguments)
        if len(arguments) == 1:
            if not isinstance(arguments[0], list):
                raise Failure(f"`{name}` takes two or more values, or one list; got {kind(arguments[0])}")
            items = arguments[0]
        if not items:
            raise Failure(f"`{name}` of an empty list")
        if not are_numbers(*items) and not are_strings(*items):
            raise Failure(f"`{name}` takes numbers, or strings, and not both")
        return choose(items)

    return of


def rounded(value: Any, places: Any = None) -> Any:
    """`round`, with a bound on the places."""
    number(value, "`round`")
    if places is None:
        return round(value)
    if not is_integer(places) or abs(places) > MAX_PLACES:
        raise Failure(f"the places of `round` are an integer from -{MAX_PLACES} to {MAX_PLACES}")
    return round(value, places)


def truncated(value: Any) -> int:
    """`int` of a number."""
    return int(number(value, "`int`"))


def length(value: Any) -> int:
    """`len` of a list or a string."""
    if not isinstance(value, str | list):
        raise Failure(f"`len` takes a list or a string; got {kind(value)}")
    return len(value)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": extreme("min", min),
    "max": extreme("max", max),
    "round": rounded,
    "int": truncated,
    "len": length,
}
ARITY = {"min": (1, 1000), "max": (1, 1000), "round": (1, 2), "int": (1, 1), "len": (1, 1)}


def number(value: Any, what: str) -> Any:
    """The value, which must be a number."""
    if not are_numbers(value):
        raise Failure(f"{what} takes a number; got {kind(value)}")
    return value


def is_integer(value: Any) -> bool:
    """Whether this counts; booleans do, as in Python."""
    return isinstance(value, int)


def are_numbers(*values: Any) -> bool:
    """Whether all of them are numbers."""
    return all(isinstance(value, int | float) for value in values)


def are_strings(*values: Any) -> bool:
    """Whether all of them are strings."""
    return all(isinstance(value, str) for value in values)


def kind(value: Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    return {int: "an integer", float: "a float", str: "a string", list: "a list"}.get(type(value), "a mapping")
