"""The places of a YAML document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from specbuild.language.budgets import most_nodes
from specbuild.language.positions import Place
from specbuild.language.yaml_events import NextEvent, events


def yaml_places(text: str, source: Callable[[str], NextEvent] = events) -> Place | None:
    """The places in a YAML document, as far as the parser can read it; None if it holds nothing.

    Of a key that is written twice the first counts. Below an alias lie the places of its anchor.
    """
    from yaml import YAMLError

    root = Place(0, 0, -1, -1, [])
    with suppress(YAMLError, ValueError, OverflowError):  # the reader has said it
        collect(islice(iter(source(text), None), 2 * most_nodes(len(text)) + 8), root)
    return root.children[0] if isinstance(root.children, list) and root.children else None


def collect(stream: Iterator[Any], root: Place) -> None:
    """Put the places of the first document under `root`."""
    from yaml import events as kinds

    scalar, alias = kinds.ScalarEvent, kinds.AliasEvent
    mapping, sequence = kinds.MappingStartEvent, kinds.SequenceStartEvent
    collection_ends = (kinds.MappingEndEvent, kinds.SequenceEndEvent)
    document_ends = (kinds.DocumentEndEvent, kinds.StreamEndEvent)
    stack: list[tuple[Place, bool]] = []
    anchors: dict[str, Any] = {}
    here, is_flow = root, False
    children: Any = root.children
    in_mapping, has_key = False, False
    key, key_start, key_end = "", -1, -1

    for event in stream:
        kind = event.__class__
        if kind is scalar or kind is alias or kind is mapping or kind is sequence:
            start, end = event.start_mark.index, event.end_mark.index
            is_collection = kind is mapping or kind is sequence
            if in_mapping and not has_key:
                key, key_start, key_end = (event.value if kind is scalar else ""), start, end
                has_key = True
                if is_collection:
                    skip(stream, kinds)
                continue
            place = Place(start, end, key_start, key_end)
            if in_mapping:
                children.setdefault(key, place)
                has_key = False
            else:
                children.append(place)
            if is_collection:
                place.children = {} if kind is mapping else []
                stack.append((here, is_flow))
                here, is_flow, children = place, bool(event.flow_style), place.children
                in_mapping, has_key, key_start, key_end = kind is mapping, False, -1, -1
            elif kind is alias:
                place.children = anchors.get(event.anchor)
                continue
            if event.anchor is not None:
                anchors[event.anchor] = place.children
        elif kind in collection_ends:
            # A block ends where the next token begins, lines later; its last child says more.
            last = children if is_flow or not children else last_of(children)
            here.end = event.end_mark.index if last is children else max(here.end, last.end)
            here, is_flow = stack.pop()
            children = here.children
            in_mapping, has_key, key_start, key_end = children.__class__ is dict, False, -1, -1
        elif kind in document_ends and root.children:
            return


def last_of(children: dict[str, Place] | list[Place]) -> Place:
    """The place that was added last."""
    return children[-1] if isinstance(children, list) else next(reversed(children.values()))


def skip(stream: Any, kinds: Any) -> None:
    """Pass over a collection that has begun."""
    depth = 1
    for event in stream:
        depth += isinstance(event, kinds.CollectionStartEvent) - isinstance(event, kinds.CollectionEndEvent)
        if not depth:
            return
