"""What a command costs to start, beside what `import torch` costs.

    python benchmarks/startup.py [--rounds 15]

Whole processes, interleaved, medians; the ratio is what matters, the machine's speed cancels out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPECBUILD = Path(sys.executable).with_name("specbuild")
YARDSTICK = "import torch"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""As users have it: Python keeps what it compiled."""
COMMANDS = {
    YARDSTICK: [sys.executable, "-c", "import torch"],
    "specbuild check specs/cifar_cnn.yaml": [SPECBUILD, "check", "specs/cifar_cnn.yaml"],
    "specbuild summary specs/cifar_cnn.yaml": [SPECBUILD, "summary", "specs/cifar_cnn.yaml"],
    "specbuild --help": [SPECBUILD, "--help"],
}


def seconds(command: list[str | Path]) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for command in COMMANDS.values():
        seconds(command)  # compiles, and fills the caches of the disk
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            times[name].append(seconds(command))
    yardstick = statistics.median(times[YARDSTICK])
    for name, values in times.items():
        median = statistics.median(values)
        print(f"{name:<42}{median * 1000:8.0f} ms   {median / yardstick:.3f} of `import torch`")


if __name__ == "__main__":
    main()
