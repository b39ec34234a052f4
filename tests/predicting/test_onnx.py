"""Predictions from an ONNX file, where torch cannot be imported, against those from the run."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import specbuild
from specbuild.errors import DataError, RunError
from specbuild.network.resolve import resolved
from specbuild.runs.run import Run
from tests.predicting import trained
from tests.predicting.trained import given

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

WITHOUT_TORCH = """\
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision"):
            raise ImportError(f"{name} is not there")
sys.meta_path.insert(0, Refuse())
from specbuild.cli.main import main
sys.argv = ["specbuild", *sys.argv[1:]]
main()
"""


def exported(run: Run, path: Path, **metadata: object) -> Path:
    """The run's network as `torch.onnx` writes it, with what `specbuild export` puts beside."""
    size = [2, *run.plan.input.shape]
    sample = torch.zeros(size, dtype=getattr(torch, run.plan.input.dtype))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter's own making
        program = torch.onnx.export(
            run.model, (sample,), dynamo=True, input_names=["input"], output_names=[*run.plan.outputs],
            dynamic_shapes=({0: torch.export.Dim("batch")},), verbose=False,
        )  # fmt: skip
    assert program is not None
    told = {"spec": resolved(run.spec, run.plan), "preprocessing": run.preprocessing, "labels": run.labels}
    return told_beside(program.model_proto, path, **(told | metadata))


def told_beside(model: Any, path: Path, **metadata: object) -> Path:
    """A model with these metadata and no others."""
    del model.metadata_props[:]
    for key, value in metadata.items():
        if value is not None:
            model.metadata_props.add(key=f"specbuild.{key}", value=json.dumps(value))
    path.write_bytes(model.SerializeToString())
    return path


def run_without_torch(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def species(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained.folder_run(tmp_path_factory.mktemp("onnx"))


@pytest.fixture(scope="module")
def model(species: Run) -> Path:
    return exported(species, species.path.parent / "species.onnx")


def test_images_in_a_process_that_cannot_import_torch(species: Run, model: Path) -> None:
    photos = species.path.parent / "photos"
    done = run_without_torch("predict", str(model), str(photos), "--format", "json")
    assert done.returncode == 0, done.stderr
    found, expected = json.loads(done.stdout), species.predict(photos)
    assert [each["input"] for each in found] == [each.input for each in expected]
    for each, other in zip(found, expected, strict=True):
        assert each["label"] == other.label
        chances = {one["label"]: one["probability"] for one in each["probabilities"]}
        assert chances == pytest.approx(other.probabilities, abs=5e-3)  # Resize may round otherwise


def test_a_table_and_the_names_of_its_classes(tmp_path: Path) -> None:
    run = trained.table_run(tmp_path, "city", loss="CrossEntropyLoss", outputs="3", features="4")
    path = exported(run, tmp_path / "houses.onnx")
    found, expected = (specbuild.predict(each, tmp_path / "houses.csv") for each in (path, run))
    np.testing.assert_allclose(given(found), given(expected), rtol=1e-3, atol=1e-5)
    assert [each.label for each in found] == [each.label for each in expected]
    done = run_without_torch("predict", str(path), str(tmp_path / "houses.csv"), "--top-k", "1", "--format", "csv")
    assert done.stdout.splitlines()[:2] == [
        "input,label,probability",
        f"{tmp_path / 'houses.csv'}:2,{expected[0].label},{done.stdout.splitlines()[1].rpartition(',')[2]}",
    ]


def test_files_that_cannot_be_predicted_with(species: Run, model: Path, tmp_path: Path) -> None:
    told_beside(onnx.load(model), tmp_path / "bare.onnx")
    (tmp_path / "damaged.onnx").write_bytes(model.read_bytes()[:500])
    (tmp_path / "text.onnx").write_text("no model at all")
    cropped = resolved(species.spec, species.plan)
    cropped["data"]["val"]["transforms"] = [{"type": "FiveCrop", "size": 16}, "ToTensor"]
    told_beside(onnx.load(model), tmp_path / "cropped.onnx", spec=cropped)
    told_beside(onnx.load(model), tmp_path / "no_spec.onnx", spec={"specbuild": 1})
    for name, told in {
        "bare": r"bare\.onnx: error\[SB514\]: it has no `specbuild\.spec` in its metadata",
        "damaged": r"damaged\.onnx: error\[SB514\]: it is no ONNX file that ONNX Runtime loads",
        "text": r"text\.onnx: error\[SB514\]: it is no ONNX file that ONNX Runtime loads",
        "none": r"none\.onnx: error\[SB514\]: there is no such file",
        "cropped": r"\[SB514\]: its transforms have FiveCrop, which is not done without torch",
        "no_spec": r"\[SB514\]: the document in it is wrong",
    }.items():
        with pytest.raises(RunError, match=told):
            specbuild.predict(tmp_path / f"{name}.onnx", tmp_path)
    with pytest.raises(DataError, match=r"SB407\]: cuda is not there: ONNX Runtime here has cpu"):
        specbuild.predict(model, tmp_path, device="cuda")
