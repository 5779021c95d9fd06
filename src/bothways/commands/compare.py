"""compare: train each arm on your facts, ask both ways, report."""

import json
import shlex
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bothways.arms import DEFAULT_ARMS, Arm, parse_arms
from bothways.commands.output import is_begun
from bothways.commands.recipe import recipe
from bothways.config import RunConfig, override, to_plain
from bothways.disk import clear_asides, disk_errors, own, read_json, write_text
from bothways.errors import BothwaysError, GuardError, RunError, Stopped
from bothways.facts.exam import make_exam
from bothways.facts.find import find_facts
from bothways.options import at_least
from bothways.reports.load import read_exam
from bothways.reports.page import write_report
from bothways.runs import Planned, describe_machine
from bothways.subjects import exam_config
from bothways.sweeps.execute import run_many
from bothways.sweeps.executors.base import choose_executor, count_jobs
from bothways.sweeps.manifest import in_order, packs_of, read_manifest, write_manifest
from bothways.sweeps.packs import Task, settle_tasks
from bothways.sweeps.plan import Sitting, plan_run, safe_name
from bothways.sweeps.results import write_results
from bothways.sweeps.summary import ArmScores, summarise
from bothways.sweeps.work import STOPPED, Outcome
from bothways.types import SCHEMA, Exam, FactSet

if TYPE_CHECKING:
    import pandas

Progress = Callable[[Sequence[Planned], int], AbstractContextManager[Callable[[], None]]]


def silent(runs: Sequence[Planned], steps: int) -> AbstractContextManager[Callable[[], None]]:
    """Show no progress."""
    return nullcontext(lambda: None)


@dataclass(frozen=True)
class Plan:
    """What a comparison will do, before it does anything."""

    folder: Path
    facts: FactSet
    exam: Exam
    arms: Sequence[Arm]
    runs: Sequence[Planned]
    config: RunConfig
    command: str


@dataclass(frozen=True)
class Comparison:
    """A finished comparison: its folder and the object that `--json` prints."""

    folder: Path
    summary: dict[str, Any]
    errors: tuple[str, ...] = ()
    """What each run said that failed."""

    def to_pandas(self) -> "pandas.DataFrame":
        """One row per arm and kind of question."""
        import pandas

        kinds = ("forward", "reverse_tested", "reverse_partner", "reverse_stated", "implied")
        return pandas.DataFrame([{"arm": a["arm"], "kind": k, **a[k]} for a in self.summary["arms"] for k in kinds])


def compare(
    facts: str | Path | FactSet = "family",
    *,
    arms: Sequence[str] = DEFAULT_ARMS,
    seeds: int = 5,
    out: str | Path | None = None,
    resume: bool = False,
    jobs: int | None = None,
    settings: Sequence[str] = (),
    split: int = 0,
    device: str = "auto",
    progress: Progress = silent,
) -> Comparison:
    """Train every arm on the facts, ask every run the same exam, and write a report.

    Args:
        facts: a file or folder of facts, the name of a world, or facts already read.
        arms: objectives and mitigations, such as "causal" or "reverse_training:unit=token".
        seeds: runs per arm, seeds 0 to seeds - 1.
        out: the comparison's folder; runs/<name of the facts> by default.
        resume: go on with a half-made folder; finished runs are not repeated.
        jobs: runs at a time, one thread each; the number of cores by default.
        settings: changes to the recipe such as "training.steps=3000", for every arm.
        split: seed of the exam, and of a world's facts.
        device: where to train: cpu, cuda, or auto for cuda where there is one.
        progress: given the runs and their steps, a context that yields what is called a few times a second.

    Raises:
        BothwaysError: a bad input or setting; nothing has been written.
        RunError: the folder is in use or damaged, or already holds a comparison and `resume` is False.
        GuardError: no run finished.
        OSError: the disk is full or cannot be written; the folder can be resumed.
        Stopped: interrupted; the folder can be resumed.
    """
    plan = make_plan(facts, arms=arms, seeds=seeds, out=out, settings=settings, split=split, device=device)
    return run_plan(plan, resume=resume, jobs=jobs, progress=progress)


