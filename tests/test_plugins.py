"""Layers, losses, data sets and transforms of one's own, as the catalogue's."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

import specbuild
from specbuild.catalogue.plugged import PLUGGED, unplug
from specbuild.language.schema import json_schema
from specbuild.plugins import (
    Dataset,
    Float,
    Layer,
    Loss,
    Outcome,
    SampleType,
    Size,
    Storage,
    Str,
    TensorType,
    Transform,
    Violation,
    inferred,
)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def _apart() -> Iterator[None]:
    """Nothing that a test adds is there afterwards."""
    before = set(PLUGGED)
    yield
    for name in set(PLUGGED) - before:
        unplug(name)


pytestmark = pytest.mark.usefixtures("_apart")


class ScaleModule(torch.nn.Module):
    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((features,), 2.0))

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input * self.weight


class Scale(Layer):
    """Each feature times a learned number."""

    features: Size | None = None
    """Size of the last axis."""

    def infer(self, input: TensorType) -> Outcome:
        size = input.shape[-1]
        arguments = inferred("features", self.features, size, f"the input has {size} features")
        return Outcome(input, arguments, {"weight": Storage((size,))}, macs=input.size)

    def build(self, nn: Any, **switches: bool) -> Any:
        return ScaleModule(self.features or 0)


class Unruled(Layer):
    """Pairs of features, added."""

    fails: Size = 1
    """Unless 1, it fails."""

    def build(self, nn: Any, **switches: bool) -> Any:
        return nn.Sequential(nn.Unflatten(1, (-1, 2)), nn.Linear(2, self.fails), nn.Flatten())


def network(*layers: Any, input: Any = (6,)) -> dict[str, Any]:
    return {"specbuild": 1, "name": "n", "input": list(input), "layers": list(layers)}


def test_a_layer_is_as_the_catalogues_own() -> None:
    specbuild.plugin(Scale)
    plan = specbuild.infer(network("Scale", {"type": "Linear", "out_features": 2}))
    assert (plan.parameters(), plan.macs()) == (6 + 14, 6 + 12)
    assert list(specbuild.build(plan).state_dict()) == ["scale_1.weight", "linear_1.weight", "linear_1.bias"]
    (found,) = specbuild.check(network({"type": "Scale", "features": 4}))
    assert (found.code, found.message) == ("SB301", "features is 4, but the input has 6 features")
    (found,) = specbuild.check(network({"type": "Scale", "featurs": 6}))
    assert (found.code, found.fix) == ("SB201", "did you mean `features`?")
    assert "Scale" in json_schema()["$defs"]


def test_without_it_the_name_is_unknown() -> None:
    (found,) = specbuild.check(network("Scale"))
    assert found.code == "SB204"
    assert "Scale" not in json_schema()["$defs"]


def test_a_layer_without_a_rule_is_run_on_the_meta_device_and_said_to_be() -> None:
    specbuild.plugin(Unruled)
    document = network({"type": "Unruled", "fails": 4})
    plan = specbuild.infer(document)
    assert plan.output == TensorType((12,))
    assert plan.parameters() == 12
    (warning,) = specbuild.check(document)
    assert (warning.code, warning.severity) == ("SB803", "warning")
    assert "was run on torch's meta device, and gave [12]" in warning.message
    (error,) = specbuild.check(network("Unruled", input=[5]))
    assert error.code == "SB310"
    assert error.message.startswith("Unruled fails on [5]: ")


@pytest.mark.parametrize(
    ("cls", "error", "message"),
    [
        (type("Linear", (Layer,), {}), ValueError, "there is a Linear already"),
        (type("LazyLinear", (Layer,), {}), ValueError, "there is a LazyLinear already"),
        (type("small", (Layer,), {}), ValueError, "a type's name begins with a capital letter, as Small; got small"),
        (int, TypeError, "a plug-in is a subclass of Layer, Loss, Dataset, Transform; got int"),
    ],
)
def test_what_is_no_plugin(cls: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        specbuild.plugin(cls)


class Cubed(Loss):
    """The mean of the cubed distance."""

    target: Str = "target"
    """The field."""
    scale: Float = 1.0
    """A factor."""

    def compare(self, output: TensorType, target: SampleType | None) -> None:
        if len(output.shape) != 1:
            raise Violation("SB402", f"Cubed takes [features], but the network gives {output}")

    def build(self, nn: Any, tensor: Any) -> Any:
        class Module(nn.Module):  # type: ignore[misc]
            def forward(self, output: Any, target: Any) -> Any:
                return (output - target).abs().pow(3).mean()

        return Module()


class Noise(Dataset):
    """Squares that are to be added up."""

    count: Size = 64
    """How many."""

    def sample(self) -> Mapping[str, SampleType]:
        return {"input": SampleType((1, 2, 2), "float32"), "target": SampleType((1,), "float32")}

    def length(self) -> int:
        return self.count

    def open(self, root: Any) -> Any:
        return [{"input": x, "target": x.sum().view(1)} for x in torch.rand(self.count, 1, 2, 2)]


class Brighter(Transform):
    """Every number more by a random part of `by`."""

    draws: ClassVar = 1
    random: ClassVar = True
    by: Float = 0.5
    """How much at most."""

    def apply(self, sample: SampleType, channels: int | None, sizes: Any) -> SampleType:
        return sample

    def run(self, images: Any, draws: Any) -> Any:
        return images + self.by * draws[0].view(-1, 1, 1, 1)


def test_training_with_nothing_but_plugins(tmp_path: Path) -> None:
    for cls in (Scale, Cubed, Noise, Brighter):
        specbuild.plugin(cls)
    document = {
        **network("Flatten", "Scale", {"type": "Linear", "out_features": 1}, input=[1, 2, 2]),
        "loss": "Cubed",
        "optimizer": {"type": "Adam", "lr": 0.05},
        "data": {"train": {"dataset": "Noise", "transforms": [{"type": "Brighter", "by": 0.01}]},
                 "val": {"dataset": {"type": "Noise", "count": 16}}},
        "train": {"epochs": 8, "device": "cpu"},
    }  # fmt: skip
    assert specbuild.check(document) == ()
    run = specbuild.train(document, run=tmp_path / "run")
    losses = [record["train_loss"] for record in run.metrics]
    assert losses[-1] < losses[0] / 2
    recorded = json.loads((tmp_path / "run" / "environment.json").read_text())["plugins"]
    assert recorded == dict.fromkeys(["Brighter", "Cubed", "Noise", "Scale"], __name__)
    assert specbuild.reload(tmp_path / "run").verdict.startswith("verified")
    unplug("Scale")
    with pytest.raises(specbuild.RunError) as raised:
        specbuild.reload(tmp_path / "run")
    (found,) = raised.value.diagnostics
    assert found.code == "SB507"
    assert found.message == f"it was made with plug-ins that are not loaded: Scale of {__name__}"
    assert found.fix == f"--plugin {__name__}, if you trust it"


def command(*arguments: str, folder: Path = ROOT / "examples") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "specbuild", *arguments], cwd=folder, capture_output=True, text=True,
        env={"PATH": "", "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_from_the_command_line() -> None:
    done = command("check", "snake.yaml")
    assert done.returncode == 1
    assert 'there is no layer called "Snake"' in done.stdout
    done = command("check", "--plugin", "my_layers", "snake.yaml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "snake.yaml: ok\n", "")
    done = command("schema", "--plugin", "my_layers")
    assert "Snake" in json.loads(done.stdout)["$defs"]
    done = command("check", "--plugin", "no_such_module", "snake.yaml")
    assert done.returncode == 1
    assert "error[SB508]: the plug-in `no_such_module` cannot be imported" in done.stderr


def test_the_page_shows_the_example_and_what_it_prints() -> None:
    page = (ROOT / "docs" / "plugins.md").read_text()
    shown = page.partition("```python\n")[2].partition("```")[0]
    assert shown == (ROOT / "examples" / "my_layers.py").read_text().partition("\n\n")[2]
    console = page.partition("```console\n")[2].partition("```")[0]
    line, _, output = console.partition("\n")
    printed = command(*line.removeprefix("$ specbuild ").split()).stdout
    assert re.sub(r"fits in .*", "fits in 16.00 GiB", printed) == output


def test_the_page_shows_the_document_of_the_example() -> None:
    page = (ROOT / "docs" / "plugins.md").read_text()
    assert page.partition("```yaml\n")[2].partition("```")[0] == (ROOT / "examples" / "snake.yaml").read_text()


def test_the_plugins_of_the_page_train_together(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "plugins.md").read_text()
    _, *blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    for name, text in zip(("gain", "log_cosh", "ramps", "brighter"), blocks, strict=True):
        (tmp_path / f"{name}.py").write_text(text)
    (line,) = re.findall(r"`specbuild (train [^`]*)`", page)
    (tmp_path / "ramps.yaml").write_text("# ramps.yaml\n" + page.partition("# ramps.yaml\n")[2].partition("```")[0])
    check = command(*line.replace("train", "check", 1).split(), folder=tmp_path)
    assert (check.returncode, check.stdout) == (0, "ramps.yaml: ok\n")
    verified = command(*line.replace("train", "summary --verify", 1).split(), folder=tmp_path)
    assert verified.stderr.startswith("verified: ")
    done = command(*line.split(), folder=tmp_path)
    assert (done.returncode, "best at epoch" in done.stdout) == (0, True), done.stderr


def method(kind: type, name: str, given: Any) -> type:
    """A plug-in that is right but for one method: what it gives, or raises."""

    def wrong(self: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(given, Exception):
            raise given
        return given

    cls = type(f"Bad{kind.__name__}", (kind,), {name: wrong, "__module__": __name__})
    return specbuild.plugin(cls)


FAILS = ZeroDivisionError("division by zero")
RAISED = "raised ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("given", "fact"),
    [
        (FAILS, RAISED),
        (None, "gives None, not an Outcome"),
        (TensorType((2,)), "gives a TensorType, not an Outcome"),
        (Outcome((6,)), "gives the output as a tuple, not a TensorType"),  # type: ignore[arg-type]
        (Outcome(TensorType([6])), "gives the output with a shape that is a list, not a tuple"),  # type: ignore[arg-type]
        (Outcome(TensorType((2.0,))), "gives the output with a size that is a float, not an int"),  # type: ignore[arg-type]
        (Outcome(TensorType((-1,))), "gives the output with the shape [-1]"),
        (Outcome(TensorType((2,)), {"sizes": 3}), "settles the argument `sizes`, which is no field of the class"),
        (Outcome(TensorType((2,)), macs="3"), "gives macs as a str, not an int"),  # type: ignore[arg-type]
        (Outcome(TensorType((2,)), parameters={"weight": (6,)}),  # type: ignore[dict-item]
         "gives parameter `weight` as a tuple, not a Storage"),
    ],
    ids=str,
)  # fmt: skip
def test_a_rule_that_fails(given: Any, fact: str) -> None:
    method(Scale, "infer", given)
    (found,) = specbuild.check(network("BadScale"))
    assert (found.code, found.instance) == ("SB315", "badscale_1")
    assert found.message == f"`infer` of BadScale ({__name__}) {fact}"


@pytest.mark.parametrize(
    ("kind", "name", "given", "fact"),
    [
        (Scale, "check", FAILS, RAISED),
        (Scale, "keeps", FAILS, RAISED),
        (Scale, "keeps", "input", "gives a str, not a tuple of names"),
        (Cubed, "compare", FAILS, RAISED),
        (Noise, "sample", FAILS, RAISED),
        (Noise, "sample", [1], "gives a list, not a mapping of fields to SampleType"),
        (Noise, "sample", {"input": (1, 2)}, "gives the field `input` as a tuple, not a SampleType"),
        (Noise, "length", FAILS, RAISED),
        (Noise, "length", "64", "gives a str, not an int, or None"),
        (Brighter, "apply", FAILS, RAISED),
        (Brighter, "apply", None, "gives None, not a SampleType"),
        (Scale, "build", FAILS, RAISED),
        (Scale, "build", None, "gives None, not a torch module"),
        (Cubed, "build", FAILS, RAISED),
        (Cubed, "build", 3, "gives an int, not a torch module"),
        (Noise, "open", FAILS, RAISED),
        (Noise, "open", None, "gives None, not a torch Dataset, with `__getitem__` and `__len__`"),
        (Brighter, "run", FAILS, RAISED),
        (Brighter, "run", None, "gives None of a batch of 1, not a tensor of as many"),
    ],
    ids=str,
)
def test_whatever_fails_is_said_with_method_and_class(
    kind: type, name: str, given: Any, fact: str, tmp_path: Path
) -> None:
    bad = method(kind, name, given)
    used = {cls.__name__: cls for cls in (Scale, Cubed, Noise, Brighter) if cls is not kind}
    for cls in used.values():
        specbuild.plugin(cls)
    names = {cls: bad.__name__ if cls is kind else cls.__name__ for cls in (Scale, Cubed, Noise, Brighter)}
    document = {
        **network("Flatten", names[Scale], {"type": "Linear", "out_features": 1}, input=[1, 2, 2]),
        "loss": names[Cubed], "optimizer": "SGD", "scheduler": {"type": "OneCycleLR", "max_lr": 0.1},
        "data": {"train": {"dataset": names[Noise], "transforms": [names[Brighter]]}},
        "train": {"epochs": 1, "device": "cpu"},
    }  # fmt: skip
    found = specbuild.check(document)
    if name in ("build", "open", "run"):
        assert found == ()
        with pytest.raises(specbuild.SpecbuildError) as raised:
            specbuild.train(document, run=tmp_path / "run")
        found = raised.value.diagnostics
    messages = {diagnostic.message for diagnostic in found if diagnostic.code == "SB315"}
    assert messages == {f"`{name}` of {bad.__name__} ({__name__}) {fact}"}


def test_a_module_that_gives_another_shape_than_its_rule_says(tmp_path: Path) -> None:
    (tmp_path / "liar.py").write_text(
        "from specbuild.plugins import Layer, Outcome, plugin\n\n@plugin\nclass Liar(Layer):\n"
        "    def infer(self, input):\n        return Outcome(input)\n\n"
        "    def build(self, nn, **switches):\n        return nn.Linear(2, 5)\n"
    )
    (tmp_path / "spec.yaml").write_text("specbuild: 1\ninput: [2]\nlayers: [Liar, {type: Linear, out_features: 2}]\n")
    done = command("summary", "--verify", "--plugin", "liar", "spec.yaml", folder=tmp_path)
    assert done.returncode == 1
    assert "error[SB390]: liar_1: Liar's `infer` says [2], but its module gives [5]" in done.stderr
    assert "fix: mend `infer` or `build` of Liar (liar)" in done.stderr


def test_what_fails_while_it_runs_is_not_called_a_defect_of_specbuild(tmp_path: Path) -> None:
    (tmp_path / "late.py").write_text(
        "from specbuild.plugins import Layer, Outcome, plugin\n\n@plugin\nclass Late(Layer):\n"
        "    def infer(self, input):\n        return Outcome(input)\n\n"
        "    def build(self, nn, **switches):\n        class Module(nn.Module):\n"
        "            def forward(self, input):\n                return input / (1 // 0)\n\n"
        "        return Module()\n"
    )
    (tmp_path / "spec.yaml").write_text("specbuild: 1\ninput: [2]\nlayers: [Late]\n")
    done = command("summary", "--verify", "--plugin", "late", "spec.yaml", folder=tmp_path)
    assert done.returncode == 1
    assert "error[SB315]: `forward` of Module (late) raised ZeroDivisionError" in done.stderr
    assert "defect of specbuild" not in done.stderr


def test_a_loss_is_told_the_targets_type_where_it_is_known() -> None:
    asked: list[Any] = []

    class Asked(Cubed):
        def compare(self, output: TensorType, target: SampleType | None) -> None:
            asked.append(target)

    for cls in (Asked, Noise):
        specbuild.plugin(cls)
    document = {**network("Flatten", input=[1, 2, 2]), "loss": "Asked"}
    assert specbuild.check(document) == ()
    assert asked == [None]
    asked.clear()
    assert specbuild.check({**document, "data": {"train": {"dataset": "Noise"}}}) == ()
    assert asked == [SampleType((1,), "float32")]


@pytest.mark.parametrize("name", ["../mine", "mine.py", "folder/mine"])
def test_a_module_is_named_as_import_takes_it(name: str) -> None:
    done = command("check", "--plugin", name, "snake.yaml")
    assert "fix: a module's name, as Python's `import` takes it: mine" in done.stderr
