"""What every optimizer is, and what a group of its parameters may say of its own."""

from abc import ABC, abstractmethod
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, cast

from annotated_types import Ge, Gt, Lt

from specbuild.catalogue.entry import Entry, Float, ListOf, Section, Str
from specbuild.catalogue.rules import Violation
from specbuild.catalogue.types import Shape

NonNegative = Annotated[Float, Ge(0)]
Positive = Annotated[Float, Gt(0)]
Beta = Annotated[Float, Ge(0), Lt(1)]

KERNELS = ("foreach", "fused", "capturable", "differentiable")
"""Arguments that say how a step is computed, for all parameters alike."""


class Group(Section):
    """Parameters, by pattern or by layer, and the optimizer's arguments that are other for them.

    Where both `parameters` and `types` are written, a parameter has to fit both.
    """

    parameters: Str | tuple[Str, ...] | None = None
    """Patterns of keys in the `state_dict`, such as `head.*` or `*.bias`: `*` is any text, `?` any character."""
    types: Str | tuple[Str, ...] | None = None
    """Types of layers, such as `BatchNorm2d`: all of their parameters."""

    @property
    def patterns(self) -> tuple[str, ...] | None:
        """`parameters` as a list."""
        return (self.parameters,) if isinstance(self.parameters, str) else self.parameters

    @property
    def layer_types(self) -> tuple[str, ...] | None:
        """`types` as a list."""
        return (self.types,) if isinstance(self.types, str) else self.types

    def changes(self) -> dict[str, Any]:
        """The optimizer's arguments that are other here."""
        own = Group.model_fields
        return {name: value for name, value in self.arguments().items() if name not in own and value is not None}


Groups = tuple[Group, ...]


class Optimizer(Entry, ABC):
    """An optimizer: torch's arguments, without the parameters, as fields; and `groups`."""

    sparse: ClassVar[Literal["refused", "taken", "needed"]] = "refused"
    """What it makes of sparse gradients, as Embedding has them with `sparse: true`."""
    whole: ClassVar[dict[str, str]] = {}
    """Arguments that a group cannot have of its own, each with the reason, beside `KERNELS`."""
    closure: ClassVar[bool] = False
    """Whether a step evaluates the loss as often as it likes."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.children = {"groups": ListOf(lambda: group_of(cls))} if "groups" in cls.model_fields else {}

    @property
    def parts(self) -> tuple[Group, ...]:
        """`groups`; none where the optimizer has no such field."""
        return cast("tuple[Group, ...]", getattr(self, "groups", ()))

    def arguments(self) -> dict[str, Any]:
        """Every argument under torch's name for it, in torch's order."""
        return {name: value for name, value in super().arguments().items() if name != "groups"}

    def check(self) -> None:
        """Raise a `Violation` where torch would, whatever the parameters."""
        differentiable = getattr(self, "differentiable", False)
        fused, foreach = getattr(self, "fused", None), getattr(self, "foreach", None)
        if differentiable:
            raise Violation(
                "SB410",
                "differentiable: true takes gradients through the step, which training does not do",
                field="differentiable", fix="leave it out", value=False,
            )  # fmt: skip
        if fused and foreach:
            raise Violation(
                "SB410", "fused and foreach are two ways to run the step: only one can be true",
                field="foreach", fix="leave one of them out",
            )  # fmt: skip

    @abstractmethod
    def state(self, shape: Shape) -> int:
        """How many numbers it keeps for a parameter of a shape, single ones apart."""

    def check_device(self, device: str) -> None:
        """Raise a `Violation` where torch cannot run the step on this type of device (`cpu`, `cuda`...)."""
        if getattr(self, "capturable", False) and device in ("cpu", "mps"):
            raise Violation(
                "SB410", f"capturable: true is for CUDA graphs, but the device is {device}",
                field="capturable", fix="leave it out", value=False,
            )  # fmt: skip

    def check_parameter(self, name: str, shape: Shape, *, sparse: bool) -> None:
        """Raise a `Violation` where torch cannot step on this parameter; sparse: whether its gradients are."""
        if self.sparse == "needed" and not sparse:
            raise Violation(
                "SB414", f"{self.type} needs sparse gradients, but those of {name} are dense",
                fix="Adam; SparseAdam is for Embeddings with `sparse: true`, and those alone",
            )  # fmt: skip
        if not sparse:
            return
        if self.sparse == "refused":
            raise Violation(
                "SB414", f"{self.type} takes no sparse gradients, as those of {name} are",
                fix="SGD or Adagrad, SparseAdam where there are no others, or leave `sparse: true` out",
            )  # fmt: skip
        for field in ("weight_decay", "fused"):
            if getattr(self, field, None):
                raise Violation(
                    "SB414", f"{self.type} has no `{field}` for sparse gradients, as those of {name} are",
                    field=field, fix=f"leave `{field}` out, or `sparse: true`",
                )  # fmt: skip

    def build(self, optim: Any, params: Any) -> Any:
        """The optimizer of `params`, or of torch's groups of them; `optim` is `torch.optim`."""
        return getattr(optim, self.type)(params, **self.given())


@cache
def group_of(cls: type[Optimizer]) -> type[Group]:
    """What a group may say under an optimizer: its arguments, null for the optimizer's own value."""
    annotations: dict[str, Any] = {}
    refused = dict(cls.whole)
    for name, field in cls.model_fields.items():
        if name in KERNELS:
            refused[name] = "how a step is computed is the same for all parameters"
        elif name != "groups" and name not in cls.whole:
            annotations[name] = field.annotated | None
    namespace = {"__annotations__": annotations, "__doc__": Group.__doc__, "__module__": __name__}
    made = cast("type[Group]", type(f"{cls.__name__}Group", (Group,), {**namespace, **dict.fromkeys(annotations)}))
    made.refused = refused
    made.documented_by = cls
    return made
