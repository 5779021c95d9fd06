"""What becomes of a task, wherever it runs: every run's outcome, and its failure written down."""

import errno
import json
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bothways.disk import FULL, write_text
from bothways.errors import BothwaysError, GuardError, RunError
from bothways.pipeline import run, run_pack
from bothways.runs import Planned, Run, load_exam, read_run
from bothways.sweeps.packs import Task
from bothways.training.loop import Interrupted
from bothways.types import SCHEMA

STOPPED = "Stopped. Finished runs are kept, the others saved their state; go on with --resume."
DIED = "Its process died, perhaps for want of memory. Go on with --resume and fewer --jobs."
EVERYWHERE = (*FULL, errno.EROFS)
"""What a disk says to one run and would say to every other."""


@dataclass(frozen=True)
class Outcome:
    """What became of a planned run: the run, or the sentence that says why there is none."""

    planned: Planned
    run: Run | None
    error: str | None


def do_task(task: Task, stop: Callable[[], bool], keep_going: bool) -> list[Outcome]:
    """Run a task and return what became of each of its runs.

    Args:
        task: a lone run or a pack.
        stop: asked after every step; True saves the state and ends the task.
        keep_going: whether a failure is written down for its own run and nothing else happens. Otherwise only a
            guard is; anything else that goes wrong is raised. A full disk is raised in any case.
    """
    try:
        return [outcome(plan, end) for plan, end in zip(task.runs, train_task(task, stop), strict=True)]
    except Interrupted:
        return [Outcome(plan, None, "stopped") for plan in task.runs]
    except Exception as error:
        if not keep_going or (isinstance(error, OSError) and error.errno in EVERYWHERE):
            raise
        return give_up(task, sentence(error), traceback.format_exc())


def train_task(task: Task, stop: Callable[[], bool]) -> Sequence[Run | GuardError]:
    """Train a task's runs; for each its run, or the guard that ended it."""
    if len(task.runs) != 1:
        return run_pack(task.runs, task.folder, stop)
    plan = task.runs[0]
    try:
        return [run(plan.config, load_exam(plan.exam), plan.folder, plan.about, stop)]
    except GuardError as error:
        return [error]


def outcome(plan: Planned, end: Run | GuardError) -> Outcome:
    """Return how a run ended as its outcome."""
    return Outcome(plan, end, None) if isinstance(end, Run) else Outcome(plan, None, str(end))


def sentence(error: Exception) -> str:
    """Return what to say of an error that nobody expected.

    >>> sentence(ZeroDivisionError("division by zero"))
    'The run failed with ZeroDivisionError: division by zero. Its error.json holds the traceback.'
    """
    if isinstance(error, BothwaysError):
        return str(error)
    said = (str(error).splitlines() or [""])[0][:300].rstrip(".")
    return f"The run failed with {type(error).__name__}: {said}. Its error.json holds the traceback."


def give_up(task: Task, why: str, trace: str | None = None, keep_going: bool = True) -> list[Outcome]:
    """Write down that a task's unfinished runs failed, and return what became of them all.

    Raises:
        RunError: `keep_going` is False.
    """
    if not keep_going:
        raise RunError(f"{task.runs[0].folder}: {why}")
    return [ended(plan) or record(plan, why, trace) for plan in task.runs]


def ended(plan: Planned) -> Outcome | None:
    """Return the outcome of a run whose folder already holds its end."""
    if (plan.folder / "result.json").exists():
        try:
            return Outcome(plan, read_run(plan.folder), None)
        except RunError as error:
            return Outcome(plan, None, str(error))
    return None


def record(plan: Planned, why: str, trace: str | None) -> Outcome:
    """Write a run's `error.json`."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    failure = {"schema": SCHEMA, "error": why, "step": None, **plan.about, "traceback": trace}
    write_text(plan.folder / "error.json", json.dumps(failure))
    return Outcome(plan, None, why)


class StopFile:
    """Asks a file on the shared disk, at most once a second, whether to stop: signals do not cross machines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._asked_at = -1.0
        self._stop = False

    def __call__(self) -> bool:
        """Whether the file is there."""
        now = time.monotonic()
        if not self._stop and now - self._asked_at >= 1.0:
            self._asked_at, self._stop = now, self._path.exists()
        return self._stop


@dataclass(frozen=True)
class FarTask:
    """A task for another machine that sees the same disk; calling it does it."""

    task: Task
    keep_going: bool
    stop_file: Path

    def __call__(self) -> list[Outcome] | Exception:
        """Do the task on one thread and return its outcomes, or what went wrong with all of them."""
        import torch

        torch.set_num_threads(1)
        stop = StopFile(self.stop_file)
        if stop():
            return [Outcome(plan, None, "stopped") for plan in self.task.runs]
        try:
            return do_task(self.task, stop, self.keep_going)
        except Exception as error:
            return error
