"""Starting a training several times on this machine, by torch's elastic launcher, and telling how it ended."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from specbuild.training.interruption import Interrupted

GRACE = 20
"""Seconds that the others have to end, once one process has, before they are killed."""
FOR_A_SIGNAL = 128
"""From here on an exit status tells a signal that the process took itself."""
QUIET = ("torch.distributed.elastic", "torch.distributed.launcher", "torch.multiprocessing")
"""What logs what is told here in a line."""


def launch(arguments: Sequence[str], processes: int) -> int:
    """Run `specbuild ARGUMENTS` so many times as one training; its exit status.

    The processes get torchrun's variables: RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT (a free one).
    They say themselves what goes wrong; one that is killed cannot, and is named on standard error. Where one ends,
    so do the others. Raises `Interrupted` on SIGINT, SIGTERM and SIGHUP, which each process is passed.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    for name in QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with TemporaryDirectory(prefix="specbuild_") as logs:
        config = LaunchConfig(
            min_nodes=1, max_nodes=1, nproc_per_node=processes, max_restarts=0,
            rdzv_backend="c10d", rdzv_endpoint="127.0.0.1:0", local_addr="127.0.0.1", run_id=uuid4().hex,
            logs_specs=DefaultLogsSpecs(log_dir=logs), monitor_interval=0.1, shutdown_timeout=GRACE,
            signals_to_handle="SIGTERM,SIGINT,SIGHUP",
        )  # fmt: skip
        try:
            elastic_launch(config, sys.executable)("-P", "-m", "specbuild", *arguments)
        except ChildFailedError as error:
            rank, failure = first_of(error)
            message = told(rank, processes, failure.pid, failure.exitcode)
            if message is not None:
                print(message, file=sys.stderr, flush=True)
            return failure.exitcode if failure.exitcode > 0 else 1
        except SignalException as error:
            raise Interrupted(int(error.sigval)) from None
    return 0


def first_of(error: Any) -> tuple[int, Any]:
    """The process that ended first: a killed one before those that ended because of it.

    Where one has said what is wrong and has ended with its own status, a SIGTERM is the launcher's, for the others.
    """
    said = any(0 < failure.exitcode < FOR_A_SIGNAL for failure in error.failures.values())

    def order(item: tuple[int, Any]) -> tuple[bool, bool, Any, int]:
        rank, failure = item
        killed = failure.exitcode < 0
        return not killed or (said and failure.exitcode == -signal.SIGTERM), killed, failure.timestamp, rank

    found: tuple[int, Any] = min(error.failures.items(), key=order)
    return found


def told(rank: int, processes: int, pid: int, exitcode: int) -> str | None:
    """What is to be said of a process that a signal ended: it could not say it itself."""
    if exitcode >= 0:
        return None
    name = signal.Signals(-exitcode).name if -exitcode in set(signal.Signals) else f"signal {-exitcode}"
    message = f"error: process {rank} of {processes} (pid {pid}) was ended by {name}, and the others with it"
    if -exitcode == signal.SIGKILL:
        fix = "the system kills a process where memory runs out: fewer processes, or a smaller batch_size"
        message += f"\n  = fix: {fix}"
    return message


def under_launcher() -> bool:
    """Whether this process is one of several that torchrun, or `launch`, has started."""
    return os.environ.get("WORLD_SIZE", "1") != "1" and all(name in os.environ for name in TORCHRUN)


TORCHRUN = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""The variables that torchrun sets for each process."""