def run_plan(plan: Plan, *, resume: bool, jobs: int | None, progress: Progress) -> Comparison:
    """Do what a plan says: train every run that is not finished, then write results, summary and report.

    Raises:
        RunError: the folder is in use or damaged, or already holds a comparison and `resume` is False.
        GuardError: no run finished.
        OSError: the disk is full or cannot be written; the folder can be resumed.
        Stopped: interrupted; the folder can be resumed.
    """
    try:
        choose_executor(None, jobs)
        jobs = count_jobs(jobs)
        refuse_other(plan, resume)
        with disk_errors(plan.folder), own(plan.folder):
            clear_asides(plan.folder / "figures")
            tasks = write_plan(plan)
            with progress(plan.runs, plan.config.training.steps) as watch:
                found = {outcome.planned.run_id: outcome for outcome in run_many(tasks, jobs, watch)}
            outcomes = [found[run.run_id] for run in plan.runs]
            summary = conclude(plan, outcomes)
    except KeyboardInterrupt:  # before the runs, after them, or a second time while they stop
        raise Stopped(STOPPED) from None
    return Comparison(plan.folder, summary, tuple(o.error for o in outcomes if o.error is not None))


def make_plan(
    facts: str | Path | FactSet,
    *,
    arms: Sequence[str] = DEFAULT_ARMS,
    seeds: int = 5,
    out: str | Path | None = None,
    settings: Sequence[str] = (),
    split: int = 0,
    device: str = "auto",
) -> Plan:
    """Settle everything a comparison will do; write nothing.

    Raises:
        BothwaysError: as `compare`.
    """
    at_least(1, "Five give usable intervals.", seeds=seeds)
    at_least(0, "Choose another seed.", split=split)
    chosen = parse_arms(list(arms))
    refuse_decided(settings)
    given = facts if isinstance(facts, FactSet) else find_facts(facts, split)
    tokenizer = override(RunConfig(), [s for s in settings if s.startswith("tokenizer.")]).tokenizer
    exam = make_exam(given, exam_config(tokenizer), split)
    config = override(recipe(exam, device), list(settings))
    folder = Path(out) if out is not None else Path("runs") / safe_name(given.name)
    command = command_line(facts, arms, seeds, folder, settings, split, device)
    sitting = Sitting.of(exam, folder / "exam.json")
    planned = [plan_run(arm, s, config, sitting, folder, command) for arm in chosen for s in range(seeds)]
    return Plan(folder, given, exam, chosen, planned, config, command)


def refuse_decided(settings: Sequence[str]) -> None:
    """Refuse settings that would be lost, because every arm and seed decides them anew.

    Raises:
        BothwaysError: the message names the options that decide them.
    """
    for setting in settings:
        if setting.strip().startswith(("seeds.", "objective.")):
            raise BothwaysError(
                f"Setting '{setting}' is decided by each arm and seed. Use --seeds N, or --arms name:option=value."
            )


def command_line(
    facts: str | Path | FactSet,
    arms: Sequence[str],
    seeds: int,
    folder: Path,
    settings: Sequence[str],
    split: int,
    device: str,
) -> str:
    """Return the shell command that repeats the comparison.

    Raises:
        BothwaysError: a path is no text that a file or a page could hold.
    """
    source = facts.source or facts.name if isinstance(facts, FactSet) else str(facts)
    words = ["bothways", "compare", source, "--arms", ",".join(arms), "--seeds", str(seeds), "-o", str(folder)]
    words += ["--split", str(split)] if split else []
    words += ["--device", device] if device != "auto" else []
    for setting in settings:
        words += ["--set", setting]
    command = shlex.join(words)
    if any("\ud800" <= letter <= "\udfff" for letter in command):
        raise BothwaysError(f"A path or option is not UTF-8, got {command!a}. Rename the file or folder.")
    return command


