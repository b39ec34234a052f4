"""How the processes of a training meet, and how they part."""

from __future__ import annotations

import ctypes
import os
import sys
from atexit import register
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIG_IGN, SIGTERM, signal
from time import sleep

import torch
import torch.distributed as dist
from torch.distributed.rendezvous import rendezvous

from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import DataError
from specbuild.training.checkpointing import Writers
from specbuild.training.distribution import PATIENCE, Processes, wait_for
from specbuild.training.interruption import Signals
from specbuild.training.launching import LAUNCHER, under_launcher
from specbuild.training.world import ALONE, World

PR_SET_PDEATHSIG = 1
LETTING_GO = 0.2
"""Seconds that gloo's threads have at the end."""


@contextmanager
def joined() -> Iterator[World]:
    """The world that this process is in: one of several that a launcher started, or alone.

    Of what goes wrong in several processes one tells; the others end with its exit status and without a word, and
    after it: the launcher would end it before it has told.
    """
    if not under_launcher():
        yield ALONE
        return
    processes = join()
    try:
        yield processes
    except BaseException as error:
        if isinstance(error, (SystemExit, GeneratorExit)):
            raise
        if processes.tells(error):
            # the others are ending, and the launcher with them: what is told is told to the end
            signal(SIGTERM, SIG_IGN)
            raise
        if isinstance(error, Exception):
            with Signals() as signals:
                signals.shield()
                wait_for(lambda: signals.received is not None, PATIENCE)
        raise SystemExit(getattr(error, "status", 1)) from None
    dist.destroy_process_group()


def join() -> Processes:
    """Meet the other processes; raises `DataError` (SB407) where they cannot be reached."""
    end_with_launcher()
    try:
        store, rank, size = next(rendezvous("env://"))
        backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
        dist.init_process_group(backend, store=store, rank=rank, world_size=size)
        keep_for_good(dist.group.WORLD)
        group = dist.new_group(backend="gloo")
        keep_for_good(group)
        register(let_go)
    except (RuntimeError, ValueError) as error:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        message = f"the processes of the training cannot meet at {where}: {str(error).splitlines()[0]}"
        raise DataError([Diagnostic("SB407", message, fix="start them with `torchrun`, or `--nproc`")]) from None
    processes = Processes(store, rank, size, Writers(rank, group))
    torch.set_num_threads(max(1, cores() // processes.here))
    return processes


def let_go() -> None:
    """At the process's end: give gloo's threads the interpreter's lock once more.

    One that lets go of a tensor while Python is being taken down ends the process by SIGABRT (seen with torch 2.13).
    """
    sleep(LETTING_GO)


def keep_for_good(group: object) -> None:
    """Never take a process group down before the process ends.

    Its destructor waits for gloo's threads while it holds the interpreter's lock; one that is just letting go of a
    tensor waits for that lock, and neither goes on (seen with torch 2.13).
    """
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(group))


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def end_with_launcher() -> None:
    """Have Linux send SIGTERM when the launcher dies: nobody else would end this process then."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, SIGTERM)
    if os.environ.get(LAUNCHER, str(os.getppid())) != str(os.getppid()):  # it died before that
        raise SystemExit(128 + SIGTERM)
