"""Several processes that train one network: each has a part of every batch, and all make the same steps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from signal import SIGTERM
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from specbuild.catalogue.optimizers import Optimizer
from specbuild.data import Split
from specbuild.data.share import Filler, Share
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.network.cost import memory_of
from specbuild.network.plan import Plan
from specbuild.network.samples import normalized_layers
from specbuild.training.checkpointing import Writers, read, said_by_first
from specbuild.training.device import choose, require_room
from specbuild.training.interruption import Interrupted, Signals
from specbuild.training.objective import Judged, Objective
from specbuild.training.shardable import unshardable
from specbuild.training.synced import SyncedBatchNorm, synced
from specbuild.training.weighing import Weighing
from specbuild.training.world import World

if TYPE_CHECKING:
    from specbuild.runs.checkpoints import Aside
    from specbuild.training.fitting import Fit
    from specbuild.training.sharding import Taken

WRITER = "specbuild/writer"
"""Set where the writer fails too: then it is the one to say so, for it knows what was kept."""
TOLD = "specbuild/told"
"""Set once one of them has told what went wrong."""
WAIT = 2.0
"""Seconds that the others give it."""
PATIENCE = 20.0
"""Seconds to wait for the launcher's signal, where another process is gone or has to tell what went wrong."""
LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "gloo/transport", "NCCL", "ncclRemote")
"""What a collective operation fails with where another process has ended."""


