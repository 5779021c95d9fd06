"""--dry-run: what would run, how long it would take, how much memory and disk; nothing is written."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch

from bothways.commands.compare import make_plan
from bothways.commands.sweep import make_sweep_plan
from bothways.models.store import parameter_count
from bothways.options import component
from bothways.pipeline import prepare_run
from bothways.runs import Planned
from bothways.sweeps.executors.base import count_jobs
from bothways.sweeps.executors.inline import Inline
from bothways.sweeps.executors.process import Process
from bothways.sweeps.packs import make_tasks
from bothways.training.learner import Learner
from bothways.training.parts import take
from bothways.types import SCHEMA, Exam, FactSet

TIMED_STEPS = 6
TIMED_TOKENS = {"cpu": 2**12, "cuda": 2**15}
"""Most tokens of a timed step: the rest of a batch takes as long for each row."""
LONG_ENOUGH = 10.0
"""Seconds after which two steps have told enough."""
TIMED_RUNS = 6
"""Runs of a sweep of which a few steps are timed."""
PROCESS_MB = 450
"""Memory of a process that has loaded its libraries, in MB."""


@dataclass(frozen=True)
class Estimate:
    """What a comparison would cost."""

    folder: str
    facts: int
    questions: int
    arms: dict[str, float]
    """Seconds of one run of each arm, from a few timed steps."""
    runs: int
    steps: int
    jobs: int
    seconds: float
    memory_mb: float
    disk_mb: float

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as JSON types."""
        return {"schema": SCHEMA, **asdict(self)}

    def text(self) -> str:
        """Return the estimate in words."""
        arms = "\n".join(f"  {name}: about {seconds:.0f} s a run" for name, seconds in self.arms.items())
        return (
            f"Would train {self.runs} runs of {self.steps} steps on {self.facts} facts, "
            f"and ask {self.questions} questions:\n"
            f"{arms}\n"
            f"With {self.jobs} at a time: about {self.seconds / 60:.1f} minutes, {self.memory_mb:.0f} MB of memory, "
            f"{self.disk_mb:.0f} MB on disk.\n"
            f"Would write {self.folder}. Nothing was written."
        )


def dry_run(
    facts: str | Path | FactSet,
    *,
    arms: Sequence[str],
    seeds: int = 5,
    out: str | Path | None = None,
    jobs: int | None = None,
    settings: Sequence[str] = (),
    split: int = 0,
    device: str = "auto",
) -> Estimate:
    """Return what `compare` with the same arguments would do and cost.

    Raises:
        BothwaysError: as `compare`.
    """
    torch.set_num_threads(1)
    plan = make_plan(facts, arms=arms, seeds=seeds, out=out, settings=settings, split=split, device=device)
    jobs = min(count_jobs(jobs), len(plan.runs))
    first = {run.arm: run for run in reversed(plan.runs)}
    timed = {arm.name: time_run(first[arm.name], plan.exam) for arm in plan.arms}
    numbers = max(one.numbers for one in timed.values())
    per_run = numbers * 4 / 1e6
    questions = len(plan.exam.queries)
    return Estimate(
        folder=str(plan.folder),
        facts=len(plan.exam.facts.facts),
        questions=questions,
        arms={name: one.seconds for name, one in timed.items()},
        runs=len(plan.runs),
        steps=plan.config.training.steps,
        jobs=jobs,
        seconds=sum(one.seconds for one in timed.values()) * seeds / jobs,
        memory_mb=jobs * (PROCESS_MB + 6 * per_run),
        # a finished run keeps its model and samples; up to `jobs` unfinished ones keep two checkpoints each
        disk_mb=len(plan.runs) * (per_run + questions * 1.6e-4) + jobs * 6 * per_run + 2,
    )


