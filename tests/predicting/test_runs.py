"""Predictions against the forward pass on the batches that the run's own evaluation makes: equal bit for bit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

import specbuild
from specbuild.api import predictor
from specbuild.predicting import predicting
from specbuild.reports.predicting import Writer
from specbuild.runs.run import Run
from tests.predicting import trained
from tests.predicting.trained import evaluated, given, same_bits


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("predicting")


@pytest.fixture(scope="module")
def species(root: Path) -> Run:
    return trained.folder_run(root)


@pytest.fixture(scope="module")
def digits(root: Path) -> Run:
    return trained.digits_run(root)


@pytest.fixture(scope="module")
def houses(root: Path) -> Run:
    return trained.table_run(root)


@pytest.fixture(scope="module")
def letters(root: Path) -> Run:
    return trained.text_run(root)


def test_image_files_of_all_modes_and_sizes_as_the_evaluation_reads_them(species: Run) -> None:
    split, expected = evaluated(species)
    files = [split.source.files[k] for k in split.indices.tolist()]
    found = species.predict(files)
    assert same_bits(given(found), expected)
    assert [each.input for each in found] == files
    chances = functional.softmax(torch.from_numpy(expected).double(), 1)
    for each, chance in zip(found, chances, strict=True):
        assert each.label == trained.SPECIES[int(chance.argmax())]
        assert each.probabilities == pytest.approx({trained.SPECIES[k]: float(chance[k]) for k in range(3)}, rel=1e-12)
        assert list(each.probabilities.values()) == sorted(each.probabilities.values(), reverse=True)


def test_a_folder_is_all_its_images_in_the_order_of_their_names(species: Run, root: Path) -> None:
    found = species.predict(root / "photos", top_k=1)
    assert [each.input for each in found] == [
        str(root / "photos" / name / file)
        for name in trained.SPECIES
        for file in ("0.png", "1.png", "2.png", "3.jpg", "4.png", "5.jpg")
    ]
    assert all(len(each.probabilities) == 1 for each in found)


def test_arrays_of_bytes_from_a_file_and_from_python(digits: Run, tmp_path: Path) -> None:
    split, expected = evaluated(digits)
    images = split.source.tensors["input"].index_select(0, split.indices)
    np.savez(tmp_path / "x.npz", input=images.numpy(), target=np.zeros(len(images)))
    np.save(tmp_path / "x.npy", images[:, 0].numpy())
    for inputs in (tmp_path / "x.npz", tmp_path / "x.npy", images, images.numpy(), {"input": images}):
        assert same_bits(given(digits.predict(inputs)), expected)
    found = specbuild.predict(digits.path, tmp_path / "x.npz", batch_size=7)
    assert found[3].input == f"{tmp_path / 'x.npz'}[3]"
    np.testing.assert_allclose(given(found), expected, rtol=1e-5, atol=1e-6)  # another batch, other kernels


def test_a_png_of_an_array_is_the_array(digits: Run, tmp_path: Path) -> None:
    split, expected = evaluated(digits)
    for k, index in enumerate(split.indices[:50].tolist()):
        Image.fromarray(split.source.sample(index)["input"][0].numpy()).save(tmp_path / f"{k:02}.png")
    assert same_bits(given(digits.predict(tmp_path)), expected[:50])


def test_floats_that_a_network_takes_as_they_are(root: Path, tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    values = generator.normal(size=(40, 6))
    np.savez(root / "floats.npz", a=values, b=values.sum(1) > 0)
    run = trained.trained(
        f"""\
specbuild: 1
name: floats
input: [6]
layers: [{{name: head, type: Linear, out_features: 1}}]
loss: BCEWithLogitsLoss
optimizer: {{type: SGD, lr: 0.1}}
data:
  train: {{dataset: {{type: Arrays, path: {root / "floats.npz"}, fields: {{input: a, target: b}}}}}}
  val: {{dataset: {{type: Arrays, path: {root / "floats.npz"}, fields: {{input: a, target: b}}}}}}
