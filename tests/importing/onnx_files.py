"""What `import` makes of the ready specs' ONNX files: `python -m tests.importing.onnx_files`.

Prints a table. Names of specs as arguments; all of them without. Most of the large ones are made smaller.
"""

from __future__ import annotations

import gc
import sys
import tempfile
import time
import warnings
from pathlib import Path

import specbuild
from specbuild import api
from specbuild.errors import SpecbuildError
from tests.importing.test_round_trip import SMALLER, SPECS

HEAD = ("spec", "lines", "parameters", "outputs")
OTHER = {"unet": ["vars.base=8", "input=[3, 64, 64]"], "alexnet": []}
"""Sizes for which torch's exporter writes a pooling as one."""


def row(name: str, folder: Path) -> tuple[str, ...]:
    """A line of the table: what the spec is like that comes back, or why there is none."""
    try:
        exported = specbuild.export(specbuild.load(SPECS / f"{name}.yaml", OTHER.get(name, SMALLER.get(name, []))),
                                    "onnx", folder / f"{name}.onnx")  # fmt: skip
    except SpecbuildError as error:
        return name, "", "", f"not exported: {error.diagnostics[0].message}"
    try:
        found = api.import_model(str(exported.file))
    except SpecbuildError as error:
        first, *more = error.diagnostics
        return name, "", "", first.message + (f" (and {len(more)} more)" if more else "")
    return name, str(len(found.text.splitlines())), f"{found.plan.parameters():,}", found.proof


def main(names: list[str]) -> None:
    """Print the table, a line as it is found, and how many come back."""
    warnings.simplefilter("ignore")
    names = names or sorted(path.stem for path in SPECS.glob("*.yaml"))
    print(f"| {' | '.join(HEAD)} |\n|{'|'.join(' --- ' for _ in HEAD)}|", flush=True)
    good = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            began = time.perf_counter()
            found = row(name, Path(folder))
            good += bool(found[1])
            print(f"| {' | '.join(found)} |", flush=True)
            print(f"{name}: {time.perf_counter() - began:.1f} s", file=sys.stderr)
            gc.collect()
    print(f"\n{good} of {len(names)} ready specs come back.", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
