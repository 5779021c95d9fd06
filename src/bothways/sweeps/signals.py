"""Ctrl-C and termination, turned into a question that is asked between two steps."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""What asks to stop: Ctrl-C, and a polite kill."""


@contextlib.contextmanager
def stop_on_signals() -> Iterator[list[int]]:
    """Turn Ctrl-C and termination into a list that fills, for the length of a `with`; a second Ctrl-C raises."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def ask(number: int, _: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {number: signal.signal(number, ask) for number in SIGNALS}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def watching(watch: Callable[[], None]) -> Iterator[None]:
    """Call `watch` from a thread while this process computes."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.25):
            watch()

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        watch()
