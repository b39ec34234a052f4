"""Documents on data, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from specbuild.errors import DataError
from specbuild.language.document import Spec
from specbuild.language.loading import load


def document(data: Any, **changes: Any) -> Spec:
    """A training of a linear network on 1 x 8 x 8 images, with `data` and other changes."""
    spec = {
        "specbuild": 1,
        "input": [1, 8, 8],
        "layers": ["Flatten", {"type": "Linear", "out_features": 10}],
        "loss": "CrossEntropyLoss",
        "optimizer": "SGD",
        "data": data,
        **changes,
    }
    return load({key: value for key, value in spec.items() if value is not None})


def problems(action: Callable[[], Any]) -> list[tuple[str, str, str]]:
    """Code, path and message of each diagnostic that an action raises."""
    with pytest.raises(DataError) as raised:
        action()
    return [(d.code, ".".join(map(str, d.path)), d.message) for d in raised.value.diagnostics]
