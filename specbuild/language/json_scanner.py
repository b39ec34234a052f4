"""A scanner for JSON that knows where everything is, and reads on after the usual mistakes."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from math import isfinite
from typing import Literal, NoReturn

from specbuild.diagnostics.diagnostic import Path
from specbuild.language import budgets
from specbuild.language.faults import Fault, abridged
from specbuild.language.lines import Lines
from specbuild.language.positions import Place

SPACE = re.compile(r"[ \t\r\n]*")
TOKEN = re.compile(
    r'(?P<string>"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*")'
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?(?![\w.+-]))"
    r"|(?P<word>(?:true|false|null)(?!\w))"
    r"|(?P<endless>(?:NaN|-?Infinity)(?!\w))"
    r"|(?P<mark>[\[\]{},:])"
)
PLAIN = re.compile(
    r'[ \t\r\n]*(?:"(?P<key>[^"\\\x00-\x1f]*)"[ \t\r\n]*:[ \t\r\n]*)?'
    r'(?:(?P<value>"[^"\\\x00-\x1f]*"|-?(?:0|[1-9][0-9]{0,14})(?![\w.+-])|true|false|null)'
    r"[ \t\r\n]*(?:(?P<comma>,)|(?=[\]}]))|(?P<opening>[\[{]))"
)
"""A scalar in which nothing is unusual, with its key and the comma after it, or an opening bracket with its key."""
BARE = re.compile(r"[^\s,:\[\]{}\"']+")
STRING_BODY = re.compile(r'(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*')
LONE_SURROGATE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]"
)
SPELLINGS = {
    "True": "true",
    "False": "false",
    "None": "null",
    "TRUE": "true",
    "FALSE": "false",
    "NULL": "null",
}
CLOSING = {"[": "]", "{": "}"}

State = Literal["value", "first value", "key", "first key", "colon", "after", "end"]


class Stop(Exception):  # noqa: N818  the end of reading, its fault is noted already
    """There is no use in reading on."""


def scan_json(text: str) -> tuple[Place | None, list[Fault]]:
    """The places in a JSON document, as far as it can be read, and everything that is wrong with it."""
    scanner = Scanner(text)
    with suppress(Stop):
        scanner.scan()
    children = scanner.root.children
    return (children[0] if isinstance(children, list) and children else None), scanner.faults


class Scanner:
    """One pass over a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.faults: list[Fault] = []
        self.root = Place(0, 0, -1, -1, [])
        self.stack: list[Place] = [self.root]
        self.keys: list[str] = [""]
        """The key at hand, for each open collection."""
        self.key_start = self.key_end = -1
        self.nodes = 0
        self.most = budgets.most_nodes(len(text))
        self.lines = Lines(text)

    def scan(self) -> None:
        """Read the whole text."""
        text, state, position = self.text, "value", 0
        space, token_at, plain_at = SPACE.match, TOKEN.match, PLAIN.match
        while True:
            if state not in ("colon", "after", "end"):
                plain = plain_at(text, position)
                if plain is not None and self.takes(plain):
                    position = plain.end()
                    if plain["opening"] is not None:
                        state = "first key" if self.in_object() else "first value"
                    else:
                        state = "after" if plain["comma"] is None else "key" if self.in_object() else "value"
                    continue
            found = space(text, position)
            position = found.end() if found else position
            if position == len(text):
                if state != "end":
                    self.ended()
                return
            if state == "after":
                if text[position] == ",":
                    position += 1
                    state = "key" if self.in_object() else "value"
                    continue
                if text[position] == self.closer():
                    position += 1
                    state = self.close(position)
                    continue
            token = token_at(text, position)
            if token is None:
                self.no_token(position, state)
            state = self.step(token, state)
            position = token.end()

    def takes(self, plain: re.Match[str]) -> bool:
        """Whether what is plain can stand where it does; if so it has its place."""
        children, key, opening = self.stack[-1].children, plain["key"], plain["opening"]
        if opening is not None and (len(self.stack) > budgets.MAX_DEPTH or self.nodes >= self.most):
            return False
        place = Place(*plain.span("value" if opening is None else "opening"), -1, -1)
        if isinstance(children, dict):
            if key is None or key in children or self.key_start >= 0:
                return False
            place.key_start, place.key_end = plain.start("key") - 1, plain.end("key") + 1
            children[key] = place
        elif key is None and len(self.stack) > 1 and children is not None:
            children.append(place)
        else:
            return False
        self.nodes += 1
        if opening is not None:
            if isinstance(children, dict):
                self.keys[-1] = str(key)
            place.children = {} if opening == "{" else []
            self.stack.append(place)
            self.keys.append("")
        return True

    def step(self, token: re.Match[str], state: str) -> State:
        """What is awaited after a token."""
        kind, start, end = token.lastgroup, token.start(), token.end()
        written = token[0]
        if state == "end":
            self.stop("SB104", "nothing may follow the end of the document", start, end)
        if state == "after" and (kind != "mark" or written in "[{"):
            before = written if kind == "mark" else abridged(written)
            self.note("SB104", f"a `,` is missing before `{before}`", start, end)
            state = "key" if self.in_object() else "value"
        if state in ("key", "first key"):
            if kind == "string":
                return self.take_key(written, start, end)
            if written == "}":
                if state == "key":
                    self.trailing_comma(start)
                return self.close(end)
            if kind != "mark":
                self.stop("SB104", f"a key must be in double quotes: {written}", start, end, f'"{written}"')
            self.stop("SB104", f"a key is missing before `{written}`", start, end)
        if state == "colon":
            if written == ":":
                return "value"
            self.stop("SB104", f"a `:` is missing after the key `{abridged(self.keys[-1])}`", start, end)
        if state == "after":
            if written == ",":
                return "key" if self.in_object() else "value"
            if written in "]}" and written == self.closer():
                return self.close(end)
            self.mismatch(written, start, end)
        if written == "]" and not self.in_object() and len(self.stack) > 1:
            if state == "value":
                self.trailing_comma(start)
            return self.close(end)
        if kind == "mark" and written in "[{":
            return self.open(written, start, end)
        if kind == "mark":
            self.stop("SB104", f"a value is missing before `{written}`", start, end)
        self.judge(str(kind), written, start, end)
        self.add(Place(start, end, self.key_start, self.key_end))
        return "after" if len(self.stack) > 1 else "end"

    def in_object(self) -> bool:
        """Whether the innermost open collection is an object."""
        return isinstance(self.stack[-1].children, dict)

    def closer(self) -> str:
        """The bracket that closes the innermost open collection."""
        return "}" if self.in_object() else "]"

    def take_key(self, written: str, start: int, end: int) -> State:
        """Keep a key for the value that follows."""
        children = self.stack[-1].children
        assert isinstance(children, dict)
        self.judge("string", written, start, end)
        key = json.loads(written) if "\\" in written else written[1:-1]
        self.keys[-1], self.key_start, self.key_end = key, start, end
        if key in children:
            line, _ = self.lines.place(children[key].key_start)
            self.note(
                "SB105",
                f"the key `{abridged(key)}` is written twice, first on line {line}",
                start,
                end,
                "keep one of the two",
            )
        return "colon"

    def add(self, place: Place) -> None:
        """Put a place where it belongs; of a key that is written twice the first counts."""
        children = self.stack[-1].children
        if isinstance(children, dict):
            children.setdefault(self.keys[-1], place)
        elif children is not None:
            children.append(place)
        self.key_start = self.key_end = -1
        self.nodes += 1
        if self.nodes > self.most:
            self.stop("SB109", budgets.TOO_MANY.format(most=self.most), place.start, place.end)

    def open(self, bracket: str, start: int, end: int) -> State:
        """Begin a collection."""
        place = Place(start, end, self.key_start, self.key_end, {} if bracket == "{" else [])
        self.add(place)
        self.stack.append(place)
        self.keys.append("")
        if len(self.stack) - 1 > budgets.MAX_DEPTH:
            self.stop("SB109", budgets.TOO_DEEP, start, end)
        return "first key" if bracket == "{" else "first value"

    def close(self, end: int) -> State:
        """End a collection."""
        self.stack.pop().end = end
        self.keys.pop()
        return "after" if len(self.stack) > 1 else "end"

    def judge(self, kind: str, written: str, start: int, end: int) -> None:
        """Scalars that are JSON but cannot be a value here."""
        if kind == "endless":
            self.note("SB107", budgets.NOT_FINITE.format(written=written), start, end)
        elif kind == "number" and len(written) > budgets.MAX_DIGITS:
            self.note("SB109", budgets.TOO_LONG.format(length=len(written)), start, end)
        elif kind == "number" and not isfinite(float(written)) and not written.lstrip("-").isdigit():
            self.note("SB107", budgets.NOT_FINITE.format(written=written), start, end)
        elif kind == "string" and "\\u" in written:
            try:
                json.loads(written).encode()
            except UnicodeEncodeError as error:
                escape = f"\\u{ord(error.object[error.start]):04x}"
                self.note("SB102", f"`{escape}` is half of a surrogate pair, not a character", start, end)

    def path(self) -> Path:
        """Where the token at hand stands."""
        parts: list[str | int] = []
        for depth, place in enumerate(self.stack[1:], start=1):
            innermost = depth == len(self.stack) - 1
            if isinstance(place.children, dict):
                if not innermost or self.key_start >= 0:
                    parts.append(self.keys[depth])
            else:
                parts.append(len(place.children or ()) - (not innermost))
        return tuple(parts)

    def note(
        self, code: str, message: str, start: int, end: int, fix: str | None = None, replacement: str | None = None
    ) -> None:
        """Keep a fault; so many of them end the reading."""
        if len(self.faults) >= budgets.MOST_TOLD:
            self.faults.append(Fault("SB113", budgets.TOO_WRONG, start, end, self.path(), budgets.TOO_WRONG_FIX))
            raise Stop
        self.faults.append(Fault(code, message, start, end, self.path(), fix, replacement=replacement))

    def stop(
        self, code: str, message: str, start: int, end: int, fix: str | None = None, replacement: str | None = None
    ) -> NoReturn:
        """Keep a fault after which nothing can be read."""
        self.note(code, message, start, end, fix, replacement)
        raise Stop

    def trailing_comma(self, start: int) -> None:
        """A comma with nothing after it."""
        comma = self.text.rindex(",", 0, start)
        self.note("SB104", f"JSON has no `,` before `{self.text[start]}`", comma, comma + 1, "leave it out", "")

    def mismatch(self, written: str, start: int, end: int) -> NoReturn:
        """A `:`, or a bracket that does not close what is open."""
        if written == ":":
            self.stop("SB104", "a `:` cannot stand here: it follows a key of an object", start, end)
        opened = self.stack[-1].start
        line, column = self.lines.place(opened)
        self.stop(
            "SB104",
            f"`{written}` cannot close the `{self.text[opened]}` at line {line}, column {column}",
            start,
            end,
            f"close that with `{self.closer()}` first",
        )

    def ended(self) -> NoReturn:
        """The text ends too soon."""
        if len(self.stack) > 1:
            opened = self.stack[-1].start
            bracket = self.text[opened]
            self.stop(
                "SB104",
                f"this `{bracket}` is never closed",
                opened,
                opened + 1,
                f"add the `{CLOSING[bracket]}`",
            )
        self.stop("SB104", "a value is missing", max(0, len(self.text) - 1), len(self.text))

    def no_token(self, start: int, state: str) -> NoReturn:
        """Something that is no JSON at all."""
        text = self.text
        first = text[start]
        if first == '"':
            self.bad_string(start)
        if first == "'":
            self.stop("SB104", "JSON puts texts in double quotes", start, start + 1, "write `\"` for `'`")
        if first == "#" or text.startswith(("//", "/*"), start):
            self.stop(
                "SB104",
                "JSON has no comments",
                start,
                start + 1,
                "leave it out, or write the document as YAML",
            )
        found = BARE.match(text, start)
        end = found.end() if found else start + 1
        bare = text[start:end]
        if state == "end":
            message = f"something follows the end of the document: {abridged(bare)}"
            self.stop("SB104", message, start, end, "leave it out")
        if state in ("key", "first key"):
            self.stop(
                "SB104",
                f"a key must be in double quotes: {abridged(bare)}",
                start,
                end,
                f'"{abridged(bare)}"',
                json.dumps(bare),
            )
        if bare in SPELLINGS:
            self.stop(
                "SB104", f"JSON writes `{bare}` as `{SPELLINGS[bare]}`", start, end, SPELLINGS[bare], SPELLINGS[bare]
            )
        if first in "+-.0123456789":
            self.stop("SB104", f"`{abridged(bare)}` is not a number in JSON", start, end)
        self.stop("SB104", f"a text must be in double quotes: {abridged(bare)}", start, end)

    def bad_string(self, start: int) -> NoReturn:
        """A string that breaks off, or has an escape that is none."""
        found = STRING_BODY.match(self.text, start + 1)
        position = found.end() if found else start + 1
        if self.text[position : position + 1] == "\\" and position + 1 < len(self.text):
            escape = self.text[position : position + 2]
            self.stop(
                "SB104",
                f"`{escape}` is not an escape" if escape != "\\u" else "`\\u` needs four hex digits",
                position,
                position + 2,
                "write `\\\\` for a backslash",
            )
        if self.text[position : position + 1] == "\t":
            self.stop("SB104", "a tab in a text is written `\\t`", position, position + 1)
        self.stop("SB104", "this text is not closed on its line", start, max(position, start + 1), 'add the `"`')
