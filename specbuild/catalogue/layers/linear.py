"""Linear layers."""

from math import prod
from typing import ClassVar, final

from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, storable
from specbuild.catalogue.rules import Outcome, Storage, Violation, alike, inferred, require
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

    def keeps(self) -> tuple[str, ...]:
        """The input."""
        return ("input",)

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
class Bilinear(Layer):
    """`y = x₁ᵀ·A·x₂ + b` along the last axes: `(N, *, in1_features), (N, *, in2_features) → (N, *, out_features)`.

    ```yaml
    - {type: Bilinear, from: [question, image], out_features: 10}  # [20], [30] → [10]
    ```
    """

    takes: ClassVar = ("input1", "input2")
    needs: ClassVar = 2

    in1_features: Extent | None = None
    """Size of the first input's last axis; inferred."""
    in2_features: Extent | None = None
    """Size of the second input's last axis; inferred."""
    out_features: Extent
    """Size of the output's last axis."""
    bias: Bool = True
    """Whether a learned number is added to each feature."""

    def keeps(self) -> tuple[str, ...]:
        """Both inputs."""
        return ("input1", "input2")

    def infer(self, input1: TensorType, input2: TensorType) -> Outcome:
        """The last axes become one; nothing is broadcast. Each weight is multiplied once at each place."""
        require(
            len(input1.shape) >= 1 and len(input2.shape) >= 1,
            lambda: Violation(
                "SB302",
                f"Bilinear takes [..., in1_features] and [..., in2_features], but the inputs are {input1} and {input2}",
                fix="inputs with at least one axis: [1]",
            ),
        )
        floating("Bilinear", input1)
        floating("Bilinear", input2)
        *places, first = input1.shape
        *others, second = input2.shape
        require(
            alike(places, others),
            lambda: Violation(
                "SB308",
                f"{input1} and {input2} cannot be merged: all axes but the last have to be equal",
                field="from",
            ),
        )
        arguments = {
            **inferred("in1_features", self.in1_features, first, f"the first input has {first} features"),
            **inferred("in2_features", self.in2_features, second, f"the second input has {second} features"),
        }
        weight = (self.out_features, first, second)
        parameters = {"weight": Storage(weight)}
        if self.bias:
            parameters["bias"] = Storage((self.out_features,))
        output = (*places, self.out_features)
        storable(weight, "the weight", "out_features")
        storable(output, "the output", "out_features")
        return Outcome(TensorType(output), arguments, parameters, macs=prod(places) * prod(weight))


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
