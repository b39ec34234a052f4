"""What a training makes small: the loss of each output against its field of the batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import nn

from specbuild.catalogue.rules import Violation
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError, SpecError
from specbuild.language.document import Spec
from specbuild.language.parsing import of_violation
from specbuild.network.metrics import judged_output, metrics_of
from specbuild.network.samples import loss_path

OUTSIDE = {"input should be between 0 and 1": "outputs", "target should be between 0 and 1": "targets"}
"""What torch says of numbers that a loss of shares does not take, and of which."""


class Judged(NamedTuple):
    """The losses of one batch, and what the metrics are measured on."""

    losses: tuple[torch.Tensor, ...]
    """In the order of the outputs that have one, each with its scale."""
    output: torch.Tensor
    target: torch.Tensor
    others: Mapping[str, tuple[torch.Tensor, torch.Tensor]] | None = None
    """Of the other outputs that metrics are of, by name."""

    def detached(self) -> Judged:
        """The same without what backward needs."""
        others = {name: (output.detach(), target) for name, (output, target) in (self.others or {}).items()}
        losses = tuple(loss.detach() for loss in self.losses)
        return Judged(losses, self.output.detach(), self.target, others or None)

    @property
    def total(self) -> torch.Tensor:
        """Their sum."""
        losses = self.losses
        total = losses[0]
        if len(losses) > 1:
            for loss in losses[1:]:
                total = total + loss
        return total

    def divided(self, means: Sequence[bool], count: int) -> torch.Tensor:
        """Their sum where `count` batches make one step: those that are means count so much less."""
        parts = [loss / count if mean else loss for loss, mean in zip(self.losses, means, strict=True)]
        return Judged(tuple(parts), self.output, self.target).total


class Objective:
    """The losses of a network's outputs; called with what the network gives and the batch."""

    def __init__(self, spec: Spec, device: torch.device) -> None:
        self.spec = spec
        self.outputs = tuple(spec.losses)
        self.targets = tuple(loss.target for loss in spec.losses.values())
        self.criteria: tuple[nn.Module, ...] = tuple(self.built(output).to(device) for output in spec.losses)
        self.means = tuple(getattr(loss, "reduction", "mean") != "sum" for loss in spec.losses.values())
        """Which of the losses are means over the samples."""
        self.single = len(spec.outputs) == 1
        self.criterion, self.target = self.criteria[0], self.targets[0]
        self.judged = self.outputs.index(judged_output(spec) or "")
        """Which of the outputs the metrics are measured on that do not say it."""
        named = {metric.output for metric in metrics_of(spec)} - {self.outputs[self.judged]}
        self.others = [(index, output) for index, output in enumerate(self.outputs) if output in named]

    def built(self, output: str) -> nn.Module:
        """The loss of an output as a module; raises `SpecError` (SB315) for a plug-in's that fails."""
        try:
            return cast(nn.Module, self.spec.losses[output].build(nn, torch.tensor))
        except Violation as violation:
            raise SpecError(self.spec.place([of_violation(violation, loss_path(self.spec, output))])) from violation

    def __call__(self, given: Any, batch: Mapping[str, torch.Tensor]) -> Judged:
        """The losses of one batch; given: the output, or the outputs by name.

        Raises `DataError` where a loss of numbers from 0 to 1 comes upon others.
        """
        try:
            if self.single:
                target = batch[self.target]
                return Judged((self.criterion(given, target),), given, target)
            return self.of_several(given, batch)
        except RuntimeError as error:
            what = next((what for words, what in OUTSIDE.items() if words in str(error)), None)
            if what is None:
                raise
            raise DataError(self.spec.place([self.outside(what, given)])) from None

    def of_several(self, given: Any, batch: Mapping[str, torch.Tensor]) -> Judged:
        """The losses of one batch, of a network that gives its outputs by name."""
        outputs = [given[name] for name in self.outputs]
        targets = [batch[name] for name in self.targets]
        losses = tuple(
            criterion(output, target) for criterion, output, target in zip(self.criteria, outputs, targets, strict=True)
        )
        others = {name: (outputs[index], targets[index]) for index, name in self.others} if self.others else None
        return Judged(losses, outputs[self.judged], targets[self.judged], others)

    def outside(self, what: str, given: Any) -> Diagnostic:
        """SB402 for outputs, or targets, that are not from 0 to 1; SB409 for outputs that are no numbers."""
        output, loss = next((output, loss) for output, loss in self.spec.losses.items() if loss.takes_shares)
        path = loss_path(self.spec, output)
        if what == "targets":
            return Diagnostic("SB402", f"{loss.type} needs targets from 0 to 1, and came upon others", path)
        tensor = given if self.single else given[output]
        if bool(torch.isnan(tensor).any()):
            message = "what the network gives became not a number"
            fix = "a smaller learning rate, or inputs scaled to about -1 to 1"
            return Diagnostic("SB409", message, ("optimizer", "lr"), fix=fix)
        return Diagnostic(
            "SB402", f"{loss.type} needs outputs from 0 to 1, but the network gives others", path,
            fix="BCEWithLogitsLoss, which takes any numbers, or a Sigmoid as the last layer",
        )  # fmt: skip
