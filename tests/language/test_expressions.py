# ruff: noqa: E501  (messages are written whole)
from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specbuild.language.expressions import ExpressionError, closing_brace, substitute, variables_in

VARIABLES: dict[str, Any] = {"a": 3, "b": -2, "x": 0.5, "s": "text", "t": True, "n": None, "xs": [1, 2, 3]}
NUMBERS = st.sampled_from(["0", "1", "2", "7", "0.25", "1e3", "a", "b", "x", "len(xs)", "xs[0]", "xs[-1]", "True"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Expressions of expressions."""
    operators = st.sampled_from(["+", "-", "*", "/", "//", "%", "**"])
    orders = st.sampled_from(["<", "<=", "==", "!=", ">", ">="])
    return st.one_of(
        st.tuples(inner, operators, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, orders, inner, orders, inner).map(lambda p: f"({p[0]} {p[1]} {p[2]} {p[3]} {p[4]})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, inner, inner).map(lambda p: f"({p[0]} if {p[1]} else {p[2]})"),
        st.tuples(st.sampled_from(["min", "max"]), inner, inner).map(lambda p: f"{p[0]}({p[1]}, {p[2]})"),
        inner.map(lambda e: f"-{e}"),
        inner.map(lambda e: f"(not {e})"),
        inner.map(lambda e: f"round({e})"),
        inner.map(lambda e: f"int({e})"),
        st.tuples(inner, inner).map(lambda p: f"[{p[0]}, {p[1]}][{int(len(p[0]) % 2)}]"),
    )


def python(text: str) -> Any:
    """What Python itself makes of an expression."""
    return eval(text, {"__builtins__": {}}, {**VARIABLES, "min": min, "max": max, "round": round, "int": int, "len": len})  # noqa: S307  # fmt: skip


@given(st.recursive(NUMBERS, grown, max_leaves=8))
def test_values_are_pythons(text: str) -> None:
    try:
        mine = substitute(f"${{{text}}}", VARIABLES)
    except ExpressionError:
        if "**" not in text and "1e3" not in text:  # which may go beyond the bounds, where Python goes on
            with pytest.raises((ArithmeticError, ValueError, TypeError)):
                python(text)
        return
    theirs = python(text)
    assert (mine, type(mine)) == (theirs, type(theirs))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${a}", 3), ("${ a * 2 }", 6), ("${x}", 0.5), ("${s}", "text"), ("${t}", True), ("${n}", None),
        ("${xs}", [1, 2, 3]), ("${xs + [4]}", [1, 2, 3, 4]), ("${[0] * 3}", [0, 0, 0]), ("${true}", True),
        ("${false or null}", None), ("${'a' + s}", "atext"), ("${'ab' * 2}", "abab"), ("${len(s)}", 4),
        ("${7 / 2}", 3.5), ("${7 // 2}", 3), ("${-7 % 3}", 2), ("${2 ** 10}", 1024), ("${2 ** -1}", 0.5),
        ("${1 < a < 5}", True), ("${a if t else 1}", 3), ("${max(xs)}", 3), ("${min('b', 'a')}", "a"),
        ("${round(2.567, 1)}", 2.6), ("${int(3.9)}", 3), ("${[[1, 2], [3]][0][1]}", 2), ("${'}'}", "}"),
        ("${a\n  + 1}", 4), ('${"\\""}', '"'), ("${not t}", False), ("${9223372036854775807}", 2**63 - 1),
        ("conv${a}", "conv3"), ("${a}${b}", "3-2"), ("${t} ${n} ${x} ${s}", "true null 0.5 text"),
        ("$${a}", "${a}"), ("$${a} is ${a}", "${a} is 3"), ("$$${a}", "$${a}"), ("cost: 5$", "cost: 5$"),
        ("{a}", "{a}"), ("", ""), ("$a", "$a"),
    ],
)  # fmt: skip
def test_substitution(text: str, value: Any) -> None:
    result = substitute(text, VARIABLES)
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize("value", [3, 2.5, None, True, ["${a}"], {"k": "${a}"}])
def test_only_strings_are_looked_into(value: Any) -> None:
    assert substitute(value, VARIABLES) is value


ALLOWED = (
    "an expression has numbers, strings, true, false, null, lists and indexing, + - * / // % **, comparisons, and or "
    "not, `a if c else b`, and min max round int len"
)


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("${a.real}", "`${a.real}` holds an attribute (`a.b`)", ALLOWED),
        ("${(lambda: 1)}", "`${(lambda: 1)}` holds a lambda", ALLOWED),
        ("${[i for i in xs]}", "`${[i for i in xs]}` holds a comprehension", ALLOWED),
        ("${(q := 1)}", "`${(q := 1)}` holds an assignment (`:=`)", ALLOWED),
        ("${f'{a}'}", "`${f'{a}'}` holds an f-string", ALLOWED),
        ("${b'x'}", "`${b'x'}` holds bytes", ALLOWED),
        ("${1j}", "`${1j}` holds a complex number", ALLOWED),
        ("${...}", "`${...}` holds `...`", ALLOWED),
        ("${max(*xs)}", "`${max(*xs)}` holds a starred value", ALLOWED),
        ("${xs[0:1]}", "`${xs[0:1]}` holds a slice", ALLOWED),
        ("${(1, 2)}", "`${(1, 2)}` holds a tuple", ALLOWED),
        ("${{'a': 1}}", "`${{'a': 1}}` holds a mapping", ALLOWED),
        ("${1 in xs}", "`${1 in xs}` holds `in`", ALLOWED),
        ("${a is n}", "`${a is n}` holds `is`", ALLOWED),
        ("${~a}", "`${~a}` holds `~`", ALLOWED),
        ("${a << 2}", "`${a << 2}` holds `<<`", ALLOWED),
        ("${round(x, ndigits=1)}", "`${round(x, ndigits=1)}` holds a keyword argument",
         "write the arguments of `round` alone"),
        ("${abs(a)}", "`${abs(a)}`: `abs` is not a function of an expression",
         "the functions are min, max, round, int and len"),
        ("${mim(a, 1)}", "`${mim(a, 1)}`: `mim` is not a function of an expression", "did you mean `min`?"),
        ("${xs[0]()}", "`${xs[0]()}`: only functions can be called", "the functions are min, max, round, int and len"),
        ("${a +}", "`${a +}` is not an expression", ALLOWED),
        ("${a && b}", "`${a && b}` is not an expression", "write `and` and `or`"),
        ("${t ? 1 : 2}", "`${t ? 1 : 2}` is not an expression", "write `a if c else b`"),
        ("${!t}", "`${!t}` is not an expression", "write `not`"),
        ("${a = 3}", "`${a = 3}` is not an expression", "write `==` to compare"),
        ("${}", "`${}` is empty", "write an expression in it: ${width * 2}"),
        ("${a", "`${` is not closed by a `}`", "write `$${` for a plain `${`"),
        ("${'a}", "`${` is not closed by a `}`", "write `$${` for a plain `${`"),
        ("${1 / 0}", "`${1 / 0}`: division by zero", None),
        ("${a % 0.0}", "`${a % 0.0}`: division by zero", None),
        ("${0 ** -1}", "`${0 ** -1}`: division by zero", None),
        ("${(-8) ** 0.5}", "`${(-8) ** 0.5}`: the result is not a real number", None),
        ("${1e999}", "`${1e999}`: the result is not a finite number", None),
        ("${1e308 * 10}", "`${1e308 * 10}`: the result is not a finite number", None),
        ("${2.0 ** 5000}", "`${2.0 ** 5000}`: the result is not a finite number", None),
        ("${2 ** 63}", "`${2 ** 63}`: an integer must be smaller than 2**63", None),
        ("${9 ** 9 ** 9}", "`${9 ** 9 ** 9}`: an integer must be smaller than 2**63", None),
        ("${int(1e300)}", "`${int(1e300)}`: an integer must be smaller than 2**63", None),
        ("${'a' * 10001}", "`${'a' * 10001}`: a string may have a length of 10,000; this one has 10,001", None),
        ("${1000000000000 * [0]}",
         "`${1000000000000 * [0]}`: a list may have a length of 10,000; this one has 1,000,000,000,000", None),
        ("${[[0] * 5000] * 5000}",
         "`${[[0] * 5000] * 5000}`: a list may hold 10,000 items and characters; this one holds more", None),
        ("${round(1, -1000000000)}",
         "`${round(1, -1000000000)}`: the places of `round` are an integer from -20 to 20", None),
        ("${s + 1}", "`${s + 1}`: `+` cannot take a string and an integer", None),
        ("${'%s' % a}", "`${'%s' % a}`: `%` cannot take a string and an integer", None),
        ("${n < 1}", "`${n < 1}`: `<` compares two numbers or two strings; got null and an integer", None),
        ("${-s}", "`${-s}`: `-` takes a number; got a string", None),
        ("${xs[3]}", "`${xs[3]}`: there is no item 3 in a list of 3", "indices count from 0"),
        ("${xs[-4]}", "`${xs[-4]}`: there is no item -4 in a list of 3", "indices count from 0"),
        ("${xs[0.0]}", "`${xs[0.0]}`: an index must be an integer; got a float", None),
        ("${a[0]}", "`${a[0]}`: only a list can be indexed; got an integer", None),
        ("${len(a)}", "`${len(a)}`: `len` takes a list or a string; got an integer", None),
        ("${len()}", "`${len()}`: `len` takes 1 argument; got 0", None),
        ("${min(1)}", "`${min(1)}`: `min` takes two or more values, or one list; got an integer", None),
        ("${max([])}", "`${max([])}`: `max` of an empty list", None),
        ("${max(1, s)}", "`${max(1, s)}`: `max` takes numbers, or strings, and not both", None),
        ("${int('3')}", "`${int('3')}`: `int` takes a number; got a string", None),
        ("x${xs}", "`${xs}` is a list, which cannot stand inside a longer text",
         "let the expression be the whole string, or take an item: ${xs[0]}"),
        ("${'\\ud800'}",
         "`${'\\ud800'}`: a string holds half of a surrogate pair, which is not a character", None),
        ("${m}", "`${m}`: `m` has no value that an expression can use", None),
        ("${" + "-" * 60 + "1}", "`${" + "-" * 59 + "…}` is nested too deep: at most 50 forms within another", None),
        ("${" + "1+" * 500 + "1}", "an expression may have 1,000 characters; this one has 1,001", None),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(text: str, message: str, fix: str | None) -> None:
    with pytest.raises(ExpressionError) as caught:
        substitute(text, {**VARIABLES, "m": {"k": 1}})
    error = caught.value
    assert (error.code, error.message, error.fix, error.unknown) == ("SB208", message, fix, None)


@pytest.mark.parametrize(
    ("text", "variables", "unknown", "fix"),
    [
        ("${widht}", {"width": 1, "depth": 2}, "widht", "did you mean `width`?"),
        ("${1 if true else q}", {"width": 1, "depth": 2}, "q", "the variables here are width, depth"),
        ("${q}", {}, "q", "define it: vars: {q: ...}"),
        ("${min}", {"a": 1}, "min", "`min` is a function: min(...)"),
        ("${__import__}", {"a": 1}, "__import__", "the variables here are a"),
    ],
)
def test_an_unknown_variable(text: str, variables: dict[str, Any], unknown: str, fix: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        substitute(text, variables)
    error = caught.value
    assert (error.code, error.unknown, error.fix) == ("SB209", unknown, fix)
    assert error.message == f"`{text}`: there is no variable `{unknown}`"


@given(st.text(st.sampled_from("ab10.+-*/%<>=!()[]{}'\"\\ ,:ifelsnotrand$\n#@~"), max_size=60))
def test_no_text_raises_anything_else(text: str) -> None:
    for whole in (text, "${" + text + "}"):
        value = None
        with suppress(ExpressionError):
            value = substitute(whole, VARIABLES)
        assert not isinstance(value, float) or math.isfinite(value)


@pytest.mark.parametrize(
    "text", ["(" * 490 + "1" + ")" * 490, "[" * 490 + "]" * 490, "-" * 990 + "1", "not " * 249 + "1"]
)
def test_deep_nesting_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match=r"nested too deep|is not an expression"):
        substitute("${" + text + "}", {})


def test_lists_cannot_grow_through_variables() -> None:
    variables: dict[str, Any] = {"v": [0]}
    for _ in range(19):
        variables["v"] = substitute("${[v]}", variables)
    with pytest.raises(ExpressionError, match="lists may be nested 20 deep; this one is deeper"):
        substitute("${[v]}", variables)
    wide: Any = [0]
    for _ in range(40):
        wide = [wide, wide]
    with pytest.raises(ExpressionError, match="a list may hold 10,000 items and characters; this one holds more"):
        substitute("${len(v)}", {"v": wide})  # 2**40 items, which nothing may walk


def test_names_are_found_without_evaluating() -> None:
    assert variables_in("x${a + min(b, 1)}-${true}${c[0]}$${d}") == {"a", "b", "c"}
    assert variables_in("${a +}") == set()
    assert variables_in("plain") == set()


def test_the_closing_brace_respects_quotes_and_braces() -> None:
    assert closing_brace("a '}' {} }", 0) == 9
    assert closing_brace("'\\'}'", 0) is None
