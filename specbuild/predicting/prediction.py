"""What a network says of inputs. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import overload

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.predicting.answers import Answer, Choice, Labels, Numbers, Ranked
from specbuild.predicting.given import Array, Place


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What a network says of one input."""

    input: str
    """Where it came from: `cat.png`, `x.npz[3]`, `houses.csv:4`."""
    outputs: Mapping[str, Array]
    """What the network gave, by the names of its outputs, before it was made probabilities of."""
    answers: Mapping[str, Answer]
    """What that means, by the names of the outputs."""
    place: Place
    """The parts of `input`."""

    @property
    def output(self) -> Array:
        """What the network gave; of several outputs the first."""
        return next(iter(self.outputs.values()))

    @property
    def answer(self) -> Answer:
        """What that means."""
        return next(iter(self.answers.values()))

    @property
    def label(self) -> str | None:
        """The likeliest class, or all labels that are said yes to; None where it is no choice."""
        return self.answer.label

    @property
    def probabilities(self) -> dict[str, float | None]:
        """Of the likeliest classes, the likeliest first; empty where it is no choice."""
        answer = self.answer
        ranked: tuple[Ranked, ...] = answer.ranked if isinstance(answer, (Choice, Labels)) else ()
        return {each.label: each.probability for each in ranked}

    @property
    def values(self) -> dict[str, float]:
        """The numbers by name; empty where they are none."""
        return dict(self.answer.values) if isinstance(self.answer, Numbers) else {}


class Predictions(Sequence[Prediction]):
    """Predictions in the order of the inputs, and what was wrong with those that have none."""

    def __init__(self, found: Iterable[Prediction], failed: Iterable[Diagnostic] = ()) -> None:
        self.found = tuple(found)
        self.failed = tuple(failed)
        """One for each input that was left out: `on_error="skip"`."""

    @overload
    def __getitem__(self, index: int) -> Prediction: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Prediction]: ...
    def __getitem__(self, index: int | slice) -> Prediction | Sequence[Prediction]:
        return self.found[index]

    def __len__(self) -> int:
        return len(self.found)

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self.found)

    def __repr__(self) -> str:
        return f"Predictions({list(self.found)!r}, failed={list(self.failed)!r})"
