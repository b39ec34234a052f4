"""torch's settings that decide whether a training gives the same bits every time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"


@contextmanager
def determined(deterministic: bool) -> Iterator[None]:
    """While entered, torch uses deterministic algorithms, if asked for; afterwards what it used before."""
    if not deterministic:
        yield
        return
    enabled, warned = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    cudnn, benchmark = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    workspace = os.environ.get(WORKSPACE)
    os.environ.setdefault(WORKSPACE, ":4096:8")
    try:
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
        yield
    finally:
        torch.use_deterministic_algorithms(enabled, warn_only=warned)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn, benchmark
        if workspace is None:
            os.environ.pop(WORKSPACE, None)


@contextmanager
def generator_kept(device: torch.device) -> Iterator[None]:
    """Leave torch's global generators as they were: a training is seeded by its document alone."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield
