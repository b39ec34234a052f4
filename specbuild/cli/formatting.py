"""What `specbuild fmt` does."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NamedTuple

from specbuild.cli.fixing import MARK, write_anew, write_out
from specbuild.cli.output import FAILED, Format, echo, print_json, show
from specbuild.errors import SpecError


class Formatted(NamedTuple):
    """A document before and after."""

    shown: str
    before: bytes
    after: bytes

    @property
    def differs(self) -> bool:
        """Whether it was not in its form."""
        return self.before != self.after


def format_specs(specs: Sequence[str], format: Format, *, check: bool, diff: bool) -> None:
    """Put each in its form, and say which were not; ends the process with `FAILED` where one cannot be read.

    check, diff: nothing is written, and one that is not in its form fails as well.
    """
    from specbuild.diagnostics.render import as_json

    failed, told = False, list[dict[str, object]]()
    for name in specs:
        try:
            done = format_one(name)
            if not check and not diff:
                put(name, done)
        except SpecError as error:
            failed = True
            told.append({"file": name, "status": "failed", "diagnostics": as_json(error.diagnostics)})
            if format is Format.text:
                show(error.diagnostics, Format.text, err=True)
            continue
        failed = failed or ((check or diff) and done.differs)
        told.append({"file": done.shown, "status": "changed" if done.differs else "unchanged"})
        if diff:
            told[-1]["diff"] = difference(done)
        if format is Format.text:
            tell(done, name, check=check, diff=diff)
    if format is Format.json:
        print_json(told)
    if failed:
        raise SystemExit(FAILED)


def format_one(name: str) -> Formatted:
    """A document in its form; raises `SpecError`."""
    from specbuild.api import formatted
    from specbuild.language.budgets import MAX_BYTES
    from specbuild.language.decoding import bytes_of, decoded, shown_name

    path = os.path.expanduser(name)
    shown = "<stdin>" if name == "-" else shown_name(path)
    data = sys.stdin.buffer.read(MAX_BYTES + 1) if name == "-" else bytes_of(path)
    made = formatted(decoded(data, shown), shown)
    return Formatted(shown, data, (MARK if data.startswith(MARK) else b"") + made.encode())


def put(name: str, done: Formatted) -> None:
    """Write what was made: in place of the file, or to standard output."""
    if name == "-":
        write_out(done.after)
    elif done.differs:
        write_anew(os.path.expanduser(name), done.after)


def tell(done: Formatted, name: str, *, check: bool, diff: bool) -> None:
    """Say what was done, or what would be."""
    if diff and done.differs:
        echo(difference(done))
    if check and not diff:
        echo(f"{done.shown}: {'would be formatted' if done.differs else 'ok'}")
    elif not diff and name != "-":
        echo(f"{done.shown}: {'formatted' if done.differs else 'unchanged'}")


def difference(done: Formatted) -> str:
    """What would change, as a unified diff; empty where nothing would."""
    from difflib import unified_diff

    before, after = (content.decode().splitlines() for content in (done.before, done.after))
    return "\n".join(unified_diff(before, after, done.shown, done.shown, lineterm=""))
