"""What stopped the YAML parser, in words for someone who writes a document."""

from __future__ import annotations

import re
from typing import Any

from specbuild.diagnostics.diagnostic import Path
from specbuild.language.expressions import LONGEST, closing_brace
from specbuild.language.faults import Fault, abridged
from specbuild.language.lines import Lines

WORD = re.compile(r"[^\s,\[\]{}:]+|\S?")
BEFORE = re.compile(r"[^\s,\[\]{}]*\Z")
AFTER = re.compile(r"[^\s,\[\]{}]*")
NO_SPACE = re.compile(r"\s*(?:- )?([\w-]+):(?=[\w\"'\[{$])(\S*)")
CLOSING = {"[": "]", "{": "}"}


def unquoted_expression(text: str, brace: int, path: Path) -> Fault:
    """SB108 for the `${` whose `{` is at `brace`, with the whole scalar quoted as its mend."""
    close = closing_brace(text[: brace + LONGEST + 2], brace + 1)
    begin = BEFORE.search(text, max(0, brace - 1000), brace)
    start = begin.start() if begin else brace - 1
    if close is None or "\n" in text[brace:close]:
        return Fault(
            "SB108",
            "`${` in a list in brackets or a mapping in braces must be quoted, and is not closed",
            start,
            brace + 1,
            path,
            'write "${...}"',
        )
    after = AFTER.match(text, close + 1)
    end = after.end() if after else close + 1
    written = text[start:end]
    quote = "'" if '"' in written else '"'
    return Fault(
        "SB108",
        f"`{abridged(written)}` must be quoted between brackets or braces, where `{{` begins a mapping",
        start,
        end,
        path,
        f"quote it: {quote}{written}{quote}",
        replacement=None if "\\" in written or ('"' in written and "'" in written) else f"{quote}{written}{quote}",
    )


def syntax_fault(text: str, error: Any) -> Fault:
    """The fault for an error of the parser, libyaml's or PyYAML's own."""
    problem, context = error.problem or "", error.context or ""
    start = min(error.problem_mark.index, len(text))
    opened = min(error.context_mark.index, len(text)) if error.context_mark is not None else start
    if "',' or" in problem:
        return unclosed(text, start, opened)
    if "quoted scalar" in context:
        return in_quotes(text, problem, start, opened)
    if "tab character" in problem or text[start : start + 1] == "\t":
        return Fault("SB103", "a tab cannot indent a line of YAML", start, start + 1, fix="indent with spaces")
    if "cannot start any token" in problem:
        return Fault(
            "SB103",
            f"a text without quotes cannot begin with `{text[start]}`",
            *word(text, start),
            fix="put the text in quotes",
        )
    if "anchor" in context or "alias" in context:
        return Fault(
            "SB103",
            f"a text without quotes cannot begin with `{text[opened]}`",
            *word(text, opened, 1),
            fix="put the text in quotes",
        )
    if "mapping values are not allowed" in problem:
        return second_colon(text, start)
    if "could not find expected ':'" in problem:
        begin, end = line_rest(text, opened)
        return Fault(
            "SB103",
            f"`{abridged(text[begin:end])}` is not a key with its value: `: ` is missing",
            begin,
            end,
            fix="write `key: value`, or indent the line to belong to the text above it",
        )
    if "sequence entries are not allowed" in problem:
        return Fault(
            "SB103",
            "a list cannot begin here: a key's value is on this line already, or its indentation is another",
            start,
            start + 1,
            fix="begin the list on a line of its own, below its key",
        )
    if "expected key" in problem or "'-' indicator" in problem or "<block end>" in problem:
        return out_of_line(text, start, opened, "sequence" in context or "collection" in context)
    if "node content" in problem:
        found = text[start : start + 1]
        if not found.strip():
            return Fault("SB103", "a value is missing here", *word(text, start))
        return Fault("SB103", f"a value is missing before `{found}`", start, start + 1)
    if "document start" in problem:
        found = text[start : start + 1]
        if found in ("]", "}"):
            return closes_nothing(text, start)
        return Fault("SB103", "nothing may follow the end of the document", *word(text, start))
    if "irective" in context + problem or "incompatible YAML" in problem:
        return Fault(
            "SB106",
            "directives are refused: a document is YAML 1.2",
            *line_rest(text, start and opened),
            fix="leave the line out",
        )
    if "tag" in context + problem:
        return Fault(
            "SB106",
            "tags are refused: a value has the type it is written in",
            *word(text, opened),
            fix="put a text that begins with `!` in quotes",
        )
    if "block scalar" in context:
        return Fault(
            "SB103",
            f"nothing may follow the `{text[opened]}` on its line",
            *word(text, start),
            fix="begin the text on the next line, indented",
        )
    return Fault("SB103", f"this is not YAML: {problem or error}", *word(text, start))


