"""How a layer stands in a module, and how a `forward` calls it: as one who writes torch by hand would."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.exporting.python.expressions import Call, rendered
from specbuild.exporting.python.recording import NN, Made, defaults_of
from specbuild.network.plan import Step


class Writer(Protocol):
    """What a `forward` that is being written offers to the one that writes a call."""

    def take(self, index: int, *, times: int = 1) -> str:
        """The text of an input, by its number; times: how often it is used in the text."""

    def target(self, result: str | None = None) -> str:
        """The variable that a result is assigned to; `_` for one that nothing reads."""

    def line(self, text: str) -> None:
        """Write a statement."""

    def again(self, result: str, text: str) -> None:
        """Assign a second result once more, by a text over its variable."""

    def fresh(self, name: str) -> str:
        """A variable that is free."""


Express = Callable[[Writer, Step, str], str | None]
"""Writes what a call needs and gives its value; None where that was assigned to the step's target."""


class Form(NamedTuple):
    """How a layer stands in a module."""

    made: Call | Made | None
    """What `__init__` makes; None for a function."""
    express: Express
    plain: bool = True
    """Whether calling it with its input alone gives its output, so that it may stand in an `nn.Sequential`."""
    copied: tuple[str, ...] = ()
    """The classes whose text the module holds."""
    key: tuple[Any, ...] = ()
    """What tells two ways of calling apart."""


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


OWN = ("Affine", "LayerNorm2d", "StochasticDepth")
"""Layers that torch.nn lacks and that no expression says: their class is copied."""


def copy_of(built: Call) -> Call:
    """A call of specbuild's own class, which stands in the module."""
    arguments = {
        name: copy_of(value) if isinstance(value, Call) and value.function.startswith("nn.Transformer") else value
        for name, value in built.arguments.items()
    }
    return Call(built.function.removeprefix("nn."), arguments, {}, built.ordered)


def straight(step: Step) -> bool:
    """Whether a layer takes one input and gives one result."""
    return len(step.sources) == 1 and step.sources[0].keyword is None and not step.results


def called(writer: Writer, step: Step, module: str) -> str:
    """A module on its inputs."""
    parts = [
        f"{source.keyword}={writer.take(index)}" if source.keyword else writer.take(index)
        for index, source in enumerate(step.sources)
    ]
    return f"{module}({', '.join(parts)})"


def several(writer: Writer, step: Step, module: str) -> None:
    """A module that gives a tuple, whose items are results in the order of the layer's."""
    text = called(writer, step, module)
    targets = [writer.target(), *(writer.target(result) for result in step.results)]
    writer.line(f"{', '.join(targets)} = {text}")


def parameter(writer: Writer, step: Step, module: str) -> str:
    """A parameter of the scope itself; its leading 1 spans the batch."""
    shape: Sequence[int] = getattr(step.layer, "shape", ())
    if not getattr(step.layer, "batch", True):
        return module
    return f"{module}.expand({', '.join(['BATCH', *['-1'] * (len(shape) - 1)])})"


def named_inputs(step: Step) -> dict[str, int]:
    """The numbers of a step's inputs by the names of forward's arguments."""
    assert step.layer is not None
    takes = step.layer.takes or ()
    return {source.keyword or takes[index]: index for index, source in enumerate(step.sources)}


def changed(built: Call, without: Sequence[str] = (), **more: Any) -> Call:
    """A call without some arguments and with others."""
    arguments = {name: value for name, value in built.arguments.items() if name not in without}
    return Call(built.function, {**arguments, **more}, built.defaults, built.ordered)


# --- recurrent layers -------------------------------------------------------------------------------------------------


def recurrent(step: Step, built: Call) -> Form:
    """RNN, GRU, LSTM: a sequence and states, whose batch is axis 1 in torch."""
    arguments = built.arguments
    made = changed(built, ("returns", "return_hidden", "return_cell"), batch_first=True)
    if arguments["num_layers"] == 1 and arguments["dropout"]:  # which torch warns of, and does nothing with
        made = changed(made, dropout=0.0)
    key = (arguments["returns"], arguments["bidirectional"])
    return Form(made, run_recurrent, plain=False, key=key)


def run_recurrent(writer: Writer, step: Step, module: str) -> str | None:
    """The sequence, or the last state; the states that something reads, the batch first."""
    layer: Any = step.layer
    inputs = named_inputs(step)
    states = [f"{writer.take(inputs[name])}.transpose(0, 1).contiguous()" for name in ("hx", "cx") if name in inputs]
    text = f"{module}({writer.take(inputs['input'])}"
    text += f", ({', '.join(states)}))" if len(states) == 2 else "".join(f", {state}" for state in states) + ")"
    last = layer.returns == "last"
    output = "_" if last else writer.target()
    hidden = writer.target("hidden")
    if last and hidden == "_":
        hidden = writer.fresh("hidden")
    ends = f"({hidden}, {writer.target('cell')})" if layer.type == "LSTM" else hidden
    writer.line(f"{output}, {'_' if ends == '(_, _)' else ends} = {text}")
    value = None
    if last:
        value = f"torch.cat([{hidden}[-2], {hidden}[-1]], dim=-1)" if layer.bidirectional else f"{hidden}[-1]"
        if "hidden" in step.results:
            writer.line(f"{writer.target()} = {value}")
            value = None
    for result in step.results:
        writer.again(result, f"{writer.target(result)}.transpose(0, 1)")
    return value


