"""What every loss is."""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from annotated_types import MinLen

from specbuild.catalogue.entry import Entry, Float
from specbuild.catalogue.rules import Violation, require
from specbuild.catalogue.samples import SampleType
from specbuild.catalogue.types import FLOATS, Dim, TensorType

Reduction = Literal["mean", "sum"]
Weights = Annotated[tuple[Float, ...], MinLen(1)]
ClassWeights = Literal["balanced"] | Weights
"""`balanced` is settled by train's labels before the training."""
Targets = Literal["numbers", "labels", "label lists", "shares", "signs"]
DEPRECATED = "deprecated by torch: use `reduction: mean` or `reduction: sum`"


class Loss(Entry, ABC):
    """A loss: torch's arguments as fields, and what it asks of the network's output and the target."""

    refused: ClassVar = {"size_average": DEPRECATED, "reduce": DEPRECATED}

    targets: ClassVar[Targets] = "numbers"
    """What a target holds: any numbers, a label, labels that end with -1, numbers from 0 to 1, or -1 and 1."""
    threshold: ClassVar[float | None] = None
    """Above what an output says yes, where it says yes or no."""
    takes_shares: ClassVar[bool] = False
    """Whether the output is from 0 to 1 itself, so that torch raises on any other."""

    if TYPE_CHECKING:  # fields of every loss, after torch's own
        target: str
        scale: float

    @property
    def labelled(self) -> bool:
        """Whether its output says what the target is, so that an accuracy can be measured."""
        return self.targets == "labels" or self.threshold is not None

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The least and the greatest number that a target may hold, where the loss asks for that."""
        return (0.0, 1.0) if self.targets == "shares" else None

    @property
    def ignored(self) -> int | None:
        """A label that adds nothing to the loss."""
        ignored: int | None = getattr(self, "ignore_index", None)
        return ignored

    def classes(self, output: TensorType) -> Dim | None:
        """The number of classes that an output chooses among; None where the loss is not of labels."""
        return None

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
        if arguments.get("weight") == "balanced":  # of a document that is not trained, all alike
            arguments["weight"] = None
        for name in ("weight", "pos_weight"):
            if arguments.get(name) is not None:
                arguments[name] = tensor(arguments[name])
        return self.adapted(nn, getattr(nn, self.type)(**arguments))

    def adapted(self, nn: Any, module: Any) -> Any:
        """`module` behind what specbuild adds: `scale`, and what the loss brings the target to."""
        if self.scale == 1.0:
            return module
        scale = self.scale

        class Adapted(nn.Module):  # type: ignore[misc]
            """A loss with its scale."""

            def __init__(self) -> None:
                super().__init__()
                self.loss = module

            def forward(self, output: Any, target: Any) -> Any:
                return self.loss(output, target) * scale

        return Adapted()


def require_float(loss: str, output: TensorType, dtypes: Collection[str] = FLOATS) -> None:
    """Only floating-point outputs have a loss; of some losses torch has not all of them."""
    require(
        output.dtype in FLOATS,
        lambda: Violation("SB402", f"{loss} needs a floating-point output, but the network gives {output}"),
    )
    require(
        output.dtype in dtypes,
        lambda: Violation("SB402", f"{loss} takes {' or '.join(dtypes)}, but the network gives {output}"),
    )


def require_weights(count: int, classes: Dim) -> None:
    """A weight for each class."""
    require(
        count == classes,
        lambda: Violation(
            "SB402",
            f"weight has {counted(count, 'number')}, but the network gives {counted(classes, 'class')}",
            field="weight",
        ),
    )


def require_weighable(weights: ClassWeights | None, output: TensorType) -> None:
    """Where classes have weights, an output of their dtype."""
    require(
        weights is None or output.dtype == "float32",
        lambda: Violation(
            "SB402", f"weights are for an output of float32, but the network gives {output}",
            field="weight", fix="leave weight out",
        ),
    )  # fmt: skip


def require_classes(classes: Dim, target: SampleType) -> None:
    """At least as many classes as the data has, where that is known."""
    known = target.classes
    if known is not None:
        require(
            known <= classes,
            lambda: Violation(
                "SB402",
                f"the network gives {counted(classes, 'class')}, but the data has {known}",
                fix=f"let the last layer give {known}",
            ),
        )


def require_labels(loss: str, target: SampleType, dtypes: tuple[str, ...] = ("int64",)) -> None:
    """Labels are whole numbers, of the dtypes that torch takes."""
    require(
        target.dtype is None or target.dtype in dtypes,
        lambda: Violation(
            "SB402",
            f"{loss} takes labels of {' or '.join(dtypes)}, but the target is {target}",
            fix="BCEWithLogitsLoss, for a yes or no" if target.dtype == "bool" else None,
        ),
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
