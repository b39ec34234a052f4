"""From nodes to text: which value has a line, and which has many."""

from __future__ import annotations

import re
from typing import NamedTuple

from specbuild.formatting.nodes import Comment, Entry, Node
from specbuild.formatting.roles import LISTS, OPEN, Role, is_bare, names_a_type, ordered, role_below
from specbuild.formatting.scalars import quoted, written_plain, written_quoted

WIDTH = 120
"""The columns of a line, its comment aside."""
BREAK = re.compile(r"\r\n?|\n")
PRAGMA = re.compile(r"#[ \t]*specbuild:", re.IGNORECASE)
"""A comment that is about all that stands on its line."""
BLOCK = re.compile(r"([|>][+-]?)(?:[ \t]+(#.*))?[ \t]*")
"""How a text of several lines begins, unless it says its indentation."""


class Line(NamedTuple):
    """A line that is to be written."""

    text: str
    beside: Comment | None = None


def printed(text: str, root: Node) -> list[str]:
    """The lines of a document."""
    return aligned(Printer(text).document(root))


def aligned(lines: list[Line]) -> list[str]:
    """The lines with the comments beside them: two spaces away, and in one column where they were before."""
    written, first = [], 0
    while first < len(lines):
        after, beside = first + 1, lines[first].beside
        if beside is not None:
            while after < len(lines) and (other := lines[after].beside) and other.column == beside.column:
                after += 1
        width = max(len(line.text) for line in lines[first:after])
        for line in lines[first:after]:
            gap = " " * (width - len(line.text) + 2)
            written.append(line.text + (gap + line.beside.text if line.beside else ""))
        first = after
    return written


