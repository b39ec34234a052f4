"""The one spelling of a single value."""

from __future__ import annotations

import json
import re

from specbuild.language.decoding import FORBIDDEN_IN_YAML
from specbuild.language.editing import is_plain
from specbuild.language.scalars import NUMBER, STARTS, WORDS

FLOAT = re.compile(r"([-+]?)([0-9]*)(?:(\.)([0-9]*))?(?:[eE]([-+]?)([0-9]+))?")
UNSAFE = re.compile(r"[,\[\]{}:\t\r\n]|\$\{| #")
"""What ends a plain text somewhere, or looks as if it did."""
OLD_WORDS = frozenset({"y", "n", "yes", "no", "on", "off"})
"""What readers of YAML 1.1 take for true and false: in quotes it stays so for them too."""


def written_plain(text: str) -> str:
    """A plain scalar: a number, a word, or a text, which gets quotes where it might need them elsewhere."""
    if text in WORDS:
        return json.dumps(WORDS[text])
    if text[0] in STARTS and (found := NUMBER.fullmatch(text)) is not None:
        return number(text) if found.lastgroup in ("int", "float") else text
    return quoted(text) if UNSAFE.search(text) or text[0] in "?:-" else text


def written_quoted(text: str) -> str:
    """A text that was quoted: without quotes where nobody misses them."""
    return text if is_plain(text) and text.lower() not in OLD_WORDS else quoted(text)


def quoted(text: str) -> str:
    """In double quotes, or in single ones where those spare escapes."""
    if text.isprintable() and ('"' in text or "\\" in text) and "'" not in text:
        return f"'{text}'"
    escaped = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    return FORBIDDEN_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", escaped)


def number(text: str) -> str:
    """A decimal number: no plus, no zeros before it or before an exponent, digits on both sides of a point."""
    found = FLOAT.fullmatch(text)
    if found is None:
        return text
    sign, whole, point, fraction, exponent_sign, exponent = found.groups()
    made = ("-" if sign == "-" else "") + (whole.lstrip("0") or "0")
    if point:
        made += f".{fraction or '0'}"
    if exponent is not None:
        power = exponent.lstrip("0") or "0"
        made += f"e{'-' if exponent_sign == '-' and power != '0' else ''}{power}"
    return made
