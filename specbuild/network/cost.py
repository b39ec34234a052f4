"""What a network takes in memory: its weights, what flows, what training keeps. Imports no torch."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from specbuild.catalogue.layer import Layer
from specbuild.catalogue.optimizers.optimizer import Optimizer
from specbuild.catalogue.types import ITEM_BYTES, TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecError
from specbuild.network.plan import Plan, Scope, Step, kept_by, led_to, outcome_of


class Memory(NamedTuple):
    """Bytes, by what they are for."""

    weights: int
    """Parameters, tied ones once."""
    buffers: int
    gradients: int
    """As much as the weights that learn."""
    optimizer: int
    """What the optimizer keeps beside the weights."""
    flowing: int
    """The most that is alive at once in a forward pass, for one sample, its inputs included."""
    kept: int
    """What the forward pass of training leaves for the backward pass, for one sample."""

    def evaluating(self, batch: int) -> int:
        """Bytes to run the network on a batch."""
        return self.weights + self.buffers + batch * self.flowing

    def training(self, batch: int) -> int:
        """Bytes to learn from a batch."""
        return self.weights + self.buffers + self.gradients + self.optimizer + batch * max(self.kept, self.flowing)


def memory_of(plan: Plan, *, precision: str = "float32", optimizer: Optimizer | None = None) -> Memory:
    """The memory of a network, and of training it.

    precision: the dtype that float32 is computed in under autocast, which is then what flows.
    """
    weights = sum(storage.bytes for _, storage in plan.storages())
    learned = [storage for key, storage in plan.storages() if key not in plan.frozen]
    gradients = sum(storage.bytes for storage in learned)
    state = sum(optimizer.state(storage.shape) * ITEM_BYTES[storage.dtype] for storage in learned) if optimizer else 0
    buffers = sum(storage.bytes for step in plan.layers() for storage in outcome_of(step).buffers.values())
    flow = Flow(precision, plan.frozen)
    inputs = [flow.fresh(type, learns=False) for type in plan.inputs.values()]
    values = flow.scope(plan.scope, inputs)
    outputs = [led_to(reference, values, inputs) for reference in plan.scope.outputs.values()]
    flow.kept.update(held.root for held in outputs)  # for the loss
    for held in (*inputs, *outputs):
        flow.last_read[held.root] = flow.time + 1
    return Memory(weights, buffers, gradients, state, flow.most(), flow.kept_bytes())


class Held(NamedTuple):
    """A value as memory."""

    root: int
    learns: bool
    """Whether a gradient flows back to it."""


Results = Mapping[str | None, Held]


class Flow:
    """One pass over the layers in the order they run; memory that several values share counts once."""

    def __init__(self, precision: str, frozen: Collection[str] = ()) -> None:
        self.precision, self.frozen = precision, frozen
        self.time = 0
        self.sizes: list[int] = []
        """Bytes of each memory, for one sample."""
        self.made: list[int] = []
        """When each was made."""
        self.last_read: list[int] = []
        self.kept: set[int] = set()
        """The memories that backward needs, whole."""
        self.saved = 0
        """Bytes that it needs beside them."""

    def bytes_of(self, type: TensorType) -> int:
        """The bytes of one sample; what has no batch is as large for any batch, and does not count."""
        return type.size * ITEM_BYTES[self.precision if type.dtype == "float32" else type.dtype] if type.batched else 0

    def fresh(self, type: TensorType, *, learns: bool) -> Held:
        """Memory of its own."""
        self.sizes.append(self.bytes_of(type))
        self.made.append(self.time)
        self.last_read.append(self.time)
        return Held(len(self.sizes) - 1, learns)

    def scope(self, scope: Scope, inputs: Sequence[Held]) -> list[Results]:
        """The memory of each step's results."""
        values: list[Results] = []
        for step in scope.steps:
            taken = [led_to(source, values, inputs) for source in step.sources]
            if step.scope is not None:
                inner = self.scope(step.scope, taken)
                (end,) = step.scope.outputs.values()
                values.append({None: led_to(end, inner, taken)})
            else:
                assert step.layer is not None
                values.append(self.layer(step, step.layer, taken))
            for held in taken:  # a scope holds its inputs until it ends
                self.last_read[held.root] = self.time
        return values

    def layer(self, step: Step, layer: Layer, taken: Sequence[Held]) -> Results:
        """One layer: what it makes, and what backward needs of it."""
        self.time += 1
        outcome = outcome_of(step)
        learns = self.has_gradient(step) or any(held.learns for held in taken)
        if taken and (layer.shares or layer.passes(training=True) or getattr(layer, "inplace", False)):
            first = Held(taken[0].root, learns)
        elif layer.takes == ():
            first = self.fresh(step.output._replace(batched=False), learns=learns)  # a parameter, or a view of it
        else:
            first = self.fresh(step.output, learns=learns)
        results: dict[str | None, Held] = {None: first}
        results |= {name: self.fresh(outcome.results[name], learns=learns) for name in step.results}
        if learns and not layer.passes(training=True):
            self.keep(step, taken, results)
        return results

    def has_gradient(self, step: Step) -> bool:
        """Whether some parameter of a layer is not frozen."""
        names = outcome_of(step).parameters
        if not self.frozen:
            return bool(names)
        return any((f"{step.name}.{name}" if name else step.name) not in self.frozen for name in names)

    def keep(self, step: Step, taken: Sequence[Held], results: Results) -> None:
        """Note what backward needs of a layer."""
        outcome = outcome_of(step)
        kept = step.layer.keeps() if step.layer is not None else ()
        self.kept.update(held.root for held in kept_by(step, taken, results))
        self.saved += outcome.saved + sum(
            self.bytes_of(type) for name, type in outcome.results.items() if name in kept and name not in results
        )
        self.saved += sum(size for name, size in outcome.saved_for.items() if name in results)

    def kept_bytes(self) -> int:
        """What the forward pass leaves for the backward pass."""
        return sum(self.sizes[root] for root in self.kept) + self.saved

    def most(self) -> int:
        """The most that is alive at once."""
        change = [0] * (self.time + 3)
        for size, made, last in zip(self.sizes, self.made, self.last_read, strict=True):
            change[made] += size
            change[last + 1] -= size
        alive = most = 0
        for difference in change:
            alive += difference
            most = max(most, alive)
        return most


