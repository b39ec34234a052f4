"""Layers that overwrite their input, held against whoever reads that memory afterwards.

A later layer would get a wrong answer without a word; the backward pass, which reads what the forward pass
saved, would fail in the middle of training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.language.document import Spec
from specbuild.network.plan import Plan, Scope, Step, kept_by, led_to, outcome_of

END = 1 << 62


class Held(NamedTuple):
    """A value as memory: which, and when it was last written."""

    root: int
    version: int
    constant: bool = False
    """Whether it is a parameter of a scope, which nothing may overwrite."""
    learns: bool = False
    """Whether a gradient flows back to it."""
    maker: int = 0
    """When it was made, which says by what; 0 for what comes in."""


class Read(NamedTuple):
    """A layer that reads a memory as it was at a version."""

    time: int
    version: int
    reader: str


def overwritten(plan: Plan, spec: Spec) -> Iterator[Diagnostic]:
    """Each in-place layer whose input is read again, as it was before."""
    found: dict[str, Diagnostic] = {}
    targets = {loss.target for loss in spec.losses.values()}
    for training in (True, False):
        walk = Timeline(training)
        inputs = [walk.fresh() for _ in plan.inputs]
        values = walk.scope(plan.scope, inputs)
        for name, reference in plan.scope.outputs.items():
            walk.read(led_to(reference, values, inputs), f"the output `{name}`", END)
        for held, name in zip(inputs, plan.inputs, strict=True):
            if name in targets:
                walk.read(held, f"the loss, whose target is `{name}`", END)
        ends = [led_to(reference, values, inputs).maker for reference in plan.scope.outputs.values()]
        for diagnostic in walk.conflicts(walk.reached_from(ends)):
            found.setdefault(diagnostic.instance or "", diagnostic)
    yield from found.values()


Results = Mapping[str | None, Held]
"""The memory of a step's results by name; None is the first."""


class Timeline:
    """Reads and writes in the order they happen, in training or in eval mode."""

    def __init__(self, training: bool) -> None:
        self.training = training
        self.time = 0
        self.roots = 0
        self.reads: dict[int, list[Read]] = {}
        self.needs: dict[int, list[Read]] = {}
        """What the backward pass reads, as it was when the forward pass saved it."""
        self.made_of: dict[int, list[int]] = {}
        """For each time that something was made, when what it was made of was."""
        self.writes: list[tuple[int, int, Step]] = []
        self.forbidden: list[Step] = []

    def fresh(self, *, constant: bool = False, learns: bool = False) -> Held:
        """New memory."""
        self.roots += 1
        return Held(self.roots, self.time, constant, learns, self.time)

    def read(self, held: Held, reader: str, time: int) -> None:
        """Note that a memory is read as it was."""
        self.reads.setdefault(held.root, []).append(Read(time, held.version, reader))

    def scope(self, scope: Scope, inputs: Sequence[Held]) -> list[Results]:
        """The memory of each step's results."""
        values: list[Results] = []
        for step in scope.steps:
            taken = [led_to(source, values, inputs) for source in step.sources]
            if step.scope is not None:
                inner = self.scope(step.scope, taken)
                (end,) = step.scope.outputs.values()
                values.append({None: led_to(end, inner, taken)})
                continue
            self.time += 1
            for held in taken:
                self.read(held, step.name, self.time)
            layer = step.layer
            assert layer is not None
            learns = bool(outcome_of(step).parameters) or any(held.learns for held in taken)
            passes = layer.passes(training=self.training)
            self.made_of[self.time] = [held.maker for held in taken]
            if layer.shares or passes:
                first = taken[0]
            elif getattr(layer, "inplace", False):
                self.writes.append((taken[0].root, self.time, step))
                if taken[0].constant:
                    self.forbidden.append(step)
                first = Held(taken[0].root, self.time, taken[0].constant, learns, self.time)
            else:
                first = self.fresh(constant=layer.takes == (), learns=learns)
            results: dict[str | None, Held] = {None: first}
            results.update((name, self.fresh()) for name in step.results)
            if self.training and learns and not passes:
                for held in kept_by(step, taken, results):
                    self.needs.setdefault(held.root, []).append(Read(self.time, held.version, step.name))
            values.append(results)
        return values

    def reached_from(self, ends: Sequence[int]) -> set[int]:
        """The times of all that the ends were made of: what the backward pass goes through."""
        reached: set[int] = set()
        stack = [*ends]
        while stack:
            time = stack.pop()
            if time not in reached:
                reached.add(time)
                stack += self.made_of.get(time, ())
        return reached

    def conflicts(self, learned: set[int]) -> Iterator[Diagnostic]:
        """Writes that a later read of the older version meets; of the uses of a line the first one.

        learned: the times of the steps that the backward pass goes through.
        """
        told: set[Path] = set()
        for step in self.forbidden:
            path = (*step.path, "inplace")
            yield Diagnostic("SB309", "it would overwrite a parameter", path, instance=step.name,
                             fix="inplace: false", edit=Edit(path, False))  # fmt: skip
        for root, time, step in self.writes:
            readers = [read for read in self.reads.get(root, ()) if read.version < time < read.time]
            if readers and step.path not in told:
                told.add(step.path)
                first = min(readers, key=lambda read: read.time)
                reader = first.reader if first.reader.startswith("the ") else f"`{first.reader}`"
                yield Diagnostic(
                    "SB309", f"it overwrites its input, which {reader} reads later", (*step.path, "inplace"),
                    instance=step.name, fix="inplace: false",
                    edit=Edit((*step.path, "inplace"), False),
                )  # fmt: skip
            needed = [
                need
                for need in self.needs.get(root, ())
                if need.version < time and need.time < time and need.time in learned
            ]
            if needed and step.path not in told:
                told.add(step.path)
                yield Diagnostic(
                    "SB309", f"it overwrites its input, which the gradient of `{needed[0].reader}` is computed from",
                    (*step.path, "inplace"), instance=step.name, fix="inplace: false",
                    edit=Edit((*step.path, "inplace"), False),
                )  # fmt: skip
