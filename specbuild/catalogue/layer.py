"""The contract of a layer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.rules import Outcome


class Layer(Entry, ABC):
    """One layer: torch's arguments as fields, a shape rule, a cost, and how it is built.

    A layer stores no shape. What it finds out about an input is in the `Outcome` that `infer`
    returns; a copy with `Outcome.arguments` filled in is the resolved layer, which can be built.
    """

    refused: ClassVar[Mapping[str, str]] = {
        "device": "a network moves as a whole, by `train.device` or `--device`",
        "dtype": "a network computes in float32, its input's dtype is written with `input`",
    }

    beside: ClassVar = ("name", "from", "when", "repeat", "names")

    takes: ClassVar[tuple[str, ...] | None] = ("input",)
    """The names of forward's arguments; None for any number of them."""
    needs: ClassVar[int] = 1
    """How many of them, from the first on, have to be given."""
    results: ClassVar[Mapping[str, str]] = {}
    """Second results, each with the argument that switches it on."""
    shares: ClassVar[bool] = False
    """Whether the output may be the input's memory, as a view or as it is, always."""
    broadcasts: ClassVar[bool] = False
    """Whether it takes inputs without a batch axis, such as a Parameter with `batch: false`."""

    measured: ClassVar[bool] = False
    """Whether it states no rule and is run instead; only the layers of plug-ins may."""

    @abstractmethod
    def infer(self, *inputs: Any, **named: Any) -> Outcome:
        """From the types of the inputs, under the names in `takes`, to all that the rule finds out.

        That is the output's type, the sizes that the input settles, parameters, buffers and cost.
        `check` has passed before this is called.
        Raises `Violation` where real torch raises, in training or in eval mode, on a batch of 2.
        """

    def keeps(self) -> tuple[str, ...]:
        """What backward needs again, whole: names in `takes`, `inputs` for all of them, `output`, second results.

        What it needs besides, such as a mask, is in `Outcome.saved`.
        """
        return ()

    def passes(self, *, training: bool) -> bool:
        """Whether it hands on its input untouched in this mode, as Dropout does in eval mode."""
        return False

    def build(self, nn: Any, **switches: bool) -> Any:
        """The torch module of a resolved layer; `nn` is `torch.nn` and what specbuild adds to it.

        switches: the arguments that switch on the second results that something names.
        """
        return getattr(nn, self.type)(**self.given(), **switches)
