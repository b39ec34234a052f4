"""What fills the parameters of a model while it is made."""

from __future__ import annotations

import functools
import inspect
import os
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import FrameType, TracebackType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from specbuild.catalogue.initialization import INITIALIZATIONS
from specbuild.importing.graph import Filling

TORCH = os.path.dirname(os.path.abspath(torch.__file__ or "")) + os.sep
MODULES = os.path.join(TORCH, "nn", "modules") + os.sep
DRAWS = {"normal_": ("mean", "std"), "uniform_": ("a", "b"), "fill_": ("val",), "zero_": ()}
"""Methods that fill a tensor, with what nn.init calls their arguments; `uniform_` calls them `from` and `to`."""
MAKES = {"randn": "normal_", "rand": "uniform_", "zeros": "zeros_", "ones": "ones_"}
"""Functions that make a filled tensor."""


class Filled(NamedTuple):
    """A tensor that was filled."""

    tensor: Tensor
    """Held, so that its memory becomes no other's."""
    filling: Filling
    own: bool
    """Whether a module of torch did it by itself."""


class Recorder(TorchFunctionMode):
    """While it is on, the last filling of each tensor is written down."""

    def __init__(self) -> None:
        super().__init__()
        self.last: dict[int, Filled] = {}
        """By the address of the memory."""
        self.defaults: dict[int, Filling] = {}
        """What torch's own module did."""
        self.patched: dict[str, Callable[..., Any]] = {}

    def __enter__(self) -> Recorder:
        for name in INITIALIZATIONS:
            self.patched[name] = getattr(nn.init, name)
            setattr(nn.init, name, self.recorded(name, self.patched[name]))
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, value, trace)  # type: ignore[no-untyped-call]
        for name, function in self.patched.items():
            setattr(nn.init, name, function)

    def recorded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of nn.init that is written down once it has run."""
        signature = inspect.signature(function)
        known = INITIALIZATIONS[name].model_fields

        @functools.wraps(function)
        def record(*args: Any, **kwargs: Any) -> Any:
            result = function(*args, **kwargs)
            bound = signature.bind(*args, **kwargs).arguments
            tensor = next(iter(bound.values()))
            given = {key: value for key, value in bound.items() if key in known}
            self.note(tensor, Filling(name, given))
            return result

        return record

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """A function of torch that may fill a tensor."""
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if name in DRAWS and isinstance(result, Tensor):
            named = dict(kwargs or {})
            if name == "uniform_":
                named = {{"from": "a", "to": "b"}.get(key, key): value for key, value in named.items()}
            given = {**dict(zip(DRAWS[name], args[1:], strict=False)), **named}
            scheme = {"fill_": "constant_", "zero_": "zeros_"}.get(name, name)
            self.note(result, Filling(scheme, {key: given[key] for key in DRAWS[name] if key in given}))
        elif name in MAKES and isinstance(result, Tensor):
            self.note(result, Filling(MAKES[name], {}))
        return result

    def note(self, tensor: Any, filling: Filling) -> None:
        """Write a filling down, if it is of a whole tensor."""
        if not isinstance(tensor, Tensor) or tensor.device.type == "meta":
            return
        if tensor.numel() * tensor.element_size() != tensor.untyped_storage().nbytes() or not tensor.numel():
            return
        if not all(isinstance(value, (int, float, str)) for value in filling.arguments.values()):
            return
        own = by_torch(sys._getframe(1))
        address = tensor.untyped_storage().data_ptr()
        if own:
            self.defaults[address] = filling
        self.last[address] = Filled(tensor, filling, own)

    def fillings(self, model: nn.Module) -> dict[str, Filling]:
        """What filled each parameter, by its key, where it is not what torch's own module does."""
        found: dict[str, Filling] = {}
        for key, parameter in model.named_parameters():
            if parameter.device.type == "meta" or not parameter.numel():
                continue
            address = parameter.untyped_storage().data_ptr()
            last = self.last.get(address)
            if last is None:
                owner = model.get_submodule(key.rpartition(".")[0])
                own = type(owner).__module__.startswith("torch.nn")  # which may have copied a module
                constant = None if own else constant_of(parameter)
                if constant is not None:
                    found[key] = constant
            elif not last.own and complete(last.filling) != complete(self.defaults.get(address)):
                found[key] = complete(last.filling) or last.filling
        return found


def recording() -> AbstractContextManager[Recorder]:
    """A recorder for the time that a model is made."""
    return Recorder()


def by_torch(frame: FrameType | None) -> bool:
    """Whether a module of torch calls, and no code of the model's."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(MODULES):
            return True
        if not file.startswith(TORCH) and file != __file__:
            return False
        frame = frame.f_back
    return False


def complete(filling: Filling | None) -> Filling | None:
    """A filling with arguments at their defaults left out, and constants 0 and 1 by their names."""
    if filling is None:
        return None
    fields = INITIALIZATIONS[filling.scheme].model_fields
    kept = {name: value for name, value in filling.arguments.items() if value != fields[name].default}
    if filling.scheme == "constant_" and kept.get("val") in (0, 1):
        return Filling("ones_" if kept["val"] == 1 else "zeros_", {})
    if filling.scheme == "kaiming_uniform_" or filling.scheme == "kaiming_normal_":
        slope = {"a": kept["a"]} if "a" in kept else {}
        kept = {**slope, **{name: value for name, value in kept.items() if name != "a"}}
    return Filling(filling.scheme, kept)


def constant_of(parameter: Tensor) -> Filling | None:
    """The filling of a parameter whose elements are all one number."""
    first = parameter.detach().reshape(-1)[0].item()
    if not bool((parameter == first).all()):
        return None
    short = float(f"{first:.7g}")
    value = short if torch.tensor(short, dtype=parameter.dtype).item() == first else first
    return complete(Filling("constant_", {"val": value}))
