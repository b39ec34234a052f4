"""Linear layers."""

from typing import ClassVar, final

from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, storable
from specbuild.catalogue.rules import Outcome, Storage, Violation, inferred, require
from specbuild.catalogue.types import TensorType
from specbuild.catalogue.windows import floating


@final
class Linear(Layer):
    """`y = x·Aᵀ + b` along the last axis: `(N, *, in_features) → (N, *, out_features)`.

    ```yaml
    - {type: Linear, out_features: 10}  # [1024] → [10]
    - {type: Linear, out_features: 8, bias: false}  # [20, 16] → [20, 8]
    ```
    """

    in_features: Extent | None = None
    """Size of the input's last axis; inferred."""
    out_features: Extent
    """Size of the output's last axis."""
    bias: Bool = True
    """Whether a learned number is added to each feature."""

    def infer(self, input: TensorType) -> Outcome:
        """The last axis is replaced."""
        require(
            len(input.shape) >= 1,
            lambda: Violation(
                "SB302",
                f"Linear takes [..., in_features], but the input is {input}, a single number",
                fix="an input with at least one axis: [1]",
            ),
        )
        floating("Linear", input)
        features = input.shape[-1]
        arguments = inferred("in_features", self.in_features, features, f"the input has {features} features")
        weight = (self.out_features, features)
        parameters = {"weight": Storage(weight)}
        if self.bias:
            parameters["bias"] = Storage((self.out_features,))
        output = (*input.shape[:-1], self.out_features)
        storable(weight, "the weight", "out_features")
        storable(output, "the output", "out_features")
        return Outcome(TensorType(output), arguments, parameters, macs=input.size * self.out_features)


@final
class Identity(Layer):
    """The input as it is: `(*) → (*)`.

    ```yaml
    - Identity  # [3, 8] → [3, 8]
    ```
    """

    shares: ClassVar = True

    def infer(self, input: TensorType) -> Outcome:
        """Nothing changes."""
        return Outcome(input)
