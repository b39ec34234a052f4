"""The section `train` of a document: how long, how exactly and where a network is trained."""

from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Le, Lt

from specbuild.catalogue.entry import Bool, Count, Float, Section, Size, Str
from specbuild.catalogue.rules import Violation

Seed = Annotated[Count, Lt(2**63)]
Positive = Annotated[Float, Gt(0)]


def mode_of(metric: str, mode: Literal["min", "max"] | None) -> Literal["min", "max"]:
    """`mode`, or what it is by default: less of a loss or an error is better, and more of all else."""
    if mode is not None:
        return mode
    return "min" if metric.endswith(LESS_IS_BETTER) else "max"


LESS_IS_BETTER = ("loss", "_mae", "_mse", "_rmse", "_perplexity")
"""How the names end of what is better when there is less of it."""


class Best(Section):
    """Which epoch's weights are kept."""

    metric: Str
    """A number of the results: `val_loss`, `val_accuracy`, `train_loss`..."""
    mode: Literal["min", "max"] | None = None
    """Whether less or more of it is better; null is `min` for losses and errors and `max` for all else."""

    @property
    def settled_mode(self) -> Literal["min", "max"]:
        """`mode`, or what it is by default."""
        return mode_of(self.metric, self.mode)


class EarlyStopping(Section):
    """When a training ends before its last epoch: once a number has not become better for a while."""

    metric: Str | None = None
    """A number of the results; null is the one that `best` goes by."""
    mode: Literal["min", "max"] | None = None
    """Whether less or more of it is better; null is as for `best`."""
    patience: Count = 3
    """After how many epochs in a row without an improvement the training ends; 0 is as 1."""
    min_delta: Annotated[Float, Ge(0)] = 0.0
    """By how much it must become better to count."""


class Ema(Section):
    """An exponential moving average of the weights, which is what is judged on val, and kept.

    torch.optim.swa_utils.AveragedModel with `get_ema_multi_avg_fn(decay)`; buffers are averaged too.
    """

    decay: Annotated[Float, Ge(0), Le(1)] = 0.999
    """The share of the average that stays at each update."""
    every: Size = 1
    """Steps from one update to the next."""


class Distributed(Section):
    """How several processes train one network. How many there are is said on the command line: `--nproc`."""

    strategy: Literal["auto", "ddp", "fsdp"] = "auto"
    """`ddp` has the whole network in each process, `fsdp` (FSDP2, `fully_shard`) a part of it; `auto` is ddp where
    the network, its gradients and the optimizer's state fit on a device."""
    sync_batchnorm: Bool = False
    """Whether BatchNorm takes its statistics over the batches of all processes."""


class Checkpoint(Section):
    """When a training is written down so that `train --resume` can go on with it: by steps, epochs or minutes,
    whichever comes first. Besides, it is at the start, at the end, and when a signal ends it.
    """

    steps: Size | None = None
    """Every so many steps of the optimizer."""
    epochs: Size | None = None
    """Every so many epochs."""
    minutes: Positive | None = 10.0
    """Every so many minutes."""
    last: Annotated[Size, Le(10**6)] = 2
    """How many are kept: the newest ones, and the one after the best epoch."""


class Training(Section):
    """How long, how exactly and where the network is trained, and from which seed."""

    children: ClassVar = {
        "best": Best, "early_stopping": EarlyStopping, "ema": Ema, "checkpoint": Checkpoint, "distributed": Distributed,
    }  # fmt: skip

    epochs: Annotated[Size, Le(10**9)] = 10
    """How often the network sees the whole of train."""
    max_steps: Size | None = None
    """After how many steps of the optimizer the training ends, if not before."""
    max_minutes: Positive | None = None
    """After how many minutes it ends, if not before; the epoch that is under way counts as one."""
    seed: Seed = 0
    """Settles the first weights, the order of the samples and every random transform."""
    device: Str = "auto"
    """`auto` (a GPU if there is one), `cpu`, `cuda`, `cuda:1`, `mps`."""
    precision: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What the forward pass computes in (`torch.autocast`); the weights are float32 always. `auto` is bfloat16 for
    convolutional and attention networks with a loss of labels where the device computes faster in it, else float32.
    `float32`, written, also leaves the optimizer's kernels to torch, unless it says `fused`: with `auto` they are
    fused ones, where torch has them, which may differ in the last bit."""
    memory_format: Literal["auto", "contiguous_format", "channels_last"] = "auto"
    """How images lie in memory; `auto` is channels_last for networks of 2-d convolutions."""
    compile: Bool | Literal["default", "reduce-overhead", "max-autotune"] = False
    """Whether the network goes through `torch.compile`, and in which mode; true is `default`."""
    accumulate: Size = 1
    """Batches whose gradients make one step of the optimizer."""
    clip_grad_norm: Positive | None = None
    """The most that the norm of all gradients may be (`torch.nn.utils.clip_grad_norm_`)."""
    clip_grad_value: Positive | None = None
    """The most that each number of a gradient may be (`torch.nn.utils.clip_grad_value_`)."""
    ema: Ema | None = None
    """An exponential moving average of the weights."""
    best: Best | None = None
    """Unless given: the best value of the first metric on val where there is one, else the lowest
    `val_loss`, else the lowest `train_loss`."""
    early_stopping: EarlyStopping | None = None
    """When the training ends before its last epoch."""
    checkpoint: Checkpoint | None = Checkpoint()
    """When the training is written down, to go on with it later; null is never."""
    deterministic: Bool = False
    """Use only algorithms that give the same every time (`torch.use_deterministic_algorithms`); slower on a GPU."""
    distributed: Distributed = Distributed()
    """How several processes train one network."""
    tensorboard: Bool = False
    """Write curves, images and histograms for TensorBoard into the run (`pip install 'specbuild[tensorboard]'`)."""

    def check(self) -> None:
        """A device by a name that torch knows; one way of clipping."""
        kind, _, index = self.device.partition(":")
        numbered = ":" in self.device
        known = kind in ("auto", "cpu", "cuda", "mps")
        if not known or (numbered and (kind != "cuda" or not index.isdecimal())):
            raise Violation(
                "SB407", f"there is no device {self.device!r}: use auto, cpu, cuda, cuda:1 or mps",
                field="device",
            )  # fmt: skip
        if self.clip_grad_norm is not None and self.clip_grad_value is not None:
            raise Violation(
                "SB410", "clip_grad_norm and clip_grad_value both say how gradients are clipped",
                field="clip_grad_value", fix="leave one of them out",
            )  # fmt: skip
