"""Checkpoints of a training in several processes: each writes what it has, and reads what it needs.

The files are those of torch.distributed.checkpoint's `HuggingFaceStorageWriter`: safetensors, one a process, with the
place of each part in its header. Nothing is pickled, in no file and not from one process to another either: which
process has what follows from the shapes (`fully_shard` cuts axis 0 into even parts), so that none asks another. Keys:

    model.NAME              a parameter, under its name in the `state_dict`; a tied one once
    optimizer.STATE.NAME    a tensor of the optimizer's state of that parameter
    process.K.buffer.NAME   a buffer as process K has it: running statistics differ until they are aligned
    process.K.own.NAME      what else process K keeps, such as the state of its random numbers

A parameter, and a state of its shape, is in parts where the network is; all else is whole, and in the first file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import torch
import torch.distributed as dist
from safetensors import SafetensorError
from torch import nn
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner, DefaultSavePlanner
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.distributed.checkpoint.metadata import (
    ChunkStorageMetadata,
    Metadata,
    MetadataIndex,
    TensorProperties,
    TensorStorageMetadata,
)
from torch.distributed.checkpoint.planner import SavePlan, TensorWriteData, WriteItem, WriteItemType
from torch.distributed.tensor import DTensor, Shard

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.runs.files import force_to_disk
from specbuild.runs.place import unwritable
from specbuild.training.shards import Kept, Part, Rest, damaged, differences, name_of, require_files, understood

HOW = ("foreach", "fused", "capturable")
"""What an optimizer's group says of how it is computed: settled anew on each device."""

Tensors = dict[str, torch.Tensor]


class Taken(DefaultSavePlanner):
    """What one process writes, copied to the CPU; the training may go on."""

    def __init__(self, rest: Rest, rank: int, tensors: Mapping[str, torch.Tensor]) -> None:
        super().__init__(flatten_state_dict=False)
        self.rest, self.rank = rest, rank
        self.parts = rest.file(rank)
        self.host = {key: copied(tensors[key]) for key in self.parts}
        for key, part in self.parts.items():
            assert tuple(self.host[key].shape) == part.shape, f"{key} is cut in another way than along axis 0"

    @property
    def nbytes(self) -> int:
        """Bytes of what this process writes."""
        return sum(tensor.nbytes for tensor in self.host.values())

    def write(self, folder: Path) -> None:
        """`put`; raises `RunError` (SB506)."""
        try:
            self.put(folder)
        except OSError as error:
            raise unwritable(error, folder) from None

    def put(self, folder: Path) -> None:
        """Write this process's file, forced to disk: no collective operation. Raises `OSError`."""
        whole = {key: torch.Size(kept.shape) for key, kept in (*self.rest.all(), *self.rest.of_process(self.rank))}
        items = [written(key, part, self.host[key], whole[key]) for key, part in self.parts.items()]
        writer = HuggingFaceStorageWriter(str(folder), save_distributed=True)
        writer.per_thread_copy_ahead = 0  # else it waits for a CUDA stream, in a thread for one of another device
        writer.set_up_storage_writer(True)
        plan = writer.prepare_global_plan([*[SavePlan([])] * self.rank, SavePlan(items)])[-1]
        writer.write_data(plan, self).wait()
        if items:
            force_to_disk(folder / name_of(self.rank))  # the writer forces only what has left its buffer

    def resolve_data(self, write_item: WriteItem) -> torch.Tensor:
        """The tensor that is to be written."""
        return self.host[write_item.index.fqn]


def save(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, own: Mapping[str, torch.Tensor] | None = None
) -> dict[str, Any]:
    """Write this process's part of the weights and of the optimizer's state into `folder`, which exists; collective.

    own: tensors of this process alone, of the same names, shapes and dtypes in all. Returns what JSON keeps of it,
    equal in all processes. Raises `RunError` (SB506), in all of them where one of them cannot write.
    """
    taken = take(model, optimizer, own)
    problem: RunError | None = None
    try:
        taken.write(folder)
    except RunError as error:
        problem = error
    settle(folder, problem)
    return taken.rest.model_dump()


