"""Recurrent layers over whole sequences."""

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal, final

from specbuild.catalogue.entry import Bool
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.layers.dropout import Probability
from specbuild.catalogue.limits import Border, Extent, Reach, storable
from specbuild.catalogue.rules import Outcome, Storage, Violation, choose, inferred
from specbuild.catalogue.sequences import drawn, sequence, state, together
from specbuild.catalogue.types import Dim, TensorType

Returns = Literal["sequence", "last"]
BATCH_FIRST = "axis 0 is always the batch"
PROJECTION = "only LSTM projects its state"
SWITCHED = "the states are a second result: naming them, as in `from: rnn.hidden`, switches it on"


def weights(layer: "RNN | LSTM | GRU", gates: int, features: Dim, projected: int = 0) -> tuple[dict[str, Storage], Dim]:
    """The parameters in torch's order, and the multiplications of one time step."""
    parameters: dict[str, Storage] = {}
    macs: Dim = 0
    hidden, directions = layer.hidden_size, 1 + layer.bidirectional
    state = projected or hidden
    for index in range(layer.num_layers):
        width = features if index == 0 else directions * state
        for suffix in ("", "_reverse")[:directions]:
            end = f"_l{index}{suffix}"
            parameters[f"weight_ih{end}"] = Storage((gates * hidden, width))
            parameters[f"weight_hh{end}"] = Storage((gates * hidden, state))
            if layer.bias:
                parameters[f"bias_ih{end}"] = parameters[f"bias_hh{end}"] = Storage((gates * hidden,))
            if projected:
                parameters[f"weight_hr{end}"] = Storage((projected, hidden))
            macs = macs + gates * hidden * (width + state) + projected * hidden
    for storage in parameters.values():
        storable(storage.shape, "a weight", "hidden_size")
    return parameters, macs


def fused(layer: "RNN | LSTM | GRU") -> bool:
    """Whether oneDNN computes a run of it as one."""
    return isinstance(layer, LSTM) and not layer.proj_size


def recurrent(
    layer: "RNN | LSTM | GRU",
    gates: int,
    input: TensorType,
    states: Mapping[str, TensorType | None],
    kept: Callable[[Dim], Dim],
    projected: int = 0,
) -> Outcome:
    """What the three have in common.

    states: the states that are given, by their names among the inputs. kept: numbers that backward needs of
    one time step, of one layer in one direction, from the number of that layer's features.
    """
    sequence(layer.type, input, feature="input_size")
    length, features = input.shape
    arguments = inferred("input_size", layer.input_size, features, f"the input has {features} features")
    directions = 1 + layer.bidirectional
    runs, width = layer.num_layers * directions, projected or layer.hidden_size
    hidden, cell = TensorType((runs, width)), TensorType((runs, layer.hidden_size))
    for (name, given), wanted in zip(states.items(), (hidden, cell), strict=False):
        size = "proj_size" if projected and wanted is hidden else "hidden_size"
        state(layer.type, name, given, wanted.shape, f"[{'2 · ' * layer.bidirectional}num_layers, {size}]")
    parameters, macs = weights(layer, gates, features, projected)
    whole = (length, directions * width)
    storable((*whole, layer.num_layers), "the output", "hidden_size")
    inner = layer.num_layers - 1
    # what passes between the layers, and a mask for it; before the first step states, of oneDNN those at the end too
    between = directions * width * (1 + drawn(layer.dropout))
    steps = directions * (kept(features) + inner * kept(directions * width)) + inner * between
    copies = 1 if fused(layer) else directions
    saved = length * (copies * features + steps) + runs * width * (4 if fused(layer) else 1)
    if "output" in layer.keeps():
        saved = saved - length * width
    return Outcome(
        TensorType(whole if layer.returns == "sequence" else whole[1:]),
        arguments,
        parameters,
        results={"hidden": hidden, "cell": cell} if len(states) == 2 else {"hidden": hidden},
        macs=length * macs,
        saved=4 * saved,
    )


@final
class RNN(Layer):
    """Elman's recurrence over a sequence: `(N, L, input_size) → (N, L, D·hidden_size)`, D the directions.

    `hₜ = tanh(W_ih·xₜ + b_ih + W_hh·hₜ₋₁ + b_hh)`. Elman, 1990.
    The state before the first step is zero, or the second input `hx`: `(N, D·num_layers, hidden_size)`.
    The states after the last step are a second result of the same shape, `from: rnn.hidden`.

    ```yaml
    - {type: RNN, hidden_size: 32, nonlinearity: relu}  # [20, 8] → [20, 32]
    - {type: RNN, hidden_size: 32, bidirectional: true, returns: last}  # [20, 8] → [64]
    ```
    """

    takes: ClassVar = ("input", "hx")
    results: ClassVar = {"hidden": "return_hidden"}
    refused: ClassVar = {"batch_first": BATCH_FIRST, "return_hidden": SWITCHED, "proj_size": PROJECTION}

    input_size: Extent | None = None
    """Features of the input; inferred."""
    hidden_size: Extent
    """Features of the state."""
    num_layers: Reach = 1
    """Layers, each of which takes the states of the one before."""
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    """What makes the state of a sum."""
    bias: Bool = True
    """Whether learned numbers are added."""
    dropout: Probability = 0.0
    """Probability with which what passes between the layers is zeroed in training."""
    bidirectional: Bool = False
    """Whether a second recurrence runs from the end; the outputs of both stand side by side."""
    returns: Returns = "sequence"
    """`sequence` is the last layer's state after each step; `last` that after the final step, of both directions."""

    def infer(self, input: TensorType, hx: TensorType | None = None) -> Outcome:
        """As torch's `RNN` with `batch_first`."""
        return recurrent(self, 1, input, {"hx": hx}, lambda features: self.hidden_size)