def memory_here() -> int | None:
    """The bytes of this machine's memory, or of what its control group may use; None where nothing tells."""
    known: list[int] = []
    with suppress(AttributeError, ValueError, OSError):
        known.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError), open(file) as limit:
            known.append(int(limit.read()))
    return min(known, default=None)


def in_bytes(size: int) -> str:
    """A number of bytes in B, KiB, MiB, GiB or TiB."""
    if size < 2**10:
        return f"{size} B"
    unit, name = next(
        (unit, name) for unit, name in ((2**40, "TiB"), (2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
        if size * 10 >= unit or name == "KiB"
    )  # fmt: skip
    return f"{size / unit:,.2f} {name}"


def largest_layer(plan: Plan) -> tuple[int, Step]:
    """The layer whose weights take the most bytes, and how many."""
    return max(
        ((sum(s.bytes for s in outcome_of(step).parameters.values()), step) for step in plan.layers()),
        key=lambda pair: pair[0],
    )


def require_memory(plan: Plan, available: int | None) -> None:
    """Raise `SpecError` (SB311) for weights that do not fit into so many bytes."""
    needed = plan.parameter_bytes()
    if available is not None and needed > available:
        takes, largest = largest_layer(plan)
        raise SpecError(
            [Diagnostic(
                "SB311", f"the weights take {in_bytes(needed)}, but this machine has {in_bytes(available)}",
                largest.path, instance=largest.name,
                because=f"this layer alone takes {in_bytes(takes)}",
                fix="smaller layers, or a machine with more memory",
            )]
        )  # fmt: skip
