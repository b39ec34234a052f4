"""A plan without its scopes: which layer takes what of which."""

from __future__ import annotations

from collections.abc import Sequence

from specbuild.language.items import Reference
from specbuild.network.plan import Plan, Scope, Step


class Graph:
    """The layers of a plan by number, in the order they run; an input of the network is a number below 0."""

    def __init__(self, plan: Plan) -> None:
        self.steps: list[Step] = []
        self.sources: list[tuple[int, ...]] = []
        """What each layer takes."""
        self.readers: list[int] = []
        """How many take what each layer gives; the network's output is one more."""
        inputs = [-1 - k for k in range(len(plan.inputs))]
        values = self.scope(plan.scope, inputs)
        self.ends = {name: led(reference, values, inputs) for name, reference in plan.scope.outputs.items()}
        """The layers that give the network's outputs, by their names."""
        for end in self.ends.values():
            if end >= 0:
                self.readers[end] += 1

    def scope(self, scope: Scope, inputs: Sequence[int]) -> list[int]:
        """The number of what each step of a scope gives."""
        values: list[int] = []
        for step in scope.steps:
            taken = [led(source, values, inputs) for source in step.sources]
            if step.scope is not None:
                (end,) = step.scope.outputs.values()
                values.append(led(end, self.scope(step.scope, taken), taken))
                continue
            for number in taken:
                if number >= 0:
                    self.readers[number] += 1
            values.append(len(self.steps))
            self.steps.append(step)
            self.sources.append(tuple(taken))
            self.readers.append(0)
        return values

    def back(self, number: int, through: frozenset[str], *, alone: bool = False) -> Step | None:
        """The layer at a number, or before it where that is of these types; None where it is an input.

        alone: give None, too, where something beside reads what one of them gives.
        """
        while number >= 0:
            step = self.steps[number]
            if alone and self.readers[number] > 1:
                return None
            if step.type not in through:
                return step
            number = self.sources[number][0]
        return None


def led(reference: Reference, values: Sequence[int], inputs: Sequence[int]) -> int:
    """The number that a reference leads to."""
    position = reference.position
    return values[position] if position >= 0 else inputs[-1 - position]