@dataclass(frozen=True)
class SweepEstimate:
    """What a sweep would cost, roughly."""

    folder: str
    runs: int
    cells: int
    packs: int
    """Tasks: packs and lone runs."""
    exams: int
    jobs: int | None
    """Tasks at a time; null where a cluster decides."""
    seconds: float
    """With `jobs` at a time; of one core where a cluster decides."""
    disk_mb: float

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as JSON types."""
        return {"schema": SCHEMA, **asdict(self)}

    def text(self) -> str:
        """Return the estimate in words."""
        at_a_time = f"With {self.jobs} at a time" if self.jobs else "On one core"
        return (
            f"Would train {self.runs} runs of {self.cells} cells in {self.packs} packs, on {self.exams} exams.\n"
            f"{at_a_time}: roughly {self.seconds / 60:.1f} minutes, {self.disk_mb:.0f} MB on disk.\n"
            f"Would write {self.folder}. Nothing was written."
        )


def sweep_dry_run(
    file: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    jobs: int | None = None,
    executor: str | None = None,
    device: str = "auto",
) -> SweepEstimate:
    """Return what `sweep` with the same arguments would do and roughly cost, from a few timed steps of a few runs.

    Raises:
        BothwaysError: as `sweep`.
    """
    torch.set_num_threads(1)
    plan = make_sweep_plan(file, out, device)
    chosen = component("executors", executor or "process")
    chosen.check()
    tasks = make_tasks(plan.runs)
    counted = min(count_jobs(jobs), len(tasks)) if jobs is not None or isinstance(chosen, Process | Inline) else None
    sample = tasks[:: max(1, len(tasks) // TIMED_RUNS)][:TIMED_RUNS]
    timed = [(task.runs[0], time_run(task.runs[0], plan.exams[task.runs[0].exam])) for task in sample]
    per_step = sum(one.seconds / run.config.training.steps for run, one in timed) / len(timed)
    numbers = sum(one.numbers for _, one in timed) / len(timed)
    questions = sum(len(plan.exams[run.exam].queries) for run in plan.runs)
    return SweepEstimate(
        folder=str(plan.folder),
        runs=len(plan.runs),
        cells=plan.spec.n_cells,
        packs=len(tasks),
        exams=len(plan.exams),
        jobs=counted,
        seconds=per_step * sum(run.config.training.steps for run in plan.runs) / (counted or 1),
        disk_mb=len(plan.runs) * numbers * 4 / 1e6 + questions * 1.6e-4 + 2,
    )


class Timed(NamedTuple):
    """What a few real steps of a run tell about all of it."""

    seconds: float
    """Of all its steps; measuring and examining come on top."""
    seconds_per_step: float
    numbers: int
    """How many its model has."""
    tokens: int
    """How many it reads in a step."""


def time_run(planned: Planned, exam: Exam) -> Timed:
    """Return what one run would take, from a few real steps; of a large batch some rows are computed."""
    config = planned.config.training
    ready = prepare_run(planned.config, exam)
    learner = Learner(
        [ready.model],
        [(config.learning_rate, config.weight_decay)],
        config.precision,
        config.device,
        micro_batch=config.micro_batch,
    )
    taught = planned.config.objective.worded(ready.tokenizer.turns)
    generator, marks = torch.Generator(), [time.perf_counter()]
    while len(marks) <= TIMED_STEPS and not (len(marks) > 2 and marks[-1] - marks[0] > LONG_ENOUGH):
        step = len(marks) - 1
        prepared = taught.prepare(taught.consult(ready.model, ready.batches.at(step), generator), generator)
        rows = max(1, TIMED_TOKENS[config.device] // prepared.input_BL.shape[1])
        loss = learner.loss([take(prepared, slice(0, rows))])
        learner.step(config.share(step), config.clip)
        loss.mean.tolist()  # waits for an accelerator
        marks.append(time.perf_counter())
    batch, length = prepared.input_BL.shape
    taken = sorted(after - before for before, after in pairwise(marks))
    each = taken[len(taken) // 2] * max(1.0, batch / rows)
    return Timed(each * config.steps, each, parameter_count(ready.model), batch * length)
