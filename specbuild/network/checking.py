"""The whole judgement of a document: form, shapes, and what is known of the data without touching it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecbuildError
from specbuild.language.document import Spec
from specbuild.language.loading import load
from specbuild.language.problems import few_warnings
from specbuild.language.source import Source
from specbuild.network.inference import infer
from specbuild.network.lint import warnings
from specbuild.network.pipeline import check_data
from specbuild.network.plan import Plan


def judge(
    document: str | os.PathLike[str] | Mapping[str, Any] | Source | Spec, overrides: Iterable[str] = ()
) -> tuple[Diagnostic, ...]:
    """All that is wrong with a document, in the order it is written; empty if nothing is."""
    try:
        spec = document if isinstance(document, Spec) else load(document, overrides)
    except SpecbuildError as error:
        return error.diagnostics
    try:
        plan = infer(spec)
    except SpecbuildError as error:
        problems = [*error.diagnostics, *check_data(spec, None)]
        return told(spec, spec.warnings, problems, whole=False)
    settled, misfits = spec, tuple[Diagnostic, ...]()
    if plan.dims:
        from specbuild.network.settling import at_data  # few documents leave sizes open

        settled, misfits = at_data(spec)
        plan = infer(settled)
    problems = [*misfits, *check_data(settled, plan)]
    odd = chain(spec.warnings, without_rules(plan), () if problems else warnings(settled, plan))
    return told(spec, odd, problems, whole=not problems)


def told(
    spec: Spec, odd: Iterable[Diagnostic], problems: Iterable[Diagnostic], *, whole: bool
) -> tuple[Diagnostic, ...]:
    """What was found, at its place, without the warnings that the document silences; whole: whether all are there."""
    if not spec.ignored and all("ignore" not in part.text.lower() for part in spec.source.parts):
        return spec.place([*few_warnings(odd), *problems])
    from specbuild.network.lint.silencing import silenced  # few documents pay for it

    return silenced(spec, odd, problems, whole=whole)


def without_rules(plan: Plan) -> Iterator[Diagnostic]:
    """SB803 for each line with a layer that was run to see what it gives."""
    told = set()
    for step in plan.layers():
        if step.layer is not None and step.layer.measured and step.path not in told:
            told.add(step.path)
            yield Diagnostic(
                "SB803", f"{step.type} states no rule: it was run on torch's meta device, and gave {step.output}",
                step.path, instance=step.name, fix="give its class an `infer`",
            )  # fmt: skip
