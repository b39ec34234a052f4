"""The contract of a layer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.rules import Outcome
from specbuild.catalogue.types import TensorType


class Layer(Entry, ABC):
    """One layer: torch's arguments as fields, a shape rule, a cost, and how it is built.

    A layer stores no shape. What it finds out about an input is in the `Outcome` that `infer`
    returns; a copy with `Outcome.arguments` filled in is the resolved layer, which can be built.
    """

    refused: ClassVar[Mapping[str, str]] = {
        "device": "a network moves as a whole, by `train.device` or `--device`",
        "dtype": "a network computes in float32, its input's dtype is written with `input`",
    }

    @abstractmethod
    def infer(self, input: TensorType) -> Outcome:
        """The output's type, the sizes that the input settles, parameters, buffers and cost.

        Named as torch's `forward` names its argument. `check` has passed before this is called.
        Raises `Violation` where real torch raises, in training or in eval mode, on a batch of 2.
        """

    def build(self, nn: Any) -> Any:
        """The torch module of a resolved layer; `nn` is `torch.nn` and what specbuild adds to it."""
        return getattr(nn, self.type)(**self.arguments())
