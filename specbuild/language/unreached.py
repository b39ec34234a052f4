"""What no expansion reaches: blocks that nothing uses, and layers that are left out.

They are judged by what no variable settles: the types, the keys, and the values that hold no expression.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.blocks import OWN_KEYS, Block
from specbuild.language.expansion import Expander
from specbuild.language.items import SCOPE
from specbuild.language.parsing import FAILED, parse_fields, unknown_type, untyped
from specbuild.language.scopes import Known


def judge_unreached(expander: Expander, layers: Any) -> None:
    """Report what is wrong with lines that the expansion of `layers` left unread, and blocks that nothing uses."""
    blocks = expander.blocks
    closed = blocks.keys() - expander.entered
    if not closed and not expander.left_out:
        return
    judge = Judge(expander)
    for element, place in expander.left_out:
        judge.element(element, place)
    for name in blocks:
        if name in closed:
            judge.scope(blocks[name].layers, (*blocks[name].path, "layers"))
    if closed:
        named = used(layers, blocks)
        for name, block in blocks.items():
            if name not in named:
                message = f"nothing uses the block `{name}`"
                fix = f"leave it out, or use it: {{type: {name}}}"
                expander.warn(Diagnostic("SB802", message, block.path, "key", fix=fix))


class Judge:
    """One pass over lines that are not expanded, each once."""

    def __init__(self, expander: Expander) -> None:
        self.expander = expander
        self.table, self.blocks, self.problems = expander.table, expander.blocks, expander.problems
        self.seen: set[Path] = set()

    def scope(self, raw: Any, path: Path) -> None:
        """The elements of a list of layers."""
        if isinstance(raw, list):
            for index, element in enumerate(raw):
                self.element(element, (*path, index))

    def element(self, element: Any, place: Path) -> None:
        """One layer as written."""
        if place in self.seen:
            return
        self.seen.add(place)
        written: Mapping[str, Any] = element if isinstance(element, dict) else {"type": element}
        kind = written.get("type")
        if "type" not in written:
            self.problems.append(untyped(written, place, "layer", self.known))
        elif not isinstance(kind, str):
            return  # its form is said where it is used
        elif kind == SCOPE:
            self.scope(written.get("layers"), (*place, "layers"))
        elif kind in self.blocks:
            self.use(self.blocks[kind], written, place)
        elif kind in self.table:
            cls = self.table[kind]
            arguments = {
                key: unsettled(value) if key in cls.model_fields else None  # an unknown key is one whatever its value
                for key, value in written.items()
                if key not in OWN_KEYS
            }
            parse_fields(cls, arguments, place, self.problems)
        else:
            at_type = (*place, "type") if isinstance(element, dict) else place
            self.problems.append(unknown_type(kind, at_type, self.known, "layer"))

    def use(self, block: Block, written: Mapping[str, Any], place: Path) -> None:
        """The arguments of a block."""
        for key in written:
            if key not in OWN_KEYS and key not in block.params:
                params = ", ".join(block.params) or "no arguments"
                fix = f"the block `{block.name}` takes {params}"
                self.problems.append(Diagnostic("SB201", f"unknown key `{key}`", (*place, key), "key", fix=fix))

    @cached_property
    def known(self) -> Known:
        """Every type that a layer may have."""
        return Known(self.expander)


def unsettled(value: Any) -> Any:
    """A value with whatever holds an expression taken out."""
    if isinstance(value, str):
        return FAILED if "${" in value else value
    if isinstance(value, list):
        return [unsettled(item) for item in value]
    if isinstance(value, dict):
        return {key: unsettled(item) for key, item in value.items()}
    return value


def used(layers: Any, blocks: Mapping[str, Block]) -> set[str]:
    """The blocks that the layers name, and those that these name in turn."""
    found: set[str] = set()
    waiting = [layers]
    while waiting:
        for kind, inner in types_in(waiting.pop()):
            waiting.append(inner)
            if kind in blocks and kind not in found:
                found.add(kind)
                waiting.append(blocks[kind].layers)
    return found


def types_in(raw: Any) -> Iterable[tuple[str, Any]]:
    """The type of each element of a scope, and the list of layers in it."""
    for element in raw if isinstance(raw, list) else ():
        written = element if isinstance(element, dict) else {"type": element}
        if isinstance(written.get("type"), str):
            yield written["type"], written.get("layers")
