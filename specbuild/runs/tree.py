"""Nested values taken apart into JSON and tensors, and put together again exactly.

None, booleans, numbers, strings, lists, tuples, dicts and tensors: what torch's `state_dict`s are made of. JSON has no
tuples, no infinities and no keys but strings; those come as an object with one key that begins with `$`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch

from specbuild.runs.reading import shown

DEPTH = 32
NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}


class Unfit(Exception):  # noqa: N818  it says what was found
    """Something that is not as `taken_apart` makes it."""


def taken_apart(value: Any, tensors: dict[str, torch.Tensor], name: str = "") -> Any:
    """The JSON of a value; its tensors are put into `tensors`, each under its path."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, torch.Tensor):
        assert name not in tensors, name
        tensors[name] = value
        plain = value.is_contiguous()
        return {"$tensor": name} if plain else {"$tensor": name, "stride": list(value.stride())}
    if isinstance(value, (list, tuple)):
        parts = [taken_apart(part, tensors, f"{name}.{index}") for index, part in enumerate(value)]
        return {"$tuple": parts} if isinstance(value, tuple) else parts
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} is a {type(value).__name__}, which a checkpoint cannot hold")
    plain = all(isinstance(key, str) and not key.startswith("$") for key in value)
    pairs = [(key, taken_apart(part, tensors, f"{name}.{key}" if name else str(key))) for key, part in value.items()]
    return dict(pairs) if plain else {"$map": [list(pair) for pair in pairs]}


def put_together(value: Any, tensors: Mapping[str, torch.Tensor], depth: int = 0) -> Any:
    """The value that was taken apart; raises `Unfit` for what never was."""
    if depth > DEPTH:
        raise Unfit("it is nested too deeply")
    if isinstance(value, list):
        return [put_together(part, tensors, depth + 1) for part in value]
    if not isinstance(value, dict):
        return value
    kind = next(iter(value), "")
    if not kind.startswith("$"):
        return {key: put_together(part, tensors, depth + 1) for key, part in value.items()}
    try:
        return marked(kind, value, tensors, depth)
    except (KeyError, TypeError, ValueError, OverflowError, RuntimeError):
        raise Unfit(f"{shown(kind)} is not as it is written") from None


def marked(kind: str, value: dict[str, Any], tensors: Mapping[str, torch.Tensor], depth: int) -> Any:
    """What JSON has no form of its own for."""
    if kind == "$tensor":
        return in_its_stride(tensors[value[kind]], value.get("stride"))
    if kind == "$float":
        return NOT_FINITE[value[kind]]
    parts = [put_together(part, tensors, depth + 1) for part in value[kind]]
    if kind == "$tuple":
        return tuple(parts)
    if kind == "$map":
        return dict(parts)
    raise Unfit(f"{shown(kind)} is unknown")


def in_its_stride(tensor: torch.Tensor, stride: list[int] | None) -> torch.Tensor:
    """The tensor as it lay in memory: kernels that step through several tensors want them to lie alike."""
    if stride is None:
        return tensor
    if not isinstance(stride, list) or not dense(tuple(tensor.shape), stride):
        raise Unfit(f"the stride is not one of {list(tensor.shape)}")
    return torch.empty_strided(tuple(tensor.shape), tuple(stride), dtype=tensor.dtype).copy_(tensor)


def dense(shape: tuple[int, ...], stride: list[Any]) -> bool:
    """Whether a tensor of this shape and stride fills its memory, each number in a place of its own."""
    if len(stride) != len(shape) or not all(type(step) is int and 0 < step < 2**62 for step in stride):
        return False
    span = 1
    for step, size in sorted((step, size) for step, size in zip(stride, shape, strict=True) if size > 1):
        if step != span:
            return False
        span *= size
    return True


def on_host(value: Any) -> Any:
    """The value with a copy of each tensor in host memory, strides kept; what is still being computed is waited for."""
    waiting: set[torch.device] = set()
    copied = copy(value, waiting)
    for device in waiting:
        torch.cuda.synchronize(device)
    return copied


def copy(value: Any, waiting: set[torch.device]) -> Any:
    """A copy that shares nothing."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
        if value.device.type == "cpu":
            return value.clone()
        if value.device.type == "cuda":
            waiting.add(value.device)
        return value.to("cpu", non_blocking=value.device.type == "cuda", memory_format=torch.preserve_format)
    if isinstance(value, Mapping):
        return {key: copy(part, waiting) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(copy(part, waiting) for part in value)
    return value
