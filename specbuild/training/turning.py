"""Where the steps of a training may be left, and who asks for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

Batches = Iterable[Mapping[str, Any]]

NEVER = 1 << 62


class Turn:
    """What a loop of steps looks at between two of them; one comparison a step."""

    __slots__ = ("at", "begun", "done")

    def __init__(self) -> None:
        self.at = NEVER
        """The batch of the epoch from which on the loop turns to other things: a checkpoint, a signal."""
        self.begun = 0
        """The batch of the epoch whose step has begun."""
        self.done = 0
        """The one whose step was done."""

    def now(self) -> None:
        """After the step that is under way."""
        self.at = 0

    @property
    def clean(self) -> bool:
        """Whether no step is under way: what the training holds is then of one moment."""
        return self.begun == self.done


class Keeper:
    """Who keeps a training safe while it learns. This one does nothing."""

    def begin(self) -> None:
        """The steps of an epoch begin, or go on."""

    def tick(self) -> None:
        """About twice a second, between two steps."""

    def pause(self) -> None:
        """Between two steps, where the `Turn` said so; may end the training."""

    def heeding(self, batches: Batches) -> Batches:
        """The batches of val, which may end before their time."""
        return batches
