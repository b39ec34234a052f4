"""A run that the release before format 2 wrote: `format1/run`, of `xor.yaml` with `--set optimizer.lr=0.05`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from specbuild.api import evaluate, reload
from specbuild.runs import manifest, migration
from specbuild.runs.files import json_bytes

torch.set_num_threads(1)

HERE = Path(__file__).parent / "format1"
RUN = HERE / "run"


def test_its_model_is_what_torch_computes_by_hand() -> None:
    assert json.loads((RUN / "manifest.json").read_bytes())["specbuild_run"] == 1
    given = torch.linspace(-2, 2, 12).reshape(3, 4)
    for weights, file in (("best", "model.safetensors"), ("last", "last.safetensors")):
        w = load_file(RUN / file)
        hidden = (given @ w["linear_1.weight"].T + w["linear_1.bias"]).clamp(min=0)
        wanted = hidden @ w["head.weight"].T + w["head.bias"]
        run = reload(RUN, weights)  # type: ignore[arg-type]
        with torch.inference_mode():
            assert torch.allclose(run.model(given), wanted, rtol=1e-6, atol=1e-6)
    assert (run.status, run.reason, len(run.metrics), run.best["epoch"]) == ("finished", "all 6 epochs", 6, 4)


def test_it_is_evaluated_to_what_was_recorded() -> None:
    best = reload(RUN).best
    found = evaluate(RUN, "val", device="cpu", data_root=HERE)
    assert found["loss"] == pytest.approx(best["val_loss"], rel=1e-5)
    assert found["accuracy"] == best["val_accuracy"]


def test_its_files_stay_as_they_were_written(tmp_path: Path) -> None:
    copy = Path(shutil.copytree(RUN, tmp_path / "run"))
    before = {path.name: path.read_bytes() for path in copy.iterdir()}
    reload(copy)
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_its_manifest_is_brought_up_to_date_in_memory() -> None:
    written = json.loads((RUN / "manifest.json").read_bytes())
    assert manifest.verify(RUN).format == 1
    content = manifest.read(RUN)
    assert content == {"specbuild_run": 2, "id": written["sha256"][:32], **{
        key: written[key] for key in ("status", "reason", "files")
    }}  # fmt: skip
    assert reload(RUN).id == content["id"]


def test_a_resolved_document_is_brought_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    def renamed(document: migration.Content) -> migration.Content:
        return {**document, "name": "of_an_older_language"}

    monkeypatch.setitem(migration.DOCUMENTS, 1, renamed)
    assert reload(RUN).spec.name == "of_an_older_language"


def test_every_older_format_has_a_way_to_ours() -> None:
    assert set(migration.MIGRATIONS) == set(range(1, migration.VERSION))
    assert set(migration.DOCUMENTS) <= set(migration.MIGRATIONS)


def test_a_run_of_today_has_an_id_of_its_own(tmp_path: Path) -> None:
    ids = set()
    for name in ("a", "b"):
        copy = Path(shutil.copytree(RUN, tmp_path / name))
        (copy / "manifest.json").unlink()
        manifest.write(copy, "finished", "all 6 epochs")
        content = json.loads((copy / "manifest.json").read_bytes())
        assert list(content) == ["specbuild_run", "id", "status", "reason", "files", "sha256"]
        assert (copy / "manifest.json").read_bytes() == json_bytes(content)
        ids.add(reload(copy).id)
    assert len(ids) == 2
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in ids)