def refuse_other(plan: Plan, resume: bool) -> None:
    """Refuse a folder that holds something else, or another comparison, or one that nobody asked to resume.

    Raises:
        RunError: the message says which, and what to do.
    """
    folder = plan.folder
    # a run's id holds the digest of its exam: where the exam itself is damaged, it is written anew
    ours = any((folder / run.run_id).exists() for run in plan.runs)
    if not is_begun(folder, "comparison", ours or (folder / "exam.json").exists(), resume):
        return
    if not ours and read_exam(folder / "exam.json").hash != plan.exam.hash:
        raise RunError(f"{folder} was made from other facts or another split. Name another folder with -o.")
    before = read_json(folder / "comparison.json").get("config") if (folder / "comparison.json").exists() else None
    if before is not None and before != json.loads(json.dumps(to_plain(plan.config))):
        raise RunError(f"{folder} was made with other settings. Give the same ones, or name another folder with -o.")


def write_plan(plan: Plan) -> list[Task]:
    """Write the exam, the manifest and the settings, and return the tasks that the manifest settles.

    With the exam alone the folder can already be resumed.
    """
    write_text(plan.folder / "exam.json", json.dumps(plan.exam.to_json(), ensure_ascii=False))
    before = read_manifest(plan.folder)
    by_id = {run.run_id: run for run in plan.runs}
    order = in_order(list(by_id), before)
    tasks = settle_tasks([by_id[run_id] for run_id in order], packs_of(before))
    write_manifest(plan.folder, tasks, order)
    about = {**describe_machine(), "command": plan.command, "config": to_plain(plan.config)}
    write_text(plan.folder / "comparison.json", json.dumps(about, indent=1))
    return tasks


def conclude(plan: Plan, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Write results, summary and report from what became of the runs.

    Raises:
        GuardError: no run finished; the message is the first run's.
    """
    finished = [o for o in outcomes if o.run is not None]
    if not finished:
        raise GuardError(f"No run finished. {outcomes[0].error}")
    scores = [
        ArmScores.of(arm, [o.run for o in finished if o.planned.arm == arm.name and o.run], plan.exam)
        for arm in plan.arms
    ]
    failed = {arm.name: sum(o.planned.arm == arm.name and o.run is None for o in outcomes) for arm in plan.arms}
    write_results(plan.folder, plan.exam, [o.run for o in finished if o.run])
    summary = {
        "schema": SCHEMA,
        "run": str(plan.folder),
        "facts": describe_facts(plan),
        **summarise(plan.exam, scores, failed),
        "settings": {**to_plain(plan.config), "seeds": sorted({run.seed for run in plan.runs})},
        "versions": describe_machine()["versions"],
        "command": plan.command,
        "seconds": round(sum(o.run.history[-1]["seconds"] for o in finished if o.run), 1),
    }
    write_text(plan.folder / "summary.json", json.dumps(summary, indent=1, ensure_ascii=False))
    write_report(plan.folder)
    return summary


def describe_facts(plan: Plan) -> dict[str, Any]:
    """Return what was compared on, in numbers and in words."""
    exam, kinds = plan.exam, [q.kind for q in plan.exam.queries]
    return {
        "name": plan.facts.name,
        "source": plan.facts.source,
        "hash": plan.facts.hash,
        "facts": len(plan.facts.facts),
        "entities": len(plan.facts.entities),
        "relations": len({fact.relation for fact in plan.facts.facts}),
        "isolated": kinds.count("reverse_tested"),
        "partner": kinds.count("reverse_partner"),
        "implied": kinds.count("implied"),
        "withheld": len(exam.withheld),
        "leak": exam.leak,
        "notes": list(exam.notes),
        "notices": list(plan.facts.notices),
    }


__all__ = ["Comparison", "Plan", "Stopped", "compare", "make_plan"]
