"""Recurrent layers, attention and transformers as one who writes torch by hand calls them."""

from __future__ import annotations

from typing import Any

from specbuild.exporting.python.expressions import Call
from specbuild.exporting.python.forms import Form, Writer, called, changed, copy_of, named_inputs, several, straight
from specbuild.network.plan import Step


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
    made = changed(made, (), **{name: None for name in ("kdim", "vdim") if arguments[name] == width})
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
    more: dict[str, Any] = {name: in_torch(value) for name, value in built.arguments.items() if isinstance(value, Call)}
    if kind == "TransformerEncoder":
        more["enable_nested_tensor"] = built.arguments["enable_nested_tensor"] and nested(
            built.arguments["encoder_layer"]
        )
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
