"""How a parameter begins: the schemes of torch.nn.init, under their names there.

`fan_in` and `fan_out` are the second and the first size of the tensor, each times all further sizes.
"""

from abc import ABC
from math import prod, sqrt
from typing import Annotated, Any, ClassVar, Literal, final

from annotated_types import Ge, Gt, Le

from specbuild.catalogue.entry import Entry, Float, Size
from specbuild.catalogue.limits import LARGEST_FLOAT32, Scale
from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.types import Shape

Deviation = Annotated[Scale, Ge(0)]
Mode = Literal["fan_in", "fan_out"]
Nonlinearity = Literal[
    "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "sigmoid", "tanh", "relu", "leaky_relu", "selu",
]  # fmt: skip


class Initialization(Entry, ABC):
    """A scheme of torch.nn.init with its arguments."""

    refused: ClassVar = {"generator": "what is drawn comes from `train.seed`"}

    fewest_axes: ClassVar[int] = 0
    most_axes: ClassVar[int | None] = None
    fills: ClassVar[tuple[str, ...]] = ("float32", "float64")
    """The dtypes that it fills whatever its arguments are; none for all."""

    def suits(self, shape: Shape) -> None:
        """Raise a `Violation` for a tensor that the scheme cannot fill."""
        axes, least, most = len(shape), self.fewest_axes, self.most_axes
        if axes >= least and (most is None or axes <= most):
            require(
                least == 0 or 0 not in shape,
                lambda: Violation(
                    "SB304", f"{self.type} needs a tensor with elements", field="init", fix="leave it out"
                ),
            )
            return
        wanted = f"at least {least}" if most is None else f"{least}" if least == most else f"{least} to {most}"
        raise Violation(
            "SB304", f"{self.type} needs a tensor of {wanted} axes; this one has {axes}",
            field="init", fix="normal_, or another that fills any shape",
        )  # fmt: skip

    def suits_dtype(self, dtype: str) -> None:
        """Raise a `Violation` for a dtype that the scheme cannot fill."""
        require(
            not self.fills or dtype in self.fills,
            lambda: Violation(
                "SB304", f"{self.type} fills tensors of {' or '.join(self.fills)}; this one is {dtype}",
                field="init", fix="zeros_ or ones_, which fill any dtype",
            ),
        )  # fmt: skip

    def apply(self, init: Any, tensor: Any) -> None:
        """Fill the tensor; `init` is `torch.nn.init`."""
        getattr(init, self.type)(tensor, **self.arguments())


def in_order(a: float, b: float) -> None:
    """Require the least number not to be above the greatest, and float32 to hold their distance."""
    require(a <= b, lambda: Violation("SB304", f"`a` must not be above `b`: {a} is above {b}", field="a"))
    require(
        b - a <= LARGEST_FLOAT32,
        lambda: Violation("SB304", f"float32 must hold `b` - `a`: {b} is too far above {a}", field="b"),
    )


@final
class zeros_(Initialization):  # noqa: N801  torch's own name
    """All 0."""

    fills: ClassVar = ()


@final
class ones_(Initialization):  # noqa: N801
    """All 1."""

    fills: ClassVar = ()


@final
class constant_(Initialization):  # noqa: N801
    """All one number."""

    val: Scale
    """The number."""


@final
class eye_(Initialization):  # noqa: N801
    """The identity matrix: 1 on the diagonal, 0 elsewhere. For two axes."""

    fewest_axes: ClassVar = 2
    most_axes: ClassVar = 2
    fills: ClassVar = ()


@final
class dirac_(Initialization):  # noqa: N801
    """The identity of a convolution, as far as its channels go. For three to five axes."""

    fewest_axes: ClassVar = 3
    most_axes: ClassVar = 5
    fills: ClassVar = ()

    groups: Size = 1
    """The groups of the convolution; in each of them channels are handed on."""

    def suits(self, shape: Shape) -> None:
        """Whole groups of channels."""
        super().suits(shape)
        require(
            shape[0] % self.groups == 0,
            lambda: Violation(
                "SB304", f"`groups` must divide the first size: {self.groups} does not divide {shape[0]}",
                field="init", fix="groups: 1, or the convolution's own",
            ),
        )  # fmt: skip


@final
class normal_(Initialization):  # noqa: N801
    """From a normal distribution."""

    mean: Scale = 0.0
    """Its mean."""
    std: Deviation = 1.0
    """Its standard deviation."""