def take(model: nn.Module, optimizer: torch.optim.Optimizer, own: Mapping[str, torch.Tensor] | None = None) -> Taken:
    """Copy to the CPU what this process is to write; no collective operation."""
    rank, size = here()
    weights, buffers, names = parts_of(model)
    states: dict[str, Tensors] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for parameter, state in optimizer.state.items():
        for key, value in state.items():
            table = states if isinstance(value, torch.Tensor) else numbers
            table.setdefault(key, {})[names[parameter]] = value  # type: ignore[index]
    groups = [{**group, "params": [names[each] for each in group["params"]]} for group in optimizer.param_groups]
    own = dict(own or {})
    rest = Rest(
        processes=size,
        model={name: Kept.of(tensor) for name, tensor in weights.items()},
        buffers={name: Kept.of(tensor) for name, tensor in buffers.items()},
        own={name: Kept.of(tensor) for name, tensor in own.items()},
        state={key: {name: Kept.of(tensor) for name, tensor in table.items()} for key, table in states.items()},
        numbers=numbers,
        groups=json.loads(json.dumps(groups, allow_nan=False)),
    )
    tensors = {f"model.{name}": tensor for name, tensor in weights.items()}
    tensors |= {f"optimizer.{key}.{name}": each for key, table in states.items() for name, each in table.items()}
    tensors |= {f"process.{rank}.buffer.{name}": tensor for name, tensor in buffers.items()}
    tensors |= {f"process.{rank}.own.{name}": tensor for name, tensor in own.items()}
    return Taken(rest, rank, tensors)


def settle(folder: Path, problem: RunError | None) -> None:
    """Raise in all processes where one of them has a problem; collective, once each has written."""
    failed = torch.tensor(int(problem is not None))
    if dist.is_initialized():
        dist.all_reduce(failed, dist.ReduceOp.MAX)
    if problem is not None:
        raise problem
    if failed:
        raise RunError([Diagnostic("SB506", "another process could not write its part", file=str(folder))])


def load(folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, rest: Mapping[str, Any]) -> Tensors:
    """Read into the model and the optimizer, in place, the very bits that were saved.

    As many processes as have saved, or another number: each reads its rows of what is in parts, and the first
    process's buffers where it was not there. Returns what this process has kept as its own; nothing with another
    number of processes. Raises `RunError` (SB503) before anything is changed where something does not fit.
    """
    rank, size = here()
    kept = understood(folder, rest)
    weights, buffers, names = parts_of(model)
    parameters = {name: parameter for parameter, name in names.items()}
    require_fit(folder, kept, weights, buffers, optimizer, names)
    require_files(folder, kept)
    mine = rank if size == kept.processes else 0
    states = {
        key: {name: state_like(parameters[name], key, each, optimizer) for name, each in table.items()}
        for key, table in kept.state.items()
    }
    own = {name: empty(each) for name, each in kept.own.items()} if size == kept.processes else {}
    targets = {f"model.{name}": tensor for name, tensor in weights.items()}
    targets |= {f"optimizer.{key}.{name}": each for key, table in states.items() for name, each in table.items()}
    targets |= {f"process.{mine}.buffer.{name}": tensor for name, tensor in buffers.items()}
    targets |= {f"process.{mine}.own.{name}": tensor for name, tensor in own.items()}
    read(folder, kept, targets)
    optimizer.state.clear()
    tables: Mapping[str, Mapping[str, Any]]
    for tables in (states, kept.numbers):
        for key, table in tables.items():
            for name, value in table.items():
                optimizer.state[parameters[name]][key] = value
    for group, saved in zip(optimizer.param_groups, kept.groups, strict=True):
        for key, value in saved.items():
            if key not in ("params", *HOW):
                group[key] = tuple(value) if isinstance(group.get(key), tuple) else value
    return own


