"""Lines that make several layers: what is certain of one of them need not be of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.language.document import Node


def certain(problems: Sequence[Diagnostic], nodes: Iterable[Node]) -> list[Diagnostic]:
    """The problems, without the edits that not all layers of a written line ask for."""
    if all(problem.edit is None for problem in problems):
        return [*problems]
    made = Counter(layers_of(nodes))
    asked = Counter((problem.path, repr(problem.edit)) for problem in problems)
    return [
        problem
        if problem.edit is None or asked[problem.path, repr(problem.edit)] == layers_at(problem.path, made)
        else without_edit(problem)
        for problem in problems
    ]


def layers_of(nodes: Iterable[Node]) -> Iterator[Path]:
    """Where each layer is written."""
    for node in nodes:
        if node.layer is None:
            yield from layers_of(node.children)
        else:
            yield node.path


def layers_at(path: Path, made: Counter[Path]) -> int:
    """How many layers the line makes that a path belongs to."""
    return next((made[path[:end]] for end in range(len(path), 0, -1) if path[:end] in made), 0)


def without_edit(problem: Diagnostic) -> Diagnostic:
    """The problem with a mend that is right for all layers of its line."""
    fix = f"leave `{problem.path[-1]}` out: it is inferred" if problem.code == "SB301" else problem.fix
    return replace(problem, fix=fix, edit=None)