@final
class trunc_normal_(Initialization):  # noqa: N801
    """From a normal distribution, drawn again outside of `[a, b]`."""

    mean: Scale = 0.0
    """Its mean, from `a` to `b`: far outside of them torch draws for ever."""
    std: Annotated[Scale, Gt(0)] = 1.0
    """Its standard deviation."""
    a: Scale = -2.0
    """The least number."""
    b: Scale = 2.0
    """The greatest number."""

    def check(self) -> None:
        """The bounds are in order, and the mean is between them."""
        in_order(self.a, self.b)
        require(
            self.a <= self.mean <= self.b,
            lambda: Violation(
                "SB304", f"`mean` must lie between `a` and `b`: {self.mean} is not from {self.a} to {self.b}",
                field="mean", fix="a and b around the mean",
            ),
        )  # fmt: skip


@final
class uniform_(Initialization):  # noqa: N801
    """Evenly from `[a, b)`."""

    a: Scale = 0.0
    """The least number."""
    b: Scale = 1.0
    """The greatest number."""

    def check(self) -> None:
        """The bounds are in order."""
        in_order(self.a, self.b)


@final
class xavier_uniform_(Initialization):  # noqa: N801
    """Glorot and Bengio, 2010: evenly from ±`gain sqrt(6 / (fan_in + fan_out))`. For two axes or more."""

    fewest_axes: ClassVar = 2

    gain: Deviation = 1.0
    """A factor."""

    def suits(self, shape: Shape) -> None:
        """Bounds whose distance float32 holds."""
        super().suits(shape)
        bound = self.gain * sqrt(6 / ((shape[0] + shape[1]) * prod(shape[2:])))
        require(
            2 * bound <= LARGEST_FLOAT32,
            lambda: Violation(
                "SB304", f"float32 must hold the bounds: a gain of {self.gain} gives ±{bound:g}", field="init",
                fix="a smaller gain",
            ),
        )  # fmt: skip


@final
class xavier_normal_(Initialization):  # noqa: N801
    """Glorot and Bengio, 2010: normal, of deviation `gain sqrt(2 / (fan_in + fan_out))`. For two axes or more."""

    fewest_axes: ClassVar = 2

    gain: Deviation = 1.0
    """A factor."""


class Kaiming(Initialization):
    """He et al.: of a deviation by a fan and by what comes after the layer."""

    fewest_axes: ClassVar = 2

    a: Scale = 0
    """The slope of the negative side, for `leaky_relu` alone."""
    mode: Mode = "fan_in"
    """Which fan divides: `fan_in` keeps the variance on the way forward, `fan_out` that of the gradients."""
    nonlinearity: Nonlinearity = "leaky_relu"
    """What comes after the layer, by its name in torch.nn.functional."""


@final
class kaiming_uniform_(Kaiming):  # noqa: N801
    """He et al., arXiv:1502.01852: evenly from ±`gain sqrt(3 / fan)`. For two axes or more.

    The gain follows from `nonlinearity`: `sqrt(2)` for `relu`, `sqrt(2 / (1 + a^2))` for `leaky_relu`.
    """


@final
class kaiming_normal_(Kaiming):  # noqa: N801
    """He et al., arXiv:1502.01852: normal, of deviation `gain / sqrt(fan)`. For two axes or more.

    The gain follows from `nonlinearity`: `sqrt(2)` for `relu`, `sqrt(2 / (1 + a^2))` for `leaky_relu`.
    """


@final
class orthogonal_(Initialization):  # noqa: N801
    """Saxe et al., arXiv:1312.6120: rows, or columns, that are orthogonal. For two axes or more.

    All axes but the first count as one.
    """

    fewest_axes: ClassVar = 2

    gain: Scale = 1
    """A factor."""


@final
class sparse_(Initialization):  # noqa: N801
    """Martens, 2010: normal, with a share of each column set to 0. For two axes."""

    fewest_axes: ClassVar = 2
    most_axes: ClassVar = 2

    sparsity: Annotated[Float, Ge(0), Le(1)]
    """The share of each column that is 0, rounded up."""
    std: Deviation = 0.01
    """The standard deviation of the others."""


INITIALIZATIONS: dict[str, type[Initialization]] = {
    cls.__name__: cls
    for cls in (
        constant_, dirac_, eye_, kaiming_normal_, kaiming_uniform_, normal_, ones_, orthogonal_, sparse_,
        trunc_normal_, uniform_, xavier_normal_, xavier_uniform_, zeros_,
    )
}  # fmt: skip
"""Every scheme by its name."""
