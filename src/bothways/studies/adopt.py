"""Finished runs of a study's folder that an earlier version named differently: they are taken as they are.

A run's name is a digest of every setting. A version with more settings names the same run anew, though its new settings
stand at what was done before; without this a claim that is added to a study would cost all of its runs again.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bothways.disk import read_json
from bothways.errors import BothwaysError
from bothways.runs import Planned, read_config
from bothways.studies.plan import StudyPlan

Key = tuple[str, int, str, str]
"""Arm, seed, and the digests of settings and exam."""


def adopt(plan: StudyPlan) -> StudyPlan:
    """Return the plan with the names that finished runs of its folder have.

    Settings are compared as this version reads them: what an old file does not say is at its default. The exam must be
    the same to the byte.
    """
    there = finished_runs(plan.folder)
    exam_of = {path: exam.hash for path, exam in plan.exams.items()}
    new_name: dict[str, str] = {}
    for run_id, run in plan.runs.items():
        key = (run.arm, run.seed, run.config.hash, exam_of[run.exam])
        if key in there and not (run.folder / "result.json").exists():
            new_name[run_id] = there[key]
    if not new_name:
        return plan
    return replace(
        plan,
        runs={new_name.get(i, i): renamed(run, new_name.get(i, i)) for i, run in plan.runs.items()},
        groups={name: tuple(new_name.get(i, i) for i in ids) for name, ids in plan.groups.items()},
        axes={new_name.get(i, i): row for i, row in plan.axes.items()},
    )


def finished_runs(folder: Path) -> Mapping[Key, str]:
    """Return the names of a folder's finished runs by what decides them; what cannot be read is left out."""
    found: dict[Key, str] = {}
    for path in sorted(folder.glob("*/result.json")):
        try:
            result, config = read_json(path), read_config(path.parent)
            key = str(result["arm"]), int(result["seed"]), config.hash, str(result["exam"])
        except (BothwaysError, KeyError, TypeError, ValueError, OverflowError):
            continue
        if result.get("run_id") == path.parent.name:
            found[key] = path.parent.name
    return found


def renamed(run: Planned, name: str) -> Planned:
    """Return a planned run under the name it already has."""
    if name == run.run_id:
        return run
    return replace(run, run_id=name, folder=run.folder.parent / name, about={**run.about, "run_id": name})
