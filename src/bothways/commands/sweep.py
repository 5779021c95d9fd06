"""sweep: train every combination of settings, and write one table of what came of it."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bothways.commands.output import is_begun
from bothways.commands.sweep_plan import SweepPlan, plan_sweep
from bothways.disk import disk_errors, own, write_text
from bothways.errors import RunError
from bothways.reports.sweep_page import write_sweep_report
from bothways.runs import Planned, describe_machine
from bothways.sweeps.collect import collect, write_table
from bothways.sweeps.execute import run_many
from bothways.sweeps.executors.base import choose_executor
from bothways.sweeps.manifest import read_manifest
from bothways.sweeps.packs import Task
from bothways.sweeps.settle import settle
from bothways.sweeps.spec import parse_spec, read_spec
from bothways.types import SCHEMA

if TYPE_CHECKING:
    import pandas

SweepProgress = Callable[[Sequence[Planned], Mapping[str, str]], AbstractContextManager[Callable[[], None]]]
"""Given the runs and each one's cell in words, a context that yields what is called a few times a second."""


def silent(runs: Sequence[Planned], cells: Mapping[str, str]) -> AbstractContextManager[Callable[[], None]]:
    """Show no progress."""
    return nullcontext(lambda: None)


@dataclass(frozen=True)
class Sweep:
    """A finished sweep: its folder, and how many runs of it there are."""

    folder: Path
    planned: int
    done: int
    seconds: float
    """Wall time of this call."""
    errors: tuple[str, ...] = ()
    """What each run said that failed."""

    @property
    def failed(self) -> int:
        """How many runs failed."""
        return len(self.errors)

    def to_pandas(self) -> "pandas.DataFrame":
        """One row per planned run: its value on each axis, and what came of it."""
        import pandas

        return pandas.read_parquet(self.folder / "results.parquet")

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "schema": SCHEMA,
            "run": str(self.folder),
            "planned": self.planned,
            "done": self.done,
            "failed": self.failed,
            "seconds": self.seconds,
            "results": str(self.folder / "results.parquet"),
        }


def sweep(
    file: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    jobs: int | None = None,
    executor: str | None = None,
    device: str = "auto",
    resume: bool = False,
    progress: SweepProgress = silent,
) -> Sweep:
    """Train every arm with every combination of settings, and write one table of what came of it.

    A run that fails is written down, and the others go on; `resume` tries it again.

    Args:
        file: the sweep's YAML file, or what such a file holds.
        out: the sweep's folder; runs/<name> by default.
        jobs: tasks at a time; the number of cores, or as many as a cluster has room for, by default.
        executor: where the runs run, such as "process", "ray:address=auto" or "slurm:partition=x".
        device: where to train: cpu, cuda, or auto for cuda where there is one.
        resume: go on with a half-made folder; finished runs are not repeated, failed ones are.
        progress: what shows the state of the runs while they run.

    Raises:
        BothwaysError: a bad file or option; nothing has been written.
        RunError: the folder is in use or damaged, or already holds a sweep and `resume` is False.
        OSError: the disk is full or cannot be written; the folder can be resumed.
        Stopped: interrupted; the folder can be resumed.
    """
    began = time.monotonic()
    plan = make_sweep_plan(file, out, device)
    chosen = choose_executor(executor, jobs)
    refuse_other(plan, resume)
    with disk_errors(plan.folder), own(plan.folder):
        tasks, order = write_plan(plan)
        with progress(plan.runs, cells_in_words(plan)) as watch:
            outcomes = run_many(tasks, jobs, watch, chosen, keep_going=True)
        found = {outcome.planned.run_id: outcome for outcome in outcomes}
        outcomes = [found[run_id] for run_id in order]
        write_table(plan.folder, collect(outcomes, plan.axes))
        write_sweep_report(plan.folder)
    errors = tuple(o.error for o in outcomes if o.error is not None)
    seconds = round(time.monotonic() - began, 1)
    return Sweep(plan.folder, len(outcomes), len(outcomes) - len(errors), seconds, errors)


def make_sweep_plan(file: str | Path | Mapping[str, Any], out: str | Path | None, device: str = "auto") -> SweepPlan:
    """Settle everything a sweep will do; write nothing.

    Raises:
        BothwaysError: as `sweep`.
    """
    if isinstance(file, Mapping):
        return plan_sweep(parse_spec(dict(file), "sweep", "sweep"), "sweep.yaml", out, device)
    return plan_sweep(read_spec(Path(file)), str(file), out, device)


def cells_in_words(plan: SweepPlan) -> dict[str, str]:
    """Return each run's cell as a person reads it, by run id; axes are cut to the last part of their names."""
    return {
        run_id: ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in row.items())
        for run_id, row in plan.axes.items()
    }


def refuse_other(plan: SweepPlan, resume: bool) -> None:
    """Refuse a folder that holds something else, or another sweep, or one that nobody asked to resume.

    Raises:
        RunError: the message says which, and what to do.
    """
    folder = plan.folder
    if not is_begun(folder, "sweep", (folder / "sweep.json").exists() or (folder / "exams").is_dir(), resume):
        return
    ours = {run.run_id for run in plan.runs}
    other = [row["run_id"] for row in read_manifest(folder) if row["run_id"] not in ours]
    if other:
        raise RunError(
            f"{folder} holds {len(other)} runs that {plan.file} does not plan, such as {other[0]}. "
            "A sweep may grow but not change: name another folder with -o."
        )


def write_plan(plan: SweepPlan) -> tuple[list[Task], list[str]]:
    """Write what the sweep is, its exams and its manifest; return the tasks and the order of the runs."""
    about = {
        **describe_machine(),
        "spec": plan.spec.to_json(),
        "axes": plan.axis_values(),
        "arms": [arm.name for arm in plan.arms],
        "seeds": list(range(plan.spec.seeds)),
        "command": plan.command,
    }
    write_text(plan.folder / "sweep.json", json.dumps(about, indent=1, ensure_ascii=False))
    return settle(plan.folder, {run.run_id: run for run in plan.runs}, plan.exams, plan.axes)


__all__ = ["Sweep", "make_sweep_plan", "sweep"]
