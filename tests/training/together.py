"""Processes that train together, as a launcher starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

PATIENCE = 300
"""Seconds after which a test gives up."""


def two_processes(*arguments: str) -> None:
    """Run `python ARGUMENTS` twice, as the two processes of one training, to their ends, which are to be good ones."""
    store = torch.distributed.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # as a launcher has it
    shared = {**os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), "WORLD_SIZE": "2",
              "LOCAL_WORLD_SIZE": "2", "TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": "0",
              "OMP_NUM_THREADS": "1"}  # fmt: skip
    parts = [
        subprocess.Popen(
            [sys.executable, *arguments],
            env={**shared, "RANK": rank, "LOCAL_RANK": rank}, stderr=subprocess.PIPE, text=True,
        )
        for rank in "01"
    ]  # fmt: skip
    said = [part.communicate(timeout=PATIENCE)[1] for part in parts]
    assert [part.returncode for part in parts] == [0, 0], "\n".join(said)


def child_of(launcher: int, rank: int) -> int:
    """The pid of one of the processes of a launcher."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    return next(int(pid) for pid in children if f"\0RANK={rank}\0" in f"\0{Path(f'/proc/{pid}/environ').read_text()}")
