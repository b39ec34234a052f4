"""What layers that take sequences have in common: `[length, features]` a sample, states, heads and masks."""

from functools import reduce
from math import prod
from operator import or_

from specbuild.catalogue.rules import Violation, alike, require
from specbuild.catalogue.types import Dim, TensorType
from specbuild.catalogue.windows import floating


def sequence(layer: str, input: TensorType, what: str = "the input", feature: str = "features") -> None:
    """Require `[length, features]` in float32; what: which of the layer's inputs it is."""
    require(
        len(input.shape) == 2,
        lambda: Violation(
            "SB302", f"{layer} takes [length, {feature}], but {what} is {input}", fix=as_sequence(input, feature)
        ),
    )
    float32(layer, input, what)


def as_sequence(input: TensorType, feature: str) -> str:
    """What makes a sequence of an input; feature: what the layer calls its features."""
    shape = list(input.shape)
    if input.dtype.startswith("int") and len(shape) == 1:
        return "an Embedding before it gives each of the integers its features"
    if len(shape) < 2:
        # numbers that follow each other, or, as heads share features, those of one position
        whole = [prod(shape), 1] if feature == "input_size" else [1, prod(shape)]
        return f"{{type: Reshape, shape: {whole}}} before it"
    if len(shape) == 3 and shape[0] == 1:
        return f"{{type: Squeeze, dim: 1}} before it gives {shape[1:]}"
    positions = [prod(shape[1:]), shape[0]]
    return f"{{type: Flatten, start_dim: 2}} and {{type: Transpose, dim0: 1, dim1: 2}} before it give {positions}"


def float32(layer: str, input: TensorType, what: str = "the input") -> None:
    """Require float32, as the weights are."""
    if what == "the input":
        floating(layer, input)
    require(
        input.dtype == "float32",
        lambda: Violation(
            "SB305", f"{layer} takes float32, but {what} is {input.dtype}", field="from", fix="one of dtype float32"
        ),
    )


def state(layer: str, name: str, given: TensorType | None, shape: tuple[Dim, ...], meaning: str) -> None:
    """Require a state, where one is given, of a shape; meaning: the names of its axes."""
    if given is None:
        return
    require(
        alike(given.shape, shape),
        lambda: Violation(
            "SB303" if len(given.shape) == len(shape) else "SB302",
            f"{layer} takes `{name}` of {list(shape)}, which is {meaning}, but it is {given}",
            field="from", fix=f"one of {list(shape)}",
        ),
    )  # fmt: skip
    float32(layer, given, f"`{name}`")


def together(layer: str, given: TensorType | None, name: str, other: TensorType | None, missing: str, all: str) -> None:
    """Require the input `missing` where `name` is given; all: every input, for the mend."""
    require(
        given is None or other is not None,
        lambda: Violation(
            "SB213", f"{layer} is given `{name}` without `{missing}`", field="from", fix=f"from: {{{all}}}"
        ),
    )


def share(heads: Dim, features: Dim, heads_name: str, features_name: str) -> None:
    """Require that the heads share the features evenly."""
    require(
        features % heads == 0,
        lambda: Violation(
            "SB304",
            f"`{heads_name}` must divide `{features_name}`: {heads} does not divide {features}",
            field=heads_name,
            fix=f"use {', '.join(str(n) for n in range(1, min(features, 64) + 1) if features % n == 0)}",
        ),
    )


def padding_mask(layer: str, name: str, mask: TensorType | None, length: Dim, dtypes: tuple[str, ...]) -> None:
    """Require a mask over the positions of a sequence, where one is given."""
    masked(layer, name, mask, ((length,),), "one for each position", dtypes)


def attention_mask(
    layer: str, name: str, mask: TensorType | None, heads: Dim, queries: Dim, keys: Dim, dtypes: tuple[str, ...]
) -> None:
    """Require a mask over pairs of positions, for all heads or for each, where one is given."""
    masked(layer, name, mask, ((queries, keys), (heads, queries, keys)), "one for each pair of positions", dtypes)


def masked(
    layer: str, name: str, mask: TensorType | None, shapes: tuple[tuple[Dim, ...], ...], what: str,
    dtypes: tuple[str, ...],
) -> None:  # fmt: skip
    """Require a mask of one of some shapes and dtypes."""
    if mask is None:
        return
    wanted = " or ".join(str(list(shape)) for shape in shapes)
    require(
        reduce(or_, [alike(mask.shape, shape) for shape in shapes]),
        lambda: Violation(
            "SB303" if any(len(mask.shape) == len(shape) for shape in shapes) else "SB302",
            f"{layer} takes `{name}` of {wanted}, {what}, but it is {mask}",
            field="from", fix=f"one of {wanted}",
        ),
    )  # fmt: skip
    require(
        mask.dtype in dtypes,
        lambda: Violation(
            "SB305", f"{layer} takes `{name}` as {' or '.join(dtypes)}, but it is {mask.dtype}",
            field="from", fix="one of dtype bool, true where nothing is to be seen",
        ),
    )  # fmt: skip


def drawn(dropout: float) -> bool:
    """Whether a dropout draws a mask, which backward needs: it takes away nothing or all without one."""
    return 0 < dropout < 1


def kept_by_attention(
    queries: Dim, keys: Dim, features: Dim, heads: Dim, *,
    dropout: float, sources: int = 1, more: int = 0, apart: bool = False, mask: Dim = 0, weighed: bool = False,
) -> Dim:  # fmt: skip
    """How many numbers backward needs of attention on a sample, the copies of its inputs apart.

    sources: how many different tensors query, key and value are. more: keys that are added at the end.
    apart: whether the projections have matrices of their own. mask: the numbers of a mask. weighed: whether the
    weights are asked for, or the mask may have a gradient. Else, without a dropout, they are not kept.
    """
    seen = keys + more
    sums = queries * features
    if dropout > 0 or weighed:
        scaled = (queries + seen) * features
        values = seen if more or apart or sources > 2 else 2 * keys if sources > 1 else 3 * keys
        return sums + scaled + values * features + heads * queries * seen * (1 + (dropout > 0) + drawn(dropout))
    projected = (3 * queries if sources == 1 else queries) + 2 * seen if more else queries + 2 * keys
    return sums + projected * features + heads * queries + mask
