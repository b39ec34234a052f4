"""Starting a training several times on this machine, by torch's elastic launcher, and telling how it ended."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from uuid import uuid4

from specbuild.training.interruption import TAKEN, Interrupted, Signals

if TYPE_CHECKING:
    from torch.distributed.elastic.multiprocessing.errors import ProcessFailure

GRACE = 30
"""Seconds that the others have to end, once one process has, before torch kills them."""
LAUNCHER = "SPECBUILD_LAUNCHER"
"""The variable that tells each process the launcher's pid."""
QUIET = ("torch.distributed.elastic", "torch.distributed.launcher", "torch.multiprocessing")
"""What logs what is told here in a line."""


def launch(arguments: Sequence[str], processes: int, also: Sequence[int] = ()) -> int:
    """Run `specbuild ARGUMENTS` so many times as one training; its exit status.

    The processes get torchrun's variables: RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT (a free one).
    They say themselves what goes wrong; one that is killed cannot, and is named on standard error. Where one ends,
    so do the others. Raises `Interrupted` on SIGINT, SIGTERM, SIGHUP and the signals `also`; each process is passed it.
    """
    with Signals(also, patient=True):  # until torch takes them
        from torch.distributed.elastic.multiprocessing import SignalException

        try:
            return launched(arguments, processes, also)
        except SignalException as error:
            raise Interrupted(int(error.sigval)) from None


def launched(arguments: Sequence[str], processes: int, also: Sequence[int]) -> int:
    """`launch`; raises torch's `SignalException` on a signal."""
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    for name in QUIET:
        logger = logging.getLogger(name)  # the loggers below it have levels of their own
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    with TemporaryDirectory(prefix="specbuild_") as logs:
        config = LaunchConfig(
            min_nodes=1, max_nodes=1, nproc_per_node=processes, max_restarts=0,
            rdzv_backend="c10d", rdzv_endpoint="127.0.0.1:0", local_addr="127.0.0.1", run_id=uuid4().hex,
            logs_specs=DefaultLogsSpecs(log_dir=logs), monitor_interval=0.1, shutdown_timeout=GRACE,
            signals_to_handle=",".join(signal.Signals(number).name for number in (*TAKEN, *also)),
        )  # fmt: skip
        os.environ[LAUNCHER] = str(os.getpid())
        try:
            elastic_launch(config, sys.executable)("-P", "-m", "specbuild", *arguments)
        except ChildFailedError as error:
            status, message = outcome(error.failures, processes)
            if message is not None:
                print(message, file=sys.stderr, flush=True)
            return status
    return 0


def outcome(failures: Mapping[int, ProcessFailure], processes: int) -> tuple[int, str | None]:
    """The exit status of all, and what is to be said of one that could not say it itself; failures: by rank.

    A function of how each ended, not of which was seen first: the times are whole seconds, and once one has ended
    torch sends the others SIGTERM, and after GRACE SIGKILL. A process that was killed is named. One that ended by
    itself has told why, or another has. The others were interrupted.
    """
    ended = sorted(failures.items(), key=lambda item: (item[1].timestamp, item[0]))
    late = ended[0][1].timestamp + GRACE
    for rank, failure in ended:
        number = -failure.exitcode
        if number > 0 and number not in TAKEN and not (number == signal.SIGKILL and failure.timestamp >= late):
            return 1, told(rank, processes, failure.pid, failure.exitcode)
    statuses = {failure.exitcode for failure in failures.values()}
    if by_themselves := {status for status in statuses if status > 0 and status - 128 not in TAKEN}:
        return min(by_themselves), None
    number = next((each for each in sorted(TAKEN) if statuses & {-each, 128 + each}), signal.SIGTERM)
    silent = max(statuses) < 0  # the signal came before they could take it
    return 128 + number, f"error: the {processes} processes were ended by {number.name}" if silent else None


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
