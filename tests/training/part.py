"""One of several processes of tests/training/test_distribution.py: trains each document of a folder in turn."""

from __future__ import annotations

import sys
from pathlib import Path

from specbuild.api import load
from specbuild.training.loop import trained
from specbuild.training.meeting import joined

if __name__ == "__main__":
    with joined() as world:
        for document in sorted(Path(sys.argv[1]).glob("*.yaml")):
            written = trained(load(document), run=document.with_suffix(".run"), world=world)
            assert (written is not None) == world.writer
