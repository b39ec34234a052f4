"""Linear layers."""

from __future__ import annotations

from typing import final

from specbuild.catalogue.entry import Bool, Size
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Storage, Violation, inferred, require
from specbuild.catalogue.types import TensorType
from specbuild.catalogue.windows import floating


@final
class Linear(Layer):
    """`y = x·Aᵀ + b` along the last axis: `(N, *, in_features) → (N, *, out_features)`."""

    in_features: Size | None = None
    """Size of the input's last axis; inferred."""
    out_features: Size
    """Size of the output's last axis."""
    bias: Bool = True
    """Whether a learned number is added to each feature."""

    def infer(self, input: TensorType) -> Outcome:
        """The last axis is replaced."""
        require(
            len(input.shape) >= 1,
            lambda: Violation("SB302", f"Linear takes [..., in_features], but the input is {input}"),
        )
        floating("Linear", input)
        features = input.shape[-1]
        arguments = inferred("in_features", self.in_features, features, f"the input has {features} features")
        parameters = {"weight": Storage((self.out_features, features))}
        if self.bias:
            parameters["bias"] = Storage((self.out_features,))
        output = TensorType((*input.shape[:-1], self.out_features))
        return Outcome(output, arguments, parameters, macs=input.size * self.out_features)


@final
class Identity(Layer):
    """The input as it is."""

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes."""
        return Outcome(input)
