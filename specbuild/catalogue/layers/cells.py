"""Recurrent cells: one time step."""

from typing import ClassVar, Literal, final

from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, storable
from specbuild.catalogue.rules import Outcome, Storage, Violation, inferred, require
from specbuild.catalogue.sequences import float32, state, together
from specbuild.catalogue.types import Dim, TensorType


def stepped(layer: "RNNCell | LSTMCell | GRUCell", gates: int, input: TensorType, kept: Dim,
            **states: TensorType | None) -> Outcome:  # fmt: skip
    """What the three have in common; kept: numbers that backward needs beside the inputs."""
    require(
        len(input.shape) == 1,
        lambda: Violation(
            "SB302", f"{layer.type} takes [input_size], but the input is {input}",
            fix=as_step(layer.type, input),
        ),
    )  # fmt: skip
    float32(layer.type, input)
    (features,) = input.shape
    arguments = inferred("input_size", layer.input_size, features, f"the input has {features} features")
    hidden = TensorType((layer.hidden_size,))
    for name, given in states.items():
        state(layer.type, name, given, hidden.shape, "[hidden_size]")
    rows = gates * layer.hidden_size
    parameters = {"weight_ih": Storage((rows, features)), "weight_hh": Storage((rows, layer.hidden_size))}
    for storage in parameters.values():
        storable(storage.shape, "a weight", "hidden_size")
    if layer.bias:
        parameters["bias_ih"] = parameters["bias_hh"] = Storage((rows,))
    return Outcome(
        hidden, arguments, parameters,
        results={"cell": hidden} if "cx" in states else {},
        macs=rows * (features + layer.hidden_size),
        saved=4 * (kept + (layer.hidden_size if states["hx"] is None else 0)),
    )  # fmt: skip


def as_step(layer: str, input: TensorType) -> str:
    """What makes one step of an input, or takes it as it is."""
    if len(input.shape) == 2:
        return f"type: {layer.removesuffix('Cell')}, which takes a sequence"
    return "Flatten before it" if input.shape else "{type: Unsqueeze, dim: 1} before it gives [1]"


@final
class RNNCell(Layer):
    """One step of Elman's recurrence: `(N, input_size), hx (N, hidden_size) → (N, hidden_size)`.

    `h' = tanh(W_ih·x + b_ih + W_hh·h + b_hh)`; without `hx` the state before is zero. Elman, 1990.

    ```yaml
    - {type: RNNCell, hidden_size: 32}  # [8] → [32]
    - {type: RNNCell, hidden_size: 32, from: [input, before]}  # [8], [32] → [32]
    ```
    """

    takes: ClassVar = ("input", "hx")

    input_size: Extent | None = None
    """Features of the input; inferred."""
    hidden_size: Extent
    """Features of the state."""
    bias: Bool = True
    """Whether learned numbers are added."""
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    """What makes the state of a sum."""

    def keeps(self) -> tuple[str, ...]:
        """The inputs are multiplied by weights; of the output tanh has its derivative."""
        return ("inputs", "output")

    def infer(self, input: TensorType, hx: TensorType | None = None) -> Outcome:
        """As torch's `RNNCell`."""
        return stepped(self, 1, input, 0, hx=hx)


@final
class LSTMCell(Layer):
    """One step of long short-term memory: `(N, input_size), hx, cx (N, hidden_size) → (N, hidden_size)`.

    Without `hx` and `cx` the states before are zero. The new cell is a second result, `from: lstmcell.cell`.
    Hochreiter and Schmidhuber, 1997.

    ```yaml
    - {type: LSTMCell, hidden_size: 32}  # [8] → [32]
    - {type: LSTMCell, hidden_size: 32, from: [input, state, cell]}  # [8], [32], [32] → [32]
    ```
    """

    takes: ClassVar = ("input", "hx", "cx")
    results: ClassVar = {"cell": "return_cell"}
    refused: ClassVar = {
        "return_cell": "the new cell is a second result: naming it, as in `from: lstmcell.cell`, switches it on"
    }

    input_size: Extent | None = None
    """Features of the input; inferred."""
    hidden_size: Extent
    """Features of the state."""
    bias: Bool = True
    """Whether learned numbers are added."""

    def keeps(self) -> tuple[str, ...]:
        """They are multiplied by weights, and by gates."""
        return ("inputs",)

    def infer(self, input: TensorType, hx: TensorType | None = None, cx: TensorType | None = None) -> Outcome:
        """As torch's `LSTMCell`."""
        names = "input: ..., hx: ..., cx: ..."
        together("LSTMCell", hx, "hx", cx, "cx", names)
        together("LSTMCell", cx, "cx", hx, "hx", names)
        return stepped(self, 4, input, 5 * self.hidden_size, hx=hx, cx=cx)


@final
class GRUCell(Layer):
    """One step of gated recurrent units: `(N, input_size), hx (N, hidden_size) → (N, hidden_size)`.

    Without `hx` the state before is zero. Cho et al., 2014 (arXiv:1406.1078).

    ```yaml
    - {type: GRUCell, hidden_size: 32}  # [8] → [32]
    ```
    """

    takes: ClassVar = ("input", "hx")

    input_size: Extent | None = None
    """Features of the input; inferred."""
    hidden_size: Extent
    """Features of the state."""
    bias: Bool = True
    """Whether learned numbers are added."""

    def keeps(self) -> tuple[str, ...]:
        """They are multiplied by weights, and by gates."""
        return ("inputs",)

    def infer(self, input: TensorType, hx: TensorType | None = None) -> Outcome:
        """As torch's `GRUCell`."""
        return stepped(self, 3, input, 6 * self.hidden_size, hx=hx)
