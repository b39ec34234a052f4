"""Embeddings: a learned vector for each of so many integers."""

from typing import ClassVar, Literal, final

from specbuild.catalogue.entry import Bool, Int
from specbuild.catalogue.layer import Layer
from specbuild.catalogue.limits import Extent, Scale, storable
from specbuild.catalogue.rules import Outcome, Storage, Violation, alike, require
from specbuild.catalogue.types import ITEM_BYTES, TensorType

INDICES = ("int64", "int32")


def within(padding_idx: int | None, num_embeddings: int) -> None:
    """Require that the padding is one of the integers, or counts from their end."""
    if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
        raise Violation(
            "SB304",
            f"`padding_idx` must be within num_embeddings: {padding_idx} is not within {num_embeddings}",
            field="padding_idx",
            fix=f"a number from {-num_embeddings} to {num_embeddings - 1}",
        )


def differentiable(scale_grad_by_freq: bool, sparse: bool) -> None:
    """Require a gradient that torch can compute."""
    if scale_grad_by_freq and sparse:
        raise Violation(
            "SB304", "`scale_grad_by_freq` is for gradients that are not sparse; sparse is true",
            field="scale_grad_by_freq", fix="scale_grad_by_freq: false, or sparse: false",
        )  # fmt: skip


def indices(layer: str, input: TensorType) -> None:
    """Require integers."""
    require(
        input.dtype in INDICES,
        lambda: Violation(
            "SB305",
            f"{layer} takes int64 or int32, but the input is {input.dtype}",
            fix=f"integers, as of `input: {{shape: {list(input.shape)}, dtype: int64}}`",
        ),
    )


@final
class Embedding(Layer):
    """Each integer becomes its learned vector: `(N, *) → (N, *, embedding_dim)`.

    The integers are from 0 to `num_embeddings - 1`.

    ```yaml
    - {type: Embedding, num_embeddings: 1000, embedding_dim: 64, from: [words]}  # [20] int64 → [20, 64]
    ```
    """

    refused: ClassVar = {
        "_weight": "weights are loaded into the built network",
        "_freeze": "what is trained is said of the network's parameters, by their names",
    }

    num_embeddings: Extent
    """How many integers there are."""
    embedding_dim: Extent
    """Size of a vector."""
    padding_idx: Int | None = None
    """The integer that stands for padding: its vector is zeros at first, and is not learned."""
    max_norm: Scale | None = None
    """The norm that a vector which is looked up is scaled down to, in the weights themselves."""
    norm_type: Scale = 2.0
    """The p of that p-norm."""
    scale_grad_by_freq: Bool = False
    """Whether gradients are divided by how often an integer is in the batch; not with `sparse`."""
    sparse: Bool = False
    """Whether the gradient is a sparse tensor, which SGD, Adagrad and SparseAdam take."""

    def check(self) -> None:
        """The padding is one of the integers; sparse gradients are not scaled."""
        within(self.padding_idx, self.num_embeddings)
        differentiable(self.scale_grad_by_freq, self.sparse)

    def keeps(self) -> tuple[str, ...]:
        """The integers say where the gradient goes."""
        return ("input",)

    def infer(self, input: TensorType) -> Outcome:
        """As torch's `embedding`."""
        indices("Embedding", input)
        weight = (self.num_embeddings, self.embedding_dim)
        output = (*input.shape, self.embedding_dim)
        storable(weight, "the weight", "num_embeddings")
        storable(output, "the output", "embedding_dim")
        return Outcome(TensorType(output), parameters={"weight": Storage(weight)})


@final
class EmbeddingBag(Layer):
    """The sum, mean or maximum of the vectors of some integers: `(N, L) → (N, embedding_dim)`.

    With `mode: sum` the second input `per_sample_weights`, `(N, L)`, scales each of the vectors.

    ```yaml
    - {type: EmbeddingBag, num_embeddings: 1000, embedding_dim: 64, mode: sum, from: [words]}  # [20] int64 → [64]
    ```
    """

    takes: ClassVar = ("input", "per_sample_weights")
    refused: ClassVar = {
        "_weight": "weights are loaded into the built network",
        "include_last_offset": "each sample is one bag: there are no offsets",
        "offsets": "each sample is one bag: there are no offsets",
    }

    num_embeddings: Extent
    """How many integers there are."""
    embedding_dim: Extent
    """Size of a vector."""
    max_norm: Scale | None = None
    """The norm that a vector which is looked up is scaled down to, in the weights themselves."""
    norm_type: Scale = 2.0
    """The p of that p-norm."""
    scale_grad_by_freq: Bool = False
    """Whether gradients are divided by how often an integer is in the batch; not with `mode: max`, or `sparse`."""
    mode: Literal["sum", "mean", "max"] = "mean"
    """How the vectors become one."""
    sparse: Bool = False
    """Whether the gradient is a sparse tensor, which SGD, Adagrad and SparseAdam take; not with `mode: max`."""
    padding_idx: Int | None = None
    """The integer that stands for padding: it is left out, and its vector is not learned."""

    def check(self) -> None:
        """The padding is one of the integers; neither sparse gradients are scaled nor those of a maximum."""
        within(self.padding_idx, self.num_embeddings)
        for name in ("scale_grad_by_freq", "sparse"):
            if self.mode == "max" and getattr(self, name):
                raise Violation(
                    "SB304", f"`{name}` is for `mode: sum` and `mode: mean`; mode is max",
                    field=name, fix=f"{name}: false, or mode: sum",
                )  # fmt: skip
        differentiable(self.scale_grad_by_freq, self.sparse)

    def keeps(self) -> tuple[str, ...]:
        """What says where the gradient goes, and how much of it."""
        return ("inputs",)

    def infer(self, input: TensorType, per_sample_weights: TensorType | None = None) -> Outcome:
        """As torch's `embedding_bag`."""
        require(
            len(input.shape) == 1,
            lambda: Violation(
                "SB302", f"EmbeddingBag takes [length], but the input is {input}",
                fix="Flatten before it" if len(input.shape) > 1 else "an input with one axis: [1]",
            ),
        )  # fmt: skip
        indices("EmbeddingBag", input)
        if per_sample_weights is not None:
            self.weigh(input, per_sample_weights)
        weight = (self.num_embeddings, self.embedding_dim)
        storable(weight, "the weight", "num_embeddings")
        (length,) = input.shape
        largest = self.embedding_dim if self.mode == "max" else 1
        places = 0 if self.mode == "sum" and self.padding_idx is None else length
        return Outcome(
            TensorType((self.embedding_dim,)),
            parameters={"weight": Storage(weight)},
            saved=ITEM_BYTES[input.dtype] * (2 + largest + places),
        )

    def weigh(self, input: TensorType, weights: TensorType) -> None:
        """Require one weight for each integer, in a sum."""
        if self.mode != "sum":
            raise Violation(
                "SB304", f"`per_sample_weights` are for `mode: sum`; mode is {self.mode}", field="mode",
                fix="mode: sum",
            )  # fmt: skip
        require(
            alike(weights.shape, input.shape),
            lambda: Violation(
                "SB308", f"`per_sample_weights` {weights} and the input {input} must be of one shape",
                field="from", fix=f"one of {list(input.shape)}",
            ),
        )  # fmt: skip
        require(
            weights.dtype == "float32",
            lambda: Violation(
                "SB305",
                f"EmbeddingBag takes float32, but `per_sample_weights` is {weights.dtype}",
                field="from",
                fix="one of dtype float32",
            ),
        )
