"""The way in: what has to happen before anything large is imported."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import suppress
from types import ModuleType


def without_pydantic_plugins() -> None:
    """Pydantic would import what any installed package offers as its plug-in; nothing is imported that nobody named.

    With the documented switch alone it still imports what looks for them, a tenth of the time of a short command.
    """
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    loader = ModuleType("pydantic.plugin._loader")
    loader.get_plugins = tuple  # type: ignore[attr-defined]
    sys.modules.setdefault(loader.__name__, loader)


def main() -> None:
    """Run the command line."""
    without_pydantic_plugins()
    gc.disable()  # looking for garbage takes a tenth of the time of `check`; commands that live long enable it
    for stream in (sys.stdout, sys.stderr):  # a terminal of another encoding shows `?`, not a traceback
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    command, *arguments = sys.argv[1:] or [""]
    is_json = arguments[-2:] == ["--format", "json"]
    specs = arguments[:-2] if is_json else arguments
    if command == "check" and specs and not any(name.startswith("-") and name != "-" for name in specs):
        # the ways that are gone most, by people and by programs: with no option to read, a quarter of the time is saved
        from specbuild.cli.checking import check_specs
        from specbuild.cli.output import Format, guarded

        guarded(check_specs)(specs, (), format=Format.json if is_json else Format.text)
        return
    from specbuild.cli.app import app

    try:
        app()
    except SystemExit as ended:
        if isinstance(ended.code, int) and ended.code > 128:
            leave(ended.code)
        raise


def leave(status: int) -> None:
    """End the process that a signal has ended, without taking apart what is in memory.

    After `torch.compile` that takes seconds, and who has sent SIGTERM waits for few.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)
