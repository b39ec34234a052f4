"""Generate networks, check them, repair them, train them: a program that knows nothing but JSON.

python examples/generate_family.py [--train N]

It imports nothing but the standard library, and runs the command `specbuild`; SPECBUILD names it, if it is not on the
PATH. Some of what it generates is wrong on purpose, as what a search or a language model writes may be: what comes with
a certain mend is mended, at the place in the text that the diagnostic gives, and what is still wrong is dropped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SPECBUILD = os.environ.get("SPECBUILD", "specbuild")
ROUNDS = 5
"""How often the networks are checked and mended by turns."""


def network(name: str, layers: list[Any]) -> dict[str, Any]:
    """A classifier of the digits that come with specbuild."""
    return {
        "specbuild": 1,
        "name": name,
        "input": [1, 8, 8],
        "layers": layers,
        "loss": "CrossEntropyLoss",
        "optimizer": {"type": "Adam", "lr": 0.003},
        "metrics": ["accuracy"],
        "data": {
            "train": {"dataset": "Digits", "transforms": ["ToTensor"], "loader": {"batch_size": 32}},
            "val": {"split": 0.2},
        },
        "train": {"epochs": 3, "seed": 0},
    }


def convolution(channels: int, kernel_size: int = 3) -> list[Any]:
    return [{"type": "Conv2d", "out_channels": channels, "kernel_size": kernel_size}, "ReLU"]


def family() -> dict[str, str]:
    """The documents by name, as text; comments say what is wrong with some."""
    head: list[Any] = ["Flatten", {"name": "head", "type": "Linear", "out_features": 10}]
    pool = {"type": "MaxPool2d", "kernel_size": 2}
    texts = {
        name: json.dumps(network(name, layers), indent=2)
        for name, layers in {
            "narrow": [*convolution(4), pool, *head],
            "wide": [*convolution(16), pool, *head],
            "deep": [*convolution(8), *convolution(16), pool, *head],
            # a size that does not follow from the layers before
            "counted": [*convolution(8), pool, "Flatten", {"type": "Linear", "in_features": 512, "out_features": 10}],
            # a key and a type that are misspelt
            "misspelt": [{"type": "Conv2D", "out_chanels": 8, "kernel_size": 3}, "Relu", pool, *head],
            # a window that is larger than what is left of the image: nobody can say what was meant
            "large": [*convolution(8, 5), *convolution(8, 5), *head],
        }.items()
    }
    # a comma too many
    texts["trailing"] = json.dumps(network("trailing", [*convolution(8), pool, *head])).replace("10}]", "10},]")
    # a text that ends too early
    texts["unfinished"] = json.dumps(network("unfinished", head))[:-40]
    return texts


def run(*arguments: str) -> tuple[int, Any]:
    """The exit status of a command and the JSON that it printed; an end that is no verdict ends this program."""
    done = subprocess.run([SPECBUILD, *arguments, "--format", "json"], capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"specbuild {arguments[0]} ended with status {done.returncode}: {done.stderr}")
    return done.returncode, json.loads(done.stdout or done.stderr or "null")


def mended(text: str, edits: list[dict[str, Any]]) -> str:
    """The text with edits made: what stands from line and column up to their ends gives way to `text`."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    places = {
        (starts[edit["line"] - 1] + edit["column"] - 1, starts[edit["end_line"] - 1] + edit["end_column"] - 1): edit
        for edit in edits
        if edit["line"] is not None
    }
    for (start, end), edit in sorted(places.items(), reverse=True):  # from the end on, so that places stay right
        text = text[:start] + edit["text"] + text[end:]
    return text


def judged(folder: Path, names: list[str]) -> dict[str, list[dict[str, Any]]]:
    """What is wrong with each document, all of them in one call."""
    files = {str(folder / f"{name}.json"): name for name in names}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for diagnostic in run("check", *files)[1]:
        found[files[diagnostic["file"]]].append(diagnostic)
    return found


def repaired(folder: Path, texts: dict[str, str]) -> tuple[dict[str, list[str]], dict[str, list[dict[str, Any]]]]:
    """The codes of what was mended in each document, and what is still wrong; the files are mended."""
    made: dict[str, list[str]] = {name: [] for name in texts}
    left = judged(folder, [*texts])
    for _ in range(ROUNDS):
        certain = {
            name: [each for each in found if each["fix"] and each["fix"]["edit"]] for name, found in left.items()
        }
        again = [name for name, found in certain.items() if found]
        if not again:
            break
        for name in again:
            path = folder / f"{name}.json"
            path.write_text(mended(path.read_text(), [each["fix"]["edit"] for each in certain[name]]))
            made[name] += [each["code"] for each in certain[name]]
        left |= judged(folder, again)
    return made, left


def main(most: int) -> None:
    texts = family()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, text in texts.items():
            (folder / f"{name}.json").write_text(text)
        made, left = repaired(folder, texts)
        print(f"{'network':<11}{'repaired':<18}{'parameters':>10}  validation accuracy")
        for name in texts:
            wrong = [each for each in left[name] if each["severity"] == "error"]
            mends = " ".join(made[name])
            if wrong:
                print(f"{name:<11}{mends:<18}{'':>10}  dropped: {wrong[0]['code']} {wrong[0]['pointer']}")
                continue
            parameters = run("summary", str(folder / f"{name}.json"))[1]["parameters"]
            accuracy = ""
            if most > 0:
                most -= 1
                _, trained = run("train", str(folder / f"{name}.json"), "--run", str(folder / name))
                accuracy = f"{trained['best']['val_accuracy']:.3f}"
            print(f"{name:<11}{mends:<18}{parameters:>10,}  {accuracy}".rstrip())


if __name__ == "__main__":
    main(int(sys.argv[2]) if sys.argv[1:2] == ["--train"] else 1000)
