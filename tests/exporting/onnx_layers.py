"""`python -m tests.exporting.onnx_layers`: every layer of the catalogue as ONNX and as a torch.export program.

Writes docs/onnx_layers.md: what cannot be exported, in the words of torch and of ONNX Runtime. Takes some minutes.
Names of layers after it try those alone, print what was found, and write nothing.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from specbuild.catalogue.layers import LAYERS
from specbuild.exporting.parity import Parity
from tests.exporting.layers import documents, tried

PAGE = Path(__file__).resolve().parents[2] / "docs" / "onnx_layers.md"
NAMES = {"onnx": "ONNX", "torch": "torch.export"}


def main(kinds: list[str]) -> int:
    torch.set_num_threads(1)
    count, refused, wrong = 0, {to: [] for to in NAMES}, 0  # type: ignore[var-annotated]
    for kind in kinds or sorted(LAYERS):
        for document in documents(kind):
            (layer,) = document["layers"]
            written = layer if isinstance(layer, str) else json.dumps(layer).replace('"', "")
            count += 1
            for to in NAMES:
                found = tried(document, to)
                if isinstance(found, Parity):
                    print(f"{NAMES[to]:13}{written}: {found}", flush=True)
                    continue
                wrong += found.startswith("SB511")
                print(f"{NAMES[to]:13}{written}: {found}", flush=True)
                refused[to].append((written, found.partition(": ")[2]))
    lines = [
        "# Layers that ONNX lacks", "",
        f"Every example of every layer of the catalogue, {count} of {len(kinds or LAYERS)} layers, was exported with "
        f"torch {torch.__version__.partition('+')[0]}, in opset 20, and held against the network on batches of 1 and 3."
        " All but these are in parity. The words are torch's and ONNX Runtime's own; such a network can be exported as "
        "Python source. Made by `python -m tests.exporting.onnx_layers`.",
    ]  # fmt: skip
    for to, name in NAMES.items():
        lines += ["", f"## {name}: {count - len(refused[to])} of {count}", "", "| layer | why not |", "|---|---|"]
        lines += [f"| `{written}` | {words.replace('|', chr(92) + '|')} |" for written, words in refused[to]]
    if not kinds:
        PAGE.write_text("\n".join(lines) + "\n")
    print(f"{count} examples; " + ", ".join(f"{len(refused[to])} not in {name}" for to, name in NAMES.items()))
    return int(wrong > 0)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
