"""study: run everything a paper's claims rest on, and decide each by the region it was given beforehand."""

import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bothways.bases.stand_in.folder import is_finished
from bothways.bases.stand_in.recipe import Half
from bothways.commands.output import is_begun
from bothways.commands.pretrain import Job, begin, make
from bothways.commands.sweep import silent
from bothways.disk import disk_errors, own, write_text
from bothways.errors import RunError
from bothways.options import at_least
from bothways.reports.claims_page import write_claims_page
from bothways.runs import Planned, describe_machine
from bothways.studies.adopt import adopt
from bothways.studies.claims import Row, decide
from bothways.studies.plan import StudyPlan, choose_preset, compute, gather, make_study, open_study, plan_study
from bothways.sweeps.collect import collect, write_table
from bothways.sweeps.execute import run_many
from bothways.sweeps.executors.base import choose_executor
from bothways.sweeps.packs import Task
from bothways.sweeps.settle import settle
from bothways.types import SCHEMA

SEEDS = {True: 5, False: 10}
"""How often everything is repeated by default: quick, and whole."""
StudyProgress = Callable[[Sequence[Planned], Mapping[str, str]], AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True)
class Studied:
    """A finished study: its folder and its part of the ledger."""

    folder: Path
    name: str
    rows: tuple[Mapping[str, Any], ...]
    """One claim each, as `claims.json` has them."""
    seconds: float
    """Wall time of this call."""
    errors: tuple[str, ...] = ()
    """What each run said that failed."""

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "schema": SCHEMA,
            "study": self.name,
            "run": str(self.folder),
            "seconds": self.seconds,
            "failed": len(self.errors),
            "claims": list(self.rows),
        }


def study(
    name: str,
    *,
    quick: bool = False,
    preset: str = "",
    seeds: int | None = None,
    executor: str | None = None,
    jobs: int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    models: Sequence[str] = (),
    facts: str = "",
    progress: StudyProgress = silent,
    say: Callable[[str], None] = lambda said: None,
) -> Studied:
    """Run a study and decide its claims.

    Args:
        name: a registered study.
        quick: only what two cores train in minutes; the claims say at which scale they were tested.
        preset: the scale by its name, where the study names its scales; the first is the quick one.
        seeds: how often everything is repeated; as the preset says, or 5 if quick and 10 otherwise.
        executor: where the runs run, as in `sweep`.
        jobs: tasks at a time.
        out: the study's folder; runs/study-<name> by default.
        resume: go on with a half-made folder.
        models: folders of models to measure too, where the study takes some.
        facts: a file or folder of facts that these models know.
        progress: what shows the state of the runs while they run.
        say: told a sentence at a time while models are made that the runs begin with.

    Raises:
        BothwaysError: an unknown study or a bad option; nothing has been written.
        RunError: the folder is in use or damaged, or holds something else, or `resume` is False.
        Stopped: interrupted; the folder can be resumed.
    """
    began = time.monotonic()
    chosen = choose_executor(executor, jobs)
    plan = make_study_plan(name, quick=quick, preset=preset, seeds=seeds, out=out, models=models, facts=facts)
    folder = plan.folder
    refuse_other_study(plan, resume)
    with disk_errors(folder), own(folder):
        tasks, order = write_plan(plan)
        make_bases(plan, say)
        cells = {run_id: str(row["group"]) for run_id, row in plan.axes.items()}
        with progress(list(plan.runs.values()), cells) as watch:
            outcomes = run_many(tasks, jobs, watch, chosen, keep_going=True)
        found = {outcome.planned.run_id: outcome for outcome in outcomes}
        write_table(folder, collect([found[run_id] for run_id in order], plan.axes))
        compute(plan.study, plan.quick, plan.seeds, folder)
        rows = judge_folder(folder)
    errors = tuple(o.error for o in outcomes if o.error is not None)
    return Studied(folder, name, tuple(rows), round(time.monotonic() - began, 1), errors)


