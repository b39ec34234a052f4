"""A network with its weights, written for use without specbuild, and tried before the file gets its name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError
from specbuild.exporting.parity import Parity
from specbuild.exporting.subject import Subject
from specbuild.runs.files import aside


@dataclass(frozen=True, slots=True)
class Export:
    """A file as it was written, and how near what it gives is to what the network gives."""

    file: Path
    format: str
    bytes: int
    sha256: str
    parity: str
    """What was found when the file was tried, in words."""
    largest_difference: float
    """Of two numbers of the outputs; 0 where all bits are equal."""
    weights: str
    """Whose they are, in words."""
    note: str = ""
    """What else is to be said of the file: `opset 20`."""
    beside: tuple[Path, ...] = ()
    """Other files that belong to it."""


class Choices(NamedTuple):
    """What one may choose, each about one format."""

    opset: int | None = None
    """Of ONNX."""
    training: bool = False
    """Whether Python source also has the data, the loss, the optimizer and the loop."""


class Form(NamedTuple):
    """A format: the end of a file's name, how one is written and tried, and what stands beside it."""

    suffix: str
    write: Callable[[Subject, Path, Choices], Parity]
    beside: str | None = None


def onnx(subject: Subject, path: Path, choices: Choices) -> Parity:
    """The operators of ONNX."""
    from specbuild.exporting.onnx import write

    return write(subject, path, choices.opset)


def program(subject: Subject, path: Path, choices: Choices) -> Parity:
    """A torch.export program."""
    from specbuild.exporting.program import write

    return write(subject, path)


def safetensors(subject: Subject, path: Path, choices: Choices) -> Parity:
    """The weights, with the document as metadata."""
    from specbuild.exporting.weights import write_safetensors

    return write_safetensors(subject, path)


def pth(subject: Subject, path: Path, choices: Choices) -> Parity:
    """A `state_dict` as torch saves it."""
    from specbuild.exporting.weights import write_pth

    return write_pth(subject, path)


def module(subject: Subject, path: Path, choices: Choices) -> Parity:
    """Python source, the weights beside it."""
    from specbuild.exporting.sourcing import write

    return write(subject, path, training=choices.training)


FORMS = {
    "python": Form(".py", module, ".safetensors"),
    "onnx": Form(".onnx", onnx),
    "torch": Form(".pt2", program),
    "safetensors": Form(".safetensors", safetensors),
    "pth": Form(".pth", pth),
}
TORCHSCRIPT = "torchscript"
LEAST_OPSET = 18
"""Of ONNX: torch's exporter has no operators for older ones."""


def export(
    subject: Subject,
    to: str,
    output: str | os.PathLike[str] | None = None,
    choices: Choices | None = None,
    *,
    force: bool = False,
) -> Export:
    """Write a network in a format; the file has its name only once it was read back and gave the same outputs.

    output: by default the document's name with the format's ending, in the working directory. force: whether a file
    that is there is written over. Raises `RunError`: SB506 what cannot be written, SB511 what gives another output,
    SB512 what the format cannot express.
    """
    try:
        return written(subject, to, output, choices or Choices(), force)
    except RunError as error:
        raise RunError([replace(found, file=found.file or subject.name) for found in error.diagnostics]) from None


def written(subject: Subject, to: str, output: str | os.PathLike[str] | None, choices: Choices, force: bool) -> Export:
    """The same; what is wrong with the network has no place yet."""
    if to == TORCHSCRIPT:
        raise RunError([no_torchscript()])
    form = FORMS[to]
    require_choices(to, choices)
    path = Path(output) if output is not None else Path(subject.spec.name + form.suffix)
    if not path.name:
        raise RunError([Diagnostic("SB506", "the file needs a name", fix=f"--output network{form.suffix}")])
    if path.suffix != form.suffix:
        message = f"a file for --to {to} ends in {form.suffix}; got {path.name}"
        raise RunError([Diagnostic("SB506", message, file=str(path), fix=f"--output {path.with_suffix(form.suffix)}")])
    others = [path.with_suffix(form.beside)] if form.beside else []
    if choices.training:
        from specbuild.exporting.python import beside

        others += [path.with_name(name) for name in beside(subject.spec, others[0].name)]
    for each in (path, *others):
        if each.is_dir() or (os.path.lexists(each) and not force):
            fix = "--output names another" if each.is_dir() else "--force writes over it; --output names another"
            message = "there is a folder of this name" if each.is_dir() else "something is there already"
            raise RunError([Diagnostic("SB506", message, file=str(each), fix=fix)])
    try:
        with aside(path, *(each.name for each in others)) as folder:
            parity = form.write(subject, folder / path.name, choices)
            size, digest = (folder / path.name).stat().st_size, sha256_of(folder / path.name)
    except OSError as error:
        message = f"cannot be written: {error.strerror or error}"
        raise RunError([Diagnostic("SB506", message, file=str(path))]) from None
    return Export(path, to, size, digest, str(parity), parity.largest, subject.origin, parity.note, tuple(others))


def require_choices(to: str, choices: Choices) -> None:
    """SB512 for what is chosen and says nothing about the format."""
    if choices.opset is not None:
        if to != "onnx":
            raise RunError([Diagnostic("SB512", f"--opset is of ONNX; --to {to} has none", fix="leave it out")])
        if choices.opset < LEAST_OPSET:
            message = f"torch's exporter writes opset {LEAST_OPSET} and newer ones; got {choices.opset}"
            raise RunError([Diagnostic("SB512", message, fix="leave it out")])
    if choices.training and to != "python":
        message = f"--to {to} holds a network, no training"
        raise RunError([Diagnostic("SB512", message, fix="--to python --with-training, or leave it out")])


def no_torchscript() -> Diagnostic:
    """SB512 with what torch itself says about it."""
    message = "torch has given TorchScript up: `torch.jit.save` is deprecated. Please switch to `torch.export`."
    return Diagnostic("SB512", message, fix="--to torch")


def sha256_of(path: Path) -> str:
    """Of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