def lstm_cell(step: Step, built: Call) -> Form:
    """LSTMCell: torch takes its states as a pair and gives a pair."""
    return Form(changed(built, ("return_cell",)), run_lstm_cell, plain=False)


def run_lstm_cell(writer: Writer, step: Step, module: str) -> None:
    """The state, and the cell where something reads it."""
    inputs = named_inputs(step)
    states = f", ({writer.take(inputs['hx'])}, {writer.take(inputs['cx'])})" if "hx" in inputs else ""
    text = f"{module}({writer.take(inputs['input'])}{states})"
    writer.line(f"{writer.target()}, {writer.target('cell')} = {text}")


# --- attention --------------------------------------------------------------------------------------------------------


def attention(step: Step, built: Call) -> Form:
    """MultiheadAttention: query, key and value, and a pair as its result."""
    inputs = named_inputs(step)
    types = {name: step.inputs[index] for name, index in inputs.items()}
    mask, padding = types.get("attn_mask"), types.get("key_padding_mask")
    arguments = built.arguments
    if mask is not None and (arguments["causal"] or (padding is not None and padding.dtype != mask.dtype)):
        return Form(copy_of(built), several if step.results else called, straight(step), ("MultiheadAttention",))
    made = changed(built, ("causal", "need_weights"), batch_first=True)
    width = arguments["embed_dim"]
    made = changed(made, **{name: None for name in ("kdim", "vdim") if arguments[name] == width})
    return Form(made, run_attention, plain=False, key=(arguments["causal"], tuple(inputs)))


def run_attention(writer: Writer, step: Step, module: str) -> None:
    """What it attends to; the weights where something reads them."""
    layer: Any = step.layer
    inputs = named_inputs(step)
    wanted = [inputs["query"]]
    wanted.append(inputs.get("key", wanted[0]))
    wanted.append(inputs.get("value", wanted[1]))
    times = {index: wanted.count(index) + (layer.causal and index == wanted[0]) for index in wanted}
    text = {index: writer.take(index, times=times[index]) for index in dict.fromkeys(wanted)}
    parts = [text[index] for index in wanted]
    if "key_padding_mask" in inputs:
        parts.append(f"key_padding_mask={writer.take(inputs['key_padding_mask'])}")
    if not step.results:
        parts.append("need_weights=False")
    if layer.causal:
        parts.append(f"attn_mask=subsequent_mask({parts[0]})")
        if not layer.add_bias_kv and not layer.add_zero_attn:
            parts.append("is_causal=True")
    elif "attn_mask" in inputs:
        kind, mask = step.inputs[inputs["attn_mask"]], writer.take(inputs["attn_mask"])
        axes = len(kind.shape) + kind.batched
        heads = {3: f".repeat_interleave({layer.num_heads}, dim=0)", 4: ".flatten(0, 1)"}
        parts.append(f"attn_mask={mask}{heads.get(axes, '')}")
    writer.line(f"{writer.target()}, {writer.target('weights')} = {module}({', '.join(parts)})")


# --- transformers -----------------------------------------------------------------------------------------------------

MASKS = {
    "TransformerEncoderLayer": ("src", "src_mask", "is_causal"),
    "TransformerEncoder": ("src", "mask", "is_causal"),
    "TransformerDecoderLayer": ("tgt", "tgt_mask", "tgt_is_causal"),
    "TransformerDecoder": ("tgt", "tgt_mask", "tgt_is_causal"),
    "Transformer": ("tgt", "tgt_mask", "tgt_is_causal"),
}
"""What a causal mask is made for, the argument that takes it, and the one that says so."""


def transformer(step: Step, built: Call) -> Form:
    """A layer of a transformer, a stack of them, or the whole."""
    kind, layer, inputs = built.function.removeprefix("nn."), step.layer, named_inputs(step)
    masked = any(name.endswith("mask") and not name.endswith("padding_mask") for name in inputs)
    inside: Any = getattr(layer, "encoder_layer", None) or getattr(layer, "decoder_layer", None)
    causal = bool(getattr(layer, "causal", False) or getattr(inside, "causal", False))
    if masked or (kind == "Transformer" and not nested(built)):
        copies = dict.fromkeys((kind, *([] if inside is None else [inside.type])))
        return Form(copy_of(built), called, straight(step), tuple(copies))
    if not causal:
        return Form(in_torch(built), called, straight(step))
    return Form(in_torch(built), run_causal, plain=False, key=("causal", tuple(inputs)))


