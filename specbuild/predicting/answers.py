"""What the outputs of a network say, as its losses mean them. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from specbuild.catalogue.losses import Loss
from specbuild.catalogue.losses.cross_entropy import ClassLoss
from specbuild.catalogue.losses.likelihood import KLDivLoss, PoissonNLLLoss
from specbuild.catalogue.losses.margin import VectorLoss
from specbuild.predicting.form import Form
from specbuild.predicting.given import Array


class Ranked(NamedTuple):
    """One class among the likeliest."""

    label: str
    probability: float | None
    """None where the loss makes scores that are no probabilities."""
    score: float
    """What the network gave for it."""


class Choice(NamedTuple):
    """One class of several: the likeliest first."""

    ranked: tuple[Ranked, ...]

    @property
    def label(self) -> str:
        """The likeliest."""
        return self.ranked[0].label


class Labels(NamedTuple):
    """Yes or no to each of several labels: the likeliest first, as many as were asked for or said yes to."""

    ranked: tuple[Ranked, ...]
    yes: tuple[str, ...]
    """Those with a probability above a half."""

    @property
    def label(self) -> str:
        """Those that are said yes to."""
        return ", ".join(self.yes)


class Numbers(NamedTuple):
    """Numbers, in the units of the target."""

    values: Mapping[str, float]

    @property
    def label(self) -> None:
        """None."""


class Mask(NamedTuple):
    """A class for each position."""

    classes: Array
    """The number of the class: int64, in the shape of the positions."""
    names: Sequence[str]

    @property
    def counts(self) -> dict[str, int]:
        """How many positions each class has, of those that it has any; the most first."""
        found, counts = np.unique(self.classes, return_counts=True)
        ordered = sorted(zip(counts.tolist(), found.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1]))
        return {self.names[k]: count for count, k in ordered}

    @property
    def label(self) -> None:
        """None."""


class Values(NamedTuple):
    """An array: an image of an autoencoder, what a network without a loss on it gives."""

    values: Array

    @property
    def label(self) -> None:
        """None."""


Answer: TypeAlias = Choice | Labels | Numbers | Mask | Values
Answering: TypeAlias = Callable[[Array], Answer]
"""From what the network gave of one input."""


def answering(form: Form, top_k: int) -> dict[str, Answering]:
    """For each output what it means. top_k: how many classes are told."""
    return {name: answer_of(form, name, top_k) for name in form.plan.outputs}


def answer_of(form: Form, output: str, top_k: int) -> Answering:
    """What one output means, by its loss."""
    loss = form.spec.losses.get(output)
    names = form.names if loss is not None and loss.target == "target" else None
    if isinstance(loss, ClassLoss):
        exponent = loss.type == "NLLLoss"
        return classes(names, top_k, loss.class_dim, np.exp if exponent else softmax, last=form.kind == "text")
    if isinstance(loss, VectorLoss):
        return classes(names, top_k, 1, None)
    own = loss is not None and loss.target in form.spec.inputs
    if loss is not None and loss.threshold is not None:
        likely: Callable[[Array], Array] = shares if loss.takes_shares else sigmoid
        return numbers(None, likely) if own else labels(names, top_k, likely)
    return numbers(None if own else columns(form, output), scale_of(loss))


def columns(form: Form, output: str) -> Callable[[int], list[str]]:
    """What the numbers of an output are called: as a table's targets, else as the output."""
    targets = (form.preprocessing or {}).get("targets")
    known = [str(each.get("column")) for each in targets if isinstance(each, dict)] if isinstance(targets, list) else []

    def named(count: int) -> list[str]:
        if len(known) == count and form.kind == "table":
            return known
        return [output] if count == 1 else [str(k) for k in range(count)]

    return named


def scale_of(loss: Loss | None) -> Callable[[Array], Array]:
    """From what the network gives to the units of the target."""
    logarithms = isinstance(loss, KLDivLoss) or (isinstance(loss, PoissonNLLLoss) and loss.log_input)
    return np.exp if logarithms else shares


def classes(
    names: Sequence[str] | None,
    top_k: int,
    axis: int,
    likely: Callable[[Array], Array] | None,
    *,
    last: bool = False,
) -> Answering:
    """One of several classes, or one at each position. axis: of the classes, the batch counted. last: of a text."""

    def answer(output: Array) -> Answer:
        scores = np.moveaxis(output, 0 if axis == 1 else -1, -1)
        if scores.ndim == 2 and last:
            scores = scores[-1]
        known = named(names, scores.shape[-1])
        if scores.ndim > 1:
            return Mask(scores.argmax(-1), known)
        return Choice(ranking(scores, None if likely is None else likely(scores.astype(np.float64)), known, top_k))

    return answer


def labels(names: Sequence[str] | None, top_k: int, likely: Callable[[Array], Array]) -> Answering:
    """Yes or no to each label; of one alone a choice between two classes, of one at each position a mask of them."""

    def answer(output: Array) -> Answer:
        chances = likely(output.astype(np.float64))
        if output.size == 1:
            (chance,), (score,) = chances.reshape(1), output.reshape(1)
            two = np.array([1 - chance, chance])
            return Choice(ranking(np.array([-score, score]), two, named(names, 2), top_k))
        if output.ndim == 1:
            known = named(names, len(output))
            yes = int((chances > 0.5).sum())
            ranked = ranking(output, chances, known, max(top_k, yes))
            return Labels(ranked, tuple(each.label for each in ranked[:yes]))
        if output.ndim == 2 or len(output) == 1:
            return Mask((chances > 0.5).astype(np.int64).reshape(output.shape[-2:]), named(names, 2))
        return Values(chances.astype(np.float32))

    return answer


def numbers(names: Callable[[int], list[str]] | None, scale: Callable[[Array], Array]) -> Answering:
    """Numbers by their names; an array where it has several axes, or is what came in."""

    def answer(output: Array) -> Answer:
        values = scale(output)
        if names is None or values.ndim > 1:
            return Values(values)
        flat = values.reshape(-1).tolist()
        return Numbers(dict(zip(names(len(flat)), flat, strict=True)))

    return answer


def named(names: Sequence[str] | None, count: int) -> Sequence[str]:
    """The names of so many classes; their numbers where there are none."""
    return names if names is not None and len(names) == count else [str(k) for k in range(count)]


def ranking(scores: Array, chances: Array | None, names: Sequence[str], count: int) -> tuple[Ranked, ...]:
    """The highest scores; of equal ones that of the lower number first."""
    order = np.argsort(-scores, kind="stable")[:count].tolist()
    return tuple(Ranked(names[k], None if chances is None else float(chances[k]), float(scores[k])) for k in order)


def softmax(scores: Array) -> Array:
    """Probabilities along the last axis."""
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    found: Array = raised / raised.sum(-1, keepdims=True)
    return found


def sigmoid(scores: Array) -> Array:
    """The probability of a yes, without an overflow."""
    found: Array = np.exp(-np.logaddexp(0, -scores)).astype(scores.dtype)
    return found


def shares(values: Array) -> Array:
    """As they are."""
    return values


def plain(value: Any) -> Any:
    """A number that JSON has: None for NaN and infinities."""
    return value if value is None or np.isfinite(value) else None
