"""One task after another in this process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch

from bothways.errors import Stopped
from bothways.sweeps.executors.base import Executor
from bothways.sweeps.packs import Task
from bothways.sweeps.signals import stop_on_signals, watching
from bothways.sweeps.work import STOPPED, Outcome, do_task
from bothways.training.parallel import here


@dataclass(frozen=True, kw_only=True)
class Inline(Executor):
    """One task after another in this process, on one thread, and with the processes that train along."""

    trains_along: ClassVar[bool] = True

    def execute(
        self, tasks: Sequence[Task], jobs: int | None, watch: Callable[[], None], keep_going: bool
    ) -> list[Outcome]:
        """Do every task here; `jobs` does not matter.

        A failure in the middle of a step leaves other processes in it, so with them it ends everything.
        """
        torch.set_num_threads(1)
        keep_going = keep_going and here().size == 1
        outcomes: list[Outcome] = []
        with stop_on_signals() as asked, watching(watch):
            for task in tasks:
                outcomes += do_task(task, lambda: bool(asked), keep_going)
                if asked:
                    raise Stopped(STOPPED)
        return outcomes
