"""Mends for the values of expressions: they name the place that the value comes from."""

from __future__ import annotations

from typing import Any

import pytest

import specbuild
from specbuild.diagnostics.diagnostic import Diagnostic
from specbuild.errors import SpecError
from specbuild.language.loading import load

CONV = {"params": {"c": None, "k": 1}, "layers": [{"type": "Conv2d", "out_channels": "${c}", "kernel_size": "${k}"}]}


def document(layers: list[Any], **more: Any) -> dict[str, Any]:
    return {"specbuild": 1, "input": [3, 8, 8], "layers": layers, **more}


def only(document: dict[str, Any]) -> Diagnostic:
    (found,) = specbuild.check(document)
    return found


def test_an_argument_of_a_block() -> None:
    found = only(document([{"type": "conv", "c": "8"}], blocks={"conv": CONV}))
    assert found.because == '`c` is "8", at layers[0].c'
    assert found.fix == "c: 8 there"


def test_an_argument_of_a_block_used_twice_is_that_of_the_use_that_is_wrong() -> None:
    found = only(document([{"type": "conv", "c": 8}, {"type": "conv", "c": "9"}], blocks={"conv": CONV}))
    assert (found.instance, found.because) == ("conv_2.conv2d_1", '`c` is "9", at layers[1].c')


def test_a_default_of_a_block() -> None:
    block = {"params": {"k": "3"}, "layers": [{"type": "Conv2d", "out_channels": 8, "kernel_size": "${k}"}]}
    found = only(document([{"type": "conv"}], blocks={"conv": block}))
    assert (found.because, found.fix) == ('`k` is "3", at blocks.conv.params.k', "k: 3 there")


def test_a_row_of_a_repeat_is_found_through_two_names() -> None:
    layers = [{"type": "conv", "repeat": [{"n": 8}, {"n": "9"}], "c": "${n}"}]
    found = only(document(layers, blocks={"conv": CONV}))
    assert (found.because, found.fix) == ('`n` is "9", at layers[0].repeat[1].n', "n: 9 there")


def test_an_inner_name_hides_an_outer_one() -> None:
    layers = [{"type": "conv", "repeat": [{"c": "9"}], "c": "${c}"}]
    found = only(document(layers, blocks={"conv": CONV}, vars={"c": "9"}))
    assert found.because == '`c` is "9", at layers[0].repeat[0].c'


def test_a_variable_of_the_document() -> None:
    layers = [{"type": "Sequential", "layers": [{"type": "Conv2d", "out_channels": "${w}", "kernel_size": 1}]}]
    found = only(document(layers, vars={"w": "8"}))
    assert (found.because, found.fix) == ('`w` is "8", at vars.w', "w: 8 there")


def test_a_number_of_a_repeat() -> None:
    layers = [{"type": "Conv2d", "repeat": 2, "out_channels": "${1 - i}", "kernel_size": 1}]
    found = only(document(layers))
    assert (found.because, found.fix) == ("`i` is 1, at layers[0].repeat", None)


def test_an_override() -> None:
    layers = [{"type": "Conv2d", "out_channels": "${w}", "kernel_size": 1}]
    with pytest.raises(SpecError) as raised:
        load(document(layers, vars={"w": 8}), ['vars.w="x"'])
    assert raised.value.diagnostics[0].because == '`w` is "x", by --set vars.w="x"'


def test_a_written_size_is_left_out_where_it_is_inferred() -> None:
    layers = [{"type": "Linear", "in_features": "${n}", "out_features": 4}]
    found = only({**document(layers, vars={"n": 5}), "input": [6]})
    assert found.because == "`n` is 5, at vars.n; input [6]"
    assert found.fix == "leave `in_features` out: it is inferred"


def test_a_mend_of_another_argument_that_is_an_expression() -> None:
    layers = [{"type": "Conv2d", "out_channels": 4, "kernel_size": 9, "padding": "${p}"}]
    found = only({**document(layers, vars={"p": 0}), "input": [3, 8, 8]})
    assert found.because == "`p` is 0, at vars.p; input [3, 8, 8]"
    assert found.fix == "kernel_size: 8"


def test_a_mend_of_the_expression_itself_is_left_alone() -> None:
    found = only(document([{"type": "ReLU", "when": "${n}"}], vars={"n": 1}))
    assert found.because == "`n` is 1, at vars.n"
    assert found.fix == 'when: "${stride == 1}", a comparison, or true or false'


@pytest.mark.parametrize("written", ["w", "$w", "{w}", "{{w}}", {"w": None}])
def test_a_variable_as_other_languages_write_it(written: Any) -> None:
    layers = [{"type": "Conv2d", "out_channels": written, "kernel_size": 1}]
    assert only(document(layers, vars={"w": 8})).fix == 'out_channels: "${w}"'
    assert only(document(layers)).fix is None
