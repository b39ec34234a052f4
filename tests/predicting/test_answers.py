"""What is told of outputs of every kind, how it is printed, and what is written."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import specbuild
from specbuild.cli.app import app
from specbuild.predicting.answers import Choice, Labels, Mask, Numbers, Values
from specbuild.runs.run import Run
from tests.predicting import trained
from tests.predicting.trained import given, same_bits

GENERATOR = np.random.default_rng(3)
IMAGES = GENERATOR.integers(0, 255, (24, 12, 10, 3)).astype(np.uint8)
ARRAYS = {
    "image": IMAGES,
    "meta": GENERATOR.normal(size=(24, 4)),
    "mask": GENERATOR.integers(0, 3, (24, 12, 10)),
    "label": GENERATOR.integers(0, 3, 24),
    "tags": GENERATOR.integers(0, 2, (24, 3)).astype(np.float32),
    "count": GENERATOR.integers(0, 9, (24, 1)).astype(np.float32),
}


def run_of(folder: Path, layers: str, loss: str, fields: str, head: str = "input: [3, 12, 10]", tail: str = "") -> Run:
    np.savez(folder / "arrays.npz", **ARRAYS)
    text = f"""\
specbuild: 1
name: answers
{head}
layers: {layers}
{tail}
loss: {loss}
optimizer: {{type: SGD, lr: 0.01}}
data:
  train:
    dataset: {{type: Arrays, path: {folder / "arrays.npz"}, fields: {{{fields}}}}}
    transforms: [ToTensor]
    loader: {{batch_size: 10}}
  val: {{split: 0.25}}
