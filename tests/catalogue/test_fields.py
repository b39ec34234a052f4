"""What a field takes is what pydantic takes, strictly, under the same annotation."""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, Strict, TypeAdapter, ValidationError

from specbuild.catalogue.datasets import DATASETS
from specbuild.catalogue.entry import Entry
from specbuild.catalogue.fields import MISSING, Misfit, taker, wrong_item
from specbuild.catalogue.initialization import INITIALIZATIONS
from specbuild.catalogue.layers import LAYERS
from specbuild.catalogue.losses import LOSSES
from specbuild.catalogue.metrics import METRICS
from specbuild.catalogue.optimizers import OPTIMIZERS
from specbuild.catalogue.optimizers.optimizer import group_of
from specbuild.catalogue.schedulers import SCHEDULERS
from specbuild.catalogue.transforms import TRANSFORMS
from specbuild.language.sections import Loader
from specbuild.language.training import Best, Training

TABLES: list[Any] = [LAYERS, LOSSES, OPTIMIZERS, SCHEDULERS, DATASETS, TRANSFORMS, METRICS, INITIALIZATIONS]
CLASSES: list[type[Entry]] = [Best, Loader, Training, *map(group_of, OPTIMIZERS.values())]
CLASSES += [cls for table in TABLES for cls in table.values()]
ANNOTATIONS = {
    str(field.annotated): field.annotated
    for cls in CLASSES
    for name, field in cls.model_fields.items()
    if name not in cls.children
}


def strict(annotation: Any) -> Any:
    """The same for pydantic, which otherwise takes `"1"` and true for 1; a list does for a tuple."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return Annotated[strict(parts[0]), *parts[1:]]
    if origin in (Union, UnionType):
        return Union[tuple(strict(part) for part in parts)]  # noqa: UP007  the parts are a tuple
    if origin is tuple:
        return tuple[tuple(part if part is ... else strict(part) for part in parts)]
    if origin is dict:
        return dict[strict(parts[0]), strict(parts[1])]  # type: ignore[misc]
    return Annotated[annotation, Strict()] if annotation in (int, float, bool, str) else annotation


def literals(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [value for part in get_args(annotation) for value in literals(part)]


def values(annotation: Any) -> st.SearchStrategy[Any]:
    plain = st.one_of(
        st.none(), st.booleans(), st.integers(-3, 5), st.integers(), st.floats(-2, 2), st.floats(), st.text(max_size=3),
        st.sampled_from([10**400, 2**14, 2**31 - 1, 2**31, 65504.0, "\ud800", *literals(annotation)]),
    )  # fmt: skip
    lists = st.lists(plain, max_size=4) | st.lists(st.integers(0, 3), min_size=1, max_size=3)
    return plain | lists | st.dictionaries(st.text(max_size=2), plain, max_size=2)


def pydantics(annotation: Any) -> TypeAdapter[Any]:
    return TypeAdapter(strict(annotation), config=ConfigDict(allow_inf_nan=False))


@pytest.mark.parametrize("annotation", [pytest.param(one, id=name[:60]) for name, one in sorted(ANNOTATIONS.items())])
def test_takes_what_pydantic_takes(annotation: Any) -> None:
    adapter, take = pydantics(annotation), taker(annotation)

    @given(values(annotation))
    def agree(value: Any) -> None:
        try:
            theirs = adapter.validate_python(value)
        except ValidationError:
            theirs = MISSING
        if isinstance(value, bool) and not isinstance(theirs, bool):
            theirs = MISSING  # pydantic takes true for the 1 of `Literal[1, 2]`
        assert repr(take(value)) == repr(theirs)

    agree()


def test_an_entry_says_all_that_is_wrong_with_its_arguments() -> None:
    with pytest.raises(Misfit) as raised:
        LAYERS["Conv2d"](kernel_size=[3, "x"], strides=2, bias=1)
    assert [tuple(fault) for fault in raised.value.faults] == [
        ("out_channels", "missing", None), ("kernel_size", "wrong", 1), ("bias", "wrong", None),
        ("strides", "unknown", None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("annotation", "value", "item"),
    [
        (int | tuple[int, int], [1, "x"], 1),
        (int | tuple[int, int], ["x", "x"], None),
        (int | tuple[int, int], [1, 2, "x"], None),
        (tuple[int, ...] | None, [1, 2, "x"], 2),
        (tuple[int, ...] | tuple[str, str], [1, "x"], None),
        (int, "x", None),
    ],
)
def test_the_only_item_that_is_wrong(annotation: Any, value: Any, item: int | None) -> None:
    assert wrong_item(annotation, value) == item


def test_an_entry_is_frozen_and_equal_to_its_like() -> None:
    conv = LAYERS["Conv2d"](out_channels=3, kernel_size=[3, 5])
    assert conv == LAYERS["Conv2d"](out_channels=3, kernel_size=(3, 5))
    assert conv != LAYERS["Conv2d"](out_channels=4, kernel_size=(3, 5))
    assert conv != LAYERS["ConvTranspose2d"](out_channels=3, kernel_size=(3, 5))
    assert hash(conv) == hash(LAYERS["Conv2d"](out_channels=3, kernel_size=[3, 5]))
    assert repr(conv).startswith("Conv2d(in_channels=None, out_channels=3, kernel_size=(3, 5), stride=1")
    assert conv.model_copy(update={"in_channels": 1}).model_fields_set == {"in_channels", "out_channels", "kernel_size"}
    with pytest.raises(AttributeError, match="Conv2d is frozen"):
        conv.out_channels = 5  # type: ignore[attr-defined]


class Written(Entry):
    """With annotations that are strings, as `from __future__ import annotations` makes them."""

    count: int
    """How many."""
    of: Literal["a", "b"] = "a"
    """Which."""


def test_annotations_that_are_strings() -> None:
    assert [*Written.model_fields] == ["count", "of"]
    assert Written(count=2).arguments() == {"count": 2, "of": "a"}
    with pytest.raises(Misfit, match=r"^Written: of is wrong$"):
        Written(count=2, of="c")  # type: ignore[arg-type]
