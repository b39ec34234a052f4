"""What goes out to where specbuild is not, and what comes in from there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from specbuild.api.documents import Document, load
from specbuild.api.runs import reload
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import RunError, SpecError
from specbuild.network.inference import infer as infer_plan

if TYPE_CHECKING:
    from torch import nn

    from specbuild.exporting.export import Export
    from specbuild.importing.finishing import Imported
    from specbuild.importing.state_dicts import Converted
    from specbuild.runs.run import Run


def export(
    document: Document | Run,
    to: str,
    output: str | os.PathLike[str] | None = None,
    overrides: Iterable[str] = (),
    *,
    weights: Literal["best", "last"] = "best",
    opset: int | None = None,
    training: bool = False,
    force: bool = False,
) -> Export:
    """Write a network for use where specbuild is not installed, and hold what the file gives against the network.

    document: a run's folder, a `Run`, whose weights are those that it was reloaded with, or a document; a network
    that was not trained has the weights that training would begin with, under `train.seed`.
    to: `python`, `onnx`, `torch` (a torch.export program), `safetensors` or `pth` (a plain `state_dict`).
    output: the file; by default the document's name in the working directory, with the format's ending.
    weights: of a run's folder, the best epoch's or the last one's. opset: of ONNX. training: whether Python source
    also has data, loss, optimizer and loop. force: whether a file that is there is written over.
    Raises `SpecError` or `RunError`: SB506 what cannot be written, SB511 a file that gives another output, which
    is then not there, SB512 what the format cannot express.
    """
    from specbuild.exporting import export as exporting
    from specbuild.exporting.subject import of_run, of_spec
    from specbuild.runs.run import Run as Reloaded

    if isinstance(document, (str, os.PathLike)) and os.path.isdir(document):
        document = reload(document, weights)
    if isinstance(document, Reloaded):
        if overrides := [*overrides]:
            message = f"a run is exported as it was trained, not with --set {overrides[0]}"
            raise RunError([Diagnostic("SB512", message, file=str(document.path), fix="leave it out, or train so")])
        subject = of_run(document)
    else:
        spec = load(document, overrides)
        plan = infer_plan(spec)
        try:
            subject = of_spec(spec, plan)
        except SpecError as error:
            raise SpecError(spec.place(error.diagnostics)) from None
    return exporting.export(subject, to, output, exporting.Choices(opset, training), force=force)


def from_module(module: nn.Module, input: Any, name: str | None = None) -> Imported:
    """The spec of an `nn.Module`, proven by a forward pass of both: equal keys, outputs equal bit for bit.

    input: the shape of one sample, `[3, 224, 224]`; `{"shape": [128], "dtype": "int64"}`; or a dict of such by
    the names in `forward`. name: the document's; by default the class's.
    Of what it returns `text` is the YAML, `json` the JSON, `spec`, `plan` and `network` what comes of it.
    Raises `RunError`: SB516 with all that a spec cannot say, SB515 for a module that does not run on such an input.
    """
    from specbuild.importing import modules

    return modules.from_module(module, modules.types_of(input), name)


def import_model(source: str, input: Any = None, arguments: Mapping[str, Any] | None = None) -> Imported:
    """The spec of `torchvision:NAME`, `FILE.py:FACTORY`, `PACKAGE.MODULE:FACTORY`, `FILE.pt2` or `FILE.onnx`.

    The Python file or the module is imported, and its factory called with `arguments`; input: as in `from_module`, by
    default an image of the size that torchvision's classifiers take; of an ONNX file the sizes that it leaves open. How
    parameters begin is noted while a factory makes them.
    Raises `RunError` (SB515, SB516).
    """
    from specbuild.importing.sources import from_source

    return from_source(source, input, arguments)


def convert(path: str | os.PathLike[str], output: str | os.PathLike[str] | None = None) -> Converted:
    """A `state_dict` that torch has pickled, as `.pth` has it, written as safetensors; nothing in it is run.

    output: by default beside it, written over where it is there. Of what it returns `notes` say how the weights were
    found. Raises `RunError`: SB517 for a file that holds none, SB506 for one that cannot be written.
    """
    from specbuild.importing.state_dicts import converted

    return converted(path, output)
