"""What a plain YAML scalar means, by the core schema of YAML 1.2.

So `1e-3` is a float, `no` and `on` are strings, `010` is 10 and `0o17` is 15.
"""

from __future__ import annotations

import re
from math import isinf

from specbuild.language.budgets import MAX_DIGITS, NOT_FINITE, TOO_LONG

WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
NULLS = frozenset(word for word, value in WORDS.items() if value is None)
STARTS = frozenset("+-.0123456789")
"""How a number begins."""
NUMBER = re.compile(
    r"(?P<int>[-+]?[0-9]+)|(?P<octal>0o[0-7]+)|(?P<hex>0x[0-9a-fA-F]+)"
    r"|(?P<float>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<endless>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)


class BadNumberError(ValueError):
    """A number that a document may not hold: its code and what is wrong."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def resolve(text: str) -> str | int | float | bool | None:
    """The value of a plain scalar; raises `BadNumberError`."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in STARTS:
        return text
    found = NUMBER.fullmatch(text)
    if found is None:
        return text
    kind = found.lastgroup
    if kind == "endless":
        raise BadNumberError("SB107", NOT_FINITE.format(written=text))
    if len(text) > MAX_DIGITS:
        raise BadNumberError("SB109", TOO_LONG.format(length=len(text)))
    if kind == "float":
        value = float(text)
        if isinf(value):
            raise BadNumberError("SB107", NOT_FINITE.format(written=text))
        return value
    return int(text, {"int": 10, "octal": 8, "hex": 16}[str(kind)])
