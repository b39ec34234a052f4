from __future__ import annotations

import json
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
import torch

from specbuild.api import evaluate, reload, train
from specbuild.errors import DataError, RunError, SpecbuildError
from specbuild.runs import metrics, reading, sealing
from specbuild.runs.files import json_bytes
from tests.runs.forging import forged

torch.set_num_threads(1)

HERE = Path(__file__).parent / "format1"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "run", tmp_path / "run"))


def sealed(run: Path) -> Path:
    sealing.write(run, {key: value for key, value in sealing.read(run).items() if key != "files"})
    return run


def problems(run: Path) -> list[tuple[str, str]]:
    with pytest.raises(SpecbuildError) as caught:
        reload(run, "last")
    return [(problem.code, problem.message) for problem in caught.value.diagnostics]


def change(run: Path, name: str, **values: Any) -> Path:
    (run / name).write_text(json.dumps({**json.loads((run / name).read_bytes()), **values}))
    return sealed(run)


def test_a_forged_run_is_refused_or_reloaded_and_never_crashes(tmp_path: Path) -> None:
    reloaded = 0
    for seed in range(100):
        run = Path(shutil.copytree(HERE / "run", tmp_path / str(seed)))
        told = forged(run, seed)
        try:
            found = reload(run, "last")
        except SpecbuildError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}, {told}") from error
        assert isinstance(found.best["epoch"], int)
        reloaded += 1
    assert 0 < reloaded < 50  # what a change does not matter to is reloaded


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("torch", 2),
        ("machine", None),
        ("device", ["cpu"]),
        ("cpu_capability", "a" * 2000),
        ("torchvision", {}),
        ("threads", "1"),
        ("threads", True),
        ("precision", {"a": 1}),
        ("memory_format", 3),
        ("torch", "2.0\x1b[2J"),
        ("plugins", []),
        ("plugins", {"Snake": 1}),
        ("plugins", {"Snake": "my_layers; rm -rf ~"}),
        ("plugins", {"a b": "my_layers"}),
    ],
)
def test_an_environment_that_is_none(run: Path, key: str, value: Any) -> None:
    change(run, "environment.json", **{key: value})
    assert problems(run) == [("SB503", f"environment.json is not what a run was made with: its `{key}`")]


@pytest.mark.parametrize("content", [b"[" * 500_000, b"", b"\xff\xfe", b'"text"', b"{}" * 2, b"NaN"])
@pytest.mark.parametrize("name", ["environment.json", "preprocessing.json"])
def test_json_that_is_no_object(run: Path, name: str, content: bytes) -> None:
    (run / name).write_bytes(content)
    assert problems(sealed(run)) == [("SB503", f"{name} is not a JSON object")]


@pytest.mark.parametrize("name", sorted(reading.LIMITS.keys() - {"overrides.json"}))
def test_what_is_too_large_is_not_read(run: Path, name: str) -> None:
    size = reading.LIMITS[name] + 1
    with (run / name).open("wb") as file:
        file.truncate(size)
    expected = f"{name} has {size:,} bytes; at most {size - 1:,} are read"
    assert problems(sealed(run)) == [("SB503", expected)]


def test_a_document_that_is_too_large_is_not_read(run: Path) -> None:
    with (run / "spec.json").open("wb") as file:
        file.truncate(64 * 2**20 + 1)
    assert problems(sealed(run)) == [("SB503", "spec.json has 67,108,865 bytes; at most 67,108,864 are read")]


def test_a_document_has_the_budgets_of_the_language(run: Path) -> None:
    (run / "spec.json").write_text('{"specbuild": ' + "[" * 200 + "]" * 200 + "}")
    ((code, _),) = problems(sealed(run))
    assert code == "SB109"


def test_a_run_without_a_best_epoch(run: Path) -> None:
    records = [{**record, "best": False} for record in metrics.read(run / "metrics.jsonl")]
    (run / "metrics.jsonl").write_text("".join(f"{metrics.rendered(record)}\n" for record in records))
    assert problems(sealed(run)) == [("SB503", "metrics.jsonl has no best epoch")]