def here() -> tuple[int, int]:
    """This process's rank, and how many there are."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def parts_of(model: nn.Module) -> tuple[Tensors, Tensors, dict[nn.Parameter, str]]:
    """A model's parameters and its persistent buffers, and the parameters' names.

    After a forward pass without a backward one a model in parts still has its own parameters whole; `state_dict`
    puts them back into parts, which are those that the optimizer has.
    """
    persistent = model.state_dict().keys()
    parameters = dict(model.named_parameters())
    for name, parameter in parameters.items():
        even = not isinstance(parameter, DTensor) or parameter.placements == (Shard(0),)
        assert even, f"{name} is cut in another way than along axis 0"
    buffers = {name: buffer for name, buffer in model.named_buffers() if name in persistent}
    weights: Tensors = {name: parameter.detach() for name, parameter in parameters.items()}
    return weights, buffers, {parameter: name for name, parameter in parameters.items()}


def copied(tensor: torch.Tensor) -> torch.Tensor:
    """What this process has of a tensor, on the CPU and in memory of its own."""
    local = tensor.detach()
    if isinstance(local, DTensor):
        local = local.to_local()
    return local.to("cpu", copy=True).contiguous()


def written(key: str, part: Part, tensor: torch.Tensor, whole: torch.Size) -> WriteItem:
    """A part, as torch.distributed.checkpoint plans to write it."""
    chunk = ChunkStorageMetadata(torch.Size(part.offsets), torch.Size(part.shape))
    data = TensorWriteData(chunk, TensorProperties.create_from_tensor(tensor), whole)
    return WriteItem(MetadataIndex(key, chunk.offsets), WriteItemType.SHARD, tensor_data=data)


def empty(kept: Kept) -> torch.Tensor:
    """A tensor to be read into, on the CPU."""
    return torch.empty(kept.shape, dtype=getattr(torch, kept.dtype))


def state_like(parameter: nn.Parameter, key: str, kept: Kept, optimizer: torch.optim.Optimizer) -> torch.Tensor:
    """A state of a parameter to be read into: where the optimizer itself would have made it, and in such parts."""
    if tuple(kept.shape) == tuple(parameter.shape):
        return torch.empty_like(parameter.detach(), dtype=getattr(torch, kept.dtype))
    group = next(group for group in optimizer.param_groups if any(each is parameter for each in group["params"]))
    on_device = group.get("fused") or group.get("capturable") or isinstance(optimizer, torch.optim.ASGD)
    return empty(kept).to(parameter.device if on_device else "cpu")


def require_fit(
    folder: Path,
    kept: Rest,
    weights: Tensors,
    buffers: Tensors,
    optimizer: torch.optim.Optimizer,
    names: Mapping[nn.Parameter, str],
) -> None:
    """SB503 where the checkpoint is of another network or of another optimizer."""
    problems = differences(
        {name: str(each) for name, each in {**kept.model, **kept.buffers}.items()},
        {name: str(Kept.of(tensor)) for name, tensor in {**weights, **buffers}.items()},
    )
    with_state = {name for table in kept.state.values() for name in table}
    with_state |= {name for table in kept.numbers.values() for name in table}
    strangers = with_state - weights.keys()
    problems += [f"the optimizer has a state of {name}, which is no parameter" for name in sorted(strangers)]
    groups = [[names[each] for each in group["params"]] for group in optimizer.param_groups]
    if [group.get("params") for group in kept.groups] != groups:
        problems.append("the optimizer's groups have other parameters")
    else:
        for saved, group in zip(kept.groups, optimizer.param_groups, strict=True):
            for key in sorted(group.keys() - {"params", *HOW}):
                if key not in saved:
                    problems.append(f"the optimizer's {key} is missing")
                elif kind(saved[key]) != kind(group[key]):
                    problems.append(f"the optimizer's {key} cannot be {saved[key]!r}")
    if problems:
        raise damaged(folder, problems)


def kind(value: Any) -> object:
    """What sort of a setting it is: a number, or so many of them."""
    if isinstance(value, (list, tuple)):
        return [kind(each) for each in value]
    return float if type(value) is int else type(value)


class Where(NamedTuple):
    """The file that has a part, as `HuggingFaceStorageReader` asks for it."""

    relative_path: str


def read(folder: Path, kept: Rest, targets: Mapping[str, torch.Tensor]) -> None:
    """Read each tensor, or this process's rows of it, from the files that have some of it."""
    described: dict[str, TensorStorageMetadata] = {}
    places: dict[MetadataIndex, Where] = {}
    shapes = {key: each.shape for rank in range(kept.processes) for key, each in kept.of_process(rank)}
    shapes |= {key: each.shape for key, each in kept.all()}
    for rank in range(kept.processes):
        for key, part in kept.file(rank).items():
            chunk = ChunkStorageMetadata(torch.Size(part.offsets), torch.Size(part.shape))
            properties = TensorProperties(dtype=getattr(torch, part.dtype))
            whole = TensorStorageMetadata(properties, torch.Size(shapes[key]), [])
            described.setdefault(key, whole).chunks.append(chunk)
            places[MetadataIndex(key, chunk.offsets)] = Where(str(folder / name_of(rank)))
    metadata = Metadata(cast(Any, described), storage_data=places)
    planner = DefaultLoadPlanner(flatten_state_dict=False, flatten_sharded_tensors=False)
    planner.set_up_planner({key: tensor for key, tensor in targets.items() if tensor.numel()}, metadata, True)
    reader = HuggingFaceStorageReader(str(folder))
    reader.set_up_storage_reader(metadata, True)
    plan = reader.prepare_local_plan(planner.create_local_plan())
    try:
        reader.read_data(planner.finish_plan(plan), planner).wait()
    except (SafetensorError, OSError) as error:
        raise damaged(folder, [f"it cannot be read: {error}"]) from None
