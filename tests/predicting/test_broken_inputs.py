"""Inputs that cannot be used: each is named with its reason, and the others are still predicted on request."""

from __future__ import annotations

import io
import json
import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import specbuild
from specbuild.cli.app import app
from specbuild.errors import RunError
from specbuild.runs.run import Run
from tests.predicting import trained


@pytest.fixture(scope="module")
def species(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained.folder_run(tmp_path_factory.mktemp("broken"))


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained.digits_run(tmp_path_factory.mktemp("broken"))


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained.table_run(tmp_path_factory.mktemp("broken"))


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained.text_run(tmp_path_factory.mktemp("broken"))


def refused(run: Run, inputs: Any) -> list[str]:
    """What is said of inputs that cannot be used, without the folder they are in."""
    with pytest.raises(RunError, match="SB513") as raised:
        run.predict(inputs)
    assert {each.code for each in raised.value.diagnostics} == {"SB513"}
    assert all(each.file for each in raised.value.diagnostics)
    return [f"{Path(each.file or '').name}: {each.message}" for each in raised.value.diagnostics]


def bomb(path: Path, side: int = 20_000) -> None:
    """A PNG that says it is enormous."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


def broken_images(folder: Path) -> None:
    """One of every kind that cannot be used, and two that can."""
    content = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (40, 40, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(content, "PNG")
    whole = content.getvalue()
    (folder / "a_good.png").write_bytes(whole)
    (folder / "b_truncated.png").write_bytes(whole[: len(whole) // 2])
    (folder / "c_empty.png").write_bytes(b"")
    (folder / "d_text.png").write_text("no image at all")
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 0xFF
    (folder / "e_flipped.png").write_bytes(flipped)
    Image.fromarray(np.arange(1600, dtype=np.uint16).reshape(40, 40) * 40).save(folder / "f_deep.png")
    bomb(folder / "g_bomb.png")
    os.mkfifo(folder / "h_pipe.png")
    (folder / "i_good.png").write_bytes(whole)
    (folder / "notes.txt").write_text("not looked at")


def test_images_that_cannot_be_read(species: Run, tmp_path: Path) -> None:
    broken_images(tmp_path)
    said = refused(species, tmp_path)
    assert said.pop(3).startswith("e_flipped.png: it is not an image that can be read: ")  # as Pillow has it
    assert said == [
        "b_truncated.png: it is not an image that can be read: image file is truncated",
        "c_empty.png: it is empty",
        "d_text.png: it is not an image that can be read: it is of no format that Pillow knows",
        "f_deep.png: it has more than 8 bits a channel (I;16), which would be cut off at 255",
        f"g_bomb.png: it has more than {Image.MAX_IMAGE_PIXELS:,} pixels, the most that Pillow opens",
        "h_pipe.png: it is neither a file nor a folder",
    ]
    found = species.predict(tmp_path, on_error="skip")
    assert [Path(each.input).name for each in found] == ["a_good.png", "i_good.png"]
    assert len(found.failed) == 7
    alone = species.predict([tmp_path / "a_good.png", tmp_path / "i_good.png"])
    assert [each.output.tobytes() for each in found] == [each.output.tobytes() for each in alone]


def test_images_of_another_size_or_mode_than_those_of_an_array(digits: Run, tmp_path: Path) -> None:
    pixels = np.zeros((8, 8), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a_good.png")
    Image.fromarray(np.zeros((28, 28), np.uint8)).save(tmp_path / "b_large.png")
    for name, mode in (("c_colour", "RGB"), ("d_alpha", "RGBA"), ("e_palette", "P"), ("g_bits", "1")):
        Image.fromarray(pixels).convert(mode).save(tmp_path / f"{name}.png")
    Image.fromarray(pixels).convert("CMYK").save(tmp_path / "f_print.jpg")
    trained_on = "but the network was trained on images in gray (L)"
    assert refused(digits, tmp_path) == [
        "b_large.png: it is [1, 28, 28], but the network takes [1, 8, 8]",
        f"c_colour.png: it is colour (RGB), {trained_on}",
        f"d_alpha.png: it is colour with transparency (RGBA), {trained_on}",
        f"e_palette.png: it is an image (P), {trained_on}",
        f"f_print.jpg: it is an image (CMYK), {trained_on}",
    ]
    assert len(digits.predict(tmp_path, on_error="skip")) == 2


def test_folders_and_files_that_are_not_there(digits: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("a")
    endings = ".jpg .jpeg .png .ppm .bmp .pgm .tif .tiff .webp"
    names = ["empty", "texts", "nowhere", "x.csv"]
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    assert refused(digits, [tmp_path / name for name in names]) == [
        f"empty: there is no image in the folder, a file that ends with {endings}",
        f"texts: there is no image in the folder, a file that ends with {endings}",
        "nowhere: there is no such file or folder",
        "x.csv: it is not an image that can be read: it is of no format that Pillow knows",
    ]


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x": np.zeros((2, 8, 8)), "y": [0]}, "it has no array `input`, which the network takes; it has x, y"),
        ({"input": np.zeros((2, 8, 8))}, "`input` is of 3 axes: it is [2, 8, 8], but the network takes [N, 1, 8, 8]"),
        ({"input": np.zeros((1, 8, 8))}, "`input` has no axis of samples: it is [1, 8, 8]"),
        (
            {"input": np.zeros((2, 1, 8, 8))},
            "`input` holds float64, but the network was trained on images of",
        ),
        ({"input": np.zeros((2, 9, 9), np.uint8)}, "it is [1, 9, 9], but the network takes [1, 8, 8]"),
        ({"input": np.zeros((2, 8, 8, 3), np.uint8)}, "it is [3, 8, 8], but the network takes [1, 8, 8]"),
        ({"input": np.array([["a"], ["b"]])}, "`input` holds <U1, not numbers"),
        ({"input": np.array(3)}, "`input` is one number, without an axis of samples"),
        ({"input": np.zeros((0, 8, 8), np.uint8)}, "it has no samples"),
        ({"input": np.zeros((2, 0, 8), np.uint8)}, "`input` is [2, 0, 8]: its samples hold no numbers"),
        ({"input": np.zeros((2, 1, 8, 8), np.int16)}, "`input` holds int16, but the network was trained on images of"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arrays_that_do_not_fit(digits: Run, tmp_path: Path, arrays: dict[str, Any], told: str) -> None:
    np.savez(tmp_path / "x.npz", **arrays)
    (said,) = refused(digits, tmp_path / "x.npz")  # once, not for each sample
    assert said.startswith(f"x.npz: {told}")


def test_files_of_arrays_that_are_damaged_or_hold_objects(digits: Run, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", input=np.array([{}, []], dtype=object))
    np.save(tmp_path / "b.npy", np.array([{}, []], dtype=object))
    np.savez(tmp_path / "c.npz", input=np.zeros((3, 8, 8), np.uint8))
    (tmp_path / "c.npz").write_bytes((tmp_path / "c.npz").read_bytes()[:-60])
    (tmp_path / "d.npy").write_text("no array")
    files = [tmp_path / name for name in ("a.npz", "b.npy", "c.npz", "d.npy")]
    assert refused(digits, files) == [
        "a.npz: cannot be read: it holds Python objects, which are never unpickled",
        "b.npy: cannot be read: it holds Python objects, which are never unpickled",
        "c.npz: cannot be read: it is damaged, or not a `.npz` file",
        "d.npy: cannot be read: it is no file of NumPy's (and nothing is unpickled)",
    ]


def test_numbers_that_are_none(houses: Run, tmp_path: Path) -> None:
    values = np.zeros((4, 5))
    values[1, 2], values[3, 0] = np.nan, np.inf
    np.save(tmp_path / "x.npy", values)
    assert refused(houses, tmp_path / "x.npy") == [
        "x.npy: sample 1: `input` holds NaN",
        "x.npy: sample 3: `input` holds an infinity, or what is too large for float32",
    ]
    assert [each.input for each in houses.predict(values, on_error="skip")] == ["<array>[0]", "<array>[2]"]


def test_numbers_that_float32_does_not_hold(houses: Run) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert refused(houses, np.full((1, 5), 1e300)) == [
            "<array>: sample 0: `input` holds an infinity, or what is too large for float32"
        ]


def test_tensors_in_bfloat16(houses: Run) -> None:
    values = torch.ones(2, 5, dtype=torch.bfloat16)
    assert houses.predict(values)[0].values == houses.predict(values.float())[0].values


@pytest.mark.parametrize("inputs", [None, 5, b"x.npy", [[1.0, 2.0]]], ids=str)
def test_what_is_no_input(houses: Run, inputs: Any) -> None:
    with pytest.raises(TypeError, match="an input is a path, an array, a tensor or a dict of them, not a"):
        houses.predict(inputs)


@pytest.mark.parametrize(
    "arguments", [{"top_k": 0}, {"top_k": "2"}, {"batch_size": 0}, {"batch_size": 1.5}, {"on_error": "ignore"}], ids=str
)
def test_arguments_that_mean_nothing(houses: Run, arguments: dict[str, Any]) -> None:
    (name,) = arguments
    with pytest.raises(ValueError, match=f"^{name} is "):
        houses.predict(np.zeros((2, 5)), **arguments)


def test_rows_of_a_table(houses: Run, tmp_path: Path) -> None:
    text = "area,city,rooms\n80,Basel,3\n,Bern,2\n70,Bonn,2\n90,Chur,many\n1e50,Chur,2\nnan,Chur,2\n60,Bern,1\n"
    (tmp_path / "x.csv").write_text(text)
    assert refused(houses, tmp_path / "x.csv") == [
        "x.csv: line 3: `area` is missing",
        "x.csv: line 4: `city` is Bonn, a category that the training did not have",
        "x.csv: line 5: `rooms` is many, not a finite number",
        "x.csv: line 6: `area` is too large for float32",
        "x.csv: line 7: `area` is nan, not a finite number",
    ]
    found = houses.predict(tmp_path / "x.csv", on_error="skip")
    assert [each.place.number for each in found] == [2, 8]
    (tmp_path / "y.csv").write_text("area,town\n80,Basel\n")
    (tmp_path / "z.csv").write_text("area,city,rooms\n80,Basel\n")
    (tmp_path / "w.csv").write_text("area,city,rooms\n")
    (tmp_path / "v.csv").write_bytes(b"area,city,rooms\n80,B\xe4le,3\n")
    assert refused(houses, [tmp_path / f"{name}.csv" for name in "yzwv"]) == [
        "y.csv: it has no columns `city`, `rooms`, which the network takes; it has area, town",
        "z.csv: line 2 has 2 values, but there are 3 columns: area, city, rooms",
        "w.csv: has no rows",
        "v.csv: line 2 is not UTF-8: invalid continuation byte",
    ]


def test_texts(letters: Run, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("the cat\nthe Zebra\n\nthe dog\n")
    (tmp_path / "y.txt").write_bytes(b"the c\xe4t")
    (tmp_path / "z.txt").write_text("\n\n")
    assert refused(letters, [tmp_path / f"{name}.txt" for name in "xyz"]) == [
        "x.txt: line 2: 'Z' is not in the vocabulary of the training",
        "y.txt: line 1 is not UTF-8: invalid continuation byte",
        "z.txt: it has no text",
    ]
    assert len(letters.predict(tmp_path / "x.txt", on_error="skip")) == 2


def test_the_command_line_prints_what_it_could_and_says_what_it_could_not(digits: Run, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no image")
    command = ["predict", str(digits.path), str(tmp_path), "--format", "json"]
    failed = CliRunner().invoke(app, command)
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert [each["file"] for each in json.loads(failed.stderr)] == [str(tmp_path / "b.png")]
    done = CliRunner().invoke(app, [*command, "--on-error", "skip"])
    assert done.exit_code == 1
    assert [each["input"] for each in json.loads(done.stdout)] == [str(tmp_path / "a.png")]
    assert [each["code"] for each in json.loads(done.stderr)] == ["SB513"]


def test_standard_input_that_cannot_be_read(digits: Run) -> None:
    arrays = io.BytesIO()
    np.savez(arrays, input=np.zeros((3, 8, 8), np.uint8))
    for content, told in {
        b"": "it is empty",
        b"no image": "it is not an image that can be read: it is of no format that Pillow knows",
        arrays.getvalue()[:-60]: "cannot be read: it is damaged, or not a `.npz` file",
    }.items():
        done = CliRunner().invoke(app, ["predict", str(digits.path), "-"], input=content)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.strip() == f"<stdin>: error[SB513]: {told}"


def test_a_validation_that_draws(tmp_path: Path) -> None:
    drawing = trained.DIGITS.replace("val: {", "val: {transforms: [RandomHorizontalFlip, ToTensor], ")
    run = trained.trained(drawing, tmp_path / "run")
    with pytest.raises(RunError, match=r"run: error\[SB514\]: its validation pipeline draws \(RandomHorizontalFlip\)"):
        specbuild.predict(run, np.zeros((1, 8, 8), np.uint8))
