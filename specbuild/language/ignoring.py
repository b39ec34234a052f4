"""`ignore`: the warnings that a document does without."""

from __future__ import annotations

import re
from typing import Any

from specbuild.diagnostics.codes.lint import LINT
from specbuild.diagnostics.diagnostic import Diagnostic, Edit, Path
from specbuild.diagnostics.suggest import nearest
from specbuild.language.parsing import Failed, shown

ERROR = re.compile(r"SB[1-7]\d\d")
SLIPS = str.maketrans("OIL", "011")
"""Letters that are taken for digits."""


def meant_code(written: str) -> str | None:
    """The code of a warning that was probably meant by another text."""
    known = [code.code for code in LINT]
    digits = re.sub(r"\D", "", written.upper().translate(SLIPS))
    if len(digits) == 2:
        digits = f"{digits[0]}0{digits[1]}"
    return f"SB{digits}" if f"SB{digits}" in known else nearest(written, known)


def ignored_of(raw: Any, problems: list[Diagnostic]) -> tuple[str, ...]:
    """The codes under `ignore`; what is no code of a warning is reported."""
    if isinstance(raw, Failed):
        return ()
    if not isinstance(raw, list):
        message = f"`ignore` must be a list of the codes of warnings; got {shown(raw)}"
        fix = f"ignore: [{raw}]" if isinstance(raw, str) else "ignore: [SB808]"
        problems.append(Diagnostic("SB203", message, ("ignore",), fix=fix))
        return ()
    known = [code.code for code in LINT]
    for index, code in enumerate(raw):
        if code in known or isinstance(code, Failed):
            continue
        path: Path = ("ignore", index)
        edit = None
        if isinstance(code, str) and ERROR.fullmatch(code):
            message, fix = f"{code} is an error: warnings alone (SB8xx) can be ignored", "mend what it says"
        else:
            meant = meant_code(str(code))
            message = f"there is no warning called {shown(code)}"
            fix = f"did you mean {meant}?" if meant else f"a code of a warning: {known[0]} to {known[-1]}"
            if meant is not None and str(code).upper() in (meant, meant[2:]):
                edit = Edit(path, meant)
        problems.append(Diagnostic("SB203", message, path, fix=fix, edit=edit))
    return tuple(code for code in raw if code in known)
