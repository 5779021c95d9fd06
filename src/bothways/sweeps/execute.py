"""Run many runs: one after another, or one process a core. The same results from either."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

import torch

from bothways.errors import GuardError, RunError, Stopped
from bothways.options import at_least
from bothways.pipeline import run
from bothways.runs import Planned, Run
from bothways.training.loop import Interrupted
from bothways.types import Exam


@dataclass(frozen=True)
class Outcome:
    """What became of a planned run: the run, or the sentence that says why there is none."""

    planned: Planned
    run: Run | None
    error: str | None


SIGNALS = (signal.SIGINT, signal.SIGTERM)
"""What asks to stop: Ctrl-C, and a polite kill."""
STOPPED = "Stopped. Finished runs are kept, the others saved their state; go on with --resume."


def run_many(
    planned: Sequence[Planned], exam: Exam, jobs: int, watch: Callable[[], None] = lambda: None
) -> list[Outcome]:
    """Run every planned run, `jobs` at a time, each on one thread.

    Args:
        planned: the runs; those whose folder is done are returned without repeating them.
        exam: what all are asked.
        jobs: processes; 1 runs in this one.
        watch: called a few times a second, to draw progress.

    A guard that fails ends its own run; anything else that goes wrong stops them all, as the next would meet it too.

    Raises:
        Stopped: Ctrl-C or a termination signal; the folders can be resumed.
        RunError: a run's folder is in use or damaged, or a worker died.
        OSError: the disk is full or cannot be written; the folders can be resumed.
    """
    at_least(1, "Give the number of cores to use.", jobs=jobs)
    if jobs == 1 or len(planned) == 1:
        return _inline(planned, exam, watch)
    return _pool(planned, exam, jobs, watch)


def _inline(planned: Sequence[Planned], exam: Exam, watch: Callable[[], None]) -> list[Outcome]:
    torch.set_num_threads(1)
    with stop_on_signals() as asked, _watching(watch):
        outcomes = []
        for plan in planned:
            outcomes.append(_run_one(plan, exam, lambda: bool(asked)))
            if asked:
                raise Stopped(STOPPED)
    return outcomes


def _pool(planned: Sequence[Planned], exam: Exam, jobs: int, watch: Callable[[], None]) -> list[Outcome]:
    try:
        return _pool_unguarded(planned, exam, jobs, watch)
    except BrokenProcessPool:
        raise RunError(
            "A worker process died, perhaps for want of memory. Go on with --resume and fewer --jobs."
        ) from None


def _pool_unguarded(planned: Sequence[Planned], exam: Exam, jobs: int, watch: Callable[[], None]) -> list[Outcome]:
    context = multiprocessing.get_context("spawn")
    outcomes: dict[str, Outcome] = {}
    others = set(multiprocessing.active_children())
    with (
        stop_on_signals() as asked,
        ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin_worker, initargs=(exam.to_json(),)) as pool,
    ):
        try:
            with _spawning():
                futures: dict[Future[Outcome], Planned] = {pool.submit(_work, plan): plan for plan in planned}
            waiting = set(futures)
            while waiting:
                done, waiting = wait(waiting, timeout=0.25, return_when=FIRST_COMPLETED)
                for future in done:
                    outcomes[futures[future].run_id] = future.result()
                watch()
                if asked:
                    raise Stopped(STOPPED)
        except BaseException:
            for worker in set(multiprocessing.active_children()) - others:
                worker.terminate()  # asks: a worker saves its state and ends
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [outcomes[plan.run_id] for plan in planned]


@contextlib.contextmanager
def _spawning() -> Iterator[None]:
    """Start processes that hold back signals until they can answer them, and leave the user's script alone.

    A new process inherits blocked signals, so that Ctrl-C while it still imports is not lost and kills nothing. It
    would also run the main script again; our workers need nothing from that, and a script without an
    `if __name__ == "__main__"` would start itself over and over.
    """
    resource_tracker.ensure_running()  # its own start would let the signals through again
    main = sys.modules["__main__"]
    hidden = {name: vars(main)[name] for name in ("__file__", "__spec__") if name in vars(main)}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    main.__spec__ = None
    vars(main).pop("__file__", None)
    try:
        yield
    finally:
        vars(main).update(hidden)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _run_one(plan: Planned, exam: Exam, stop: Callable[[], bool]) -> Outcome:
    try:
        return Outcome(plan, run(plan.config, exam, plan.folder, plan.about, stop), None)
    except Interrupted:
        return Outcome(plan, None, "stopped")
    except GuardError as error:
        return Outcome(plan, None, str(error))


_WORKER: dict[str, Any] = {}


def _begin_worker(exam: dict[str, Any]) -> None:
    """Prepare a worker: one thread, the exam read once, stop when asked or when the parent is gone."""
    torch.set_num_threads(1)
    _WORKER.update(exam=Exam.from_json(exam), asked=[], busy=threading.Lock())
    for number in SIGNALS:
        signal.signal(number, lambda n, _: _WORKER["asked"].append(n))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    """End this process when its parent is gone, however it went; a run under way saves its state first."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    _WORKER["asked"].append(0)
    with _WORKER["busy"]:
        os._exit(1)


def _work(plan: Planned) -> Outcome:
    with _WORKER["busy"]:
        if _WORKER["asked"]:
            return Outcome(plan, None, "stopped")
        return _run_one(plan, _WORKER["exam"], lambda: bool(_WORKER["asked"]))


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
def _watching(watch: Callable[[], None]) -> Iterator[None]:
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
