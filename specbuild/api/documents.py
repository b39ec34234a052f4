"""A document: read, judged, mended, explained, built."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecbuildError, SpecError
from specbuild.language.document import Spec
from specbuild.language.loading import load as load_document
from specbuild.language.source import Source
from specbuild.network.checking import judge
from specbuild.network.inference import infer as infer_plan
from specbuild.network.plan import Plan

if TYPE_CHECKING:
    from torch import nn

    from specbuild.language.fixing import Fixed
    from specbuild.network.difference import Difference
    from specbuild.reports.explanation import Explanation

Document = str | os.PathLike[str] | Mapping[str, Any] | Source | Spec
"""A path, a text (one with a line break, or that begins with `{`), a dict, or what `load` returned."""


def load(document: Document, overrides: Iterable[str] = ()) -> Spec:
    """The validated document; raises `SpecError` with everything that is wrong with its form.

    overrides: texts such as `layers.conv1.out_channels=64`, as `--set` takes them.
    """
    return document if isinstance(document, Spec) else load_document(document, overrides)


def check(
    document: Document,
    overrides: Iterable[str] = (),
    *,
    data: bool = False,
    data_root: str | os.PathLike[str] | None = None,
) -> tuple[Diagnostic, ...]:
    """All that is wrong with a document, in the order it is written; empty if nothing is.

    Judges form, shapes, the loss and what is known of the data without touching it. Imports no torch.

    data: whether the sources of `weights` and the splits are opened, too, and held against the network; of files and
    runs that weights come from the header is read. data_root: what relative paths of the data are relative to.
    """
    if not data:
        return judge(document, overrides)
    try:
        spec = load(document, overrides)
    except SpecError as error:
        return error.diagnostics
    found = judge(spec)
    if any(diagnostic.severity == "error" for diagnostic in found):
        return found
    from specbuild.runs.transfer import held

    plan = infer_plan(spec)
    try:
        held(spec, plan, verified=False)
        if spec.data is not None:
            from specbuild.training.loop import looked_at

            looked_at(spec, plan, data_root)
    except SpecbuildError as error:
        return (*found, *error.diagnostics)
    return found


def fix(document: str | os.PathLike[str] | Source) -> tuple[str, tuple[Diagnostic, ...]]:
    """The text of a document with every mistake mended whose mend is certain, and what is still wrong with it.

    Comments and layout stay. Writes nothing. Raises `SpecError` for a file that cannot be read as text.
    """
    from specbuild.language.source import text_of

    fixed = mend(*text_of(document))
    return fixed.text, fixed.diagnostics


def mend(text: str, name: str) -> Fixed:
    """A text with all that is certain mended, what was mended and what remains; name: as diagnostics show it."""
    from specbuild.language.fixing import fixed

    return fixed(text, name, judge)


def formatted(text: str, name: str = "<text>") -> str:
    """A document's text in its settled form; what it means and its comments stay. Raises `SpecError`.

    name: as diagnostics show it; `.json`, `.yaml` or `.yml` says what it is read as.
    """
    from specbuild.formatting.formatting import formatted as made

    return made(text, name)


def explain(code: str) -> Explanation:
    """What a diagnostic's code means, with an example; `str` of it is what `specbuild explain` prints.

    Raises `ValueError` for a code that is not there. Imports no torch.
    """
    from specbuild.reports.explanation import explanation_of

    return explanation_of(code)


def infer(document: Document, overrides: Iterable[str] = ()) -> Plan:
    """The plan: every layer with its types, parameters and cost. Raises `SpecError`. Imports no torch."""
    return infer_plan(load(document, overrides))


def diff(a: Document, b: Document) -> Difference:
    """What changed in meaning from one document to another; false if nothing did. Imports no torch.

    Raises `SpecError` with what is wrong with either of them.
    """
    from specbuild.network.difference import difference

    problems: list[Diagnostic] = []
    found: list[tuple[Spec, Plan]] = []
    for document in (a, b):
        try:
            spec = load(document)
            found.append((spec, infer_plan(spec)))
        except SpecError as error:
            problems += error.diagnostics
    if problems:
        raise SpecError(problems)
    (old, old_plan), (new, new_plan) = found
    return difference(old, old_plan, new, new_plan)


def build(document: Document | Plan, overrides: Iterable[str] = ()) -> nn.Sequential:
    """The network as a plain `nn.Sequential` of named layers, with torch's own initial weights, or the document's.

    Raises `SpecError`, also (SB311) for weights that are larger than this machine's memory; and `DataError` for a
    source of `weights` that cannot be read (SB517) or does not fit (SB416). A Plan has no such sources.
    """
    from specbuild.network.compile import build as build_plan
    from specbuild.network.cost import memory_here, require_memory

    if isinstance(document, Plan):
        require_memory(document, memory_here())
        return build_plan(document)
    spec = load(document, overrides)
    plan = infer_plan(spec)
    try:
        require_memory(plan, memory_here())
    except SpecError as error:
        raise SpecError(spec.place(error.diagnostics)) from None
    network = build_plan(plan, spec)
    if spec.weights:
        from specbuild.runs.taking import take
        from specbuild.runs.transfer import held

        take(network, held(spec, plan))
    return network