@final
class GRU(Layer):
    """Gated recurrent units over a sequence: `(N, L, input_size) → (N, L, D·hidden_size)`, D the directions.

    Cho et al., 2014 (arXiv:1406.1078); the reset gate is applied to `W_hn·hₜ₋₁ + b_hn`, as in cuDNN.
    The state before the first step is zero, or the second input `hx`: `(N, D·num_layers, hidden_size)`.
    The states after the last step are a second result of the same shape, `from: gru.hidden`.

    ```yaml
    - {type: GRU, hidden_size: 32, num_layers: 2, dropout: 0.2}  # [20, 8] → [20, 32]
    - {type: GRU, hidden_size: 32, returns: last}  # [20, 8] → [32]
    ```
    """

    takes: ClassVar = ("input", "hx")
    results: ClassVar = {"hidden": "return_hidden"}
    refused: ClassVar = {"batch_first": BATCH_FIRST, "return_hidden": SWITCHED, "proj_size": PROJECTION}

    input_size: Extent | None = None
    """Features of the input; inferred."""
    hidden_size: Extent
    """Features of the state."""
    num_layers: Reach = 1
    """Layers, each of which takes the states of the one before."""
    bias: Bool = True
    """Whether learned numbers are added."""
    dropout: Probability = 0.0
    """Probability with which what passes between the layers is zeroed in training."""
    bidirectional: Bool = False
    """Whether a second recurrence runs from the end; the outputs of both stand side by side."""
    returns: Returns = "sequence"
    """`sequence` is the last layer's state after each step; `last` that after the final step, of both directions."""

    def infer(self, input: TensorType, hx: TensorType | None = None) -> Outcome:
        """As torch's `GRU` with `batch_first`."""
        return recurrent(self, 3, input, {"hx": hx}, lambda features: 7 * self.hidden_size)


@final
class LSTM(Layer):
    """Long short-term memory over a sequence: `(N, L, input_size) → (N, L, D·H)`, D the directions.

    H is `proj_size`, or `hidden_size` without one. Hochreiter and Schmidhuber, 1997; the projection is of
    Sak et al., 2014 (arXiv:1402.1128). The states before the first step are zero, or the inputs `hx`:
    `(N, D·num_layers, H)` and `cx`: `(N, D·num_layers, hidden_size)`. The states after the last step are
    second results of the same shapes, `from: lstm.hidden` and `from: lstm.cell`.

    ```yaml
    - {type: LSTM, hidden_size: 32}  # [20, 8] → [20, 32]
    - {type: LSTM, hidden_size: 32, bidirectional: true, returns: last}  # [20, 8] → [64]
    - {type: LSTM, hidden_size: 32, proj_size: 16}  # [20, 8] → [20, 16]
    ```
    """

    takes: ClassVar = ("input", "hx", "cx")
    results: ClassVar = {"hidden": "return_hidden", "cell": "return_cell"}
    refused: ClassVar = {
        "batch_first": BATCH_FIRST,
        "return_hidden": SWITCHED,
        "return_cell": SWITCHED.replace("hidden", "cell"),
    }

    input_size: Extent | None = None
    """Features of the input; inferred."""
    hidden_size: Extent
    """Features of the cell, and of the state unless it is projected."""
    num_layers: Reach = 1
    """Layers, each of which takes the states of the one before."""
    bias: Bool = True
    """Whether learned numbers are added."""
    dropout: Probability = 0.0
    """Probability with which what passes between the layers is zeroed in training."""
    bidirectional: Bool = False
    """Whether a second recurrence runs from the end; the outputs of both stand side by side."""
    proj_size: Border = 0
    """Features that the state is projected to, fewer than `hidden_size`; 0 projects none."""
    returns: Returns = "sequence"
    """`sequence` is the last layer's state after each step; `last` that after the final step, of both directions."""

    def check(self) -> None:
        """A projection makes the state smaller."""
        if self.proj_size >= self.hidden_size:
            raise Violation(
                "SB304",
                f"`proj_size` must be below hidden_size: {self.proj_size} is not below {self.hidden_size}",
                field="proj_size",
                fix=f"proj_size of at most {self.hidden_size - 1}, where 0 projects none",
            )

    def keeps(self) -> tuple[str, ...]:
        """oneDNN keeps the output of each run; those of two directions are copied into one."""
        return ("output",) if fused(self) and not self.bidirectional and self.returns == "sequence" else ()

    def infer(self, input: TensorType, hx: TensorType | None = None, cx: TensorType | None = None) -> Outcome:
        """As torch's `LSTM` with `batch_first`."""
        names = "input: ..., hx: ..., cx: ..."
        together("LSTM", hx, "hx", cx, "cx", names)
        together("LSTM", cx, "cx", hx, "hx", names)
        return recurrent(self, 4, input, {"hx": hx, "cx": cx}, self.kept, self.proj_size)

    def kept(self, features: Dim) -> Dim:
        """Gates, states and cells; without a projection the workspace of oneDNN, as measured, and the output."""
        if self.proj_size:
            return 7 * self.hidden_size + self.proj_size
        wider = choose(features > self.hidden_size, features, self.hidden_size)
        return (19 * self.hidden_size) // 2 + (57 * wider) // 8
