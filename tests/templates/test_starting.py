"""Specs to begin with: each is right, and trains on data of its kind."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import specbuild
from specbuild.cli.app import app
from specbuild.errors import SpecError
from specbuild.formatting.formatting import formatted
from specbuild.language.source import read_text
from specbuild.templates.starting import NAMES, started, templates

ROOT = Path(__file__).resolve().parents[2]


def image(path: Path, height: int, width: int, channels: int = 3) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(len(str(path)))
    shape = (height, width, channels) if channels > 1 else (height, width)
    Image.fromarray(random.integers(0, 256 if channels > 1 else 2, shape, dtype=np.uint8)).save(path)


def make_data(template: str, folder: Path) -> None:
    """A few samples of the kind that the template's first lines describe."""
    for index in range(10):
        if template == "classifier":
            for animal in ("cat", "dog", "emu"):
                image(folder / "photos" / animal / f"{index}.jpg", 40 + index, 50)
        elif template == "segmenter":
            image(folder / "images" / f"{index}.png", 40, 50 + index)
            image(folder / "masks" / f"{index}.png", 40, 50 + index, 1)
    if template == "regression":
        rows = [f"{n},{n % 3},{1900 + n},{n * 2.5}" for n in range(80)]
        (folder / "table.csv").write_text("\n".join(["area,rooms,built,target", *rows]) + "\n")
    elif template == "text":
        (folder / "text.txt").write_text("a text, and what comes next\n" * 200)


@pytest.mark.parametrize("template", NAMES)
def test_each_is_right_in_its_form_and_has_the_name_of_its_file(template: str) -> None:
    text = started(template)
    assert specbuild.check(read_text(text, f"{template}.yaml")) == ()
    assert formatted(text) == text
    assert specbuild.load(text).name == template
    assert max(map(len, text.splitlines())) <= 120


@pytest.mark.parametrize("template", NAMES)
def test_each_trains(template: str, tmp_path: Path) -> None:
    make_data(template, tmp_path)
    values = {"classifier": {"classes": 3, "size": 32}, "segmenter": {"size": 32}}.get(template, {})
    text = started(template, "mine", values)
    small = ["train.epochs=1", "train.max_steps=2", "train.device=cpu"]
    small += ["vars.width=8"] if "width:" in text and template != "text" else []
    run = specbuild.train(text, small, run=tmp_path / "run", data_root=tmp_path)
    assert run.spec.name == "mine"
    assert run.best["val_loss"] > 0


def test_what_is_given_is_put_in_and_the_rest_stays() -> None:
    before, after = (
        text.splitlines() for text in (started("classifier"), started("classifier", "pets", {"classes": 3}))
    )
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [
        ("name: classifier  # runs are kept under it", "name: pets  # runs are kept under it"),
        ("  classes: 10  # the folders in `photos`", "  classes: 3  # the folders in `photos`"),
    ]
    with pytest.raises(SpecError, match=r"up2\.concat_1: .* cannot be joined"):
        started("segmenter", values={"size": 30})


def test_command_writes_and_writes_over_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["init", "digits", "--name", "mine"])
    assert (done.exit_code, done.stdout) == (0, "mine.yaml: written; its first lines say how to go on\n")
    text = Path("mine.yaml").read_text()
    assert "specbuild evaluate runs/mine/1" in text
    assert "specbuild train mine.yaml" in text
    done = CliRunner().invoke(app, ["init", "text", "--output", "mine.yaml"])
    assert done.exit_code == 1
    assert done.stderr.startswith(
        "mine.yaml: error[SB506]: there is a file of that name, and nothing is written over\n"
    )
    assert Path("mine.yaml").read_text() == text
    done = CliRunner().invoke(app, ["init", "text", "--output", "mine.yaml", "--force"])
    assert (done.exit_code, specbuild.load("mine.yaml").name) == (0, "text")
    Path("folder").mkdir()
    for file, why in (("folder", "it is a folder"), ("none/a.yaml", "no such file or directory")):
        done = CliRunner().invoke(app, ["init", "text", "--output", file, "--force"])
        assert (done.exit_code, done.stderr.splitlines()[0]) == (1, f"{file}: error[SB506]: cannot be written: {why}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "mine.yaml"]


def test_command_prints_and_lists() -> None:
    done = CliRunner().invoke(app, ["init", "autoencoder", "--output", "-"])
    assert (done.exit_code, done.stdout) == (0, started("autoencoder"))
    done = CliRunner().invoke(app, ["init"])
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(NAMES)
    assert max(map(len, done.stdout.splitlines())) <= 80
    done = CliRunner().invoke(app, ["init", "--format", "json"])
    assert {each["template"]: each["about"] for each in json.loads(done.stdout)} == templates()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["classifer"], "there is no template called 'classifer': did you mean classifier?"),
        (["x"], "there are digits, classifier,"),
        (["text", "--classes", "3"], "the template text has no classes to set"),
        (["digits", "--name", "a b"], "'a b': a name has letters, digits, _ and -"),
        (["digits", "--name", "-x"], "a command would take -x.yaml for an option"),
        (["--name", "x"], "--name: it is of a template: there are digits, classifier,"),
        (["--force"], "--force: it is of a template"),
        (["classifier", "--classes", "0"], "greater than or equal to 1"),
    ],
)
def test_wrong_command_lines(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["init", *arguments])
    assert done.exit_code == 2
    assert said in done.stderr
    assert not list(tmp_path.iterdir())


def test_neither_init_nor_fmt_imports_what_is_slow(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom specbuild.cli.app import app\n"
        "app(['init', 'digits'], standalone_mode=False)\napp(['fmt', 'digits.yaml'], standalone_mode=False)\n"
        "print([name for name in ('torch', 'numpy', 'rich', 'PIL') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"
    assert done.stdout.endswith("digits.yaml: unchanged\n")
