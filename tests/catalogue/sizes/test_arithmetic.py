"""Sizes that are left open compute as the numbers do that they stand for."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specbuild.catalogue.sizes.choices import chosen, least_of, scaled
from specbuild.catalogue.sizes.columns import Endless, holds_at, value_at
from specbuild.catalogue.sizes.conditions import Condition, Limit, Unsettled
from specbuild.catalogue.sizes.deciding import Answers, Failing
from specbuild.catalogue.sizes.describing import described
from specbuild.catalogue.sizes.expressions import Size, TooLong, symbol
from specbuild.catalogue.sizes.promises import Promise

H, W = symbol("H"), symbol("W")
ONE_SYMBOL = ["+", "-", "*", "//", "%", "self", "least"]


def computed(a: Any, b: Any, steps: list[tuple[str, int]]) -> Any:
    """A number from two, the same way whatever they are."""
    found = a
    for operation, number in steps:
        if operation == "+":
            found = found + number
        elif operation == "-":
            found = number - found
        elif operation == "*":
            found = found * (number - 3)
        elif operation == "//":
            found = found // number
        elif operation == "%":
            found = found % number
        elif operation == "self":
            found = found + a // number
        elif operation == "least":
            found = least_of(found, a + number)
        elif operation == "other":
            found = found + b * (number - 4)
        else:
            found = found * b
    return found


def steps(*operations: str) -> st.SearchStrategy[list[tuple[str, int]]]:
    return st.lists(st.tuples(st.sampled_from(operations), st.integers(1, 9)), max_size=7)


PROMISES = st.builds(
    lambda least, more, multiple: Promise(least, None if more is None else least + more, multiple),
    st.integers(1, 20), st.none() | st.integers(8, 60), st.sampled_from([1, 1, 2, 3, 8]),
)  # fmt: skip


@settings(max_examples=500)
@given(
    PROMISES,
    PROMISES,
    steps(*ONE_SYMBOL, "other", "times"),
    st.integers(0, 99),
    st.integers(0, 99),
    st.integers(-9, 99),
)
def test_sizes_and_conditions(a: Promise, b: Promise, how: Any, i: int, j: int, bound: int) -> None:
    sizes = {"H": a.sizes(100)[i % len(a.sizes(100))], "W": b.sizes(100)[j % len(b.sizes(100))]}
    over = computed(a.symbol("H"), b.symbol("W"), how)
    number = computed(sizes["H"], sizes["W"], how)
    assert value_at(over, sizes) == number
    for name in ("__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"):
        expected = getattr(number, name)(bound)
        found = getattr(over, name)(bound)
        assert holds_at(found, sizes) is expected
        if isinstance(found, Condition):
            assert holds_at(~found, sizes) is not expected


@settings(max_examples=300)
@given(PROMISES, steps(*ONE_SYMBOL), steps(*ONE_SYMBOL), st.sampled_from(["__eq__", "__le__", "__ne__"]))
def test_an_answer_about_one_symbol_is_that_at_each_size(promise: Promise, one: Any, two: Any, relation: str) -> None:
    name = promise.symbol("H")
    a, b = computed(name, 0, one), computed(name, 0, two)
    condition = getattr(a, relation)(b) if isinstance(a, Size) else getattr(b, relation)(a)
    if not isinstance(condition, Condition):
        return
    try:
        answer = Answers({"H": promise}).decide(condition)
    except Endless:
        return
    tried = promise.sizes(2500)
    found = [holds_at(condition, {"H": size}) for size in tried]
    if answer is True:
        assert all(found)
        return
    assert isinstance(answer, Failing)
    assert not holds_at(condition, answer.sizes)
    if answer.holding is None:
        return
    good = described("H", answer.holding, promise)
    if good.failing is not None:
        assert good.failing in promise
        assert not holds_at(condition, {"H": good.failing})
    if good.promise is not None:
        assert all(holds for size, holds in zip(tried, found, strict=True) if size in good.promise), good


@pytest.mark.parametrize(
    ("size", "text"),
    [
        ((H + 2 * 3 - 7) // 2 + 1, "(H+1)//2"),
        ((H - 3) // 2 + 1, "(H-1)//2"),
        (H // 2 // 2, "H//4"),
        (2 * (H // 2), "2*(H//2)"),
        (64 * (H // 4) * (W // 4), "64*(H//4)*(W//4)"),
        ((2 * (H // 2) + 1) // 2, "H//2"),
        (H * (W - 1), "H*W - H"),
        (scaled(H, 1.5), "H + H//2"),
        (scaled(H, 1.3), "int(H*1.3)"),
        (Promise(8, None, 8).symbol("H") * 4 // 32, "H//8"),
        ((Promise(8, None, 8).symbol("H") + 7) // 8 * 8, "H"),
    ],
)  # fmt: skip
def test_text(size: Any, text: str) -> None:
    assert str(size) == text


@pytest.mark.parametrize(
    ("condition", "words", "promise", "failing"),
    [
        (16 * (H // 16) == H, "H is a multiple of 16 (H ≥ 16)", Promise(16, None, 16), 33),
        (H >= 7, "H ≥ 7", Promise(7), 6),
        (H <= 9, "1 ≤ H ≤ 9", Promise(1, 9), 10),
        (H // 4 == 8, "32 ≤ H ≤ 35", Promise(32, 35), 36),
        ((H % 8 == 0) | (H % 8 == 3), "H mod 8 is 0 or 3 (H ≥ 3)", Promise(8, None, 8), 17),
        ((H % 5 != 2) & (H >= 4), "H mod 5 is not 2 (H ≥ 4)", Promise(5, None, 5), 12),
        ((H == 3) | (H == 20), "H is 3 or 20", None, 21),
        (H * 2 == 7 * (H // 2), "no H", None, 1),
    ],
)  # fmt: skip
def test_where_it_holds(condition: Any, words: str, promise: Promise | None, failing: int | None) -> None:
    assert described("H", Answers({"H": Promise()}).holding(condition, "H"), Promise()) == (words, promise, failing)


def test_products_are_undecided_unless_they_are_bounded() -> None:
    even = (H * H + H) % 2 == 0
    with pytest.raises(Endless):
        Answers({"H": Promise()}).decide(even)  # type: ignore[arg-type]
    assert Answers({"H": Promise(1, 300)}).decide(even) is True  # type: ignore[arg-type]


@settings(max_examples=300)
@given(
    st.lists(st.tuples(st.integers(-3, 4), st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=4),
    st.integers(-60, 20), st.sampled_from([1, 2, 3]), st.integers(1, 12), st.booleans(),
)  # fmt: skip
def test_products_rise(terms: list[tuple[int, int, int]], constant: int, by: int, least: int, of_one: bool) -> None:
    """What is decided of sums of products is so at each of many sizes."""
    promises = {"H": Promise(least)} if of_one else {"H": Promise(least), "W": Promise(least)}
    h = promises["H"].symbol("H")
    w: Any = h + 1 if of_one else promises["W"].symbol("W")
    condition: Any = sum(n * (h // by) ** a * w**b for n, a, b in terms) + constant >= 0
    if isinstance(condition, bool):
        return
    try:
        answer = Answers(promises).decide(condition)
    except Endless:
        return
    grid = [{"H": least + i, "W": least + j} for i in range(45) for j in range(1 if of_one else 45)]
    held = [holds_at(condition, {name: sizes[name] for name in promises}) for sizes in grid]
    if isinstance(answer, Failing):
        assert not holds_at(condition, answer.sizes)
        if answer.holding is not None:
            found = answer.holding.found
            assert answer.holding.period is not None
            last = len(found) - answer.holding.period
            (name,) = condition.symbols()
            for sizes, holds in zip(grid, held, strict=True):
                k = sizes[name] - least
                assert holds is found[k if k < last else last + (k - last) % answer.holding.period]
    else:
        assert all(held)


def test_two_symbols_are_taken_apart() -> None:
    answers = Answers({"H": Promise(), "W": Promise()})
    assert answers.decide(chosen(H >= 3, H, 4) + 3 * (W // 3) - W >= 1) is True  # type: ignore[arg-type]
    assert isinstance(answers.decide(H // 2 == W // 2), Failing)  # type: ignore[arg-type]


def test_a_rule_that_branches_is_told() -> None:
    with pytest.raises(Unsettled, match="whether H ≥ 3 is not settled"):
        assert H >= 3


def test_a_limit_is_no_condition_on_every_size() -> None:
    condition = H <= 9
    assert isinstance(condition, Condition)
    assert condition == (H + 1 <= 10)
    assert Limit(condition) == Limit(condition)
    assert len({condition, Limit(condition), ~condition}) == 3


def test_a_product_of_long_sums_is_not_written_out() -> None:
    first, second = (sum(symbol(f"{name}{k}") for k in range(900)) for name in "HW")
    with pytest.raises(TooLong):
        first * second
