"""What both share: one process that has imported torch."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kill.nursery import Nursery, nursery
from tests.kill.torture import PLUGINS


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nursery]:
    with nursery(tmp_path_factory.mktemp("nursery"), PLUGINS) as nursery_:
        yield nursery_
