"""What every command shares: how failures are shown, and the exit status they give. Imports no typer."""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecbuildError

if TYPE_CHECKING:
    from specbuild.language.source import Source

F = TypeVar("F", bound=Callable[..., Any])

FAILED, INTERRUPTED = 1, 130

show_traceback = False
"""Set by `--traceback`."""


class Format(StrEnum):
    """How a command prints."""

    text = "text"
    json = "json"


class DiagnosticFormat(StrEnum):
    """How diagnostics are printed: for people, programs, GitHub Actions, and whatever reads SARIF 2.1.0."""

    text = "text"
    json = "json"
    github = "github"
    sarif = "sarif"


def source_of(argument: str) -> str | Source:
    """A path, or what standard input holds for `-`."""
    if argument != "-":
        return os.path.expanduser(argument)
    from specbuild.language.budgets import MAX_BYTES
    from specbuild.language.source import read_bytes

    return read_bytes(sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>")


def echo(text: str, *, err: bool = False) -> None:
    """Print a line, on standard error if asked for."""
    print(text, file=sys.stderr if err else sys.stdout, flush=True)


def live_long() -> None:
    """Collect garbage from here on; what has been imported is left alone."""
    gc.freeze()
    gc.enable()


def guarded(command: F) -> F:
    """The command, its failures shown as diagnostics on standard error and told by the exit status."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except SpecbuildError as error:
            if show_traceback:
                raise
            show(error.diagnostics, kwargs.get("format", Format.text), err=True)
            raise SystemExit(FAILED) from None
        except KeyboardInterrupt as interrupt:
            if str(interrupt):
                echo(str(interrupt), err=True)
            raise SystemExit(getattr(interrupt, "status", INTERRUPTED)) from None
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing more to flush
            raise SystemExit(FAILED) from None
        except Exception as error:
            if show_traceback or type(error).__module__.startswith("typer."):  # a wrong command line is typer's
                raise
            if isinstance(error, MemoryError) or ("memory" in str(error) and isinstance(error, RuntimeError)):
                echo(
                    f"error: this machine has too little memory for it: {error}\n"
                    "  = fix: a smaller batch_size, or a smaller network",
                    err=True,
                )
                raise SystemExit(FAILED) from None
            from specbuild.catalogue.failing import blame, suspects

            if (fact := blame(error)) is not None:
                fix = "`specbuild --traceback` shows the line in the plug-in"
                show([Diagnostic("SB315", fact, fix=fix)], kwargs.get("format", Format.text), err=True)
                raise SystemExit(FAILED) from None
            verify = "this is a defect of specbuild"
            if suspected := suspects():
                verify = f"`specbuild summary --verify` holds plug-ins ({suspected}) to what they say; if they keep it"
            echo(
                f"internal error: {type(error).__name__}: {error}\n"
                f"  = fix: {verify}: please report it with the output of "
                f"`specbuild --traceback {command.__name__.partition('_')[0]} ...`",
                err=True,
            )
            raise SystemExit(FAILED) from None

    return run  # type: ignore[return-value]


def show(diagnostics: Iterable[Diagnostic], format: Format | DiagnosticFormat, *, err: bool) -> None:
    """Print diagnostics: as text, one JSON array, workflow commands, or one SARIF log."""
    from specbuild.diagnostics import render

    if format == "json":
        print_json(render.as_json(tuple(diagnostics)), err=err)
    elif format == "github":
        from specbuild.diagnostics.github import commands

        if written := commands(diagnostics):
            echo(written, err=err)
    elif format == "sarif":
        from specbuild import __version__
        from specbuild.diagnostics.sarif import log

        print_json(log(diagnostics, __version__), err=err)
    else:
        colour, width = terminal(sys.stderr if err else sys.stdout)
        echo(render.text(diagnostics, width, colour=colour), err=err)


def terminal(stream: TextIO) -> tuple[bool, int]:
    """Whether to print in colours, and in how many columns; a pipe gets neither colours nor a width of its own."""
    from specbuild.diagnostics.render import WIDTH

    if not stream.isatty():
        return False, WIDTH
    import shutil

    colour = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return colour, shutil.get_terminal_size((WIDTH, 24)).columns


def print_json(value: Any, *, err: bool = False) -> None:
    """Print a value as JSON."""
    import json

    text = json.dumps(value, indent=2, ensure_ascii=False)
    if not text.isascii():
        text = "".join(c if c == "\n" or c.isprintable() else json.dumps(c)[1:-1] for c in text)
    echo(text, err=err)
