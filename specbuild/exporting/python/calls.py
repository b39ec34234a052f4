"""How each layer is made and called: as one who writes torch by hand would."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.exporting.python.expressions import Call, rendered
from specbuild.exporting.python.forms import Form, Writer, called, changed, copy_of, named_inputs, several, straight
from specbuild.exporting.python.functions import FUNCTIONS
from specbuild.exporting.python.recording import NN, Made
from specbuild.exporting.python.sequences import MASKS, attention, lstm_cell, recurrent, transformer
from specbuild.network.plan import Step

OWN = ("Affine", "LayerNorm2d", "StochasticDepth")
"""Layers that torch.nn lacks and that no expression says: their class is copied."""


def form_of(step: Step) -> Form:
    """How a layer is made and called."""
    layer = step.layer
    assert layer is not None
    if layer.plugged:
        message = f"`{step.name}` is a {step.type} of a plug-in, which Python source cannot express"
        raise RunError([Diagnostic("SB512", message, step.path, fix="--to safetensors, --to torch or --to onnx")])
    built = layer.build(NN, **{layer.results[name]: True for name in step.results})
    if isinstance(built, Made):
        return Form(built, parameter, plain=False, key=("Parameter", getattr(layer, "batch", True)))
    if layer.type in FUNCTIONS:
        own = Call(layer.type, built.arguments, built.defaults, frozenset(built.arguments))
        return Form(own, called, straight(step), (layer.type,))
    if layer.type in OWN or (layer.type == "LocalResponseNorm" and len(step.inputs[0].shape) > 3):
        return Form(copy_of(built), called, straight(step), (layer.type,))
    if layer.type in ADAPTED:
        return ADAPTED[layer.type](step, built)
    return Form(built, several if step.results else called, straight(step))


def parameter(writer: Writer, step: Step, module: str) -> str:
    """A parameter of the scope itself; its leading 1 spans the batch."""
    shape: Sequence[int] = getattr(step.layer, "shape", ())
    if not getattr(step.layer, "batch", True):
        return module
    return f"{module}.expand({', '.join([f'{writer.sample()}.shape[0]', *['-1'] * (len(shape) - 1)])})"


def unpooling(step: Step, built: Call) -> Form:
    """MaxUnpool: torch is told the size when it is called."""
    size = built.arguments["output_size"]
    return Form(changed(built, ("output_size",)), run_unpooling, plain=False, key=(size,))


def run_unpooling(writer: Writer, step: Step, module: str) -> str:
    """Values back to where they were taken from."""
    text = called(writer, step, module)
    size: Any = getattr(step.layer, "output_size", None)
    return text if size is None else f"{text[:-1]}, output_size={rendered(tuple(size))})"


def bag(step: Step, built: Call) -> Form:
    """EmbeddingBag: weights of its integers have a name in torch."""
    return Form(built, run_bag, straight(step))


def run_bag(writer: Writer, step: Step, module: str) -> str:
    """One vector a sample."""
    parts = [
        f"{name}={writer.take(index)}" if name != "input" else writer.take(index)
        for name, index in named_inputs(step).items()
    ]
    return f"{module}({', '.join(parts)})"


ADAPTED: Mapping[str, Callable[[Step, Call], Form]] = {
    **dict.fromkeys(("RNN", "GRU", "LSTM"), recurrent),
    **dict.fromkeys(("MaxUnpool1d", "MaxUnpool2d", "MaxUnpool3d"), unpooling),
    **dict.fromkeys(MASKS, transformer),
    "EmbeddingBag": bag,
    "LSTMCell": lstm_cell,
    "MultiheadAttention": attention,
}
"""Layers that specbuild calls otherwise than torch has them called."""
