"""How a layer stands in a module, and how a `forward` calls it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from specbuild.exporting.python.expressions import Call
from specbuild.exporting.python.recording import Made
from specbuild.network.plan import Step


class Writer(Protocol):
    """What a `forward` that is being written offers to the one that writes a call."""

    def take(self, index: int, *, times: int = 1) -> str:
        """The text of an input, by its number; times: how often it is used in the text."""

    def target(self, result: str | None = None) -> str:
        """The variable that a result is assigned to; `_` for one that nothing reads."""

    def line(self, text: str) -> None:
        """Write a statement."""

    def again(self, result: str, text: str) -> None:
        """Assign a second result once more, by a text over its variable."""

    def sample(self) -> str:
        """A variable that has a batch axis."""

    def fresh(self, name: str) -> str:
        """A variable that is free."""


Express = Callable[[Writer, Step, str], str | None]
"""Writes what a call needs and gives its value; None where that was assigned to the step's target."""


class Form(NamedTuple):
    """How a layer stands in a module."""

    made: Call | Made | None
    """What `__init__` makes; None for a function."""
    express: Express
    plain: bool = True
    """Whether calling it with its input alone gives its output, so that it may stand in an `nn.Sequential`."""
    copied: tuple[str, ...] = ()
    """The classes whose text the module holds."""
    key: tuple[Any, ...] = ()
    """What tells two ways of calling apart."""


def copy_of(built: Call) -> Call:
    """A call of specbuild's own class, which stands in the module."""
    arguments = {
        name: copy_of(value) if isinstance(value, Call) and value.function.startswith("nn.Transformer") else value
        for name, value in built.arguments.items()
    }
    return Call(built.function.removeprefix("nn."), arguments, {}, built.ordered)


def straight(step: Step) -> bool:
    """Whether a layer takes one input and gives one result."""
    return len(step.sources) == 1 and step.sources[0].keyword is None and not step.results


def called(writer: Writer, step: Step, module: str) -> str:
    """A module on its inputs."""
    parts = [
        f"{source.keyword}={writer.take(index)}" if source.keyword else writer.take(index)
        for index, source in enumerate(step.sources)
    ]
    return f"{module}({', '.join(parts)})"


def several(writer: Writer, step: Step, module: str) -> None:
    """A module that gives a tuple, whose items are results in the order of the layer's."""
    text = called(writer, step, module)
    targets = [writer.target(), *(writer.target(result) for result in step.results)]
    writer.line(f"{', '.join(targets)} = {text}")


def named_inputs(step: Step) -> dict[str, int]:
    """The numbers of a step's inputs by the names of forward's arguments."""
    assert step.layer is not None
    takes = step.layer.takes or ()
    return {source.keyword or takes[index]: index for index, source in enumerate(step.sources)}


def changed(built: Call, without: Sequence[str] = (), **more: Any) -> Call:
    """A call without some arguments and with others."""
    arguments = {name: value for name, value in built.arguments.items() if name not in without}
    return Call(built.function, {**arguments, **more}, built.defaults, built.ordered)
