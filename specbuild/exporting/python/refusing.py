"""What the Python source of a training cannot say."""

from __future__ import annotations

from specbuild.diagnostics.diagnostic import Diagnostic, Path
from specbuild.errors import RunError
from specbuild.language.document import Spec

WITHOUT = "leave out --with-training"


def inexpressible(spec: Spec, what: str, path: Path, fix: str = WITHOUT) -> RunError:
    """SB512 with its place."""
    return RunError(spec.place([Diagnostic("SB512", f"Python source cannot express {what}", path, fix=fix)]))
