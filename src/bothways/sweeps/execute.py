"""Run many runs, wherever they run: the same results from every executor."""

from collections.abc import Callable, Sequence

from bothways.disk import remove_if_empty
from bothways.options import at_least
from bothways.sweeps.executors.base import Executor
from bothways.sweeps.executors.inline import Inline
from bothways.sweeps.executors.process import Process
from bothways.sweeps.packs import Task
from bothways.sweeps.work import Outcome
from bothways.training.parallel import here


def run_many(
    tasks: Sequence[Task],
    jobs: int | None = None,
    watch: Callable[[], None] = lambda: None,
    executor: Executor | None = None,
    keep_going: bool = False,
) -> list[Outcome]:
    """Do every task, and return the outcome of every run in the order of the tasks.

    Args:
        tasks: the runs, packed; those whose folder is done are returned without repeating them.
        jobs: tasks at a time; by default as many as the executor finds cores.
        watch: called a few times a second, to draw progress.
        executor: where they run; by default a process for each job, or this one where one is enough or others train
            along.
        keep_going: whether any failure ends its own runs only, as a guard does. Otherwise whatever else goes wrong
            stops them all, as the next would meet it too.

    Raises:
        Stopped: Ctrl-C or a termination signal; the folders can be resumed.
        RunError: a run's folder is in use or damaged, or a worker died again and again.
        OSError: the disk is full or cannot be written; the folders can be resumed.
    """
    if jobs is not None:
        at_least(1, "Give the number of cores to use.", jobs=jobs)
    if not tasks:
        return []
    if executor is None:
        executor = Inline() if jobs == 1 or len(tasks) == 1 or here().size > 1 else Process()
    found = {outcome.planned.run_id: outcome for outcome in executor.execute(tasks, jobs, watch, keep_going)}
    for packs in {task.folder.parent for task in tasks}:
        remove_if_empty(packs)  # only now: a worker may be about to make its pack's folder inside
    return [found[plan.run_id] for task in tasks for plan in task.runs]