def change_layers(run: Path, **values: Any) -> Path:
    spec = json.loads((run / "spec.json").read_bytes())
    spec["layers"][0].update(values)
    spec["layers"][2]["in_features"] = spec["layers"][0]["out_features"]
    return change(run, "spec.json", layers=spec["layers"])


def test_a_document_that_asks_for_more_than_the_weights_is_refused_before_it_is_built(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_layers(run, out_features=2**31 - 1)  # 40 GiB
    monkeypatch.setattr("specbuild.runs.run.model_of", None)
    fits = "model.safetensors does not fit spec.json: "
    assert problems(run) == [
        ("SB503", f"{fits}linear_1.weight is [8, 4] float32; the network has [2147483647, 4] float32"),
        ("SB503", f"{fits}linear_1.bias is [8] float32; the network has [2147483647] float32"),
        ("SB503", f"{fits}head.weight is [2, 8] float32; the network has [2, 2147483647] float32"),
    ]


def test_a_document_whose_values_do_not_fit_into_memory_is_refused_before_it_is_run(run: Path) -> None:
    spec = json.loads((run / "spec.json").read_bytes())
    cube = [
        {"name": "cube", "type": "Unflatten", "dim": 1, "unflattened_size": [8, 1, 1, 1]},
        {"name": "wide", "type": "ConstantPad3d", "padding": [0, 2**14 - 1] * 3, "value": 0.0},
        {"name": "mean", "type": "AdaptiveAvgPool3d", "output_size": 1},
        {"name": "flat", "type": "Flatten"},
    ]
    change(run, "spec.json", layers=[spec["layers"][0], *cube, *spec["layers"][1:]])
    ((code, message),) = problems(run)
    assert code == "SB311"
    assert message.startswith("proving it takes 256.00 TiB, but this machine has ")  # 2 × 8 × 2¹⁴ cubed × 4 bytes


def test_very_many_missing_tensors_are_told_by_the_first(run: Path) -> None:
    spec = json.loads((run / "spec.json").read_bytes())
    more = [{"name": f"more_{index}", "type": "Linear", "out_features": 8} for index in range(100)]
    change(run, "spec.json", layers=[spec["layers"][0], *more, *spec["layers"][1:]])
    found = problems(run)
    assert len(found) == 21
    assert found[0] == ("SB503", "model.safetensors does not fit spec.json: more_0.weight is missing")
    assert found[-1] == ("SB503", "model.safetensors does not fit spec.json: and 180 more")


def with_header(run: Path, name: str, length: int, header: bytes | None = None) -> Path:
    raw = (run / name).read_bytes()
    (old,) = struct.unpack("<Q", raw[:8])
    written = raw[8 : 8 + old] if header is None else header
    (run / name).write_bytes(struct.pack("<Q", length) + written + raw[8 + old :])
    return sealed(run)


@pytest.mark.parametrize("name", ["model.safetensors", "last.safetensors", "golden.safetensors"])
def test_a_header_that_says_to_be_longer_than_the_file(run: Path, name: str) -> None:
    size = (run / name).stat().st_size
    with_header(run, name, 2**63)
    expected = f"it cannot be read: it has {size:,} bytes, and a header of 9,223,372,036,854,775,808"
    assert problems(run) == [("SB503", f"{name} does not fit spec.json: {expected}")]


def test_a_header_that_is_longer_than_the_names_can_make_it(run: Path) -> None:
    header = b'{"__metadata__": {"a": "' + b"a" * 100_000 + b'"}}'
    with_header(run, "model.safetensors", len(header), header)
    ((code, message),) = problems(run)
    assert code == "SB503"
    told = (
        "model.safetensors does not fit spec.json: its header has 100,027 bytes; that of the network's tensors has at "
    )
    assert message.startswith(told)


@pytest.mark.parametrize("content", [b"", b"1234567", b"\0" * 8, struct.pack("<Q", 2) + b"{}"])
def test_weights_that_are_none(run: Path, content: bytes) -> None:
    (run / "model.safetensors").write_bytes(content)
    found = problems(sealed(run))
    assert {code for code, _ in found} == {"SB503"}
    assert all(message.startswith("model.safetensors does not fit spec.json: ") for _, message in found)


def test_an_input_that_the_network_cannot_take(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    document = {
        "specbuild": 1, "name": "tokens", "input": {"shape": [4], "dtype": "int64"},
        "layers": [{"type": "Embedding", "num_embeddings": 5, "embedding_dim": 3}, "Flatten",
                   {"type": "Linear", "out_features": 2}],
        "loss": "CrossEntropyLoss", "optimizer": "SGD", "train": {"epochs": 1, "device": "cpu"},
        "data": {"train": {"dataset": {"type": "Arrays", "path": str(tmp_path / "t.npz"),
                                       "fields": {"input": "x", "target": "y"}}}},
    }  # fmt: skip
    import numpy as np

    np.savez(tmp_path / "t.npz", x=np.zeros((8, 4), np.int64), y=np.zeros(8, np.int64))
    run = train(document, run=tmp_path / "run").path
    golden = load_file(run / "golden.safetensors")
    golden["input"] += 100
    save_file(golden, run / "golden.safetensors")
    expected = "the network cannot be run on the recorded input on cpu: index out of range in self"
    assert problems(sealed(run)) == [("SB504", expected)]


LINKED = (
    "spec.json",
    "model.safetensors",
    "metrics.jsonl",
    "environment.json",
    "golden.safetensors",
    "last.safetensors",
)


@pytest.mark.parametrize("name", LINKED)
def test_no_link_is_followed_and_no_pipe_waited_for(run: Path, name: str) -> None:
    whole = run / name
    whole.rename(run.parent / name)
    whole.symlink_to(run.parent / name)
    assert problems(run) == [("SB503", f"{name} is not a plain file")]
    whole.unlink()
    os.mkfifo(whole)
    assert problems(run) == [("SB503", f"{name} is not a plain file")]


@pytest.mark.parametrize("name", ["environment.json", "inner/environment.json"])
def test_reading_refuses_on_its_own(tmp_path: Path, name: str) -> None:
    folder, most = tmp_path / "run", 100
    (folder / "inner").mkdir(parents=True)

    def refusal() -> tuple[str, str]:
        with pytest.raises(RunError) as caught:
            reading.read(folder, name, most)
        (problem,) = caught.value.diagnostics
        return problem.code, problem.message

    assert refusal() == ("SB502", f"{name} is missing")
    os.mkfifo(folder / name)
    assert refusal() == ("SB503", f"{name} is not a plain file")
    (folder / name).unlink()
    (folder / name).symlink_to("/etc/hostname")
    assert refusal() == ("SB503", f"{name} is not a plain file")
    (folder / name).unlink()
    (folder / name).symlink_to("/dev/zero")
    assert refusal() == ("SB503", f"{name} is not a plain file")
    (folder / name).unlink()
    (folder / name).write_bytes(b"x" * 101)
    assert refusal() == ("SB503", f"{name} has 101 bytes; at most 100 are read")
    (folder / name).write_bytes(b"x" * 100)
    assert reading.read(folder, name, most) == b"x" * 100


def test_reading_refuses_a_linked_folder_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.json").write_bytes(json_bytes({}))
    (tmp_path / "run").mkdir()
    (tmp_path / "run/inner").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="inner is not a plain folder"):
        reading.read_object(tmp_path / "run", "inner/a.json", 100)


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/../b", "a//b", ".", "a/b/c/d", ""])
def test_reading_takes_plain_names_only(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match="is not a plain name"):
        reading.read(tmp_path, name, 100)


def test_a_document_that_cannot_be_judged_by_is_refused_by_evaluate(run: Path) -> None:
    spec = json.loads((run / "spec.json").read_bytes())
    del spec["loss"]
    (run / "spec.json").write_text(json.dumps(spec))
    sealed(run)
    with pytest.raises(DataError) as caught:
        evaluate(run, "val", device="cpu", data_root=HERE)
    assert [(problem.code, problem.message) for problem in caught.value.diagnostics] == [
        ("SB401", "`loss` is missing: what is made small")
    ]
