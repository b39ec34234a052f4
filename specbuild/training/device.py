"""The device that a network is trained on."""

from __future__ import annotations

import torch

from specbuild.catalogue.optimizers import Optimizer
from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.network.cost import in_bytes, largest_layer, memory_here, memory_of
from specbuild.network.plan import Plan

KINDS = ("auto", "cpu", "cuda", "mps", "xpu")


def choose(spec: Spec, asked: str | None) -> torch.device:
    """The device that was asked for, on the command line or in the document; `auto` is a GPU if there is one.

    Raises `DataError` (SB407) that names the devices of this machine.
    """
    if asked is not None:
        return named(asked)
    found = here(spec.train.device)
    if isinstance(found, torch.device):
        return found
    message, fix = found
    raise DataError(spec.place([Diagnostic("SB407", message, ("train", "device"), fix=fix)]))


def named(asked: str) -> torch.device:
    """The device that the command line asks for; raises `DataError` (SB407)."""
    found = here(asked)
    if isinstance(found, torch.device):
        return found
    message, fix = found
    raise DataError([Diagnostic("SB407", message, file="--device", fix=fix)])


def here(wanted: str) -> torch.device | tuple[str, str]:
    """A device of this machine; or why it is not there, and what to do."""
    there = present()
    if wanted == "auto":
        return torch.device(there[-1].partition(":")[0])
    name = f"{wanted}:0" if wanted == "cuda" else wanted
    if name in there:
        return torch.device(wanted)
    kind = wanted.partition(":")[0]
    if kind not in KINDS:
        return f"there is no device called {wanted!r}", "use auto, cpu, cuda or mps"
    return f"{wanted} is not there: this machine has {' and '.join(there)}", "use auto, or leave it out"


def require_room(spec: Spec, plan: Plan, device: torch.device, processes: int = 1, shards: int = 1) -> None:
    """Raise `DataError` (SB311) where training a batch takes more than all the memory of the device.

    processes: how many share a batch, each on a device of its own. shards: into how many parts the weights are cut.
    """
    optimizer = spec.optimizer
    assert isinstance(optimizer, Optimizer), "what training needs has been looked at"
    batch = -(-spec.data.train.loader.batch_size // processes) if spec.data is not None else 1
    memory = memory_of(plan, optimizer=optimizer)
    each, available = max(memory.kept, memory.flowing), memory_here()
    fixed = memory.training(0) // shards
    needed = fixed + batch * each
    if device.type == "cuda":
        available = torch.cuda.get_device_properties(device).total_memory
    if available is None or needed <= available:
        return
    fitting = (available - fixed) // max(1, each) * processes
    fix = f"batch_size: {fitting}, or less" if fitting > 0 else "a smaller network"
    message = f"training takes {in_bytes(needed)}, but {device} has {in_bytes(available)}"
    because = f"weights, gradients and {optimizer.type} {in_bytes(fixed)}; {batch} samples {in_bytes(needed - fixed)}"
    path: Path = ("data", "train", "loader", "batch_size") if spec.data is not None else ("layers",)
    layer = None
    if fitting <= 0:  # whatever the batch
        largest = largest_layer(plan)[1]
        path, layer = largest.path, largest.name
    raise DataError(spec.place([Diagnostic("SB311", message, path, instance=layer, because=because, fix=fix)]))


def present() -> list[str]:
    """The devices of this machine, the one that `auto` prefers last."""
    names = ["cpu"]
    if torch.backends.mps.is_available():
        names.append("mps")
    names += [f"cuda:{index}" for index in reversed(range(torch.cuda.device_count()))]
    return names
