"""PyYAML's stream of events: from its C parser, or from the Python one where PyYAML has no other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

NextEvent = Callable[[], Any]


def c_events(text: str) -> NextEvent:
    """libyaml's events."""
    from yaml.cyaml import CParser  # type: ignore[attr-defined]  # 10 ms, and a JSON document does without

    next_event: NextEvent = CParser(text).get_event
    return next_event


def python_events(text: str) -> NextEvent:
    """The same from PyYAML's own parser, ten times slower."""
    from yaml import SafeLoader, ScalarEvent
    from yaml.scanner import ScannerError

    loader: Any = SafeLoader(text)

    def next_event() -> Any:
        event = loader.get_event()
        if isinstance(event, ScalarEvent):
            try:
                event.value.encode()
            except UnicodeEncodeError:  # an escape for half of a pair, which libyaml refuses
                mark: Any = event.start_mark
                problem = "found invalid Unicode character escape code"
                raise ScannerError("while parsing a quoted scalar", mark, problem, mark) from None
        return event

    return next_event


def events(text: str) -> NextEvent:
    """The faster of the two that is there."""
    try:
        return c_events(text)
    except ImportError:
        return python_events(text)
