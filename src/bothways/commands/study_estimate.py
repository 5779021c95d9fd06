"""study --dry-run: the groups that would run, how much they read, and how long that would take; nothing is written."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from bothways.bases.stand_in.folder import is_finished
from bothways.commands.estimate import Timed, time_run
from bothways.commands.study import make_study_plan
from bothways.config import to_plain
from bothways.errors import BothwaysError
from bothways.runs import Planned
from bothways.studies.plan import StudyPlan
from bothways.sweeps.executors.base import choose_executor, count_jobs
from bothways.sweeps.executors.inline import Inline
from bothways.sweeps.executors.process import Process
from bothways.training.parallel import here
from bothways.types import SCHEMA, digest


@dataclass(frozen=True)
class GroupCost:
    """What one group of a study would cost; a run that two groups want is counted in the first."""

    group: str
    runs: int
    steps: int
    """Of each run."""
    tokens: int
    """Read in each step."""
    seconds: float
    """Of all its runs, one after another."""


@dataclass(frozen=True)
class StudyEstimate:
    """What a study would cost, roughly."""

    study: str
    quick: bool
    preset: str
    """The scale by its name, and empty where the study names none."""
    about: str
    folder: str
    seeds: int
    groups: tuple[GroupCost, ...]
    runs: int
    tokens: int
    """Read by all runs in all their steps."""
    jobs: int | None
    """Runs at a time, or processes that train each together; null where a cluster decides."""
    seconds: float
    """With `jobs` at a time; of one core where a cluster decides."""
    disk_mb: float

    def to_json(self) -> dict[str, Any]:
        """Return the estimate as JSON types."""
        return {"schema": SCHEMA, **asdict(self)}

    def text(self) -> str:
        """Return the estimate in words."""
        width = max((len(group.group) for group in self.groups), default=0)
        lines = [
            f"  {group.group:{width}}  {group.runs} runs of {group.steps:,} steps of {group.tokens:,} tokens, "
            f"about {group.seconds / 60:.1f} minutes"
            for group in self.groups
        ]
        scale = f", preset {self.preset} ({self.about})" if self.preset else ", quick" if self.quick else ""
        at_a_time = f"With {self.jobs} at a time" if self.jobs else "On one core"
        return "\n".join(
            [
                f"Would train {self.runs} runs for the study {self.study}{scale}, with {self.seeds} seeds:",
                *lines,
                (
                    f"All of them read {self.tokens:,} tokens. {at_a_time}: roughly {self.seconds / 3600:.2f} hours of "
                    f"training, without measuring and examining, and {self.disk_mb:.0f} MB on disk."
                ),
                f"Would write {self.folder}. Nothing was written.",
            ]
        )


def study_dry_run(
    name: str,
    *,
    quick: bool = False,
    preset: str = "",
    seeds: int | None = None,
    executor: str | None = None,
    jobs: int | None = None,
    out: str | Path | None = None,
    models: Sequence[str] = (),
    facts: str = "",
) -> StudyEstimate:
    """Return what `study` with the same arguments would do and roughly cost, from a few timed steps of each shape.

    Raises:
        BothwaysError: as `study`; or the runs begin with models that are not made yet.
    """
    torch.set_num_threads(1)
    chosen = choose_executor(executor, jobs) or Process()
    plan = make_study_plan(name, quick=quick, preset=preset, seeds=seeds, out=out, models=models, facts=facts)
    check_bases(plan)
    own: dict[str, list[Planned]] = {group: [] for group in plan.groups}
    for run_id, run in plan.runs.items():
        own[plan.axes[run_id]["group"]].append(run)
    timed: dict[str, Timed] = {}
    for runs in own.values():
        if runs and speed_of(runs[0]) not in timed:
            timed[speed_of(runs[0])] = time_run(runs[0], plan.exams[runs[0].exam])
    known = {group: timed[speed_of(runs[0])] for group, runs in own.items() if runs}
    groups = tuple(cost(group, own[group], one) for group, one in known.items())
    counted = min(count_jobs(jobs), len(plan.runs)) if isinstance(chosen, Process | Inline) or jobs else None
    counted = here().size if here().size > 1 else 1 if isinstance(chosen, Inline) else counted
    weights = sum(known[group].numbers * 4 / 1e6 * len(own[group]) for group in known)
    questions = sum(len(plan.exams[run.exam].queries) for run in plan.runs.values())
    return StudyEstimate(
        study=name,
        quick=plan.quick,
        preset=plan.study.preset,
        about=plan.study.presets[plan.study.preset].about if plan.study.preset else "",
        folder=str(plan.folder),
        seeds=plan.seeds,
        groups=groups,
        runs=len(plan.runs),
        tokens=sum(group.runs * group.steps * group.tokens for group in groups),
        jobs=counted,
        seconds=sum(group.seconds for group in groups) / (counted or 1),
        disk_mb=weights + questions * 1.6e-4 + 2,
    )


def check_bases(plan: StudyPlan) -> None:
    """Refuse to time runs that begin with models which nobody has made yet.

    Raises:
        BothwaysError: one is missing; the message says where it will be.
    """
    for base in plan.study.bases(plan.quick):
        for half in base.halves:
            folder = plan.folder / "bases" / base.folder / half
            if not is_finished(folder):
                raise BothwaysError(
                    f"The runs of {plan.name} begin with a model that is not made yet ({folder}), so nothing can be "
                    "timed. Start the study without --dry-run: it makes its models first, and once."
                )


def cost(group: str, runs: Sequence[Planned], timed: Timed) -> GroupCost:
    """Return what a group costs whose runs are as fast as the timed one."""
    steps = runs[0].config.training.steps
    return GroupCost(group, len(runs), steps, timed.tokens, timed.seconds_per_step * steps * len(runs))


def speed_of(run: Planned) -> str:
    """Return what decides how long a step takes, and how much it reads: runs that agree in it are timed once."""
    config, training = run.config, run.config.training
    parts = (config.text, config.tokenizer, config.batches, config.model, config.objective)
    how = [training.precision, training.device, training.micro_batch, training.symmetry, *run.size]
    return digest([*(to_plain(part) for part in parts), *how])