def in_torch(built: Call) -> Call:
    """A call of torch's own class, the batch first."""
    kind = built.function.removeprefix("nn.")
    if not kind.startswith("Transformer"):
        return built
    more: dict[str, Any] = {
        name: in_torch(value) for name, value in built.arguments.items() if isinstance(value, Call)
    }
    if kind == "TransformerEncoder":
        more["enable_nested_tensor"] = built.arguments["enable_nested_tensor"] and nested(built.arguments["encoder_layer"])
    if kind not in ("TransformerEncoder", "TransformerDecoder"):
        more["batch_first"] = True
    return changed(built, ("causal",), **more)


def nested(layer: Call) -> bool:
    """Whether torch can leave padding out of a layer's computation; where it cannot, it warns."""
    arguments = layer.arguments
    return not arguments["norm_first"] and arguments["bias"] and arguments["nhead"] % 2 == 0


def run_causal(writer: Writer, step: Step, module: str) -> str:
    """A transformer in which no position sees a later one."""
    assert step.layer is not None
    of, mask, hint = MASKS[step.layer.type]
    inputs = named_inputs(step)
    texts = {name: writer.take(index, times=2 if name == of else 1) for name, index in inputs.items()}
    parts = [f"{name}={text}" if "mask" in name else text for name, text in texts.items()]
    return f"{module}({', '.join([*parts, f'{mask}=subsequent_mask({texts[of]})', f'{hint}=True'])})"


# --- others -----------------------------------------------------------------------------------------------------------


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


# --- functions --------------------------------------------------------------------------------------------------------


def merged(sign: str) -> Callable[[Mapping[str, Any], Sequence[str]], str]:
    """An operator between all inputs."""
    return lambda arguments, inputs: f"({f' {sign} '.join(inputs)})"


def method(name: str) -> Callable[[Mapping[str, Any], Sequence[str]], str]:
    """A method of the only input, with the layer's arguments by order."""

    def written(arguments: Mapping[str, Any], inputs: Sequence[str]) -> str:
        return f"{inputs[0]}.{name}({', '.join(rendered(value) for value in arguments.values())})"

    return written


def reshape(arguments: Mapping[str, Any], inputs: Sequence[str]) -> str:
    """Each sample in another shape."""
    return f"{inputs[0]}.reshape({', '.join([f'{inputs[0]}.shape[0]', *map(rendered, arguments['shape'])])})"


def permute(arguments: Mapping[str, Any], inputs: Sequence[str]) -> str:
    """The axes in another order."""
    return f"{inputs[0]}.permute({', '.join(map(rendered, arguments['dims']))})"


def mean(arguments: Mapping[str, Any], inputs: Sequence[str]) -> str:
    """The mean along axes."""
    keep = ", keepdim=True" if arguments["keepdim"] else ""
    return f"{inputs[0]}.mean({rendered(arguments['dim'])}{keep})"


def select(arguments: Mapping[str, Any], inputs: Sequence[str]) -> str:
    """One entry of an axis."""
    if arguments["dim"] == 1:
        return f"{inputs[0]}[:, {rendered(arguments['index'])}]"
    return f"{inputs[0]}.select({rendered(arguments['dim'])}, {rendered(arguments['index'])})"


def concat(arguments: Mapping[str, Any], inputs: Sequence[str]) -> str:
    """All inputs one after the other."""
    return f"torch.cat([{', '.join(inputs)}], dim={rendered(arguments['dim'])})"


def positions(arguments: Mapping[str, Any], inputs: Sequence[str]) -> str:
    """0, 1, ... for each sample."""
    (input,) = inputs
    count = f"torch.arange({input}.shape[{rendered(arguments['dim'])}], device={input}.device)"
    return f"{count}.repeat({input}.shape[0], 1)"


FUNCTIONS: Mapping[str, Callable[[Mapping[str, Any], Sequence[str]], str]] = {
    "Add": merged("+"),
    "Concat": concat,
    "Mean": mean,
    "Multiply": merged("*"),
    "Narrow": method("narrow"),
    "Permute": permute,
    "Positions": positions,
    "Reshape": reshape,
    "Select": select,
    "Squeeze": method("squeeze"),
    "Transpose": method("transpose"),
    "Unsqueeze": method("unsqueeze"),
}
"""Layers that are an expression in `forward`, by their types."""

REPEATED = {"Reshape": 2, "Positions": 3}
"""How often the text of a function names its input."""

__all__ = ["ADAPTED", "FUNCTIONS", "OWN", "REPEATED", "Express", "Form", "Writer", "defaults_of", "form_of"]