def make_study_plan(
    name: str,
    *,
    quick: bool = False,
    preset: str = "",
    seeds: int | None = None,
    out: str | Path | None = None,
    models: Sequence[str] = (),
    facts: str = "",
) -> StudyPlan:
    """Settle everything a study will do; write nothing. Finished runs of the folder keep their names.

    Raises:
        BothwaysError: as `study`.
    """
    scale, quick = choose_preset(name, quick, preset)
    made = make_study(name, tuple(models), facts, scale)
    made.check()
    if seeds is None:
        seeds = made.presets[scale].seeds if scale else SEEDS[quick]
    at_least(1, "Say how often everything is repeated.", seeds=seeds)
    ending = f"-{scale}" if scale else "-quick" if quick else ""
    folder = Path(out) if out is not None else Path("runs") / f"study-{name}{ending}"
    made = made.at(folder)
    options = ["--preset", scale] if scale else ["--quick"] if quick else []
    options += ["--seeds", str(seeds), *(word for model in models for word in ("--model", model))]
    options += ["--facts", facts] if facts else []
    command = shlex.join(["bothways", "study", name, *options])
    given = {"models": list(models), "facts": facts, "preset": scale}
    return adopt(plan_study(name, made, quick, seeds, folder, command, given))


def judge_folder(folder: Path) -> list[dict[str, Any]]:
    """Decide a study's claims from its folder alone, write `claims.json` and its page, and return the rows."""
    made, about = open_study(folder)
    evidence = gather(folder, about)
    rows: list[Row] = [decide(claim, evidence, about["command"]) for claim in made.claims(about["quick"])]
    plain = [row.to_json() for row in rows]
    data = {"schema": SCHEMA, "study": about["study"], "title": made.title, "source": made.source,
            "quick": about["quick"], "preset": made.preset, "command": about["command"], "claims": plain}  # fmt: skip
    write_text(folder / "claims.json", json.dumps(data, indent=1, ensure_ascii=False))
    write_claims_page(folder, data, made.pictures(evidence, about["quick"]))
    return plain


def refuse_other_study(plan: StudyPlan, resume: bool) -> None:
    """Refuse a folder that holds something else, or holds a study that nobody asked to resume.

    Raises:
        RunError: the message says which, and what to do.
    """
    folder = plan.folder
    if not is_begun(folder, "study", (folder / "study.json").exists(), resume):
        return
    _, about = open_study(folder)
    before = {name: about.get(name, type(value)()) for name, value in plan.given.items()}
    if (about["study"], about["quick"], before) != (plan.name, plan.quick, plan.given):
        raise RunError(f"{folder} holds the study '{about['command']}'. Name another folder with -o.")


def make_bases(plan: StudyPlan, say: Callable[[str], None]) -> None:
    """Make the models that a study's runs begin with, where they are not there yet, and go on with half-made ones.

    Raises:
        Stopped: the user asked to stop; their state is saved.
    """
    jobs: list[Job] = []
    for base in plan.study.bases(plan.quick):
        folder = plan.folder / "bases" / base.folder
        folder.mkdir(parents=True, exist_ok=True)
        begin(folder, {"schema": SCHEMA, "base": "stand-in", "seed": base.seed, "settings": base.recipe.to_json()})
        missing: list[Half] = [half for half in base.halves if not is_finished(folder / half)]
        jobs += [Job(base.recipe, half, folder / half, base.seed) for half in missing]
    make(jobs, say)


def write_plan(plan: StudyPlan) -> tuple[list[Task], list[str]]:
    """Write what the study is, its exams and its manifest; return the tasks and the order of the runs."""
    about = {**describe_machine(), **plan.to_json()}
    write_text(plan.folder / "study.json", json.dumps(about, indent=1, ensure_ascii=False))
    return settle(plan.folder, plan.runs, plan.exams, plan.axes)
