"""From the parser's events to nodes, and to each the comments that are about it."""

from __future__ import annotations

import re
from typing import Any

from specbuild.formatting.nodes import Comment, Entry, Node
from specbuild.language.yaml_events import events

GAP = re.compile(r"#[^\r\n]*|&[^\s,\[\]{}]+|(?:\r\n?|\n)(?:[ \t]*(?:\r\n?|\n))*|.", re.DOTALL)
BREAK = re.compile(r"\r\n?|\n")
EMPTY_END = re.compile(r"(?:\r\n|\r(?!\n)|\n)[ \t]*[\r\n][ \t\r\n]*\Z")
UNSET = Node("scalar", 0, 0)
"""Stands for a value that has not been read yet."""


def nodes_of(text: str) -> Node:
    """The root of a document that can be read, and that holds a mapping."""
    return Reader(text).root()


class Reader:
    """One pass over a document's events; what stands between two of them is looked through for comments."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.pending: list[Comment] = []
        """Comments on lines of their own, which are about what follows, or end what is open."""
        self.apart = False
        """Whether an empty line stands before what follows."""
        self.current: Entry | None = None
        """The entry that began last, outside of brackets."""
        self.open: list[Node] = []
        self.head: list[Comment] = []
        """What stands above a document in brackets."""
        self.key: Node | None = None
        """The key in brackets that has no value yet."""

    def root(self) -> Node:
        """The document."""
        from yaml import events as kinds

        starts = (kinds.MappingStartEvent, kinds.SequenceStartEvent)
        ends = (kinds.MappingEndEvent, kinds.SequenceEndEvent)
        last: Node = UNSET
        for event in iter(events(self.text), None):
            start, end = event.start_mark.index, event.end_mark.index
            if isinstance(event, (kinds.ScalarEvent, kinds.AliasEvent)):
                start = self.after_anchor(event)
                self.advance(start)
                self.begin(self.leaf(event, start, isinstance(event, kinds.AliasEvent)))
                self.position = end
                self.apart = isinstance(event, kinds.ScalarEvent) and self.ends_apart(event)
            elif isinstance(event, starts):
                first = self.after_anchor(event)
                start = first if event.flow_style else start
                self.advance(start)
                node = self.collection(event, first, isinstance(event, kinds.MappingStartEvent))
                self.begin(node)
                self.open.append(node)
                self.position = end if node.flow else start
            elif isinstance(event, ends):
                self.advance(start)
                last = self.open.pop()
                last.end = end
                if last.flow:
                    self.position = end
                else:
                    self.close(last)
        self.advance(len(self.text))
        last.foot += self.pending
        if last.flow and last.entries:
            last.entries[0].before = self.head
            last.flow = last.raw
        return last

    def ends_apart(self, event: Any) -> bool:
        """Whether a text of several lines, which holds them, ends in empty lines that it does not mean."""
        start, end = event.start_mark.index, event.end_mark.index
        drops = not event.value.endswith("\n\n")
        return drops and event.style in ("|", ">") and EMPTY_END.search(self.text, start, end) is not None

    def advance(self, end: int) -> None:
        """Look through the text before a token."""
        own_line = not self.position or self.text[self.position - 1] in "\r\n"  # as after a text of several lines
        breaks = 1 if own_line else 0
        for found in GAP.finditer(self.text, self.position, end):
            piece = found[0]
            if piece[0] in "\r\n":
                breaks += len(BREAK.findall(piece))
                own_line = True
            elif piece[0] == "#":
                self.comment(piece.rstrip(), found.start(), own_line, breaks > 1)
                breaks = 0
            elif piece not in " \t":
                self.apart, breaks = self.apart or breaks > 1, 0
                if piece == "-":
                    self.current = None  # what comes beside it is about an item to come
                own_line = False
        self.apart = self.apart or breaks > 1
        self.position = max(self.position, end)

    def comment(self, text: str, start: int, own_line: bool, apart: bool) -> None:
        """Keep a comment where it belongs."""
        line = max(self.text.rfind("\n", 0, start), self.text.rfind("\r", 0, start)) + 1
        comment = Comment(text, start - line, apart or self.apart)
        self.apart = False
        flow = next((node for node in self.open if node.flow), None)
        if flow is not None:
            flow.raw = True
        elif own_line or self.current is None:
            self.pending.append(comment)
        else:
            self.current.beside.append(comment)

    def begin(self, node: Node) -> None:
        """Put a node where it stands."""
        if not self.open:
            if node.flow:
                self.head, self.pending = self.pending, []
            return
        parent = self.open[-1]
        if parent.kind == "sequence":
            self.add(Entry(None, node))
        elif parent.flow:
            if self.key is None:
                self.key = node
            else:
                parent.entries.append(Entry(self.key, node))
                self.key = None
        elif parent.entries and parent.entries[-1].value is UNSET:
            entry = parent.entries[-1]
            entry.value = node
            self.current = entry
            if node.kind in ("scalar", "alias") or node.flow:
                entry.before += self.pending
                self.pending = []
        else:
            self.add(Entry(node, UNSET))

    def add(self, entry: Entry) -> None:
        """One more in the collection that is open."""
        parent = self.open[-1]
        parent.entries.append(entry)
        if not parent.flow:
            entry.before, entry.apart = self.pending, self.apart
            self.pending, self.apart, self.current = [], False, entry

    def close(self, node: Node) -> None:
        """Leave it the comments that are further in than what it stands in."""
        column = self.open[-1].column if self.open else -1
        while self.pending and self.pending[0].column > column:
            node.foot.append(self.pending.pop(0))

    def after_anchor(self, event: Any) -> int:
        """Where a value begins, its anchor and what stands between the two left out."""
        start: int = event.start_mark.index
        if self.text[start : start + 1] != "&":
            return start
        end: int = event.end_mark.index
        gap = GAP.finditer(self.text, start)
        first = next((found.start() for found in gap if found[0][0] not in "&# \t\r\n"), end)
        return first if event.__class__.__name__ != "ScalarEvent" else min(first, end)

    def leaf(self, event: Any, start: int, is_alias: bool) -> Node:
        """A single value."""
        end = event.end_mark.index
        if is_alias:
            return Node("alias", start, end, event.anchor)
        style = "" if event.implicit[0] else event.style or ""
        return Node("scalar", start, end, event.value, style, event.anchor)

    def collection(self, event: Any, first: int, is_mapping: bool) -> Node:
        """A collection that begins; first: where its first token stands."""
        node = Node("mapping" if is_mapping else "sequence", first, first, anchor=event.anchor)
        node.flow = bool(event.flow_style)
        line = max(self.text.rfind("\n", 0, first), self.text.rfind("\r", 0, first)) + 1
        node.column = first - line
        return node
