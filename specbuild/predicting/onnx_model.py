"""An exported ONNX file as what predicts, by ONNX Runtime. Imports no torch."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from specbuild.data.failure import first_line
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError, RunError, SpecError
from specbuild.language.budgets import MAX_BYTES
from specbuild.language.document import Spec
from specbuild.language.loading import alone, load
from specbuild.language.source import read_bytes
from specbuild.network.inference import infer
from specbuild.network.plan import Plan
from specbuild.predicting import pixels
from specbuild.predicting.form import form_of
from specbuild.predicting.given import Array

SPEC, PREPROCESSING, LABELS = (f"specbuild.{key}" for key in ("spec", "preprocessing", "labels"))
"""What `specbuild export` puts into the file's metadata, as JSON: the resolved document, what was learned of train's
samples, and the names of the classes."""
EXPORT = "specbuild export RUN --to onnx, which writes them"
BATCH = 64


class OnnxNetwork:
    """The network of a file, and the validation's transforms as NumPy and Pillow do them."""

    def __init__(self, path: Path, device: str | None = None) -> None:
        """Raises `RunError`: SB513 no file, SB514 a file that cannot be predicted with; `DataError` (SB407)."""
        self.path = path
        self.session = opened(path, device)
        known = self.session.get_modelmeta().custom_metadata_map
        spec, plan = self.document(known)
        labels = self.json(known, LABELS)
        samples = {"classes": labels}
        learned = self.json(known, PREPROCESSING)
        self.form = form_of(spec, plan, str(path), learned if isinstance(learned, dict) else None, samples)
        lacking = pixels.missing(self.form.transforms)
        if lacking is not None:
            message = f"its transforms have {lacking}, which is not done without torch"
            done = ", ".join(each.__name__ for each in pixels.APPLY)
            raise self.wrong(message, f"predict from the run; done here are {done}")
        self.fixed = fixed_batch(self.session)
        self.batch_size = self.fixed or (spec.data.loader_of("val").batch_size if spec.data is not None else BATCH)
        self.inputs = by_name(tuple(plan.inputs), [each.name for each in self.session.get_inputs()])
        self.outputs = by_name(tuple(plan.outputs), [each.name for each in self.session.get_outputs()])
        if len(self.inputs) != len(plan.inputs) or len(self.outputs) != len(plan.outputs):
            raise self.wrong("its inputs and outputs are not those of the document in it", EXPORT)

    def document(self, known: Mapping[str, str]) -> tuple[Spec, Plan]:
        """The document in the file."""
        text = known.get(SPEC)
        if text is None:
            raise self.wrong(f"it has no `{SPEC}` in its metadata, which says how inputs are prepared", EXPORT)
        try:
            spec = load(alone(read_bytes(text.encode()[: MAX_BYTES + 1], f"{self.path}: {SPEC}", "json")))
            return spec, infer(spec)
        except SpecError as error:
            raise self.wrong(f"the document in it is wrong: {error.diagnostics[0].message}", EXPORT) from None

    def json(self, known: Mapping[str, str], key: str) -> Any:
        """What the metadata say under a key; None where that is nothing."""
        try:
            return json.loads(known.get(key, "null"))
        except (ValueError, RecursionError):
            raise self.wrong(f"`{key}` in its metadata is not JSON", EXPORT) from None

    def wrong(self, message: str, fix: str | None = None) -> RunError:
        """SB514 for the file."""
        return RunError([Diagnostic("SB514", message, file=str(self.path), fix=fix)])

    def __call__(self, batch: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """The outputs of the inputs."""
        form, count = self.form, len(batch)
        if self.fixed and count > self.fixed:
            parts = [self(batch[k : k + self.fixed]) for k in range(0, count, self.fixed)]
            return {name: np.concatenate([part[name] for part in parts]) for name in form.plan.outputs}
        given = {}
        for name, kind in form.plan.inputs.items():
            rows = [each[name] for each in batch]
            if name == form.image and form.transforms:
                rows = [pixels.applied(form.transforms, row) for row in rows]
            if self.fixed:
                rows += [rows[-1]] * (self.fixed - count)
            given[self.inputs[name]] = np.stack(rows).astype(kind.dtype, copy=False)
        try:
            outputs = self.session.run([self.outputs[name] for name in form.plan.outputs], given)
        except Exception as error:  # of ONNX Runtime's own classes, which derive from nothing narrower
            raise self.wrong(f"ONNX Runtime cannot run it: {first_line(error)}") from None
        return {
            name: output[:count] if form.plan.outputs[name].batched else output
            for name, output in zip(form.plan.outputs, outputs, strict=True)
        }


def opened(path: Path, device: str | None) -> Any:
    """The file, ready to run."""
    if not path.is_file():
        message = "there is no such file"
        raise RunError([Diagnostic("SB514", message, file=str(path), fix="a run, or an exported .onnx file")])
    try:
        import onnxruntime
    except ImportError:
        message, fix = "ONNX Runtime, which runs it, is not installed", "pip install 'specbuild[export]'"
        raise RunError([Diagnostic("SB514", message, file=str(path), fix=fix)]) from None
    providers = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
    wanted = "cpu" if device in (None, "auto") else str(device)
    there = [name for name, provider in providers.items() if provider in onnxruntime.get_available_providers()]
    if wanted not in there:
        message = f"{wanted} is not there: ONNX Runtime here has {' and '.join(there)}"
        raise DataError([Diagnostic("SB407", message, file="--device", fix="leave it out")])
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=[providers[wanted]])
    except Exception as error:  # of ONNX Runtime's own classes, which derive from nothing narrower
        said = first_line(error).replace(str(path), "it")
        message = f"it is no ONNX file that ONNX Runtime loads: {said}"
        raise RunError([Diagnostic("SB514", message, file=str(path), fix=EXPORT)]) from None


def fixed_batch(session: Any) -> int | None:
    """How many inputs the file takes at once, where it takes no other number."""
    sizes = {each.shape[0] for each in session.get_inputs() if each.shape}
    size = next(iter(sizes)) if len(sizes) == 1 else None
    return size if type(size) is int else None


def by_name(wanted: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """What each of ours is called there: the same, or by its place."""
    if set(wanted) <= set(known):
        return {name: name for name in wanted}
    return dict(zip(wanted, known, strict=False)) if len(wanted) == len(known) else {}