class Printer:
    """Writes the nodes of one text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def document(self, root: Node) -> list[Line]:
        """The whole: what is said above the first key stays above."""
        entries, lines = arranged(root, Role.document), list[Line]()
        if root.raw:
            above = root.entries[0].before if root.entries else []
            lines = [*self.comments(above, ""), *self.as_it_is("", root)]
            return lines + self.comments(root.foot, "", is_first=False)
        if root.entries:
            first = root.entries[0]
            above, first.before = header(first.before, moves=entries[0] is not first)
            lines += self.comments(above, "")
            if lines and first.apart and not first.before:
                lines.append(Line(""))
            first.apart = first.apart and bool(first.before)
        for entry in entries:
            lines += self.entry(entry, Role.document, type_of(root), 0, is_first=not lines)
        return lines + self.comments(root.foot, "", is_first=not lines)

    def comments(self, comments: list[Comment], pad: str, *, is_first: bool = True) -> list[Line]:
        """Comments on lines of their own."""
        lines: list[Line] = []
        for comment in comments:
            if comment.apart and (lines or not is_first):
                lines.append(Line(""))
            lines.append(Line(pad + comment.text))
        return lines

    def block(self, node: Node, role: Role, indent: int) -> list[Line]:
        """A collection with a line for each entry, or more."""
        lines, type = list[Line](), type_of(node)
        for entry in arranged(node, role):
            lines += self.entry(entry, role, type, indent, is_first=not lines)
        return lines + self.comments(node.foot, " " * indent, is_first=not lines)

    def entry(self, entry: Entry, role: Role, type: str | None, indent: int, *, is_first: bool) -> list[Line]:
        """An entry with its comments."""
        pad = " " * indent
        lines = self.comments(entry.before, pad, is_first=is_first)
        if entry.apart and (lines or not is_first):
            lines.append(Line(""))
        lines += self.comments(entry.beside[:-1], pad)
        if entry.key is None:
            below = role_below(role, 0, None)
            head = f"{pad}-"
        else:
            below = role_below(role, entry.key.value, type)
            head = f"{pad}{self.key(entry.key)}:"
        is_open = role in OPEN and below is Role.layers
        value, place = self.value(head, entry.value, below, indent, entry.beside, is_open=is_open)
        for comment in entry.beside[-1:]:
            if value[place].beside is not None:
                lines.append(Line(pad + comment.text))
            else:
                value[place] = value[place]._replace(beside=comment)
        return lines + value

    def value(
        self, head: str, node: Node, role: Role, indent: int, beside: list[Comment], *, is_open: bool = False
    ) -> tuple[list[Line], int]:
        """A value after its key, or after the dash; and the line that a comment beside it stands on."""
        start = f"{head} " if head else ""
        if node.anchor is not None:
            start += f"&{node.anchor} "
        if node.kind == "alias":
            return [Line(f"{start}*{node.value}")], 0
        if node.kind == "scalar":
            if node.style in ("|", ">") and (block := self.block_scalar(node, indent)) is not None:
                return [Line(start + block[0]), *map(Line, block[1:])], 0
            return [Line(start + self.scalar(node))], 0
        if node.raw:
            return last(self.as_it_is(start, node))
        line = self.short(node, role)
        if line is not None and node.anchor is None:
            return [Line(start + line)], 0
        line = self.line(node, role)
        is_bound = any(PRAGMA.match(comment.text) for comment in beside)
        if line is not None and node.flow and is_bound:
            is_long = BREAK.search(self.text, node.start, node.end) is not None
            return last(self.as_it_is(start, node) if is_long else [Line(start + line)])
        fits = line is not None and len(start) + len(line) <= WIDTH
        if line is not None and fits and not is_open and role not in OPEN and self.is_for_one_line(node, role):
            return [Line(start + line)], 0
        if not node.entries:
            return [Line(start + (line or ""))], 0
        if node.flow and not is_open and role not in OPEN:
            filled = self.filled(start, node, role)
            if filled is not None:
                return last(filled)
        return self.opened(start.rstrip(), node, role, indent)

    def opened(self, start: str, node: Node, role: Role, indent: int) -> tuple[list[Line], int]:
        """A collection on lines of its own below its key, or beginning beside the dash."""
        if not start:
            return self.block(node, role, indent), 0
        below = self.block(node, role, indent + 2)
        if start.strip() != "-":
            return [Line(start), *below], 0
        above = next(index for index, line in enumerate(below) if line.text and not line.text.lstrip().startswith("#"))
        comments = [Line(" " * indent + line.text.lstrip()) if line.text else line for line in below[:above]]
        first = below[above]._replace(text=f"{start} {below[above].text.lstrip()}")
        return [*comments, first, *below[above + 1 :]], above

    def is_for_one_line(self, node: Node, role: Role) -> bool:
        """Whether a collection that has room on a line gets one: what was in brackets, and what has nothing within."""
        if node.flow:
            return True
        if node.commented:
            return False
        values = [entry.value for entry in node.entries]
        if any(value.kind in ("mapping", "sequence") or value.style in ("|", ">") for value in values):
            return False
        if node.kind == "mapping":
            return role is Role.layer
        return role not in LISTS and all(value.style == "" and is_number(value.value) for value in values)

    def short(self, node: Node, role: Role) -> str | None:
        """`ReLU` for `{type: ReLU}`."""
        if node.kind != "mapping" or len(node.entries) != 1 or not names_a_type(role) or node.commented:
            return None
        type = type_of(node)
        entry = node.entries[0]
        if not is_bare(type) or entry.value.anchor is not None or entry.key is None or entry.key.anchor is not None:
            return None
        return self.scalar(entry.value)

    def line(self, node: Node, role: Role) -> str | None:
        """A value on one line, as within brackets; None for what cannot be."""
        anchor = f"&{node.anchor} " if node.anchor is not None else ""
        if node.kind == "alias":
            return f"*{node.value}"
        if node.kind == "scalar":
            return None if node.style in ("|", ">") else anchor + self.scalar(node)
        parts = self.parts(node, role)
        if parts is None:
            return None
        opening, closing = "[]" if node.kind == "sequence" else "{}"
        return f"{opening}{', '.join(parts)}{closing}"

    def parts(self, node: Node, role: Role) -> list[str] | None:
        """The entries of a collection, each on one line; None if one cannot be."""
        if node.raw or node.foot:
            return None
        type, parts = type_of(node), list[str]()
        for entry in arranged(node, role):
            if entry.before or entry.beside:
                return None
            below = role_below(role, 0 if entry.key is None else entry.key.value, type)
            value = None
            if entry.value.kind in ("mapping", "sequence"):
                if entry.value.anchor is None:
                    value = self.short(entry.value, below)
                if value is None and (value := self.line(entry.value, below)) is not None and entry.value.anchor:
                    value = f"&{entry.value.anchor} {value}"
            else:
                value = self.line(entry.value, below)
            if value is None:
                return None
            parts.append(value if entry.key is None else f"{self.key(entry.key)}: {value}")
        return parts

    def filled(self, start: str, node: Node, role: Role) -> list[Line] | None:
        """A collection in brackets on several lines, as a layer with many arguments, or a list of numbers.

        None for what reads better with a line for each entry.
        """
        parts = self.parts(node, role)
        if parts is None:
            return None
        is_layer = node.kind == "mapping" and start.lstrip().startswith("-")
        if is_layer:
            if any(entry.key is not None and entry.key.value == "layers" for entry in node.entries):
                return None
        elif any(entry.value.kind in ("mapping", "sequence") for entry in node.entries) or node.kind == "mapping":
            return None
        opening, closing = "[]" if node.kind == "sequence" else "{}"
        pad = " " * (len(start) + 1)
        lines, line = list[Line](), start + opening
        for index, part in enumerate(parts):
            part += closing if index == len(parts) - 1 else ","
            gap = "" if (line.endswith(opening) and not index) or line == pad else " "
            if len(line) + len(gap) + len(part) > WIDTH and index:
                lines.append(Line(line))
                line, gap = pad, ""
            line += gap + part
        return [*lines, Line(line)]

    def as_it_is(self, start: str, node: Node) -> list[Line]:
        """A collection in brackets as it is written, moved with its beginning."""
        begin = node.start
        line_start = max(self.text.rfind("\n", 0, begin), self.text.rfind("\r", 0, begin)) + 1
        shift = len(start) - (begin - line_start)
        first, *rest = BREAK.split(self.text[begin : node.end])
        lines = [Line(start + first.rstrip())]
        least = len(start) - len(start.lstrip()) + 1
        for line in rest:
            content = line.strip()
            lines.append(Line(" " * max(least, len(line) - len(line.lstrip()) + shift) + content if content else ""))
        return lines

    def block_scalar(self, node: Node, indent: int) -> list[str] | None:
        """A text of several lines with its first; None where its layout does not tell what it says."""
        head, *lines = BREAK.split(self.text[node.start : node.end])
        found = BLOCK.fullmatch(head)
        if found is None:
            return None
        written = [line for line in lines if line.strip()]
        if not written:
            return None
        if not found[1].endswith("+"):
            while not lines[-1].strip():
                lines.pop()
        elif not lines[-1]:
            lines.pop()
        own = len(written[0]) - len(written[0].lstrip(" "))
        pad = " " * (indent + 2)
        return [
            found[1] + (f"  {found[2].rstrip()}" if found[2] else ""),
            *(pad + line[own:] if line[own:] else "" for line in lines),
        ]

    def scalar(self, node: Node) -> str:
        """A single value."""
        if node.style == "":
            return written_plain(node.value)
        return written_quoted(node.value) if node.style in ("'", '"') else quoted(node.value)

    def key(self, node: Node) -> str:
        """A key; it is a text, whatever it looks like."""
        anchor = f"&{node.anchor} " if node.anchor is not None else ""
        if node.style:
            return anchor + written_quoted(node.value)
        made = written_plain(node.value)
        return anchor + (made if made[:1] in ("'", '"') else node.value)


def header(comments: list[Comment], *, moves: bool) -> tuple[list[Comment], list[Comment]]:
    """Of the comments above the first key those about the document, and those about the key.

    moves: whether the key goes elsewhere. Then it takes the last group along, where there are several.
    """
    groups = [index for index, comment in enumerate(comments) if index and comment.apart]
    cut = groups[-1] if moves and groups else len(comments)
    return comments[:cut], comments[cut:]


def last(lines: list[Line]) -> tuple[list[Line], int]:
    """The lines, a comment beside them on the last."""
    return lines, len(lines) - 1


def arranged(node: Node, role: Role) -> list[Entry]:
    """The entries in their settled order, unless something hangs on the one that they are in."""
    if node.kind != "mapping":
        return node.entries
    keys = [entry.key.value for entry in node.entries if entry.key is not None]
    wanted = ordered(keys, role)
    if wanted == keys or depends_on_order(node, role):
        return node.entries
    by_key = {entry.key.value: entry for entry in node.entries if entry.key is not None}
    return [by_key[key] for key in wanted]


def depends_on_order(node: Node, role: Role) -> bool:
    """Whether entries of a mapping stay where they are: for an alias below its anchor, or for comments."""
    if role is not Role.document:
        return node.commented or any(below.anchor or below.kind == "alias" for below in node.walk())
    for entry in node.entries:
        known: set[str] = set()
        below = sorted(entry.value.walk(), key=lambda each: each.start)
        for each in below:
            if each.kind == "alias" and each.value not in known:
                return True
            if each.anchor is not None:
                known.add(each.anchor)
    return False


def type_of(node: Node) -> str | None:
    """The `type` that a mapping says, None where it says none."""
    for entry in node.entries:
        if entry.key is not None and entry.key.value == "type":
            return entry.value.value if entry.value.kind == "scalar" else ""
    return None


def is_number(text: str) -> bool:
    """Whether a plain text is a number."""
    return re.fullmatch(r"[-+.0-9][-+.0-9eE_xo]*", text) is not None
