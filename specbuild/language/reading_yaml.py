"""From YAML to plain values.

The parser's events are built into dicts and lists by a loop, so that no nesting can exhaust a stack. No
positions are kept: `specbuild.language.positions` finds them again for the few that a reader is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import Any

from specbuild.diagnostics.diagnostic import Path
from specbuild.language.budgets import MAX_DEPTH, MOST_TOLD, TOO_DEEP, TOO_MANY, TOO_WRONG, TOO_WRONG_FIX, most_nodes
from specbuild.language.collector import paused_collector
from specbuild.language.faults import Fault, abridged
from specbuild.language.scalars import NULLS, WORDS, BadNumberError, resolve
from specbuild.language.yaml_events import NextEvent, events

ABSENT = object()
"""No key yet, no document, an anchor that is still open."""
ODD_KEYS = NULLS | {"<<"}
TAG = re.compile(r"(?:&\S+\s+)?(![^\s,\[\]{}]*)")
MAX_REPAIRS = 20
"""How many unquoted `${...}` of one document are reported at once."""
MAX_REPAIRED = 2**20
"""How much text is read again for them."""


def read_yaml(text: str, source: Callable[[str], NextEvent] = events) -> tuple[Any, list[Fault]]:
    """The document's root, `ABSENT` if there is none, and all that is wrong with it.

    `text` holds none of the characters that YAML forbids. An unquoted `${...}` in a flow collection ends
    the parser's work; it is reported, replaced by a text of its length, and the rest is read after all.
    """
    unquoted: list[Fault] = []
    with paused_collector():
        while True:
            builder = Builder(text)
            root = builder.build(source(text))
            stop = builder.unquoted
            if stop is None:
                return root, unquoted + builder.faults
            unquoted.append(stop)
            is_closed = text[stop.end - 1] != "{"
            if not is_closed or len(unquoted) == MAX_REPAIRS or len(unquoted) * len(text) > MAX_REPAIRED:
                return root, unquoted + builder.faults
            filler = f"{len(unquoted):x>{stop.end - stop.start}}"[: stop.end - stop.start]
            text = text[: stop.start] + filler + text[stop.end :]


class Stop(Exception):  # noqa: N818  the end of reading, its fault is noted already
    """There is no use in reading on."""


class Builder:
    """One pass over a document's events."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.most = most_nodes(len(text))
        self.faults: list[Fault] = []
        self.unquoted: Fault | None = None
        """The `${...}` that the parser stumbled over."""
        self.stack: list[tuple[Any, Any, Any, int, int]] = []
        """For each open collection its parent, the key it stands under there, its event, and what
        `nodes` and `deepest` were when it began."""

    def build(self, next_event: NextEvent) -> Any:
        """The root of the first document."""
        from yaml.error import MarkedYAMLError, YAMLError

        root: list[Any] = []
        try:
            self.collect(next_event, root)
        except Stop:
            pass
        except MarkedYAMLError as error:
            self.syntax(error)
        except (YAMLError, ValueError, OverflowError) as error:  # the Python parser on bad escapes
            self.faults.append(Fault("SB103", f"this is not YAML: {error}", 0, 1))
        return root[0] if root else ABSENT

    def collect(self, next_event: NextEvent, root: list[Any]) -> None:
        """Put the values of the document under `root`."""
        from yaml import events as kinds

        scalar, mapping, sequence, alias = (
            kinds.ScalarEvent,
            kinds.MappingStartEvent,
            kinds.SequenceStartEvent,
            kinds.AliasEvent,
        )
        text, stack, most = self.text, self.stack, self.most
        adorned = "!" in text or "&" in text
        known: dict[str, Any] = dict(WORDS)
        anchors: dict[str, tuple[Any, int, int]] = {}
        parent: Any = root
        in_mapping, key = False, ABSENT
        nodes = deepest = documents = 0

        stream = iter(next_event, None)
        for event in islice(stream, 2 * most + 8):
            kind = event.__class__
            nodes += 1
            if nodes > most:
                self.note("SB109", TOO_MANY.format(most=most), event)
                raise Stop
            if kind is scalar:
                value = event.value
                if in_mapping and key is ABSENT:
                    if value in parent or value in ODD_KEYS:
                        self.key_fault(parent, value, event)
                    key = value
                    if adorned:
                        self.adornment(event, value, anchors)
                    continue
                if event.implicit[0]:
                    try:
                        value = known[value]
                    except KeyError:
                        try:
                            value = known[value] = resolve(value)
                        except BadNumberError as bad:
                            self.note(bad.code, bad.message, event, (parent, key))
                if adorned:
                    self.adornment(event, value, anchors)
            elif kind is mapping or kind is sequence:
                if in_mapping and key is ABSENT:
                    self.note("SB106", "a key must be a plain text, not a list or a mapping", event)
                    self.skip(stream)
                    key = "?"  # so that its value finds a place
                    continue
                value = {} if kind is mapping else []
                if adorned:
                    self.adornment(event, ABSENT, anchors)
                if in_mapping:
                    parent[key] = value
                else:
                    parent.append(value)
                stack.append((parent, key, event, nodes, deepest))
                depth = len(stack)
                if event.anchor is not None or depth > deepest:
                    deepest = depth
                if depth > MAX_DEPTH:
                    self.note("SB109", TOO_DEEP, event)
                    raise Stop
                parent, in_mapping, key = value, kind is mapping, ABSENT
                continue
            elif kind is alias:
                value, size, height = self.meant(event, anchors, (parent, key))
                if in_mapping and key is ABSENT:
                    self.note("SB106", "a key must be a plain text, not an alias", event)
                    key = "?"
                    continue
                nodes += size
                deepest = max(deepest, len(stack) + height)
                if nodes > most or deepest > MAX_DEPTH:
                    self.note("SB109", TOO_MANY.format(most=most) if nodes > most else TOO_DEEP, event, (parent, key))
                    raise Stop
            elif kind is kinds.MappingEndEvent or kind is kinds.SequenceEndEvent:
                value = parent
                nodes -= 1
                depth = len(stack)
                parent, key, start, before, outer = stack.pop()
                if start.anchor is not None:
                    length = event.end_mark.index - start.start_mark.index
                    anchors[start.anchor] = (value, nodes - before + length // 64, deepest - depth + 1)
                    deepest = max(outer, deepest)
                in_mapping = parent.__class__ is dict
                key = ABSENT
                continue
            elif kind is kinds.DocumentStartEvent:
                documents += 1
                self.document_start(event, documents)
                continue
            elif kind is kinds.StreamEndEvent:
                return
            else:
                continue
            if in_mapping:
                parent[key] = value
                key = ABSENT
            else:
                parent.append(value)
        self.keep(Fault("SB109", TOO_MANY.format(most=most), 0, 1))

    def path(self, last: tuple[Any, Any] | None = None) -> Path:
        """Where the event at hand stands; `last` is the open collection and the key in it."""
        parts = [key if parent.__class__ is dict else len(parent) - 1 for parent, key, _, _, _ in self.stack[1:]]
        if last is not None and self.stack:
            parent, key = last
            parts.append(key if parent.__class__ is dict else len(parent))
        return tuple(part for part in parts if part is not ABSENT)

    def note(
        self,
        code: str,
        message: str,
        event: Any,
        last: tuple[Any, Any] | None = None,
        fix: str | None = None,
    ) -> None:
        """Keep a fault that stands at an event."""
        start, end = event.start_mark.index, event.end_mark.index
        self.keep(Fault(code, message, start, end, self.path(last), fix))

    def keep(self, fault: Fault) -> None:
        """Keep a fault; so many of them end the reading."""
        if len(self.faults) >= MOST_TOLD:
            self.faults.append(fault._replace(code="SB113", message=TOO_WRONG, fix=TOO_WRONG_FIX))
            raise Stop
        self.faults.append(fault)

    def key_fault(self, parent: dict[str, Any], key: str, event: Any) -> None:
        """A key that was there before, or that only looks like one."""
        if event.implicit[0] and key == "<<":
            self.note(
                "SB106",
                "merge keys (`<<`) are refused: a document says what it means where it means it",
                event,
                fix="write the keys out, or use `vars`",
            )
        elif event.implicit[0] and key in NULLS:
            self.note(
                "SB106",
                "a key is missing before the `:`" if not key else f"`{key}` cannot be a key: it is null",
                event,
                fix="write the key" if not key else f'put it in quotes: "{key}"',
            )
        elif key in parent:
            self.note(
                "SB105",
                f"the key `{abridged(key)}` is written twice",
                event,
                (parent, key),
                fix="keep one of the two",
            )

    def adornment(self, event: Any, value: Any, anchors: dict[str, tuple[Any, int, int]]) -> None:
        """The anchor and the tag that may stand before a node; `value` is `ABSENT` for a collection."""
        if event.anchor is not None:
            length = event.end_mark.index - event.start_mark.index
            anchors[event.anchor] = (value, 0 if value is ABSENT else 1 + length // 64, 0)
        start = event.start_mark.index
        if event.tag is not None or self.text[start : start + 1] in ("!", "&"):
            found = TAG.match(self.text, start)
            if found is not None:
                self.keep(
                    Fault(
                        "SB106",
                        f"tags (`{abridged(found[1])}`) are refused: a value has the type it is written in",
                        found.start(1),
                        found.end(1),
                        self.path(),
                        "leave the tag out; quotes make a string",
                    )
                )

    def meant(self, event: Any, anchors: dict[str, Any], last: tuple[Any, Any]) -> tuple[Any, int, int]:
        """What an alias stands for, the nodes in it and its depth."""
        name = event.anchor
        if name not in anchors:
            self.note(
                "SB103",
                f"the alias `*{abridged(name)}` has no anchor `&{abridged(name)}` before it",
                event,
                last,
                fix="put a text that begins with `*` in quotes",
            )
            return None, 0, 0
        value, size, height = anchors[name]
        if value is ABSENT:
            self.note("SB109", f"the alias `*{abridged(name)}` stands inside of what it stands for", event, last)
            return None, 0, 0
        return value, size, height

    def skip(self, stream: Any) -> None:
        """Pass over a collection that has begun."""
        from yaml.events import CollectionEndEvent, CollectionStartEvent

        depth = 1
        for event in islice(stream, 2 * self.most):
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if not depth:
                return
            if depth > MAX_DEPTH:
                self.note("SB109", TOO_DEEP, event)
                raise Stop

    def document_start(self, event: Any, documents: int) -> None:
        """Only one document, and no directive but `%YAML 1.2`."""
        if documents > 1:
            self.note("SB106", "a second document begins here: a file holds one", event, fix="leave out the `---`")
            raise Stop
        if event.version not in (None, (1, 2)) or event.tags:
            what = "%TAG" if event.tags else f"%YAML {event.version[0]}.{event.version[1]}"
            self.note(
                "SB106",
                f"the directive `{what}` is refused: a document is YAML 1.2",
                event,
                fix="leave the line out",
            )

    def syntax(self, error: Any) -> None:
        """Where the parser could not go on, in plain words."""
        from specbuild.language.yaml_wording import syntax_fault, unquoted_expression

        index = min(error.problem_mark.index, len(self.text))
        if self.text[index - 1 : index + 1] == "${":
            self.unquoted = unquoted_expression(self.text, index, self.path())
        else:
            self.faults.append(syntax_fault(self.text, error))
