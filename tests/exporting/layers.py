"""The layers of the catalogue as documents of one layer each: the examples of their docs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import specbuild
from specbuild.exporting import onnx, program
from specbuild.exporting.parity import Parity
from specbuild.exporting.subject import Subject, of_spec
from specbuild.language.document import Spec
from tests.catalogue.test_layer_examples import document_of, examples

WRITERS: dict[str, Callable[[Subject, Path], Parity]] = {"onnx": onnx.write, "torch": program.write}
SUFFIXES = {"onnx": ".onnx", "torch": ".pt2"}


def documents(kind: str) -> Iterator[dict[str, Any]]:
    """One for each example of a layer."""
    for match in examples(kind):
        yield document_of(match)


def tried(document: dict[str, Any] | Spec, to: str) -> str | Parity:
    """How near the export of a document comes, or why there is none."""
    spec = specbuild.load(document)
    subject = of_spec(spec, specbuild.infer(spec))
    with tempfile.TemporaryDirectory() as folder:
        try:
            return WRITERS[to](subject, Path(folder, f"network{SUFFIXES[to]}"))
        except specbuild.RunError as error:
            return f"{error.diagnostics[0].code}: {error.diagnostics[0].message}"
