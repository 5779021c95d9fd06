"""One process a core on this machine."""

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import resource_tracker
from typing import Any

import torch

from bothways.errors import Stopped
from bothways.sweeps.executors.base import Executor, count_jobs
from bothways.sweeps.packs import Task
from bothways.sweeps.signals import SIGNALS, stop_on_signals
from bothways.sweeps.work import DIED, STOPPED, Outcome, do_task, give_up


@dataclass(frozen=True, kw_only=True)
class Process(Executor):
    """One process a core on this machine."""

    retries: int = 1
    """How often a task is begun again whose process died; it goes on from its checkpoint."""

    def execute(
        self, tasks: Sequence[Task], jobs: int | None, watch: Callable[[], None], keep_going: bool
    ) -> list[Outcome]:
        """Do the tasks in `jobs` processes, by default one a core."""
        crew = Crew(min(count_jobs(jobs), len(tasks)), keep_going)
        left = deque((task, self.retries) for task in tasks)
        outcomes: list[Outcome] = []
        with stop_on_signals() as asked, crew:
            while left or crew.busy:
                while left and crew.idle:
                    crew.begin(*left.popleft())
                for task, retries, found in crew.finished():
                    if found is not None:
                        outcomes += found
                    elif retries:
                        left.appendleft((task, retries - 1))
                    else:
                        outcomes += give_up(task, DIED, keep_going=keep_going)
                watch()
                if asked:
                    raise Stopped(STOPPED)
        return outcomes


class Crew:
    """Workers, each a pool of one process: where one dies, it is known which task it had, and the others go on."""

    def __init__(self, n: int, keep_going: bool) -> None:
        self.idle = [one_worker() for _ in range(n)]
        self.busy: dict[Future[list[Outcome]], tuple[ProcessPoolExecutor, Task, int]] = {}
        self._keep_going = keep_going
        self._others = set(multiprocessing.active_children())

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            for worker in set(multiprocessing.active_children()) - self._others:
                worker.terminate()  # asks: a worker saves its state and ends
        for pool in [*self.idle, *(pool for pool, _, _ in self.busy.values())]:
            pool.shutdown(wait=True, cancel_futures=True)

    def begin(self, task: Task, retries: int) -> None:
        """Give a task to an idle worker."""
        pool = self.idle.pop()
        with spawning():
            try:
                future = pool.submit(_work, task, self._keep_going)
            except BrokenProcessPool:  # it died of idleness
                pool.shutdown()
                pool = one_worker()
                future = pool.submit(_work, task, self._keep_going)
        self.busy[future] = (pool, task, retries)

    def finished(self) -> Iterator[tuple[Task, int, list[Outcome] | None]]:
        """Wait a little, then yield each task that ended with its retries and outcomes, None where its worker died."""
        for future in wait(self.busy, timeout=0.25, return_when=FIRST_COMPLETED).done:
            pool, task, retries = self.busy.pop(future)
            try:
                found = future.result()
            except BrokenProcessPool:
                pool.shutdown()
                self.idle.append(one_worker())
                yield task, retries, None
            except BaseException:
                self.idle.append(pool)
                raise
            else:
                self.idle.append(pool)
                yield task, retries, found


def one_worker() -> ProcessPoolExecutor:
    """Return a pool whose one process starts with its first task."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_begin_worker)


@contextlib.contextmanager
def spawning() -> Iterator[None]:
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


_WORKER: dict[str, Any] = {}


def _begin_worker() -> None:
    """Prepare a worker: one thread, stop when asked or when the parent is gone."""
    torch.set_num_threads(1)
    _WORKER.update(asked=[], busy=threading.Lock())
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


def work(job: Callable[[Callable[[], bool]], None]) -> None:
    """Do a job in a worker; the job asks what it is given whether to stop."""
    with _WORKER["busy"]:
        job(lambda: bool(_WORKER["asked"]))


def _work(task: Task, keep_going: bool) -> list[Outcome]:
    with _WORKER["busy"]:
        if _WORKER["asked"]:
            return [Outcome(plan, None, "stopped") for plan in task.runs]
        return do_task(task, lambda: bool(_WORKER["asked"]), keep_going)
