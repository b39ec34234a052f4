"""Samplers: which samples an epoch has, where it does not have each of them once."""

from abc import ABC
from typing import Annotated, Literal, final

from annotated_types import Ge, MinLen

from specbuild.catalogue.entry import Bool, Entry, Float, Size
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.table import Table


class Sampler(Entry, ABC):
    """Draws the samples of an epoch; what it draws is a function of (seed, epoch)."""


@final
class WeightedRandomSampler(Sampler):
    """Samples drawn with a probability by their class.

    torch's takes a weight for each sample; here a weight is of a class, and each of its samples has it.

    ```yaml
    loader: {batch_size: 64, sampler: {type: WeightedRandomSampler, weights: balanced}}
    ```
    """

    weights: Literal["balanced"] | Annotated[tuple[Annotated[Float, Ge(0)], ...], MinLen(1)] = "balanced"
    """A weight for each class; `balanced` is one over the number of its samples in train."""
    num_samples: Size | None = None
    """How many samples an epoch has; null is as many as train."""
    replacement: Bool = True
    """Whether a sample may be drawn twice in an epoch."""

    def check(self) -> None:
        """Some class is drawn."""
        if not isinstance(self.weights, str) and not any(self.weights):
            raise Violation("SB410", "`weights` is 0 for each class, so that none can be drawn", field="weights")


SAMPLERS: Table[Sampler] = Table("specbuild.catalogue", {"samplers": ("WeightedRandomSampler",)})
"""Every sampler, by the name that a document uses."""
