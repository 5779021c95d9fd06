"""--dry-run: what would run, how long it would take, how much memory and disk; nothing is written."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from bothways.commands.compare import make_plan
from bothways.models.store import parameter_count
from bothways.pipeline import prepare_run
from bothways.runs import Planned
from bothways.sweeps.executors.base import count_jobs
from bothways.training.learner import Learner
from bothways.types import SCHEMA, Exam, FactSet

TIMED_STEPS = 6
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
) -> Estimate:
    """Return what `compare` with the same arguments would do and cost.

    Raises:
        BothwaysError: as `compare`.
    """
    torch.set_num_threads(1)
    plan = make_plan(facts, arms=arms, seeds=seeds, out=out, settings=settings, split=split)
    jobs = min(count_jobs(jobs), len(plan.runs))
    first = {run.arm: run for run in reversed(plan.runs)}
    timed = {arm.name: time_run(first[arm.name], plan.exam) for arm in plan.arms}
    numbers = max(n for _, n in timed.values())
    per_run = numbers * 4 / 1e6
    questions = len(plan.exam.queries)
    return Estimate(
        folder=str(plan.folder),
        facts=len(plan.exam.facts.facts),
        questions=questions,
        arms={name: seconds for name, (seconds, _) in timed.items()},
        runs=len(plan.runs),
        steps=plan.config.training.steps,
        jobs=jobs,
        seconds=sum(seconds for seconds, _ in timed.values()) * seeds / jobs,
        memory_mb=jobs * (PROCESS_MB + 6 * per_run),
        # a finished run keeps its model and samples; up to `jobs` unfinished ones keep two checkpoints each
        disk_mb=len(plan.runs) * (per_run + questions * 1.6e-4) + jobs * 6 * per_run + 2,
    )


def time_run(planned: Planned, exam: Exam) -> tuple[float, int]:
    """Return the seconds one run would take, from a few real steps, and how many numbers its model has."""
    config = planned.config.training
    ready = prepare_run(planned.config, exam)
    learner = Learner([ready.model], [(config.learning_rate, config.weight_decay)], config.precision, config.device)
    generator, marks = torch.Generator(), [time.perf_counter()]
    for step in range(TIMED_STEPS):
        learner.loss([planned.config.objective.prepare(ready.batches.at(step), generator)])
        learner.step(config.share(step), config.clip)
        marks.append(time.perf_counter())
    taken = sorted(after - before for before, after in pairwise(marks))
    return taken[TIMED_STEPS // 2] * config.steps, parameter_count(ready.model)
