"""What `import` makes of torchvision's classification models: `python -m tests.importing.torchvision_models`.

Prints a table. Names of models as arguments; all of them without. The largest take gigabytes of memory.
"""

from __future__ import annotations

import gc
import sys
import warnings

import torch

from specbuild.data.vision import torchvision
from specbuild.errors import SpecbuildError
from specbuild.importing.sources import from_source

HEAD = ("model", "lines", "keys", "outputs")


def row(name: str) -> tuple[str, ...]:
    """A line of the table: what the spec is like, or why there is none."""
    try:
        found = from_source(f"torchvision:{name}")
    except SpecbuildError as error:
        first, *more = error.diagnostics
        return name, "", "", first.message + (f" (and {len(more)} more)" if more else "")
    keys = len(found.network.state_dict())
    return name, str(len(found.text.splitlines())), f"{keys} equal", "bit-equal"


def main(names: list[str]) -> None:
    """Print the table, a line as it is found, and how many models there are."""
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    models = torchvision().models
    names = names or models.list_models(module=models)
    print(f"| {' | '.join(HEAD)} |\n|{'|'.join(' --- ' for _ in HEAD)}|", flush=True)
    good = 0
    for name in names:
        found = row(name)
        good += bool(found[1])
        print(f"| {' | '.join(found)} |", flush=True)
        gc.collect()
    print(f"\n{good} of {len(names)} models are imported.", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
