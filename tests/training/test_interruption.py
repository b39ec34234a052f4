from __future__ import annotations

import os
import signal
import threading

import pytest

from specbuild.training.interruption import Interrupted, Signals


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_raises_and_tells_its_status(number: int, status: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted) as caught, Signals():
        os.kill(os.getpid(), number)
    assert (caught.value.signal, caught.value.status) == (number, status)
    assert signal.getsignal(number) is before


def test_a_hangup_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
            assert signals.received is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_shield_puts_it_off() -> None:
    with Signals() as signals:
        signals.shield()
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.received == signal.SIGTERM
        with pytest.raises(Interrupted) as raised:
            signals.unshield()
        assert raised.value.signal == signal.SIGTERM


def test_only_the_first_signal_raises() -> None:
    with Signals() as signals:
        with pytest.raises(Interrupted) as raised:
            os.kill(os.getpid(), signal.SIGINT)
        assert raised.value.signal == signal.SIGINT
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.received == signal.SIGINT


class Dropping:
    """Is deleted while a signal comes: Python prints what `__del__` raises and goes on."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_python_drops_is_raised_later() -> None:
    with Signals() as signals:
        Dropping()
        signals.shield()
        with pytest.raises(Interrupted) as raised:
            signals.unshield()
        assert raised.value.signal == signal.SIGTERM


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def inside() -> None:
        with Signals():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [before]
