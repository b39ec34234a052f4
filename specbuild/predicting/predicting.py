"""From inputs to predictions, batch by batch. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

import numpy as np

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.predicting.answers import answering
from specbuild.predicting.form import Form
from specbuild.predicting.given import Array, Given, Refused
from specbuild.predicting.judging import Judge, Misfit
from specbuild.predicting.prediction import Prediction, Predictions
from specbuild.predicting.reading import Inputs, inputs_of

OnError = Literal["fail", "skip"]
Named = Mapping[str, Array]


class Network(Protocol):
    """A trained network, whatever runs it."""

    form: Form
    batch_size: int
    """Inputs at a time, where nothing else is asked for."""

    def __call__(self, batch: Sequence[Named]) -> Named:
        """Its outputs `[N, ...]` by name, of the fields of N inputs before the transforms."""
        ...


def each(
    network: Network,
    inputs: Inputs,
    *,
    top_k: int = 5,
    batch_size: int | None = None,
    on_error: OnError = "fail",
    stdin: Callable[[], bytes] | None = None,
) -> Iterator[Prediction | Diagnostic]:
    """Predictions as they come, in the order of the inputs, and an SB513 for each input that cannot be used.

    on_error: `fail` only judges what is left, once an input cannot be used.
    """
    judge, answers = Judge(network.form), answering(network.form, top_k)
    size, failed = batch_size or network.batch_size, False
    batch: list[Given] = []
    batched = {name: kind.batched for name, kind in network.form.plan.outputs.items()}
    shapes = None

    def run() -> Iterator[Prediction]:
        outputs = network([given.fields for given in batch])
        for index, given in enumerate(batch):
            # a copy: a row would keep the whole batch in memory
            own = {name: np.array(values[index] if batched[name] else values) for name, values in outputs.items()}
            told = {name: answers[name](values) for name, values in own.items()}
            yield Prediction(str(given.place), own, told, given.place)
        batch.clear()

    for given in inputs_of(inputs, network.form, stdin):
        try:
            if isinstance(given, Diagnostic):
                raise Refused(given)
            found = judge(given)
        except Refused as refused:
            failed = True
            if on_error == "fail":
                batch.clear()
            if not (isinstance(refused, Misfit) and refused.told):
                yield refused.diagnostic
            continue
        if failed and on_error == "fail":
            continue
        if batch and found != shapes:
            yield from run()
        shapes = found
        batch.append(given)
        if len(batch) == size:
            yield from run()
    if batch:
        yield from run()


def predictions(
    network: Network,
    inputs: Inputs,
    *,
    top_k: int = 5,
    batch_size: int | None = None,
    on_error: OnError = "fail",
) -> Predictions:
    """All predictions. Raises `RunError` with each input that cannot be used, unless those are to be skipped."""
    for name, number in (("top_k", top_k), ("batch_size", batch_size)):
        if number is not None and (not isinstance(number, int) or number < 1):
            raise ValueError(f"{name} is {number!r}: a whole number from 1 on")
    if on_error not in ("fail", "skip"):
        raise ValueError(f"on_error is {on_error!r}: fail or skip")
    found: list[Prediction] = []
    failed: list[Diagnostic] = []
    for one in each(network, inputs, top_k=top_k, batch_size=batch_size, on_error=on_error):
        if isinstance(one, Diagnostic):
            failed.append(one)
        else:
            found.append(one)
    if failed and on_error == "fail":
        raise RunError(failed)
    return Predictions(found, failed)
