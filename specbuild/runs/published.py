"""torchvision's published weights, by their names there."""

from __future__ import annotations

import hashlib
import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlparse

import torch

from specbuild.catalogue.rules import Storage
from specbuild.data.vision import torchvision
from specbuild.runs.headers import Unreadable

HASHED = re.compile(r"-([a-f0-9]{6,})\.[^.]*$")
"""The beginning of a file's SHA-256, as its name has it."""
OLD_DENSE = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.((?:[12])\.(?:weight|bias|running_mean|running_var))$")
"""Keys that torchvision's DenseNets had before a dot was no part of a name; its own loader renames them too."""


def published(name: str) -> dict[str, torch.Tensor]:
    """The `state_dict` of weights such as `ResNet18_Weights.IMAGENET1K_V1`; raises `Unreadable`.

    torchvision's own machinery fetches it, once, into torch's folder of downloads, and holds it against the SHA-256
    that its name begins with; what is there already is held against it too. Nothing in it is run (`weights_only`).
    """
    torchvision()
    models = importlib.import_module("torchvision.models")
    try:
        weights = models.get_weight(name)
    except (ValueError, KeyError, AttributeError) as error:
        raise Unreadable(f"torchvision has no such weights: {error}") from None
    require_hash(weights.url)
    try:
        state: Any = weights.get_state_dict(progress=False, check_hash=True, weights_only=True, map_location="cpu")
    except (URLError, OSError) as error:
        why = getattr(error, "reason", None) or error
        fix = f"download {weights.url} into {cached(weights.url).parent}"
        raise Unreadable(f"it cannot be fetched from {urlparse(weights.url).hostname}: {why}", fix) from None
    except Exception as error:  # the hash is another, or the file is none of torch's
        raise Unreadable(f"it cannot be loaded: {str(error).partition(chr(10))[0]}") from None
    return {OLD_DENSE.sub(r"\1\2", key): tensor for key, tensor in state.items() if isinstance(tensor, torch.Tensor)}


def cached(url: str) -> Path:
    """Where torch keeps a download."""
    return Path(torch.hub.get_dir(), "checkpoints", os.path.basename(urlparse(url).path))


def require_hash(url: str) -> None:
    """Raise `Unreadable` for a file that was downloaded before and has another SHA-256 than its name says."""
    path, said = cached(url), HASHED.search(url)
    if not path.exists() or said is None:
        return
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from None
    if not digest.startswith(said[1]):
        message = f"{path} was altered: its SHA-256 begins with {digest[: len(said[1])]}, not with {said[1]}"
        raise Unreadable(message, "remove it: it is then fetched again")


def storages(tensors: Mapping[str, torch.Tensor]) -> dict[str, Storage]:
    """Shapes and dtypes."""
    return {
        name: Storage(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch.")) for name, tensor in tensors.items()
    }
