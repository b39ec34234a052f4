"""How a parameter begins: the schemes of torch.nn.init, under their names there."""

from abc import ABC
from typing import Annotated, Any, ClassVar, final

from annotated_types import Ge, Gt

from specbuild.catalogue.entry import Entry
from specbuild.catalogue.limits import Scale
from specbuild.catalogue.rules import Violation


class Initialization(Entry, ABC):
    """A scheme of torch.nn.init with its arguments."""

    fewest_axes: ClassVar[int] = 0

    def suits(self, axes: int) -> None:
        """Raise a `Violation` for a tensor that the scheme cannot fill."""
        if axes < self.fewest_axes:
            raise Violation(
                "SB304", f"{self.type} needs a tensor of at least {self.fewest_axes} axes; this one has {axes}",
                field="init", fix="init: normal_",
            )  # fmt: skip

    def apply(self, init: Any, tensor: Any) -> None:
        """Fill the tensor; `init` is `torch.nn.init`."""
        getattr(init, self.type)(tensor, **self.arguments())


def in_order(a: float, b: float) -> None:
    """Require the least number not to be above the greatest."""
    if a > b:
        raise Violation("SB304", f"`a` must not be above `b`: {a} is above {b}", field="a")


@final
class zeros_(Initialization):  # noqa: N801  torch's own name
    """All 0."""


@final
class ones_(Initialization):  # noqa: N801
    """All 1."""


@final
class constant_(Initialization):  # noqa: N801
    """All one number."""

    val: Scale
    """The number."""


@final
class normal_(Initialization):  # noqa: N801
    """From a normal distribution."""

    mean: Scale = 0.0
    """Its mean."""
    std: Annotated[Scale, Ge(0)] = 1.0
    """Its standard deviation."""


@final
class trunc_normal_(Initialization):  # noqa: N801
    """From a normal distribution, drawn again outside of `[a, b]`."""

    mean: Scale = 0.0
    """Its mean."""
    std: Annotated[Scale, Gt(0)] = 1.0
    """Its standard deviation."""
    a: Scale = -2.0
    """The least number."""
    b: Scale = 2.0
    """The greatest number."""

    def check(self) -> None:
        """The bounds are in order."""
        in_order(self.a, self.b)


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
    """Glorot and Bengio, 2010: evenly, by the numbers of inputs and outputs."""

    fewest_axes: ClassVar = 2
    gain: Annotated[Scale, Ge(0)] = 1.0
    """A factor."""


@final
class xavier_normal_(Initialization):  # noqa: N801
    """Glorot and Bengio, 2010: normal, by the numbers of inputs and outputs."""

    fewest_axes: ClassVar = 2
    gain: Annotated[Scale, Ge(0)] = 1.0
    """A factor."""


INITIALIZATIONS: dict[str, type[Initialization]] = {
    cls.__name__: cls
    for cls in (
        constant_, normal_, ones_, trunc_normal_, uniform_, xavier_normal_, xavier_uniform_, zeros_,
    )
}  # fmt: skip
"""Every scheme by its name."""
