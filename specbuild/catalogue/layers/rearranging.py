"""Layers that put axes in another order, or take or give an axis of one."""

from typing import ClassVar, final

from specbuild.catalogue.axes import axes_of, sample_axes, sample_axis
from specbuild.catalogue.entry import Int
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.rules import Outcome, Violation, require
from specbuild.catalogue.types import Dim, TensorType


@final
class Permute(Layer):
    """The axes in another order, the batch first: `(N, C, H, W) → (N, H, W, C)`.

    ```yaml
    - {type: Permute, dims: [0, 2, 3, 1]}  # [3, 8, 16] → [8, 16, 3]
    ```
    """

    shares: ClassVar = True

    dims: tuple[Int, ...]
    """For each axis of the output the input's, the batch counted; all of them, and 0 first."""

    def infer(self, input: TensorType) -> Outcome:
        """As `torch.permute`; the batch stays where it is."""
        rank = input.rank
        order = [dim % rank for dim in self.dims if -rank <= dim < rank]
        if len(self.dims) != rank or sorted(order) != list(range(rank)):
            raise Violation(
                "SB306",
                f"`dims` names each of the {rank} axes of the input {input} once, the batch counted; "
                f"got {list(self.dims)}",
                field="dims", fix=counting_the_batch(self.dims, rank),
            )  # fmt: skip
        if order[0] != 0:
            stays = [0, *(index for index in order if index != 0)]
            raise Violation(
                "SB306", f"`dims` {list(self.dims)} moves the batch, which stays axis 0", field="dims",
                fix=f"dims: {stays}",
            )  # fmt: skip
        return Outcome(input.with_shape(tuple(input.shape[index - 1] for index in order[1:])))


def counting_the_batch(dims: tuple[int, ...], rank: int) -> str:
    """The mend for axes that are not each named once; where the batch alone is missing, what was meant."""
    if rank == 1:
        return "leave the layer out"
    for first in (0, 1):
        if sorted(dims) == list(range(first, first + rank - 1)):
            return f"dims: {[0, *(dim + 1 - first for dim in dims)]}"
    return f"the numbers from 0 to {rank - 1}, 0 first"


@final
class Transpose(Layer):
    """Two axes exchanged: `(N, C, L) → (N, L, C)`.

    ```yaml
    - {type: Transpose, dim0: 1, dim1: 2}  # [64, 100] → [100, 64]
    ```
    """

    shares: ClassVar = True

    dim0: Int
    """The one axis, the batch counted; not 0, which is the batch."""
    dim1: Int
    """The other."""

    def infer(self, input: TensorType) -> Outcome:
        """As `torch.transpose`."""
        one = sample_axis("dim0", self.dim0, input, "stays axis 0", axes_of(input))
        other = sample_axis("dim1", self.dim1, input, "stays axis 0", axes_of(input))
        shape = list(input.shape)
        shape[one], shape[other] = shape[other], shape[one]
        return Outcome(input.with_shape(tuple(shape)))


@final
class Squeeze(Layer):
    """An axis of size 1, or several, taken away: `(N, C, 1, 1) → (N, C)`.

    ```yaml
    - {type: Squeeze, dim: 1}  # [1, 128] → [128]
    - {type: Squeeze, dim: [2, 3]}  # [512, 1, 1] → [512]
    ```
    """

    shares: ClassVar = True

    dim: Int | tuple[Int, ...]
    """The axis, or axes, the batch counted; each has size 1."""

    def infer(self, input: TensorType) -> Outcome:
        """As `torch.squeeze`, which leaves an axis of another size as it is."""
        taken = sample_axes(self.dim, input, "stays axis 0")
        for index in taken:
            of_one(index, input.shape[index], input)
        return Outcome(input.with_shape(tuple(size for index, size in enumerate(input.shape) if index not in taken)))


def of_one(index: int, size: Dim, input: TensorType) -> None:
    """Require that an axis has size 1."""

    def clash() -> Violation:
        ones = [str(place) for place, other in enumerate(input.shape, 1) if other == 1]
        return Violation(
            "SB306", f"axis {index + 1} of the input {input} has size {size}; only an axis of size 1 is taken away",
            field="dim", fix=f"dim: {' or '.join(ones)}" if ones else "leave the layer out",
        )  # fmt: skip

    require(size == 1, clash)


@final
class Unsqueeze(Layer):
    """An axis of size 1 put in: `(N, C) → (N, C, 1)`.

    ```yaml
    - {type: Unsqueeze, dim: 1}  # [28, 28] → [1, 28, 28]
    - {type: Unsqueeze, dim: -1}  # [128] → [128, 1]
    ```
    """

    shares: ClassVar = True

    dim: Int
    """Which axis of the output it is, the batch counted; not 0, which is the batch."""

    def infer(self, input: TensorType) -> Outcome:
        """As `torch.unsqueeze`."""
        rank = input.rank + 1
        require(
            -rank <= self.dim < rank,
            lambda: Violation(
                "SB306",
                f"`dim` is {self.dim}, but with the new axis the input {input} has {rank} axes, the batch counted",
                field="dim",
                fix=f"a number from 1 to {rank - 1}",
            ),
        )
        index = self.dim % rank
        require(
            index > 0,
            lambda: Violation(
                "SB306", f"`dim: {self.dim}` would put an axis before the batch", field="dim", fix="dim: 1", value=1
            ),
        )
        return Outcome(input.with_shape((*input.shape[: index - 1], 1, *input.shape[index - 1 :])))