"""
    return trained.trained(text, folder / "run")


def raw(run: Run, *inputs: torch.Tensor) -> Any:
    """The model on all inputs at once."""
    with torch.inference_mode():
        return run.model(*inputs)


TENSOR = torch.from_numpy(IMAGES).permute(0, 3, 1, 2) / 255
DENSE = "Flatten, {name: head, type: Linear, out_features: 3}"


def predict(*arguments: object, stdin: bytes | None = None) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["predict", *map(str, arguments)], input=stdin)
    assert done.exit_code == 0, done.output
    return done.exit_code, done.stdout


def test_masks_are_counted_and_written(tmp_path: Path) -> None:
    run = run_of(
        tmp_path, "[{name: head, type: Conv2d, out_channels: 3, kernel_size: 3, padding: 1}]", "CrossEntropyLoss",
        "input: image, target: mask",
    )  # fmt: skip
    (tmp_path / "in").mkdir()
    for k in range(5):
        Image.fromarray(IMAGES[k]).save(tmp_path / "in" / f"{k}.png")
    expected = raw(run, TENSOR[:5]).argmax(1).numpy()
    found = run.predict(tmp_path / "in")
    for each, mask in zip(found, expected, strict=True):
        assert isinstance(each.answer, Mask)
        np.testing.assert_array_equal(each.answer.classes, mask)
        numbers, counts = np.unique(mask, return_counts=True)
        assert each.answer.counts == dict(zip(map(str, numbers.tolist()), counts.tolist(), strict=True))
    _, told = predict(run.path, tmp_path / "in", "--output", tmp_path / "masks", "--format", "json")
    for one, mask in zip(json.loads(told), expected, strict=True):
        with Image.open(one["mask"]) as written:
            np.testing.assert_array_equal(np.array(written), mask)
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == [f"{k}.png" for k in range(5)]
    again = CliRunner().invoke(
        app, ["predict", str(run.path), str(tmp_path / "in"), "--output", str(tmp_path / "masks")]
    )
    assert (again.exit_code, again.stdout) == (1, "")
    assert "masks: error[SB506]: the folder holds something already" in again.stderr
    predict(run.path, tmp_path / "in", "--output", tmp_path / "masks.npz")
    with np.load(tmp_path / "masks.npz") as written:
        np.testing.assert_array_equal(written["head"], expected)
        assert written["inputs"].tolist() == [str(tmp_path / "in" / f"{k}.png") for k in range(5)]


def test_pictures_of_an_autoencoder(tmp_path: Path) -> None:
    run = run_of(
        tmp_path, "[{name: out, type: Conv2d, out_channels: 3, kernel_size: 1}]",
        "{type: BCEWithLogitsLoss, target: input}", "input: image",
    )  # fmt: skip
    expected = torch.sigmoid(raw(run, TENSOR)).numpy()
    found = run.predict(IMAGES)
    for each, picture in zip(found, expected, strict=True):
        assert isinstance(each.answer, Values)
        np.testing.assert_allclose(each.answer.values, picture, rtol=1e-5)
    np.save(tmp_path / "x.npy", IMAGES)
    predict(run.path, tmp_path / "x.npy", "--output", tmp_path / "y.npz")
    with np.load(tmp_path / "y.npz") as written:
        np.testing.assert_allclose(written["out"], expected, rtol=1e-5)
    _, told = predict(run.path, tmp_path / "x.npy", "--format", "json")
    assert json.loads(told)[0]["shape"] == [3, 12, 10]
    assert json.loads(told)[0]["max"] == pytest.approx(float(expected[0].max()), rel=1e-5)


def test_labels_of_which_several_may_be_true(tmp_path: Path) -> None:
    run = run_of(tmp_path, f"[{DENSE}]", "BCEWithLogitsLoss", "input: image, target: tags")
    chances = torch.sigmoid(raw(run, TENSOR).double()).numpy()
    for each, chance in zip(run.predict(IMAGES, top_k=1), chances, strict=True):
        assert isinstance(each.answer, Labels)
        assert sorted(each.answer.yes) == [str(k) for k in range(3) if chance[k] > 0.5]
        for name, probability in each.probabilities.items():
            assert probability == pytest.approx(chance[int(name)], rel=1e-4)


def test_counts_are_in_the_units_of_the_target(tmp_path: Path) -> None:
    layers = "[Flatten, {name: head, type: Linear, out_features: 1}]"
    run = run_of(tmp_path, layers, "PoissonNLLLoss", "input: image, target: count")
    expected = raw(run, TENSOR).exp().numpy()
    found = run.predict(IMAGES)
    assert all(isinstance(each.answer, Numbers) for each in found)
    assert [each.values["head"] for each in found] == pytest.approx(expected[:, 0].tolist(), rel=1e-5)


def test_logarithms_and_scores(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    run = run_of(tmp_path / "a", f"[{DENSE}, {{type: LogSoftmax, dim: 1}}]", "NLLLoss", "input: image, target: label")
    expected = raw(run, TENSOR).double().exp()
    found = run.predict(IMAGES)
    assert isinstance(found[0].answer, Choice)
    assert found[0].probabilities == pytest.approx({str(k): float(expected[0, k]) for k in range(3)}, rel=1e-5)
    (tmp_path / "b").mkdir()
    run = run_of(tmp_path / "b", f"[{DENSE}]", "MultiMarginLoss", "input: image, target: label")
    found = run.predict(IMAGES)
    assert set(found[0].probabilities.values()) == {None}
    assert found[0].label == str(int(raw(run, TENSOR)[0].argmax()))
    np.save(tmp_path / "x.npy", IMAGES[:1])
    _, told = predict(run.path, tmp_path / "x.npy", "--format", "csv", "--top-k", "1")
    assert told.splitlines()[0] == "input,label,score"


def test_several_inputs_and_outputs_by_their_names(tmp_path: Path) -> None:
    run = run_of(
        tmp_path,
        "[{type: Flatten, name: flat, from: image}, {type: Concat, from: [flat, meta]}, {name: kind, type: Linear, "
        "out_features: 3}, {name: size, type: Linear, out_features: 1, from: concat_1}]",
        "{kind: CrossEntropyLoss, size: {type: MSELoss, target: count}}",
        "image: image, meta: meta, target: label, count: count",
        "inputs: {image: [3, 12, 10], meta: [4]}",
        "outputs: [kind, size]",
    )
    np.savez(tmp_path / "x.npz", image=IMAGES, meta=ARRAYS["meta"], more=[1])
    expected = raw(run, TENSOR, torch.from_numpy(ARRAYS["meta"]).float())
    found = run.predict(tmp_path / "x.npz")
    for name in ("kind", "size"):
        rows = np.stack([each.outputs[name] for each in found])
        np.testing.assert_allclose(rows, expected[name].numpy(), rtol=1e-4, atol=1e-6)
    assert [each.label for each in found] == [str(k) for k in expected["kind"].argmax(1).tolist()]
    _, told = predict(run.path, tmp_path / "x.npz", "--format", "json")
    assert set(json.loads(told)[0]["outputs"]) == {"kind", "size"}
    _, told = predict(run.path, tmp_path / "x.npz", "--format", "csv", "--top-k", "1")
    assert told.splitlines()[0] == "input,kind.label,kind.probability,size.size"
    with pytest.raises(specbuild.RunError, match=r"it has no array `meta`, which the network takes"):
        run.predict({"image": IMAGES, "x": IMAGES})


def test_one_input_where_torch_refuses_a_batch_of_one(tmp_path: Path) -> None:
    layers = (
        "[Flatten, {type: Linear, out_features: 4}, {type: GroupNorm, num_groups: 4}, {type: Linear, out_features: 3}]"
    )
    run = run_of(tmp_path, layers, "CrossEntropyLoss", "input: image, target: label")
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
        raw(run, TENSOR[:1])
    expected = raw(run, TENSOR[:1].repeat(2, 1, 1, 1))[:1].numpy()
    np.testing.assert_allclose(given(run.predict(IMAGES[:1])), expected, rtol=1e-3)


def test_images_of_any_size_in_turns(tmp_path: Path) -> None:
    run = run_of(
        tmp_path, "[{type: AdaptiveAvgPool2d, output_size: 1}, Flatten, {name: head, type: Linear, out_features: 3}]",
        "CrossEntropyLoss", "input: image, target: label", "input: [3, H, W]\ndims: {H: {min: 4}, W: {min: 4}}",
    )  # fmt: skip
    files = []
    for k, size in enumerate([(6, 7), (6, 7), (9, 5), (6, 7), (3, 8)]):
        files.append(tmp_path / f"{k}.png")
        Image.fromarray(GENERATOR.integers(0, 255, (*size, 3)).astype(np.uint8)).save(files[-1])
    found = run.predict(files, on_error="skip")
    assert [Path(each.input).name for each in found] == ["0.png", "1.png", "2.png", "3.png"]
    assert [Path(each.file or "").name for each in found.failed] == ["4.png"]
    for each in found:
        pixels = torch.from_numpy(np.array(Image.open(each.input))).permute(2, 0, 1) / 255
        np.testing.assert_allclose(each.output, raw(run, pixels[None])[0].numpy(), rtol=1e-4, atol=1e-6)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained.digits_run(tmp_path_factory.mktemp("answers"))


def test_the_three_ways_to_print(digits: Run, tmp_path: Path) -> None:
    images = GENERATOR.integers(0, 255, (3, 8, 8)).astype(np.uint8)
    np.save(tmp_path / "x.npy", images)
    found = digits.predict(images, top_k=3)
    _, told = predict(digits.path, tmp_path / "x.npy", "--top-k", "3", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(told)))
    assert list(rows[0]) == ["input", "label", "probability", "label_2", "probability_2", "label_3", "probability_3"]
    assert [row["input"] for row in rows] == [f"{tmp_path / 'x.npy'}[{k}]" for k in range(3)]
    assert [row["label"] for row in rows] == [each.label for each in found]
    assert [float(row["probability"]) for row in rows] == pytest.approx(
        [next(iter(each.probabilities.values())) for each in found], rel=1e-6
    )
    _, told = predict(digits.path, tmp_path / "x.npy", "--top-k", "3", "--format", "json")
    assert [(one["sample"], one["label"]) for one in json.loads(told)] == list(enumerate(each.label for each in found))
    _, told = predict(digits.path, tmp_path / "x.npy", "--top-k", "3")
    head, *lines = told.splitlines()
    assert head.split() == ["input", "label", "probability", "next", "likeliest"]
    assert [line.split()[1] for line in lines] == [each.label for each in found]
    predict(digits.path, tmp_path / "x.npy", "--format", "csv", "--output", tmp_path / "told.csv")
    assert len((tmp_path / "told.csv").read_text().splitlines()) == 4


def test_standard_input(digits: Run, tmp_path: Path) -> None:
    image = io.BytesIO()
    pixels = GENERATOR.integers(0, 255, (8, 8)).astype(np.uint8)
    Image.fromarray(pixels).save(image, "PNG")
    arrays = io.BytesIO()
    np.savez(arrays, input=pixels[None])
    expected = digits.predict(pixels[None])[0].label
    for content, name in ((image, "<stdin>"), (arrays, "<stdin>[0]")):
        _, told = predict(digits.path, "-", "--format", "csv", "--top-k", "1", stdin=content.getvalue())
        assert told.splitlines()[1].split(",")[:2] == [name, expected]
    run = trained.table_run(tmp_path)
    text = (tmp_path / "houses.csv").read_bytes()
    _, told = predict(run.path, "-", "--format", "csv", stdin=text)
    assert [line.split(",")[0] for line in told.splitlines()[1:3]] == ["<stdin>:2", "<stdin>:3"]


def test_the_last_epochs_weights(tmp_path: Path) -> None:
    text = trained.DIGITS.replace("lr: 0.1}", "lr: 3.0}")
    run = specbuild.train(text + trained.END.replace("epochs: 1", "epochs: 4"), run=tmp_path / "run")
    images = GENERATOR.integers(0, 255, (3, 8, 8)).astype(np.uint8)
    last = specbuild.predict(run.path, images, weights="last")
    assert same_bits(given(last), given(specbuild.reload(run.path, "last").predict(images)))
    assert run.best["epoch"] == 4 or not same_bits(given(last), given(run.predict(images)))
