"""What every loss is."""

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import MinLen

from specbuild.catalogue.entry import Entry, Float
from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.types import FLOATS, TensorType

Reduction = Literal["mean", "sum"]
Weights = Annotated[tuple[Float, ...], MinLen(1)]
DEPRECATED = "deprecated by torch: use `reduction: mean` or `reduction: sum`"


class Loss(Entry, ABC):
    """A loss: torch's arguments as fields, and what it asks of the network's output and the target."""

    refused: ClassVar = {"size_average": DEPRECATED, "reduce": DEPRECATED}

    if TYPE_CHECKING:  # fields of every loss, after torch's own
        target: str
        scale: float

    @abstractmethod
    def compare(self, output: TensorType, target: SampleType | None) -> None:
        """Raise a `Violation` where the network's output, or the target as far as known, does not fit.

        A batch axis stands before both. None is a target that nothing is known of.
        """

    def torch_arguments(self) -> dict[str, Any]:
        """The arguments that torch's own class takes."""
        own = ("target", "scale", "class_dim")
        return {name: value for name, value in self.arguments().items() if name not in own}

    def build(self, nn: Any, tensor: Any) -> Any:
        """A module from (output, target), both with a batch axis, to the loss: one number.

        nn: `torch.nn`. tensor: `torch.tensor`. Weights become buffers, so `.to(device)` moves them.
        """
        arguments = self.torch_arguments()
        for name in ("weight", "pos_weight"):
            if arguments.get(name) is not None:
                arguments[name] = tensor(arguments[name])
        return self.adapted(nn, getattr(nn, self.type)(**arguments))

    @abstractmethod
    def adapted(self, nn: Any, module: Any) -> Any:
        """`module` behind what specbuild adds: `scale`, and a target brought to the output's form."""


def require_float(loss: str, output: TensorType) -> None:
    """Only floating-point outputs have a loss."""
    require(
        output.dtype in FLOATS,
        lambda: Violation("SB402", f"{loss} needs a floating-point output, but the network gives {output}"),
    )


def same(known: tuple[int | None, ...], actual: tuple[int, ...]) -> bool:
    """Whether a shape is another, as far as it is known."""
    return len(known) == len(actual) and all(k is None or k == a for k, a in zip(known, actual, strict=True))


def shape_text(shape: tuple[int, ...]) -> str:
    """A shape as a message writes it."""
    return f"[{', '.join(map(str, shape))}]"


def counted(count: int, what: str) -> str:
    """`1 class`, `2 classes`."""
    plural = what + ("es" if what.endswith("s") else "s")
    return f"{count} {what if count == 1 else plural}"
