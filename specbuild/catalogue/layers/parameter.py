"""Tensors that come from no input: parameters of a scope, and positions."""

from collections.abc import Mapping
from typing import Any, ClassVar, final

from specbuild.catalogue.axes import inner_axis
from specbuild.catalogue.entry import Bool, Entry, Int, OneOf
from specbuild.catalogue.initialization import INITIALIZATIONS, Initialization
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, storable
from specbuild.catalogue.rules import Outcome, Storage, Violation
from specbuild.catalogue.types import TensorType


@final
class Parameter(Layer):
    """A learned tensor of the scope itself, under the layer's own name: `→ (N, ...)`.

    ```yaml
    - {name: class_token, type: Parameter, shape: [1, 1, 768], init: {type: normal_, std: 0.02}}  # → [1, 768]
    ```
    """

    takes: ClassVar = ()
    needs: ClassVar = 0
    children: ClassVar[Mapping[str, OneOf | type[Entry]]] = {"init": OneOf(INITIALIZATIONS, "initialization")}

    shape: tuple[Extent, ...]
    """All of its sizes; the first one is 1 and spans the batch, unless `batch` is false."""
    init: Initialization | None = None
    """How it begins; zeros unless written."""
    batch: Bool = True
    """Whether the leading 1 is expanded over the batch. If not, it is left for `Add` and `Multiply` to broadcast."""

    def check(self) -> None:
        """The first size spans the batch."""
        if self.batch and self.shape[:1] != (1,):
            raise Violation(
                "SB304", f"`shape` begins with 1, which spans the batch; got {list(self.shape)}",
                field="shape", fix=f"shape: {[1, *self.shape]}, or batch: false",
            )  # fmt: skip
        if self.init is not None:
            self.init.suits(self.shape)

    def infer(self) -> Outcome:
        """Its own shape."""
        storable(self.shape, "the parameter", "shape")
        output = TensorType(self.shape[1:]) if self.batch else TensorType(self.shape, batched=False)
        return Outcome(output, parameters={"": Storage(self.shape)})

    def build(self, nn: Any, **switches: bool) -> Any:
        """An `nn.Parameter`, initialized."""
        parameter = nn.new_parameter(self.shape)
        (self.init or INITIALIZATIONS["zeros_"]()).apply(nn.init, parameter)
        return parameter


@final
class Positions(Layer):
    """0, 1, 2, ... along an axis of the input, for each sample: `(N, L, *) → (N, L)`, int64.

    ```yaml
    - {name: positions, type: Positions, dim: 1}  # [50, 768] → [50]
    ```
    """

    dim: Int = 1
    """The axis that is counted along, the batch counted; not 0, which is the batch."""

    def infer(self, input: TensorType) -> Outcome:
        """One number for each place along the axis."""
        index = inner_axis(self.dim, input, "is counted")
        return Outcome(TensorType((input.shape[index],), "int64"))