def closes_nothing(text: str, start: int) -> Fault:
    """A bracket or a brace too many."""
    return Fault("SB103", f"this `{text[start]}` closes nothing", start, start + 1, fix="leave it out")


def unclosed(text: str, start: int, opened: int) -> Fault:
    """A flow collection that goes on where it should end."""
    bracket = text[opened]
    close = CLOSING.get(bracket, "}")
    if not text[start:].strip():
        return Fault("SB103", f"this `{bracket}` is never closed", opened, opened + 1, fix=f"add the `{close}`")
    line, column = Lines(text).place(opened)
    begin, end = word(text, start)
    return Fault(
        "SB103",
        f"a `,` or `{close}` is missing before `{abridged(text[begin:end])}`",
        begin,
        end,
        because=f"the `{bracket}` at line {line}, column {column} is still open",
    )


def in_quotes(text: str, problem: str, start: int, opened: int) -> Fault:
    """A quoted text that does not end, or an escape that is none."""
    if "end of stream" in problem or "document indicator" in problem:
        return Fault(
            "SB103",
            f"this `{text[opened]}` is never closed",
            opened,
            opened + 1,
            fix=f"add the `{text[opened]}`",
        )
    slash = text.rfind("\\", opened, start + 1)
    slash = start if slash < 0 else slash
    if "unknown escape" in problem:
        return Fault(
            "SB103",
            f"`{text[slash : slash + 2]}` is not an escape",
            slash,
            slash + 2,
            fix="write `\\\\` for a backslash, or put the text in single quotes",
        )
    return Fault("SB103", f"`{abridged(text[slash : slash + 6])}` is not the code of a character", slash, slash + 2)


def second_colon(text: str, colon: int) -> Fault:
    """A `:` where no key can be."""
    first, _ = line_start(text, colon)
    before = text[first:colon]
    if ": " in before.strip() or before.lstrip().startswith("? "):
        fix = "put the value in quotes" if "${" not in before else 'quote the expression: "${...}"'
        return Fault("SB103", "a value without quotes cannot hold `: `", colon, colon + 1, fix=fix)
    previous = text.rfind("\n", 0, max(0, first - 1)) + 1
    glued = NO_SPACE.match(text, previous) if first else None
    if glued is not None and glued.end() <= first:
        return Fault(
            "SB103",
            f"a space is missing after `{glued[1]}:`",
            glued.end(1),
            glued.end(1) + 1,
            fix=f"{glued[1]}: {abridged(glued[2])}",
        )
    start = first + len(before) - len(before.lstrip())
    return Fault(
        "SB103",
        f"the key `{abridged(before.strip())}` cannot stand here: the text of the line above runs on into it",
        start,
        colon,
        fix="end the line above in `:`, or check the indentation of this line",
    )


def out_of_line(text: str, start: int, opened: int, is_list: bool) -> Fault:
    """Something that is neither inside nor beside the block that it follows."""
    _, is_first = line_start(text, start)
    begin, end = line_rest(text, start)
    what = "list" if is_list else "mapping"
    line, _ = Lines(text).place(opened)
    if is_first:
        return Fault(
            "SB103",
            f"this line is neither inside nor beside the {what} that begins at line {line}",
            begin,
            end,
            fix="give it the indentation of the line that it belongs with"
            + (", and `- ` before it" if is_list else ""),
        )
    if text[start] in ("]", "}"):
        return closes_nothing(text, start)
    return Fault(
        "SB103",
        f"`{abridged(text[begin:end])}` cannot stand here: the value before it has ended",
        begin,
        end,
        fix="put the whole value in one pair of quotes, or begin a new line",
    )


def line_start(text: str, index: int) -> tuple[int, bool]:
    """Where the line of `index` begins, and whether only spaces stand before it."""
    first = max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
    return first, not text[first:index].strip(" ")


def line_rest(text: str, index: int) -> tuple[int, int]:
    """From `index` to the end of its line, without the spaces there."""
    rest = re.compile(r"[^\r\n]*").match(text, index)
    return index, index + max(1, len(rest[0].rstrip()) if rest else 1)


def word(text: str, index: int, least: int = 0) -> tuple[int, int]:
    """The word that begins at `index`, or its one character."""
    found = WORD.match(text, index + least)
    return index, max(found.end() if found else index, index + 1)
