"""The ready specs: their published numbers, and their cost as torch counts it."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
import torch
from torch.autograd.graph import saved_tensors_hooks
from torch.utils.flop_counter import FlopCounterMode

import specbuild
from specbuild.catalogue.types import TensorType
from specbuild.network.cost import memory_of
from specbuild.network.plan import Plan

ROOT = Path(__file__).resolve().parent.parent
SPECS = sorted((ROOT / "specs").glob("*.yaml"))
PARAMETERS = {
    "audio_m5": 26_915,  # torchaudio's tutorial on speech commands
    "autoencoder": 219_891,
    "char_lstm": 876_929,
    "cifar_cnn": 145_578,
    "dcgan_discriminator": 2_765_568,
    "dcgan_generator": 3_576_704,
    "gpt2_small": 124_439_808,
    "lenet5": 61_706,
    "r3d_18": 33_371_472,
    "unet": 31_037_633,
    "vit_b_16": 86_567_656,
}
CONVOLUTIONAL = [
    "alexnet", "cifar_cnn", "cifar_resnet18", "dcgan_discriminator", "dcgan_generator", "densenet121", "digits_cnn",
    "fashion_cnn", "googlenet", "mobilenet_v2", "resnet18", "resnet50", "unet", "vgg16_bn",
]  # fmt: skip
LARGE = {"unet", "vgg16", "vgg16_bn", "densenet121", "r3d_18", "googlenet", "resnet50", "mobilenet_v2"}


def batch(plan: Plan, size: int, device: str) -> list[torch.Tensor]:
    def one(type: TensorType) -> torch.Tensor:
        return torch.zeros(size, *type.shape, dtype=getattr(torch, type.dtype), device=device)

    return [one(type) for type in plan.inputs.values()]


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_parameters(name: str) -> None:
    assert specbuild.infer(ROOT / "specs" / f"{name}.yaml").parameters() == PARAMETERS[name]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_multiply_accumulates_are_half_of_what_torch_counts(path: Path) -> None:
    plan = specbuild.infer(path)
    with torch.device("meta"), FlopCounterMode(display=False) as counter, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        specbuild.build(plan).train()(*batch(plan, 2, "meta"))
    assert 2 * 2 * plan.macs() == counter.get_total_flops()


@pytest.mark.parametrize("name", CONVOLUTIONAL)
def test_memory_of_training_is_what_torch_keeps(name: str) -> None:
    """Within a tenth of the memories that one forward pass leaves for the backward pass, each counted once."""
    plan = specbuild.infer(ROOT / "specs" / f"{name}.yaml")
    size = 1 if name in LARGE else 4
    size += any(step.type.startswith("BatchNorm") for step in plan.layers())  # torch wants more than one value
    model = specbuild.build(plan).train()
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, torch.UntypedStorage] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        output = model(*batch(plan, size, "cpu"))
    kept[output.untyped_storage().data_ptr()] = output.untyped_storage()
    measured = sum(storage.nbytes() for storage in kept.values())
    assert memory_of(plan).kept * size == pytest.approx(measured, rel=0.1)
