"""Jobs of a Slurm cluster, whose machines share the disk, through submitit."""

import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from bothways.errors import BothwaysError, Stopped
from bothways.sweeps.executors.base import Executor, absolute, count_jobs, package, stop_file
from bothways.sweeps.packs import Task
from bothways.sweeps.signals import stop_on_signals
from bothways.sweeps.work import DIED, STOPPED, FarTask, Outcome, give_up

GRACE = 30.0
"""Seconds to wait for jobs that were asked to stop; then they are cancelled, and go on from their checkpoints."""


@dataclass(frozen=True, kw_only=True)
class Slurm(Executor):
    """Jobs of a Slurm cluster, one a task, in arrays; or the same on this machine, to try it."""

    partition: str = ""
    """Where the jobs queue; empty for the cluster's own choice."""
    account: str = ""
    """Who pays; empty for the cluster's own choice."""
    timeout_min: int = 240
    """Longest a job may take, in minutes; one that takes longer is queued again and goes on."""
    mem_gb: float = 4.0
    """Memory of a job, in GB."""
    array: int = 1000
    """Most jobs in one array; clusters have a limit."""
    retries: int = 1
    """How often a task is begun again whose job died; it goes on from its checkpoint."""
    cluster: Literal["slurm", "local"] = "slurm"
    """`local` starts the same jobs on this machine."""

    def check(self) -> None:
        """See whether submitit is installed, and Slurm is here."""
        found = package("submitit", "slurm")
        if self.cluster == "slurm" and found.SlurmExecutor.affinity() < 0:
            raise BothwaysError("The executor 'slurm' finds no srun here. Start it on a machine of the cluster.")

    def execute(
        self, tasks: Sequence[Task], jobs: int | None, watch: Callable[[], None], keep_going: bool
    ) -> list[Outcome]:
        """Submit the tasks and wait for them; at most `jobs` run at a time."""
        own = {plan.run_id: plan for task in tasks for plan in task.runs}
        folder = tasks[0].runs[0].folder.parent.absolute() / "slurm"
        queue = self.queue(folder, jobs)
        room = len(tasks) if self.cluster == "slurm" else count_jobs(jobs)
        left = deque((task, self.retries) for task in tasks)
        running: list[tuple[Any, Task, int]] = []
        outcomes: list[Outcome] = []
        with stop_on_signals() as asked, stop_file(tasks) as stop:
            while left or running:
                batch = [left.popleft() for _ in range(min(len(left), room - len(running), self.array))]
                running += submit(queue, batch, keep_going, stop)
                for job, task, retries in [each for each in running if each[0].done()]:
                    running.remove((job, task, retries))
                    found = fetch(job)
                    if found is not None:
                        outcomes += found
                    elif retries:
                        left.append((task, retries - 1))
                    else:
                        outcomes += give_up(task, DIED, keep_going=keep_going)
                watch()
                if asked:
                    stop.touch()
                    end([job for job, _, _ in running])
                    raise Stopped(STOPPED)
                time.sleep(0.25 if running else 0)
        return [replace(outcome, planned=own[outcome.planned.run_id]) for outcome in outcomes]

    def queue(self, folder: Path, jobs: int | None) -> Any:
        """Return what jobs are submitted to."""
        queue = package("submitit", "slurm").AutoExecutor(folder=folder, cluster=self.cluster)
        wishes: dict[str, Any] = {
            "name": "bothways",
            "timeout_min": self.timeout_min,
            "mem_gb": self.mem_gb,
            "cpus_per_task": 1,
            "slurm_array_parallelism": jobs or self.array,
        }
        if self.partition:
            wishes["slurm_partition"] = self.partition
        if self.account:
            wishes["slurm_account"] = self.account
        queue.update_parameters(**wishes)
        return queue


@dataclass(frozen=True)
class Requeued:
    """A task that is queued again when its time is over."""

    work: FarTask

    def __call__(self) -> list[Outcome] | Exception:
        """Do the task."""
        return self.work()

    def checkpoint(self) -> Any:
        """Return what goes on where this job was: the same task, from its checkpoint on the disk."""
        return package("submitit", "slurm").helpers.DelayedSubmission(self)


def submit(queue: Any, batch: Sequence[tuple[Task, int]], keep_going: bool, stop: Path) -> list[tuple[Any, Task, int]]:
    """Submit tasks as one array and return each with its job."""
    if not batch:
        return []
    with queue.batch():
        jobs = [queue.submit(Requeued(FarTask(absolute(task), keep_going, stop))) for task, _ in batch]
    return [(job, task, retries) for job, (task, retries) in zip(jobs, batch, strict=True)]


def fetch(job: Any) -> list[Outcome] | None:
    """Return the outcomes of a job that ended, and remove its files; None where it died.

    Its files hold pickles that submitit alone writes and reads.
    """
    submitit = package("submitit", "slurm")
    try:
        found = job.result()
    except (submitit.core.utils.UncompletedJobError, submitit.core.utils.FailedJobError):
        return None  # its log stays, for whoever asks why
    for path in (job.paths.submission_file, job.paths.submitted_pickle, job.paths.result_pickle):
        path.unlink(missing_ok=True)
    if isinstance(found, Exception):
        raise found
    return found


def end(jobs: Sequence[Any]) -> None:
    """Give jobs that were asked to stop some time to save their state, then cancel them."""
    deadline = time.monotonic() + GRACE
    while any(not job.done() for job in jobs) and time.monotonic() < deadline:
        time.sleep(0.25)
    for job in jobs:
        if not job.done():
            with contextlib.suppress(Exception):  # it ended just now
                job.cancel()
