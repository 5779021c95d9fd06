"""What an executor is: something that does tasks, here or elsewhere, and returns what became of every run."""

import abc
import contextlib
import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import ClassVar

from bothways.errors import BothwaysError
from bothways.options import at_least, component
from bothways.sweeps.packs import Task
from bothways.sweeps.work import Outcome
from bothways.training.parallel import here


@dataclass(frozen=True)
class Executor(abc.ABC):
    """A way to do many tasks. Every one gives the same bytes."""

    trains_along: ClassVar[bool] = False
    """Whether processes that were started together can train each task together."""

    @abc.abstractmethod
    def execute(
        self, tasks: Sequence[Task], jobs: int | None, watch: Callable[[], None], keep_going: bool
    ) -> list[Outcome]:
        """Do every task and return the outcome of every run, in any order.

        Args:
            tasks: at least one.
            jobs: tasks at a time; None leaves it to the executor.
            watch: called a few times a second, to draw progress.
            keep_going: whether a run's failure is written down and the others go on; see `do_task`.

        Raises:
            Stopped: Ctrl-C or a termination signal; the folders can be resumed.
        """

    def check(self) -> None:  # noqa: B027 - most need nothing
        """See whether this executor can work here, before anything is written.

        Raises:
            BothwaysError: a package is missing.
        """


def choose_executor(name: str | None, jobs: int | None) -> Executor | None:
    """Return the executor that a user named, None where nobody did, after a look whether it can work here.

    Raises:
        BothwaysError: it is unknown or cannot work here, or `jobs` is below 1 or more than processes that train
            together can do.
    """
    if jobs is not None:
        at_least(1, "Give the number of cores to use.", jobs=jobs)
    chosen: Executor | None = component("executors", name) if name is not None else None
    if chosen is not None:
        chosen.check()
    many = here().size
    if many > 1 and (jobs or 1) > 1:
        raise BothwaysError(f"{many} processes train one run at a time, got jobs={jobs}. Leave out --jobs.")
    if many > 1 and chosen is not None and not chosen.trains_along:
        raise BothwaysError(
            f"{many} processes that train together take one run after another, got executor={name}. "
            "Leave out --executor, or start without torchrun."
        )
    return chosen


def count_jobs(jobs: int | None) -> int:
    """Return how many tasks go at a time on this machine: as many as were asked for, or one a core.

    Raises:
        BothwaysError: fewer than one were asked for.
    """
    jobs = jobs if jobs is not None else os.cpu_count() or 1
    at_least(1, "Give the number of cores to use.", jobs=jobs)
    return jobs


def package(name: str, extra: str) -> ModuleType:
    """Import a package that only some users need.

    Raises:
        BothwaysError: it is not installed; the message says how to.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise BothwaysError(
            f"The executor '{extra}' needs the package {name}, which is not installed. "
            f"Install it with: pip install 'bothways[{extra}]'"
        ) from None


@contextlib.contextmanager
def stop_file(tasks: Sequence[Task]) -> Iterator[Path]:
    """Yield the path whose existence asks tasks elsewhere to stop; it is not there before and after."""
    path = tasks[0].runs[0].folder.parent.absolute() / ".stop"
    path.unlink(missing_ok=True)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def absolute(task: Task) -> Task:
    """Return a task whose paths mean the same in another process's folder."""
    runs = [replace(plan, folder=plan.folder.absolute(), exam=plan.exam.absolute()) for plan in task.runs]
    return replace(task, runs=tuple(runs))
