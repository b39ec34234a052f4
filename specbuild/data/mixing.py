"""What is done to whole batches: samples mixed with their targets, several views of a sample judged as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from specbuild.data.operations import Pipeline
from specbuild.data.sources import Sample


def mixed(
    batch: Sample, image: str, widths: Mapping[str, int], pipeline: Pipeline, numbers: torch.Tensor, epoch: int
) -> Sample:
    """The batch after the transform that mixes; labels become probabilities.

    widths: of each target the number of its classes.
    """
    fields = [field for field in widths if field in batch and field != image]
    targets = [probabilities(batch[field], widths[field]) for field in fields]
    # Mixing is linear in the targets, so those of all losses go through it side by side; an autoencoder has none.
    none = batch[image].new_empty(len(batch[image]), 0)
    images, together = pipeline.mix(batch[image], torch.cat([none, *targets], 1), numbers, epoch)
    parts = torch.split(together, [target.shape[1] for target in targets], 1)
    return {**batch, image: images, **dict(zip(fields, parts, strict=True))}


def probabilities(target: torch.Tensor, classes: int) -> torch.Tensor:
    """Labels as float32 `[B, classes]`, one at each label; a label below 0 has no class. Others as they are."""
    if target.is_floating_point():
        return target
    return torch.eq(target.unsqueeze(1), torch.arange(classes, device=target.device)).to(torch.float32)


def repeated(batch: Sample, image: str, inputs: Sequence[str], views: int) -> Sample:
    """The batch with every input as often as there are views of the image, those of a sample side by side."""
    again = {name: batch[name].repeat_interleave(views, 0) for name in inputs if name != image and name in batch}
    return {**batch, **again}


class Averaged(nn.Module):
    """A model whose outputs are means over the views of each sample."""

    def __init__(self, model: nn.Module, views: int) -> None:
        super().__init__()
        self.model, self.views = model, views

    def forward(self, *inputs: torch.Tensor) -> Any:
        """One output a sample, of inputs with several views a sample side by side."""
        given = self.model(*inputs)
        if isinstance(given, Mapping):
            return {name: self.mean(output) for name, output in given.items()}
        return self.mean(given)

    def mean(self, output: torch.Tensor) -> torch.Tensor:
        """Over the views."""
        return output.view(-1, self.views, *output.shape[1:]).mean(1)


def averaged(model: nn.Module, views: int) -> nn.Module:
    """The model, judging `views` views of each sample together."""
    return model if views == 1 else Averaged(model, views)