""",
        root / "floats",
    )
    _, expected = evaluated(run)
    found = run.predict(values)
    assert same_bits(given(found), expected)
    chance = torch.sigmoid(torch.from_numpy(expected).double())[:, 0]
    assert [each.label for each in found] == ["1" if p > 0.5 else "0" for p in chance.tolist()]
    assert found[0].probabilities["1"] == pytest.approx(float(chance[0]), rel=1e-6)


def test_rows_of_a_table_as_the_run_prepared_them(houses: Run, root: Path, tmp_path: Path) -> None:
    _, expected = evaluated(houses)
    found = houses.predict(root / "houses.csv")
    assert same_bits(given(found), expected)
    assert found[0].input == f"{root / 'houses.csv'}:2"
    assert found[0].values == {"price": float(expected[0, 0]), "rent": float(expected[0, 1])}
    lines = (root / "houses.csv").read_text().splitlines()
    columns = [line.split(",") for line in lines]
    shuffled = tmp_path / "without_targets.csv"  # in another order
    shuffled.write_text("\n".join(",".join([row[2], row[0], row[1]]) for row in columns))
    assert same_bits(given(houses.predict(shuffled)), expected)


def test_a_parquet_table_is_the_csv(houses: Run, root: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    from pyarrow import csv, parquet

    parquet.write_table(csv.read_csv(root / "houses.csv"), tmp_path / "houses.parquet")
    found = houses.predict(tmp_path / "houses.parquet")
    assert same_bits(given(found), given(houses.predict(root / "houses.csv")))
    assert found[0].input == f"{tmp_path / 'houses.parquet'}:1"


def test_a_value_that_is_missing_where_the_training_took_the_mean(tmp_path: Path) -> None:
    run = trained.table_run(tmp_path, "[price, rent]", more=", missing: mean")
    assert run.preprocessing is not None
    means = {each["column"]: each["mean"] for each in run.preprocessing["features"] if "mean" in each}
    (tmp_path / "x.csv").write_text(f"area,city,rooms\n,Bern,3\n{means['area']!r},Bern,3\n")
    missing, mean = run.predict(tmp_path / "x.csv")
    assert same_bits(missing.output, mean.output)


def test_the_classes_of_a_table_have_its_names(root: Path) -> None:
    run = trained.table_run(root, "city", loss="CrossEntropyLoss", outputs="3", features="4")
    _, expected = evaluated(run)
    found = run.predict(root / "houses.csv")
    assert same_bits(given(found), expected)
    assert [each.label for each in found] == [("Basel", "Bern", "Chur")[k] for k in expected.argmax(1)]


def test_what_comes_after_a_text(letters: Run, tmp_path: Path) -> None:
    split, expected = evaluated(letters)
    vocabulary = "".join(sorted(set(trained.SENTENCE)))
    windows = ["".join(vocabulary[k] for k in split.source.sample(i)["input"].tolist()) for i in split.indices.tolist()]
    (tmp_path / "x.txt").write_text("\n".join(windows))
    found = letters.predict(tmp_path / "x.txt")
    assert same_bits(given(found), expected)
    for each, scores in zip(found, expected, strict=True):
        assert each.label == vocabulary[int(scores[-1].argmax())]
    (tmp_path / "one.csv").write_text('text\n"' + windows[0] + '"\n')
    assert letters.predict(tmp_path / "one.csv")[0].label == found[0].label


def test_a_text_of_another_length_than_the_window(letters: Run, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text(f"the cat\n\n{'the ' * 10}\n")
    short, long = letters.predict(tmp_path / "x.txt")
    vocabulary = sorted(set(trained.SENTENCE))
    for text, each in (("the cat", short), (("the " * 10)[-16:], long)):
        with torch.inference_mode():
            expected = letters.model(torch.tensor([[vocabulary.index(c) for c in text]]))[0]
        assert same_bits(each.output, expected.numpy())
    assert [short.input, long.input] == [f"{tmp_path / 'x.txt'}:1", f"{tmp_path / 'x.txt'}:3"]


def test_an_older_run_says_nothing_of_its_samples(digits: Run, species: Run, tmp_path: Path) -> None:
    split, expected = evaluated(digits)
    older = replace(digits, samples=None)
    images = split.source.tensors["input"].index_select(0, split.indices)
    assert same_bits(given(older.predict(images)), expected)
    older = replace(species, samples=None)
    files = [evaluated(species)[0].source.files[0]]
    assert older.predict(files)[0].label in ("0", "1", "2")
    assert same_bits(older.predict(files)[0].output, species.predict(files)[0].output)


def test_what_the_run_keeps(species: Run, digits: Run) -> None:
    assert species.samples == {"classes": ["cat", "dog", "emu"]}
    assert (species.labels, digits.labels) == (["cat", "dog", "emu"], None)
    assert digits.samples is not None
    assert digits.samples["fields"]["input"] == {"shape": [1, 8, 8], "dtype": "uint8", "image": True}
    listed = json.loads((digits.path / "manifest.json").read_bytes())
    assert "samples.json" in json.dumps(listed)


def test_only_a_reloaded_run_predicts(digits: Run) -> None:
    from specbuild.runs.run import reload

    with pytest.raises(TypeError, match=r"only a run that `specbuild\.reload` gave can predict"):
        reload(digits.path).predict([])
    with pytest.raises(TypeError, match="an input is a path, an array, a tensor or a dict of them, not a int"):
        digits.predict([3])


@pytest.mark.parametrize(
    "samples",
    [{"classes": 3, "fields": []}, {"classes": [1], "fields": {"input": {"shape": "x"}}}, {"fields": {"input": 7}}],
)
def test_a_forged_file_of_samples_says_nothing(digits: Run, samples: dict[str, Any]) -> None:
    images = np.zeros((2, 8, 8), np.uint8)
    found = replace(digits, samples=samples).predict(images)
    assert same_bits(given(found), given(digits.predict(images)))
    assert found[0].label == digits.predict(images)[0].label


def test_inputs_are_read_as_they_are_needed(digits: Run) -> None:
    taken = []

    def endless() -> Any:
        while True:
            taken.append(1)
            yield np.zeros((1, 8, 8), np.uint8)

    found = predicting.each(predictor(digits), endless(), batch_size=4)
    assert next(found).label == next(found).label  # type: ignore[union-attr]
    assert len(taken) == 4


def test_an_interrupt_leaves_no_file(digits: Run, tmp_path: Path) -> None:
    def interrupted() -> Any:
        yield np.zeros((5, 8, 8), np.uint8)
        raise KeyboardInterrupt

    def write() -> None:
        with Writer("text", str(tmp_path / "x.npz"), 80) as writer:
            writer.all_of(predictor(digits), interrupted(), top_k=1, batch_size=2, on_error="fail", stdin=bytes)
            writer.finish()

    with pytest.raises(KeyboardInterrupt):
        write()
    assert list(tmp_path.iterdir()) == []
