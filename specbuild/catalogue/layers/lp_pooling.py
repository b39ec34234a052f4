"""Pooling by the norm of each window."""

from math import isfinite
from typing import TYPE_CHECKING, ClassVar, final

from specbuild.catalogue.elementwise import BOUNDS
from specbuild.catalogue.entry import Bool, Float
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Reach
from specbuild.catalogue.rules import Outcome, Violation
from specbuild.catalogue.types import FLOATS, ITEM_BYTES, TensorType
from specbuild.catalogue.windows import floating, planes, pooled_planes, within

POWERS = frozenset(ITEM_BYTES)


class LPPool(Layer):
    """The p-norm of each window, over any number of axes."""

    axes: ClassVar[int]
    allowed: ClassVar = POWERS

    if TYPE_CHECKING:
        norm_type: float
        kernel_size: int | tuple[int, ...]
        stride: int | tuple[int, ...] | None
        ceil_mode: bool

    def check(self) -> None:
        """The root of 0 is none."""
        if self.norm_type == 0:
            raise Violation(
                "SB304", "`norm_type` must not be 0: the norm is the root of that degree",
                field="norm_type", fix="norm_type: 2",
            )  # fmt: skip

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `lp_pool`: a mean of powers and its root, whose steps are all kept; integers become float32."""
        planes(self.type, input, self.axes)
        floating(self.type, input, self.allowed)
        self.exponents(input)
        if self.axes == 3:
            within(self.type, input, self.kernel_size)
        output = pooled_planes(input, self.kernel_size, self.stride, ceil_mode=self.ceil_mode)
        if input.dtype not in FLOATS:
            return Outcome(TensorType(output.shape))
        saved = (input.size + 4 * output.size) * ITEM_BYTES[input.dtype]
        return Outcome(output, saved=saved)

    def exponents(self, input: TensorType) -> None:
        """Require what torch converts to half precision to fit there; 1 / norm_type may overflow to infinity."""
        if input.dtype not in ("float16", "bfloat16"):
            return
        _, most = BOUNDS[input.dtype]
        for exponent, name, mend in (
            (self.norm_type, "norm_type", "nearer to 0"),
            (1 / self.norm_type, "1 / norm_type", "farther from 0"),
        ):
            if abs(exponent) > most and isfinite(exponent):
                raise Violation(
                    "SB305", f"`{name}` is {exponent:.10g}, which {input.dtype} does not hold",
                    field="norm_type", fix=f"a norm_type {mend}, or an input of dtype float32",
                )  # fmt: skip

    def keeps(self) -> tuple[str, ...]:
        """The input is what is raised to the power."""
        return ("input",)


@final
class LPPool1d(LPPool):
    """The p-norm of each window: `(N, C, L) → (N, C, L')`.

    `(Σ x^p)^(1/p)` over the window, p being `norm_type`. `L' = ⌊(L - kernel_size) / stride⌋ + 1`.

    ```yaml
    - {type: LPPool1d, norm_type: 2, kernel_size: 3, stride: 2}  # [16, 50] → [16, 24]
    ```
    """

    axes: ClassVar = 1

    norm_type: Float
    """The power p; not 0. 1 sums the window up; for the largest value there is MaxPool."""
    kernel_size: Reach
    """Length of the window; here torch takes no list."""
    stride: Reach | tuple[Reach] | None = None
    """Step of the window; by default its size."""
    ceil_mode: Bool = False
    """Whether a last window may hang over the end."""


@final
class LPPool2d(LPPool):
    """The p-norm of each window: `(N, C, H, W) → (N, C, H', W')`.

    `(Σ x^p)^(1/p)` over the window, p being `norm_type`. `H' = ⌊(H - kernel_size) / stride⌋ + 1`, and W' likewise.

    ```yaml
    - {type: LPPool2d, norm_type: 1.2, kernel_size: [3, 2], stride: [2, 1]}  # [16, 50, 32] → [16, 24, 31]
    ```
    """

    axes: ClassVar = 2

    norm_type: Float
    """The power p; not 0. 1 sums the window up; for the largest value there is MaxPool."""
    kernel_size: Reach | tuple[Reach, Reach]
    """Height and width of the window."""
    stride: Reach | tuple[Reach, Reach] | None = None
    """Step of the window; by default its size."""
    ceil_mode: Bool = False
    """Whether a last window may hang over the end."""


@final
class LPPool3d(LPPool):
    """The p-norm of each window: `(N, C, D, H, W) → (N, C, D', H', W')`.

    `(Σ x^p)^(1/p)` over the window, p being `norm_type`. `D' = ⌊(D - kernel_size) / stride⌋ + 1`, and H' and W'
    likewise.

    ```yaml
    - {type: LPPool3d, norm_type: 2, kernel_size: 2}  # [16, 8, 8, 8] → [16, 4, 4, 4]
    ```
    """

    axes: ClassVar = 3
    allowed: ClassVar = POWERS - {"float16", "bfloat16"}

    norm_type: Float
    """The power p; not 0. 1 sums the window up; for the largest value there is MaxPool."""
    kernel_size: Reach | tuple[Reach, Reach, Reach]
    """Depth, height and width of the window."""
    stride: Reach | tuple[Reach, Reach, Reach] | None = None
    """Step of the window; by default its size."""
    ceil_mode: Bool = False
    """Whether a last window may hang over the end."""
