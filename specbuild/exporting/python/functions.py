"""Layers that are an expression in a `forward`: functions and operators of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from specbuild.exporting.python.expressions import rendered


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
