from __future__ import annotations

import subprocess
import sys

from specbuild.data.vision import torchvision


def test_it_is_one_module() -> None:
    assert torchvision() is sys.modules["torchvision"]
    assert torchvision().datasets is sys.modules["torchvision.datasets"]


def test_it_imports_without_its_compiled_part() -> None:
    """As where a torchvision for another torch is installed; the parts that specbuild uses work."""
    code = """
import sys
sys.modules["torchvision._C"] = None
from specbuild.data.vision import torchvision
import torch
print(torchvision().transforms.v2.functional.horizontal_flip(torch.tensor([[[1, 2]]])).tolist())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("[[[2, 1]]]\n", 0), done.stderr
