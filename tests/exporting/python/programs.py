"""Programs that train, run in an interpreter that cannot import specbuild, and what specbuild makes of the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import specbuild
from specbuild.exporting.python import beside, source

RUNNER = """
import contextlib, io, json, os, runpy, sys, traceback, warnings
from pathlib import Path
from specbuild.data.vision import torchvision

torchvision()  # declares what a build of it may lack
for name in [name for name in sys.modules if name.partition(".")[0] == "specbuild"]:
    del sys.modules[name]

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "specbuild":
            raise ImportError("specbuild is not here")

sys.meta_path.insert(0, Refusing())
import torch
torch.set_num_threads(1)
warnings.simplefilter("error")
warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step|.*epoch parameter in|.*align should be passed")
found = {}
for folder in sorted(Path(sys.argv[1]).iterdir()):
    if not (folder / "program.py").is_file():
        continue
    os.chdir(folder)
    sys.argv = ["program.py", *sys.argv[2:]]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            runpy.run_path("program.py", run_name="__main__")
        found[folder.name] = [said.getvalue(), None]
    except BaseException:
        found[folder.name] = [said.getvalue(), traceback.format_exc()]
    torch.use_deterministic_algorithms(False)
    sys.argv = ["", str(folder.parent)]
print(json.dumps(found))
"""


class Done(NamedTuple):
    """What a program said, and what it failed with."""

    said: str
    failed: str | None

    @property
    def epochs(self) -> list[dict[str, float]]:
        """The numbers of each epoch."""
        lines = [line for line in self.said.splitlines() if line.startswith("epoch ")]
        return [numbers(line.partition(": ")[2].partition(" ")[2]) for line in lines]


def numbers(line: str) -> dict[str, float]:
    """`loss 0.5, accuracy 0.9` by name."""
    return {name: float(value) for name, _, value in (part.rpartition(" ") for part in line.split(", "))}


def written(document: Any, folder: Path, overrides: list[str] | None = None) -> str:
    """The program of a document in a folder, with what stands beside it."""
    folder.mkdir(exist_ok=True)
    spec = specbuild.load(document, overrides or [])
    text = source(spec, specbuild.infer(spec), training=True, weights="program.safetensors")
    (folder / "program.py").write_text(text, encoding="utf-8")
    for name, content in beside(spec, "program.safetensors").items():
        (folder / name).write_bytes(content)
    return text


def run_programs(folder: Path, arguments: tuple[str, ...] = ()) -> dict[str, Done]:
    """What the programs in the folders of a folder said, by the folders' names."""
    env = {"PYTHONPATH": str(Path(specbuild.__file__).parents[1]), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", RUNNER, str(folder), *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name: Done(*found) for name, found in json.loads(done.stdout.splitlines()[-1]).items()}