class Processes(World):
    """One of several processes, each with a device of its own; the first one writes.

    What is made small is the loss over the whole batch, however many processes share it: each weighs its own by its
    part of the samples (or of the labels that count), and gradients are summed.
    """

    def __init__(
        self, store: dist.distributed_c10d.Store, rank: int, size: int, writers: Writers | None = None
    ) -> None:
        """store: what the processes share beside the collective operations; it outlives each of them.

        writers: the processes as they write checkpoints, once they have met.
        """
        self.store, self.rank, self.size, self.writers = store, rank, size, writers
        self.local_rank = int(os.environ["LOCAL_RANK"])
        self.here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        """How many of them are on this machine."""
        self.share = Share(rank, size)
        self.sharded = False
        self.norms: list[SyncedBatchNorm] = []
        self.module: nn.Module | None = None
        self._weighing: Weighing | None = None

    def settled(self, spec: Spec, plan: Plan, asked: str | None) -> torch.device:
        """This process's device; raises `DataError` where the processes cannot train what the document says."""
        wanted = asked if asked is not None else spec.train.device
        kind, numbered, _ = wanted.partition(":")
        if numbered or kind == "mps":
            raise self.no_device(spec, f"{wanted} is one device, and {self.size} processes need one each", asked)
        device = choose(spec, "cpu" if wanted == "auto" and not torch.cuda.is_available() else asked)
        if device.type == "cuda":
            there = torch.cuda.device_count()
            if self.here > there:
                raise self.no_device(spec, f"{self.here} processes need a GPU each, and here are {there}", asked)
            device = torch.device("cuda", self.local_rank)
            torch.cuda.set_device(device)
        self.spec, self.device = spec, device
        self.norms, self._weighing = [], None
        optimizer = cast(Optimizer, spec.optimizer)
        self.sharded = spec.train.distributed.strategy == "fsdp"
        if spec.train.distributed.strategy == "auto" and device.type == "cuda":
            needed = memory_of(plan, optimizer=optimizer).training(0)
            self.sharded = needed > torch.cuda.get_device_properties(device).total_memory
        if self.sharded:
            self.require_sharding(spec, plan)
        return device

    def require_sharding(self, spec: Spec, plan: Plan) -> None:
        """SB410 for what takes the whole network."""
        refused = unshardable(spec, plan)
        if refused is not None:
            path, message, fix = refused
            raise DataError(spec.place([Diagnostic("SB410", message, path, fix=fix)]))

    def require_room(self, spec: Spec, plan: Plan, device: torch.device) -> None:
        """SB311 where a part of a batch is too much; on one machine's CPU all parts are."""
        processes = self.size if device.type == "cuda" else 1
        require_room(spec, plan, device, processes, processes if self.sharded else 1)

    def no_device(self, spec: Spec, message: str, asked: str | None) -> DataError:
        """SB407, where the device was asked for."""
        fix = "device: auto, cpu or cuda, or fewer processes"
        if asked is not None:
            return DataError([Diagnostic("SB407", message, file="--device", fix=fix)])
        return DataError(spec.place([Diagnostic("SB407", message, ("train", "device"), fix=fix)]))

    def shared(self, splits: Mapping[str, Split], plan: Plan) -> None:
        """Give each split this process's part; raises `DataError` where a batch cannot be shared."""
        for name, split in splits.items():
            split.share = self.share
            size, path = split.loader.batch_size, ("data", name, "loader", "batch_size")
            if name == "train" and size < self.size:
                message = f"{self.size} processes cannot share a batch of {size}"
                fix = f"batch_size: {self.size}, or more; it is that of all processes together"
                raise DataError(split.spec.place([Diagnostic("SB410", message, path, fix=fix)]))
            self.require_normalizable(split, plan)

    def require_normalizable(self, split: Split, plan: Plan) -> None:
        """SB406 where a part of a batch is too small for a normalization."""
        size, training = split.loader.batch_size, split.name == "train"
        totals = {min(size, len(split))}
        if len(split) % size and not split.loader.drop_last:
            totals.add(len(split) % size)
        smallest = {total: total // self.size for total in totals}
        total = min(smallest, key=lambda total: smallest[total])
        if smallest[total] > 1:
            return
        together = split.spec.train.distributed.sync_batchnorm
        for step, what in normalized_layers(plan, training=training):
            if together and step.type.startswith("BatchNorm"):
                continue
            raise DataError(split.spec.place([Diagnostic(
                "SB406", f"{step.name} is {step.type} over one value {what}, and fails on one sample: "
                f"of a batch of {total}, {self.size} processes have {smallest[total]} or {smallest[total] + 1} each",
                ("data", split.name, "loader"),
                fix="train.distributed.sync_batchnorm: true, drop_last: true, or another batch_size",
            )]))  # fmt: skip

    def wrapped(self, model: nn.Module) -> nn.Module:
        """The model in DistributedDataParallel, or cut into the processes' parts where they are sharded (in place).

        What is random from here on (dropout) differs from process to process.
        """
        distributed = self.spec.train.distributed
        if distributed.sync_batchnorm:
            self.norms = synced(model, self.device)
        if self.rank:
            torch.manual_seed((self.spec.train.seed * 1_000_003 + self.rank) % 2**63)
        if self.sharded:
            model.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
            mesh = init_device_mesh(self.device.type, (self.size,))
            for child in model.children():
                if any(True for _ in child.parameters()):
                    fully_shard(child, mesh=mesh)
            fully_shard(model, mesh=mesh)
            self.module = model
        elif any(parameter.requires_grad for parameter in model.parameters()):
            loose = len(self.spec.losses) < len(self.spec.outputs)
            devices = [self.device] if self.device.type == "cuda" else None
            self.module = DistributedDataParallel(model, device_ids=devices, find_unused_parameters=loose)
        assert self.module is not None, "a network that is trained has parameters"
        return self.module

    def unsynced(self, model: nn.Module) -> AbstractContextManager[None]:
        """While entered, gradients are kept here."""
        if isinstance(model, FSDPModule):
            return gradients_kept(model)
        return (
            cast(AbstractContextManager[None], model.no_sync())
            if isinstance(model, DistributedDataParallel)
            else nullcontext()
        )

    def weighed(self, objective: Objective, judged: Judged, batch: Mapping[str, torch.Tensor]) -> tuple[Judged, Judged]:
        """What this process's meter is given, and what is sent back."""
        return self.weighing(objective)(judged, batch)

    def measured(self, objective: Objective, judged: Judged, batch: Mapping[str, torch.Tensor]) -> Judged:
        """What this process's meter is given of a batch of val."""
        return self.weighing(objective).measured(judged, batch)

    def weighing(self, objective: Objective) -> Weighing:
        """How losses are weighed."""
        if self._weighing is None:
            self._weighing = Weighing(objective, self.size)
        return self._weighing

    def fed(self, batch: Mapping[str, torch.Tensor]) -> None:
        """Tell those that have to know it whether a batch that comes only fills up."""
        for norm in self.norms:
            norm.counts = not isinstance(batch, Filler)

    def aligned(self, model: nn.Module) -> None:
        """Give the buffers of the first process to all: running statistics differ from part to part."""
        for buffer in model.buffers():
            dist.broadcast(buffer, 0)

    def summed(self, tensors: list[torch.Tensor]) -> list[torch.Tensor]:
        """Each tensor summed over all processes."""
        for tensor in tensors:
            dist.all_reduce(tensor)
        return tensors

    def agreed(self, flag: bool) -> bool:
        """Whether any process says so."""
        said = torch.tensor(int(flag))
        dist.all_reduce(said, dist.ReduceOp.MAX)
        return bool(said)

    @property
    def has_whole(self) -> bool:  # type: ignore[override]
        """Whether this process has the whole network, and can call it on its own."""
        return not self.sharded

    def whole(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor that may be in parts, put together."""
        return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor

    def state_of(self, model: nn.Module) -> dict[str, torch.Tensor]:
        """The whole `state_dict` of the unwrapped model; where it is in parts, put together on the CPU of the writer.

        The others have what is theirs of it then.
        """
        state: dict[str, torch.Tensor] = {}
        for name, tensor in model.state_dict().items():
            if isinstance(tensor, DTensor):
                whole = tensor.full_tensor()
                state[name] = whole.cpu() if self.writer else tensor.to_local()
            else:
                state[name] = tensor
        return state

    def barrier(self) -> None:
        """Wait until all are here."""
        dist.barrier()

    def told(self, text: str) -> str:
        """What the writer says."""
        return said_by_first(text, self.rank)

    def parts(self, fit: Fit) -> Taken | None:
        """This process's part of a network in parts, copied to host memory."""
        if not self.sharded:
            return None
        from specbuild.training import sharding  # wants a newer torch than the rest

        return sharding.take(fit.model, fit.optimizer)

    def written(
        self, aside: Aside, state: Mapping[str, Any], own: Mapping[str, Any], parts: Taken | None, run_id: str
    ) -> Path:
        """Write a checkpoint together with the others; raises in all of them where one cannot."""
        assert self.writers is not None
        return self.writers.write(aside, state, own, parts, run_id)

    def read(self, fit: Fit, folder: Path, state: Mapping[str, Any]) -> Mapping[str, Any]:
        """What this process had for itself in a checkpoint; of a network in parts it gets its part."""
        return read(fit, folder, state, self.rank)

    def ended(self, error: BaseException, signals: Signals) -> BaseException:
        """What ended the training here; where another process is gone, the signal that its end brings."""
        if is_lost(error):
            wait_for(lambda: signals.received is not None, PATIENCE)
            return Interrupted(signals.received or SIGTERM)
        if self.writer and isinstance(error, Exception):
            self.store.set(WRITER, "failed")
        return error

    def tells(self, error: BaseException) -> bool:
        """Whether this process is the one to say what went wrong: the writer, if it fails too, and else the first."""
        if is_lost(error):
            return False
        try:
            if not isinstance(error, Exception):
                kept = getattr(error, "run", None) is not None
                return self.writer and (kept or not self.store.check([TOLD]))
            if self.writer:
                self.store.set(WRITER, "failed")
            elif wait_for(lambda: self.store.check([WRITER]), WAIT):
                return False
            return bool(self.store.add(TOLD, 1) == 1)
        except RuntimeError:  # the store is gone, and with it all that could have said it
            return True


def wait_for(event: Callable[[], bool], seconds: float) -> bool:
    """Whether something comes about within so many seconds."""
    until = monotonic() + seconds
    while not (come := event()) and monotonic() < until:
        sleep(0.05)
    return come


def is_lost(error: BaseException) -> bool:
    """Whether a collective operation failed for another process was gone."""
    return isinstance(error, RuntimeError) and any(words in str(error) for words in LOST)


@contextmanager
def gradients_kept(model: FSDPModule) -> Iterator[None]:
    """While entered, the gradients of a sharded model are not summed over the processes."""
    model.set_requires_gradient_sync(False)
    try:
        yield
    finally:
        model.set_requires_gradient_sync(True)
