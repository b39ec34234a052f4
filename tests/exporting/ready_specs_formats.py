"""`python -m tests.exporting.ready_specs_formats`: every ready spec in every format, as a table.

Takes some minutes and gigabytes. Names of specs after it try those alone.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import torch

import specbuild
from tests.test_specs import ROOT, SPECS

FORMATS = ("onnx", "torch", "safetensors", "pth")


def main(names: list[str]) -> int:
    torch.set_num_threads(1)
    failed = 0
    print("| spec | " + " | ".join(FORMATS) + " |\n|---|" + "---|" * len(FORMATS))
    for path in [ROOT / "specs" / f"{name}.yaml" for name in names] or SPECS:
        cells = []
        for to in FORMATS:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    found = specbuild.export(path, to, Path(folder, f"it{ENDS[to]}"))
                    cells.append("bit for bit" if "bit for bit" in found.parity else f"{found.largest_difference:.1e}")
                except specbuild.SpecbuildError as error:
                    failed += 1
                    cells.append(str(error))
        print(f"| {path.stem} | " + " | ".join(cells) + " |", flush=True)
    return int(failed > 0)


ENDS = {"onnx": ".onnx", "torch": ".pt2", "safetensors": ".safetensors", "pth": ".pth"}

if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
