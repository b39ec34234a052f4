"""The commands as a person runs them: what they print where, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPECBUILD = Path(sys.executable).with_name("specbuild")
NETWORK = "specbuild: 1\ninput: [16]\nlayers:\n  - {name: fc, type: Linear, out_features: 4}\n"


def run(*arguments: str | Path, stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run([SPECBUILD, *map(str, arguments)], cwd=ROOT, input=data, capture_output=True)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def test_check_of_good_specs() -> None:
    done = run("check", "specs/lenet5.yaml", "specs/cifar_cnn.yaml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "specs/lenet5.yaml: ok\nspecs/cifar_cnn.yaml: ok\n"


def test_check_of_a_broken_spec() -> None:
    broken = "tests/specs/broken/wrong_in_channels.yaml"
    done = run("check", broken, "specs/lenet5.yaml")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (ROOT / f"{broken}.txt").read_text() + "specs/lenet5.yaml: ok\n"


def test_check_of_standard_input() -> None:
    assert run("check", "-", stdin=NETWORK).stdout == "<stdin>: ok\n"
    done = run("check", "-", "--format", "json", stdin=json.dumps({"specbuild": 1, "input": [4], "layers": ["Relu"]}))
    assert done.returncode == 1
    assert json.loads(done.stdout) == [
        {
            "code": "SB204", "severity": "error", "message": 'there is no layer called "Relu"',
            "file": "<stdin>", "line": 1, "column": 43, "end_line": 1, "end_column": 49, "path": "layers[0]",
            "pointer": "/layers/0",
            "because": None,
            "fix": {
                "text": "did you mean ReLU?",
                "edit": {
                    "path": "layers[0]", "pointer": "/layers/0", "target": "value", "value": "ReLU",
                    "line": 1, "column": 43, "end_line": 1, "end_column": 49, "text": '"ReLU"',
                },
            },
        }
    ]  # fmt: skip


def test_check_as_json_of_a_good_spec() -> None:
    done = run("check", "specs/lenet5.yaml", "--format", "json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"\xff\xfe", "SB102"), (b"", "SB110"), (b"\x00", "SB102"), (b"[" * 100_000, "SB109"),
     (b'{"a": ' * 99_999, "SB109")],
)  # fmt: skip
def test_check_of_rubbish(data: bytes, code: str) -> None:
    done = run("check", "-", stdin=data)
    assert done.returncode == 1
    assert f"error[{code}]" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("path", "message"),
    [("nowhere.yaml", "nowhere.yaml: error[SB101]: "), ("specs", "specs: error[SB101]: "),
     ("/dev/null", "/dev/null: error[SB101]: ")],
)  # fmt: skip
def test_check_of_what_is_no_file(path: str, message: str) -> None:
    done = run("check", path)
    assert done.returncode == 1
    assert done.stdout.startswith(message)


def test_overrides() -> None:
    assert run("check", "specs/lenet5.yaml", "--set", "layers.c1.out_channels=8").returncode == 0
    done = run("check", "specs/lenet5.yaml", "--set", "layers.c1.out_channels=0")
    assert done.returncode == 1
    assert done.stdout.startswith(
        "--set: layers[0].out_channels: error[SB203]: `out_channels` must be a positive integer; got 0\n"
    )


@pytest.mark.parametrize(
    "arguments",
    [["chek", "x"], ["check"], ["check", "specs/lenet5.yaml", "--fromat", "json"], ["summary", "a", "b"],
     ["check", "specs/lenet5.yaml", "--format", "yaml"], ["evaluate", "x", "--split", "tests"]],
)  # fmt: skip
def test_a_wrong_command_line(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ")
    assert "Traceback" not in done.stderr


def test_summary_as_text() -> None:
    done = run("summary", "-", "--memory", "16GiB", stdin=NETWORK)
    assert done.stdout == (
        "model\n"
        "name   type    output  parameters  MACs\n"
        "─────  ──────  ──────  ──────────  ────\n"
        "input          [16]\n"
        "fc     Linear  [4]             68    64\n"
        "\n"
        "parameters              68\n"
        "multiply-accumulates    64 a sample\n"
        "memory: weights         272 B\n"
        "memory: running         80 B a sample\n"
        "memory: training        80 B a sample, 272 B for gradients\n"
        "batch of 1              352 B to run, 624 B to train: fits in 16.00 GiB\n"
    )


def test_a_size_of_memory_has_a_unit() -> None:
    for size in ("0", "0GiB", "16", "16 G", "1e9", "\u0661GiB", "-1GiB"):
        done = run("summary", "-", "--memory", size, stdin=NETWORK)
        assert (done.returncode, done.stdout) == (2, ""), size
    done = run("summary", "-", "--memory", "0.5GB", "--batch-size", "1234567890123", stdin=NETWORK)
    *_, parameters, _, _, _, _, batch = done.stdout.splitlines()
    assert batch.startswith("batch of 1234567890123  ")
    assert batch.endswith("does not fit in 0.47 GiB")
    assert batch[: parameters.index("68")].endswith("  ")


def test_summary_as_json() -> None:
    summary: dict[str, Any] = json.loads(run("summary", "specs/lenet5.yaml", "--format", "json").stdout)
    assert summary["parameters"] == 61_706
    assert summary["layers"][0] == {
        "name": "c1", "type": "Conv2d", "output": {"shape": [6, 28, 28], "dtype": "float32"},
        "parameters": 156, "macs": 117_600,
        "arguments": {"in_channels": 1, "out_channels": 6, "kernel_size": 5, "stride": 1, "padding": 0,
                      "dilation": 1, "groups": 1, "bias": True, "padding_mode": "zeros"},
    }  # fmt: skip


def test_summary_verified() -> None:
    done = run("summary", "specs/dcgan_discriminator.yaml", "--verify")
    assert done.returncode == 0
    assert done.stderr == (
        "verified: 13 layers, 2,765,568 parameters and the output [1, 1, 1] agree with torchinfo and with a "
        "forward pass of 2 samples\n"
    )


def test_schema() -> None:
    assert run("schema").stdout == (ROOT / "schemas/specbuild-v1.schema.json").read_text()


def test_train_says_what_a_spec_misses() -> None:
    done = run("train", "-", stdin=NETWORK)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("error[SB401]") == 3


def test_help_fits_a_terminal() -> None:
    for command in ([], ["check"], ["summary"], ["train"], ["evaluate"], ["reload"], ["schema"]):
        done = run(*command, "--help")
        assert done.returncode == 0
        assert max(map(len, done.stdout.splitlines())) <= 80


def test_version() -> None:
    import specbuild

    assert run("--version").stdout == f"specbuild {specbuild.__version__}\n"


def test_a_network_beyond_all_memory() -> None:
    spec = NETWORK.replace("[16]", "[1000000]").replace("out_features: 4", "out_features: 100000000")
    done = run("summary", "-", "--verify", stdin=spec)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("<stdin>:4:5: error[SB311]: fc: the weights take 363.80 TiB, but this machine has ")
