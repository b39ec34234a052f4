"""What `specbuild check` takes for documents that mean harm, each a whole process.

    python benchmarks/hostile.py [--only deep json] [--seconds 1.0] [--megabytes 300]

For each document of tests/hostile: seconds of the processor (start included), the most memory, the exit status and
the first line of what is printed. The status is 1 if one is over a bound, ends otherwise than with 0 or 1, or says
that something went wrong inside.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.hostile import DOCUMENTS, MOST_BYTES, MOST_MEMORY, MOST_OUTPUT, MOST_SECONDS

PATIENCE = 60
"""Seconds after which a check is ended from outside."""


class Outcome(NamedTuple):
    """One check, from outside."""

    seconds: float
    memory: int
    status: int
    output: str

    def faults(self, seconds: float, memory: int) -> list[str]:
        """What is not as promised."""
        return [
            *([f"more than {seconds:g} s"] if self.seconds > seconds else []),
            *([f"more than {memory // 2**20} MiB"] if self.memory > memory else []),
            *(["neither 0 nor 1"] if self.status not in (0, 1) else []),
            *(["no diagnostic"] if self.status == 1 and "error[SB" not in self.output else []),
            *(["a fault inside"] if "internal error" in self.output or "Traceback" in self.output else []),
            *(["much output"] if len(self.output) > MOST_OUTPUT else []),
        ]


def checked(path: Path) -> Outcome:
    """The check of a file as a process of its own."""
    program = (
        "import resource, runpy, sys\n"
        f"resource.setrlimit(resource.RLIMIT_CPU, ({PATIENCE}, {PATIENCE}))\n"
        f"sys.argv = ['specbuild', 'check', {path.name!r}]\n"
        "from specbuild.cli.main import main\nmain()\n"
    )
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, "-c", program], cwd=path.parent, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        written = output.read().decode(errors="replace")
    return Outcome(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, process.returncode, written)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="PART", default=[""], help="parts of names of documents")
    parser.add_argument("--seconds", type=float, default=MOST_SECONDS)
    parser.add_argument("--megabytes", type=float, default=MOST_MEMORY / 2**20)
    options = parser.parse_args()
    failed = []
    slowest, largest = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for name, make in DOCUMENTS.items():
            if not any(part in name for part in options.only):
                continue
            path = Path(folder) / name
            path.write_bytes(make())
            assert path.stat().st_size <= MOST_BYTES, f"{name} is larger than what is promised"
            outcome = checked(path)
            faults = outcome.faults(options.seconds, int(options.megabytes * 2**20))
            failed += [name] if faults else []
            slowest, largest = max(slowest, outcome.seconds), max(largest, outcome.memory)
            line = outcome.output.partition("\n")[0]
            shown = "".join(character if character.isprintable() else "�" for character in line[:100])
            said = f"  <- {', '.join(faults)}" if faults else ""
            measured = f"{outcome.seconds:6.2f} s {outcome.memory / 2**20:5.0f} MiB {outcome.status:3}"
            print(f"{name:48} {measured}  {shown}{said}", flush=True)
            path.unlink()
    print(f"at most {slowest:.2f} s and {largest / 2**20:.0f} MiB; {len(failed) or 'none'} over a bound")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
