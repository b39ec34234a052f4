"""`environment.json`: what a run was made with, as far as it can change a result."""

from __future__ import annotations

import platform
import re
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from specbuild import __version__
from specbuild.runs.reading import is_names, is_number, is_text, read_object, wrong

NAME = "environment.json"

DECIDES_BITS = ("torch", "cpu_capability", "threads", "machine")
"""With these equal, the same model on the same batch gives the same bits on the CPU."""


def environment(device: torch.device, memory_format: str, precision: str = "float32") -> dict[str, Any]:
    """The versions, the machine and the settings in use now."""
    return {
        "specbuild": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "torchvision": installed("torchvision"),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "device": str(device),
        "device_name": device_name(device),
        "precision": precision,
        "memory_format": memory_format,
    }


KNOWN: Mapping[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("specbuild", "python", "torch", "machine", "cpu_capability", "device"), is_text),
    **dict.fromkeys(("precision", "memory_format"), is_text),
    "torchvision": lambda value: value is None or is_text(value),
    "threads": lambda value: type(value) is int and is_number(value),
    "plugins": is_names,
}
"""What is read back, each with what it must be; the rest is for people."""


def read(folder: Path) -> dict[str, Any]:
    """What a run was made with; raises `RunError` (SB503) for what is none of it."""
    recorded = read_object(folder, NAME)
    for key, judge in KNOWN.items():
        if key in recorded and not judge(recorded[key]):
            raise wrong(folder / NAME, f"{NAME} is not what a run was made with: its `{key}`")
    return recorded


def differences(recorded: Mapping[str, Any]) -> list[str]:
    """What of that which decides the bits is another now, each as `name old → new`."""
    now = environment(torch.device("cpu"), "contiguous")
    changed = [key for key in DECIDES_BITS if recorded.get(key) != now[key]]
    return [f"{key} {recorded.get(key)} → {now[key]}" for key in changed]


def moved(recorded: Mapping[str, Any], device: torch.device) -> list[str]:
    """That it was trained on another kind of device than `device`, as `device old → new`."""
    old = str(recorded.get("device", "cpu"))
    return [] if old.partition(":")[0] == device.type else [f"device {old} → {device}"]


def device_name(device: torch.device) -> str:
    """What the device is called by its maker."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1] if found else platform.machine()


def installed(package: str) -> str | None:
    """The version of an installed package, without importing it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None
