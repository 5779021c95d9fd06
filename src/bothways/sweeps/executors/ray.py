"""Tasks of Ray, on one machine or on a cluster whose machines share the disk."""

import contextlib
import logging
import os
import signal
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bothways.errors import Stopped
from bothways.sweeps.executors.base import Executor, absolute, count_jobs, package, stop_file
from bothways.sweeps.packs import Task
from bothways.sweeps.signals import SIGNALS, stop_on_signals
from bothways.sweeps.work import DIED, STOPPED, FarTask, Outcome, give_up

QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}
"""Settings of a Ray that we start ourselves: it tells nobody of its use."""
GRACE = 30.0
"""Seconds to wait for tasks that were asked to stop; then Ray ends them, and they go on from their checkpoints."""


@dataclass(frozen=True, kw_only=True)
class Ray(Executor):
    """Tasks of Ray, each on one core: on this machine, or on a cluster that shares the disk."""

    address: str = ""
    """Of a cluster, such as `auto`; empty starts Ray on this machine and ends it afterwards."""
    retries: int = 3
    """How often Ray begins a task again whose process or machine died; it goes on from its checkpoint."""

    def check(self) -> None:
        """See whether Ray is installed."""
        package("ray", "ray")

    def execute(
        self, tasks: Sequence[Task], jobs: int | None, watch: Callable[[], None], keep_going: bool
    ) -> list[Outcome]:
        """Do the tasks wherever Ray has room, at most `jobs` at a time."""
        ray = package("ray", "ray")
        own = {plan.run_id: plan for task in tasks for plan in task.runs}
        with connected(ray, self.address, jobs), stop_on_signals() as asked, stop_file(tasks) as stop:
            do = ray.remote(num_cpus=1, max_retries=self.retries)(FarTask.__call__)
            left, running, outcomes = deque(tasks), dict[Any, Task](), list[Outcome]()
            while left or running:
                while left and (jobs is None or len(running) < jobs):
                    task = left.popleft()
                    running[do.remote(FarTask(absolute(task), keep_going, stop))] = task
                for ref in ready(ray, list(running), 0.25):
                    outcomes += fetch(ray, ref, running.pop(ref), keep_going)
                watch()
                if asked:
                    stop.touch()
                    ready(ray, list(running), GRACE, all_of_them=True)
                    raise Stopped(STOPPED)
        return [replace(outcome, planned=own[outcome.planned.run_id]) for outcome in outcomes]


def fetch(ray: Any, ref: Any, task: Task, keep_going: bool) -> list[Outcome]:
    """Return the outcomes of a task that ended, whatever ended it."""
    try:
        found = ray.get(ref)
    except ray.exceptions.RayError:  # its process or machine died too often
        return give_up(task, DIED, keep_going=keep_going)
    if isinstance(found, Exception):
        raise found
    return found


def ready(ray: Any, refs: list[Any], seconds: float, all_of_them: bool = False) -> list[Any]:
    """Wait until one task, or all, ended, at most so long; return those that did."""
    if not refs:
        return []
    done, _ = ray.wait(refs, num_returns=len(refs) if all_of_them else 1, timeout=seconds, fetch_local=False)
    if done and not all_of_them and len(refs) > 1:
        done, _ = ray.wait(refs, num_returns=len(refs), timeout=0, fetch_local=False)
    return done


@contextlib.contextmanager
def connected(ray: Any, address: str, jobs: int | None) -> Iterator[None]:
    """Use the Ray that this process is connected to already, or connect, or start one; then leave all as it was."""
    if ray.is_initialized():
        yield
        return
    here = {"address": "local", "num_cpus": count_jobs(jobs), "include_dashboard": False}
    where: dict[str, Any] = {"address": address} if address else here
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    with environment(QUIET), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module="ray")
        logging.getLogger("ray").setLevel(logging.ERROR)  # before it says what it does
        ray.init(**where, log_to_driver=False, logging_level=logging.ERROR)
    try:
        yield
    finally:
        ray.shutdown()
        for number, handler in handlers.items():  # Ray takes SIGTERM for itself
            with contextlib.suppress(ValueError):  # outside the main thread
                signal.signal(number, handler)


@contextlib.contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the length of a `with`."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
