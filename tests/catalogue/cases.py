"""One row a layer: what arguments and inputs are drawn for it, good and bad.

A layer that is added to the catalogue needs its row here, and nothing else to be put through every test.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from hypothesis import strategies as st

from specbuild.catalogue.types import ITEM_BYTES, TensorType

Strategy = st.SearchStrategy[Any]
SMALL = st.integers(1, 4)
NUMBERS = st.sampled_from([0, 0.0, 0.01, 0.1, 0.5, 1, 1.0, 2.5, -0.3])
PROBABILITIES = st.sampled_from([0, 0.0, 0.25, 0.5, 1, 1.0, -0.1, 1.5])
BOOLS = st.booleans()


def odd(usual: Strategy, *strange: Any) -> Strategy:
    """Mostly what is usual, at times something strange."""
    return st.one_of(usual, usual, usual, st.sampled_from(strange))


def one_or_two(each: Strategy, *strange: Any) -> Strategy:
    """A number for both axes, or a list of two."""
    return odd(st.one_of(each, each, st.lists(each, min_size=2, max_size=2)), *strange)


def some(required: dict[str, Strategy] | None = None, **optional: Strategy) -> Strategy:
    """A mapping with the required arguments and any of the optional ones."""
    return st.fixed_dictionaries(required or {}, optional=optional)


CHANNELS = st.sampled_from([1, 2, 3, 4, 6, 8])
KERNELS = one_or_two(SMALL, 0, -1, [2], [1, 2, 3])
STRIDES = one_or_two(st.integers(1, 3), 0, -1, [0, 1])
PADDINGS = one_or_two(st.integers(0, 3), -1, [1, -1])
DILATIONS = one_or_two(st.integers(1, 3), 0, -1)
PLANES = st.one_of(
    st.tuples(CHANNELS, st.integers(1, 12), st.integers(1, 12)),
    st.tuples(CHANNELS, st.integers(1, 12), st.integers(1, 12)),
    st.lists(st.integers(1, 5), max_size=4).map(tuple),
)
ANY = st.lists(st.integers(1, 5), max_size=4).map(tuple)
DIMS = st.integers(-5, 5)
DTYPES = st.one_of(st.just("float32"), st.just("float32"), st.sampled_from(sorted(ITEM_BYTES)))


@st.composite
def stretchable(draw: st.DrawFn, *, constants: bool = True) -> tuple[TensorType, ...]:
    """Two or three inputs whose shapes are alike, some axes 1 in one of them, now and then an axis more or less.

    constants: whether some have no batch axis, as a Parameter with `batch: false`.
    """
    base = draw(st.lists(st.integers(1, 4), max_size=3))
    types = []
    for _ in range(draw(st.integers(2, 3))):
        shape = [draw(st.sampled_from([size, size, size, 1])) for size in base]
        batched = not constants or draw(st.integers(0, 2)) > 0
        if not batched and draw(st.booleans()):
            shape = shape[draw(st.integers(0, len(shape))) :]
        if draw(st.integers(0, 5)) == 0:
            shape.insert(draw(st.integers(0, len(shape))), draw(st.integers(1, 3)))
        if shape and draw(st.integers(0, 7)) == 0:
            shape[draw(st.integers(0, len(shape) - 1))] = draw(st.integers(1, 4))
        types.append(TensorType(tuple(shape), draw(DTYPES), batched))
    return tuple(types)


@st.composite
def joinable(draw: st.DrawFn) -> tuple[TensorType, ...]:
    """Two or three inputs whose shapes are alike but for one axis, mostly."""
    base = draw(st.lists(st.integers(1, 3), max_size=3))
    free = draw(st.integers(0, len(base)))
    types = []
    for _ in range(draw(st.integers(2, 3))):
        shape = [draw(st.integers(1, 3)) if axis == free else size for axis, size in enumerate(base)]
        if draw(st.integers(0, 9)) == 0:
            shape.append(1)
        types.append(TensorType(tuple(shape), draw(DTYPES)))
    return tuple(types)


STDS = st.sampled_from([0, 0.02, 1.0, -1.0])
BOUNDS = st.sampled_from([-2.0, -1, 0, 0.5, 2.0])
FACTORS = st.sampled_from([0, 0.5, 1.0, -1.0, 1e39])
INITIALIZATION = st.one_of(
    st.none(),
    st.sampled_from(["zeros_", "ones_", "normal_", "xavier_normal_", "xavier_uniform_"]),
    some({"type": st.just("constant_"), "val": FACTORS}),
    some({"type": st.just("normal_")}, mean=FACTORS, std=STDS),
    some({"type": st.just("trunc_normal_")}, mean=FACTORS, std=STDS, a=BOUNDS, b=BOUNDS),
    some({"type": st.just("uniform_")}, a=BOUNDS, b=BOUNDS),
    some({"type": st.sampled_from(["xavier_normal_", "xavier_uniform_"])}, gain=FACTORS),
)


class Case(NamedTuple):
    """What is drawn for a layer."""

    arguments: Strategy
    shapes: Strategy = ANY
    sizes: tuple[str, ...] = ()
    """Inferred sizes, drawn now and then."""
    several: Strategy | None = None
    """The types of its inputs, where it takes another number than one."""

    @property
    def inputs(self) -> Strategy:
        """The types of its inputs."""
        if self.several is not None:
            return self.several
        return st.tuples(st.tuples(self.shapes, DTYPES).map(lambda drawn: TensorType(*drawn)))


CASES: dict[str, Case] = {
    "AdaptiveAvgPool2d": Case(
        some({"output_size": one_or_two(st.one_of(SMALL, st.none()), 0, -1, [1], [0, 2], None)}), PLANES
    ),
    "Add": Case(some(), several=stretchable()),
    "AvgPool2d": Case(
        some({"kernel_size": KERNELS}, stride=odd(STRIDES, None), padding=PADDINGS, ceil_mode=BOOLS,
             count_include_pad=BOOLS, divisor_override=st.sampled_from([None, 1, 3, 0, -2])),
        PLANES,
    ),
    "BatchNorm2d": Case(
        some(eps=st.sampled_from([1e-5, 0.1, 0, -1]), momentum=st.sampled_from([0.1, None, 0, 1, 2.0]), affine=BOOLS,
             track_running_stats=BOOLS, bias=BOOLS),
        PLANES, ("num_features",),
    ),
    "Concat": Case(some(dim=st.one_of(st.just(1), DIMS)), several=joinable()),
    "Conv2d": Case(
        some({"out_channels": odd(CHANNELS, 0, -1), "kernel_size": KERNELS}, stride=STRIDES,
             padding=st.one_of(PADDINGS, st.sampled_from(["same", "valid", "full"])), dilation=DILATIONS,
             groups=odd(st.sampled_from([1, 2, 3]), 0, -1), bias=BOOLS,
             padding_mode=st.sampled_from(["zeros", "reflect", "replicate", "circular", "mirror"])),
        PLANES, ("in_channels",),
    ),
    "ConvTranspose2d": Case(
        some({"out_channels": odd(CHANNELS, 0, -1), "kernel_size": KERNELS}, stride=STRIDES, padding=PADDINGS,
             output_padding=one_or_two(st.integers(0, 2), -1), groups=odd(st.sampled_from([1, 2, 3]), 0, -1),
             bias=BOOLS, dilation=DILATIONS, padding_mode=st.sampled_from(["zeros", "zeros", "reflect"])),
        PLANES, ("in_channels",),
    ),
    "Dropout": Case(some(p=PROBABILITIES, inplace=BOOLS)),
    "Dropout2d": Case(some(p=PROBABILITIES, inplace=BOOLS), PLANES),
    "ELU": Case(some(alpha=NUMBERS, inplace=BOOLS)),
    "Flatten": Case(some(start_dim=DIMS, end_dim=DIMS)),
    "GELU": Case(some(approximate=st.sampled_from(["none", "tanh", "erf"]))),
    "Identity": Case(some()),
    "LeakyReLU": Case(some(negative_slope=NUMBERS, inplace=BOOLS)),
    "Linear": Case(some({"out_features": odd(SMALL, 0, -1)}, bias=BOOLS), ANY, ("in_features",)),
    "MaxPool2d": Case(
        some({"kernel_size": KERNELS}, stride=odd(STRIDES, None), padding=PADDINGS, dilation=DILATIONS,
             ceil_mode=BOOLS),
        PLANES,
    ),
    "Multiply": Case(some(), several=stretchable()),
    "Parameter": Case(
        some({"shape": st.tuples(st.lists(st.just(1), max_size=1), st.lists(SMALL, max_size=3)).map(
                 lambda parts: [*parts[0], *parts[1]])},
             init=INITIALIZATION, batch=BOOLS),
        several=st.just(()),
    ),
    "Positions": Case(some(dim=DIMS)),
    "ReLU": Case(some(inplace=BOOLS)),
    "ReLU6": Case(some(inplace=BOOLS)),
    "SiLU": Case(some(inplace=BOOLS)),
    "Sigmoid": Case(some()),
    "Softmax": Case(some(dim=odd(DIMS, None))),
    "Tanh": Case(some()),
    "Unflatten": Case(
        some({"dim": DIMS, "unflattened_size": st.lists(st.sampled_from([1, 2, 3, 4, 5, -1, 0]), max_size=4)}),
        st.lists(st.sampled_from([1, 2, 4, 6, 12, 20]), max_size=3).map(tuple),
    ),
}  # fmt: skip
