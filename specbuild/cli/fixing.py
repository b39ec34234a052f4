"""What `specbuild check --fix` does."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from specbuild.cli.checking import conclude, show_one
from specbuild.cli.output import DiagnosticFormat, Format, echo
from specbuild.diagnostics.diagnostic import Diagnostic, path_text
from specbuild.errors import SpecError

MARK = "\ufeff".encode()


def fix_specs(specs: Sequence[str], format: Format | DiagnosticFormat, *, strict: bool = False) -> None:
    """Mend each, and print what was mended and what remains; ends the process with `FAILED` where errors do."""
    found: list[Diagnostic] = []
    for name in specs:
        try:
            made, diagnostics = fix_one(name)
        except SpecError as error:
            made, diagnostics = (), error.diagnostics
        if strict:
            diagnostics = tuple(replace(diagnostic, strict=True) for diagnostic in diagnostics)
        found += diagnostics
        aside = name == "-"
        for mended in made:
            echo(f"{mended.place}: fixed {mended.code}: {told(mended)}", err=aside or format != "text")
        if format == "text":
            show_one(name, diagnostics, err=aside)
    conclude(found, format, err="-" in specs)


def fix_one(name: str) -> tuple[tuple[Diagnostic, ...], tuple[Diagnostic, ...]]:
    """What was mended in a file, which is written anew, and what remains."""
    from specbuild.api import mend
    from specbuild.language.decoding import bytes_of, decoded, shown_name

    path = os.path.expanduser(name)
    shown = "<stdin>" if name == "-" else shown_name(path)
    data = sys.stdin.buffer.read() if name == "-" else bytes_of(path)
    try:
        text = decoded(data, shown)
    except SpecError:
        if name == "-":
            write_out(data)
        raise
    fixed = mend(text, shown)
    content = (MARK if data.startswith(MARK) else b"") + fixed.text.encode()
    if name == "-":
        write_out(content)
    elif content != data:
        write_anew(path, content)
    return fixed.made, fixed.diagnostics


def told(mended: Diagnostic) -> str:
    """What a mend did: `in_features: 8192`, or `chanels is channels`."""
    edit = mended.edit
    assert edit is not None
    assert mended.replacement is not None
    if edit.target == "text" or not edit.path:
        return mended.fix or mended.replacement.text
    if edit.target == "key":
        return f"`{edit.path[-1]}` is now `{edit.value}`"
    last = edit.path[-1]
    return f"{last if isinstance(last, str) else path_text(edit.path[-2:])}: {mended.replacement.text.strip()}"


def write_out(content: bytes) -> None:
    """Bytes to standard output, as they are."""
    sys.stdout.buffer.write(content)
    sys.stdout.buffer.flush()


def write_anew(name: str, content: bytes) -> None:
    """The file with another content and the same mode, whole or as it was; a link stays one, to the new content."""
    path = os.path.realpath(name)
    folder = os.path.dirname(path)
    beside = None
    try:
        mode = stat.S_IMODE(os.stat(path).st_mode)
        if not mode & 0o222:
            raise PermissionError(0, "nobody may write to it")
        descriptor, beside = tempfile.mkstemp(prefix=f".{os.path.basename(path)}.", suffix=".new", dir=folder)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.chmod(beside, mode)
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        message = f"the new document cannot be written: {(error.strerror or str(error)).lower()}"
        fix = f"chmod u+w {name}" if isinstance(error, PermissionError) and error.errno == 0 else None
        raise SpecError([Diagnostic("SB112", message, fix=fix, file=name)]) from None
    finally:
        if beside is not None:
            with suppress(FileNotFoundError):
                os.unlink(beside)
