"""The verdict on a network that leaves sizes open is the verdict on it at each size.

SPECBUILD_EXAMPLES multiplies how many are drawn.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import specbuild
from specbuild.catalogue.sizes.columns import holds_at, value_at
from specbuild.catalogue.types import TensorType
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecError
from specbuild.language.document import Spec
from specbuild.network.inference import plan_of
from specbuild.network.open_sizes import OpenWalk, unlimited
from specbuild.network.plan import Plan
from specbuild.network.resolve import resolved

EXAMPLES = float(os.environ.get("SPECBUILD_EXAMPLES", "1"))
ROOT = Path(__file__).resolve().parent.parent.parent
SPECS = ROOT / "specs"


def inferred(spec: Spec) -> Plan | tuple[Diagnostic, ...]:
    try:
        return specbuild.infer(spec)
    except SpecError as error:
        return error.diagnostics


def shapes(plan: Plan) -> dict[str, TensorType]:
    found = {}
    stack = list(plan.steps)
    while stack:
        step = stack.pop()
        found[step.name] = step.output
        stack += step.steps
    return found


@st.composite
def layers(draw: st.DrawFn, depth: int = 0) -> list[Any]:
    """A line of layers on planes, or a U of them: down, something within, up, and beside it what was there before."""
    small = st.integers(1, 4)
    found: list[Any] = []
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(
            st.sampled_from(["conv", "pool", "pad", "up", "transposed", "u", "u", "add", "adaptive", "unshuffle"])
        )
        stride, kernel = draw(small), draw(small)
        if kind == "conv":
            layer = {"type": "Conv2d", "out_channels": 4, "kernel_size": kernel, "stride": stride,
                     "padding": draw(st.integers(0, 2)), "dilation": draw(st.integers(1, 2)),
                     "padding_mode": draw(st.sampled_from(["zeros", "reflect", "circular"]))}  # fmt: skip
        elif kind == "pool":
            layer = {"type": "MaxPool2d", "kernel_size": kernel, "stride": stride, "padding": kernel // 2,
                     "ceil_mode": draw(st.booleans())}  # fmt: skip
        elif kind == "pad":
            layer = {"type": draw(st.sampled_from(["ZeroPad2d", "ReflectionPad2d"])),
                     "padding": draw(st.lists(st.integers(-2, 2), min_size=4, max_size=4))}  # fmt: skip
        elif kind == "up":
            layer = {"type": "Upsample", "scale_factor": draw(st.integers(1, 3))}
        elif kind == "transposed":
            layer = {"type": "ConvTranspose2d", "out_channels": 4, "kernel_size": kernel, "stride": stride}
        elif kind == "adaptive" and draw(st.integers(0, 3)) == 0:
            layer = {"type": "AdaptiveAvgPool2d", "output_size": draw(st.integers(1, 9))}
        elif kind == "unshuffle" and draw(st.integers(0, 3)) == 0:
            layer = {"type": "PixelUnshuffle", "downscale_factor": 2}
            found.append(layer)
            layer = {"type": "PixelShuffle", "upscale_factor": 2}
        elif kind in ("u", "add") and depth < 2:
            factor = draw(st.integers(2, 3))
            down = {"type": draw(st.sampled_from(["MaxPool2d", "AvgPool2d"])), "kernel_size": factor}
            inner = draw(layers(depth=depth + 1)) if draw(st.booleans()) else []
            up = {"type": "ConvTranspose2d", "out_channels": 4, "kernel_size": factor, "stride": factor}
            merge = {"type": "Add" if kind == "add" else "Concat", "from": ["up", "input"]}
            last = {"type": "Conv2d", "out_channels": 4, "kernel_size": 1}
            layer = {"type": "Sequential", "layers": [down, *inner, {**up, "name": "up"}, merge, last]}
        else:
            layer = {"type": "ReLU"}
        found.append(layer)
    return found


@settings(max_examples=int(60 * EXAMPLES))
@given(layers(), st.booleans(), st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=6, max_size=6))
def test_verdicts(drawn: list[Any], square: bool, pairs: list[tuple[int, int]]) -> None:
    """Where it holds, it does at each size; where it does not, it says at which, and what to promise suffices."""
    names = ["S", "S"] if square else ["H", "W"]
    document = {"specbuild": 1, "input": [4, *names], "layers": drawn}
    spec = specbuild.load(document)
    found = inferred(spec)
    sizes = [dict(zip(names, pair, strict=True)) for pair in [*pairs, *((n, n) for n in range(1, 9))]]
    walk = OpenWalk(spec.dims)
    with suppress(SpecError):
        plan_of(spec, walk)
    if not walk.problems and not walk.lost:
        for each in sizes:
            holds = all(holds_at(unlimited(condition), each) for condition in walk.asked)
            assert holds is isinstance(inferred(spec.at(each)), Plan), each
    if isinstance(found, Plan):
        event("holds")
        for each in sizes:
            plan = inferred(spec.at(each))
            assert isinstance(plan, Plan), each
            over = shapes(found)
            for name, kind in shapes(plan).items():
                assert kind.shape == tuple(value_at(size, each) for size in over[name].shape)
            assert plan.macs() == value_at(found.macs(), each)
        return
    assert all(each.code != "SB313" for each in found), [str(each) for each in found]
    event("fails")
    good = [isinstance(inferred(spec.at(each)), Plan) for each in sizes]
    promises = {each.fix for each in found if (each.fix or "").startswith("dims: ")}
    assert not all(isinstance(inferred(spec.at(dict.fromkeys(names, n))), Plan) for n in range(1, 201))
    if len(promises) == len(found) == 1:
        (fix,) = promises
        mended = inferred(specbuild.load({**document, **as_written(fix)}))
        assert isinstance(mended, Plan), (fix, [str(each) for each in mended])
        event("a promise mends it")
        dims = specbuild.load({**document, **as_written(fix)}).dims
        for each, holds in zip(sizes, good, strict=True):
            if all(size in dims[name] for name, size in each.items()):
                assert holds, (each, fix)


def as_written(fix: str | None) -> dict[str, Any]:
    from specbuild.language.source import read_text

    return read_text(fix or "", "fix.yaml").tree


def over(name: str, dims: str = "", shape: str = "[3, H, W]") -> Spec:
    return specbuild.load(SPECS / f"{name}.yaml", [f"input={shape}", *([f"dims={dims}"] if dims else [])])


def test_unet_takes_multiples_of_16() -> None:
    (found,) = inferred(over("unet"))  # type: ignore[misc]
    assert found.message == (
        "at H = 33 and W = 33, [64, 33, 33] and [64, 32, 32] cannot be joined along axis 1: "
        "all other sizes have to be equal"
    )
    assert found.because.startswith("it holds when H is a multiple of 16 (H ≥ 16), and W likewise; ")
    assert found.fix == "dims: {H: {min: 16, multiple_of: 16}, W: {min: 16, multiple_of: 16}}"
    plan = inferred(over("unet", found.fix.removeprefix("dims: ")))
    assert isinstance(plan, Plan)
    assert str(plan.output) == "[1, H, W]"


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2", "densenet121", "vgg16_bn"])
def test_ready_networks_at_any_size(name: str) -> None:
    promised = "{H: {min: 32}, W: {min: 32}}"
    plan = inferred(over(name, promised))
    assert isinstance(plan, Plan), [str(each) for each in plan]
    for sizes in ({"H": 32, "W": 32}, {"H": 77, "W": 224}):
        there = inferred(over(name, promised).at(sizes))
        assert isinstance(there, Plan)
        assert {step: tuple(value_at(size, sizes) for size in kind.shape) for step, kind in shapes(plan).items()} == {
            step: kind.shape for step, kind in shapes(there).items()
        }


def test_a_resolved_document_leaves_the_same_open() -> None:
    spec = specbuild.load(ROOT / "examples" / "any_size.yaml")
    plan = specbuild.infer(spec)
    document = resolved(spec, plan)
    again = specbuild.load(document)
    assert again.dims == spec.dims
    assert resolved(again, specbuild.infer(again)) == document


def test_sizes_are_settled_by_the_smallest_that_are_promised() -> None:
    spec = specbuild.load(ROOT / "examples" / "any_size.yaml")
    assert spec.at({}).inputs["input"].shape == (3, 32, 32)
    assert spec.at({"W": 64}).inputs["input"].shape == (3, 32, 64)
    with pytest.raises(SpecError, match="H = 100 is not promised"):
        spec.at({"H": 100})
    with pytest.raises(SpecError, match="no input has a size `K`"):
        spec.at({"K": 100})


def test_a_written_size_may_depend_on_open_ones_where_the_promise_settles_it() -> None:
    document: dict[str, Any] = {
        "specbuild": 1, "input": [3, "H", "W"], "dims": {"H": {"min": 32, "max": 35}, "W": {"min": 32, "max": 35}},
        "layers": [{"type": "MaxPool2d", "kernel_size": 4}, "Flatten",
                   {"name": "head", "type": "Linear", "out_features": 2}],
    }  # fmt: skip
    plan = specbuild.infer(document)
    assert dict(plan.storages())["head.weight"].shape == (2, 192)


def test_what_is_asked_of_open_sizes_has_an_end() -> None:
    layers = [
        layer
        for size in range(2, 1202)
        for layer in (
            {"name": f"down{size}", "type": "MaxPool1d", "kernel_size": size, "from": "input"},
            {"name": f"up{size}", "type": "ConvTranspose1d", "out_channels": 1, "kernel_size": size, "stride": size},
            {"name": f"both{size}", "type": "Concat", "from": [f"up{size}", "input"]},
        )
    ]
    found = inferred(specbuild.load({"specbuild": 1, "input": [1, "H"], "layers": layers}))
    assert isinstance(found, tuple)
    assert [each.code for each in found] == ["SB313"]
    assert found[0].message == "undecided from here on: the layers ask more of H than is computed for a document"
    assert found[0].fix == "numbers in place of H"
    settled = {"specbuild": 1, "input": [1, 2000], "layers": layers[:30]}
    assert {each.code for each in specbuild.check(settled)} == {"SB308", "SB801"}


def line(shape: list[Any], *layers: Any, **dims: Any) -> Plan | tuple[Diagnostic, ...]:
    return inferred(specbuild.load({"specbuild": 1, "input": shape, "dims": dims, "layers": list(layers)}))


@pytest.mark.parametrize(
    ("least", "layers"),
    [
        (8, [{"type": "ConvTranspose2d", "out_channels": 4, "kernel_size": 3, "stride": 2, "padding": 1},
             "InstanceNorm2d"]),
        (8, [{"type": "Conv2d", "out_channels": 4, "kernel_size": 5}, "InstanceNorm2d"]),
        (8, [{"type": "Conv2d", "out_channels": 8, "kernel_size": 3}, {"type": "Flatten", "start_dim": 2},
             {"type": "MaxPool1d", "kernel_size": 4}]),
    ],
)  # fmt: skip
def test_a_product_of_sizes_is_large_enough_from_some_sizes_on(least: int, layers: list[Any]) -> None:
    promise = {"min": least}
    assert isinstance(line([4, "H", "W"], *layers, H=promise, W=promise), Plan)


def test_a_product_of_one_size_holds_from_some_size_on() -> None:
    pool = {"type": "MaxPool1d", "kernel_size": 10}
    (found,) = line([4, "S", "S"], {"type": "Flatten", "start_dim": 2}, pool)  # type: ignore[misc]
    assert found.message.startswith("at S = 3, ")
    assert found.because.startswith("it holds when S ≥ 4; ")
    assert found.fix == "dims: {S: {min: 4}}"


def test_a_promise_is_offered_only_where_it_suffices() -> None:
    """The width is too small whatever the height is."""
    found = line(
        [4, "H", 24], {"type": "AvgPool2d", "kernel_size": 5},
        {"type": "MaxPool2d", "kernel_size": 5, "ceil_mode": True}, {"type": "AvgPool2d", "kernel_size": 3},
    )  # fmt: skip
    assert isinstance(found, tuple)
    assert [each.message for each in found] == [
        "at H = 4, kernel_size 5 is larger than the padded input's height 4",
        "at H = 256, kernel_size 3 is larger than the padded input's width 1",
    ]
    assert all("dims" not in (each.fix or "") for each in found)
    assert "it holds" not in (found[1].because or "")


def test_examples_are_sizes_of_this_world() -> None:
    found = specbuild.check({
        "specbuild": 1, "inputs": {"x": [3, "A", "B"], "y": [3, "C", "D"]}, "layers": [
            {"name": "x1", "type": "AvgPool2d", "from": "x", "kernel_size": 97, "ceil_mode": True},
            {"name": "y1", "type": "AvgPool2d", "from": "y", "kernel_size": 89, "ceil_mode": True},
            {"type": "Concat", "from": ["x1", "y1"]},
        ],
    })  # fmt: skip
    assert {each.code for each in found} == {"SB308"}
    assert found[0].message.startswith("at A = 1 and C = 267, ")


def test_a_mend_for_one_size_is_no_mend_for_all() -> None:
    conv = {"type": "Conv2d", "out_channels": 8, "kernel_size": 4}
    (found,) = line([4, "H", "W"], conv, {"type": "PixelUnshuffle", "downscale_factor": 2})  # type: ignore[misc]
    assert found.because.startswith("it holds when H is odd (H ≥ 5), and W likewise; ")
    assert found.fix == "numbers in place of H and W, or in `dims` sizes at which it holds"


def test_what_fails_beyond_what_a_machine_holds_is_told_all_the_same() -> None:
    promise = {"min": 2**21, "multiple_of": 2**17}
    pools: list[Any] = [{"type": "MaxPool2d", "kernel_size": 512}] * 2
    ups: list[Any] = [{"type": "Upsample", "scale_factor": 512}] * 2
    whole = {"name": "whole", "type": "AvgPool2d", "kernel_size": 1}
    both = {"type": "Add", "from": ["upsample_2", "whole"]}
    found = line([64, "H", "W"], whole, *pools, *ups, both, H=promise, W=promise)
    assert isinstance(found, tuple)
    assert [each.code for each in found] == ["SB307"]
