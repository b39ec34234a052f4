"""Type annotations in words: `int | tuple[int, int]` as "an integer or a list of 2 integers"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

SINGULAR = {int: "an integer", float: "a number", bool: "true or false", str: "a string", NoneType: "null",
            dict: "a mapping"}  # fmt: skip
PLURAL = {int: "integers", float: "numbers", bool: "trues and falses", str: "strings", NoneType: "nulls",
          dict: "mappings"}  # fmt: skip

VAST = 2**14


def describe(annotation: Any, metadata: Sequence[Any] = (), *, plural: bool = False, exact: bool = False) -> str:
    """What values of a type are, in words; `exact` says bounds too that only a slip of the pen exceeds."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return describe(parts[0], [*parts[1:], *metadata], plural=plural, exact=exact)
    if origin in (Union, UnionType):
        return alternatives([text for part in parts for text in choices(part, plural, exact)])
    if origin is Literal:
        return alternatives(choices(annotation, plural, exact))
    if origin is tuple:
        return listing(parts, plural, exact)
    if origin is list:
        return listing((*parts, ...), plural, exact)
    if origin in (dict, Mapping):
        return "mappings" if plural else "a mapping"
    words = PLURAL if plural else SINGULAR
    if annotation in (int, float):
        return bounded(words[annotation], metadata, whole=annotation is int, exact=exact)
    return words.get(annotation, "a mapping")


def choices(annotation: Any, plural: bool, exact: bool) -> list[str]:
    """The values of a literal type one by one; any other type in its words."""
    if get_origin(annotation) is Literal:
        return [f'"{part}"' if isinstance(part, str) else str(part) for part in get_args(annotation)]
    return [describe(annotation, plural=plural, exact=exact)]


def alternatives(texts: Sequence[str]) -> str:
    """`a, b or c`, with null last."""
    texts = sorted(dict.fromkeys(texts), key=lambda text: text in ("null", "nulls"))
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} or {texts[-1]}"


def listing(parts: Sequence[Any], plural: bool, exact: bool) -> str:
    """A tuple type as a list of so many things."""
    head = "lists of" if plural else "a list of"
    if parts[-1] is ...:
        return f"{head} {describe(parts[0], plural=True, exact=exact)}"
    if len(parts) == 1:
        return f"{head} one {describe(parts[0], exact=exact).removeprefix('an ').removeprefix('a ')}"
    kinds = list(dict.fromkeys(parts))
    if len(kinds) == 1:
        return f"{head} {len(parts)} {describe(kinds[0], plural=True, exact=exact)}"
    return f"{head} {', '.join(describe(part, exact=exact) for part in parts)}"


def vast(bound: Any) -> bool:
    """Whether a bound is so far out that it is said only when it is exceeded."""
    return any(abs(getattr(bound, kind, 0)) >= VAST for kind in ("ge", "gt", "le", "lt"))


def bounded(noun: str, metadata: Sequence[Any], *, whole: bool, exact: bool) -> str:
    """A number and its bounds; those of whole numbers are inclusive."""
    low = high = None
    above = below = False
    metadata = [item for item in metadata if exact or not vast(item)]
    for item in metadata:
        if hasattr(item, "ge"):
            low, above = item.ge, False
        if hasattr(item, "gt"):
            low, above = (item.gt + 1, False) if whole else (item.gt, True)
        if hasattr(item, "le"):
            high, below = item.le, False
        if hasattr(item, "lt"):
            high, below = (item.lt - 1, False) if whole else (item.lt, True)
    if high is None and ((whole and low == 1) or (above and low == 0)):
        return noun.replace("an integer", "a positive integer").replace("a number", "a positive number").replace(
            "integers", "positive integers").replace("numbers", "positive numbers")  # fmt: skip
    if low is not None and high is not None:
        return f"{noun} {'above' if above else 'from'} {low} {'and below' if below else 'to'} {high}"
    if low is not None:
        return f"{noun} above {low}" if above else f"{noun} from {low} on"
    if high is not None:
        return f"{noun} below {high}" if below else f"{noun} of at most {high}"
    return noun


SPELT = ("L1", "LP", "LSTM", "MSE", "NLL", "RMS", "RNN")
"""How types begin that are read letter by letter, the first one with a vowel."""


def with_article(name: str) -> str:
    """`a Linear`, `an AvgPool2d`, `an LSTM`."""
    return f"{'an' if name[:1] in 'AEIOU' or name.startswith(SPELT) else 'a'} {name}"
