"""From a study to the runs it wants, each in its group, and back from its folder to what they gave."""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from bothways.arms import parse_arm
from bothways.disk import read_json, write_text
from bothways.errors import BothwaysError, RunError
from bothways.options import make
from bothways.registry import lookup, unknown
from bothways.runs import Planned, Run, read_run
from bothways.studies.base import Group, Study
from bothways.studies.evidence import Evidence
from bothways.sweeps.plan import Sitting, plan_run
from bothways.types import SCHEMA, Exam


@dataclass(frozen=True)
class StudyPlan:
    """What a study will do, before it does anything."""

    name: str
    study: Study
    quick: bool
    seeds: int
    folder: Path
    command: str
    given: Mapping[str, Any]
    """What else a user chose, such as models or a preset; a folder goes on only with the same."""
    runs: Mapping[str, Planned]
    """By run id; a run that two groups want is made once."""
    groups: Mapping[str, tuple[str, ...]]
    """The run ids of each group, in the order of seeds."""
    axes: Mapping[str, Mapping[str, Any]]
    """By run id: its group, and where that stands in a grid."""
    exams: Mapping[Path, Exam] = field(repr=False)
    """Every exam by the file it will stand in."""

    def to_json(self) -> dict[str, Any]:
        """What `study.json` says: enough to read the folder again."""
        return {
            "schema": SCHEMA,
            "study": self.name,
            "quick": self.quick,
            "seeds": self.seeds,
            "command": self.command,
            "groups": {name: list(ids) for name, ids in self.groups.items()},
            **self.given,
        }


def plan_study(
    name: str, study: Study, quick: bool, seeds: int, folder: Path, command: str, given: Mapping[str, Any] = {}
) -> StudyPlan:
    """Settle everything a study will do; write nothing.

    Raises:
        BothwaysError: two groups have one name, or a group cannot be.
    """
    sittings: dict[str, Sitting] = {}
    exams: dict[Path, Exam] = {}
    runs: dict[str, Planned] = {}
    groups: dict[str, tuple[str, ...]] = {}
    axes: dict[str, dict[str, Any]] = {}
    for group in study.groups(quick):
        if group.name in groups:
            raise BothwaysError(f"Study {name} names the group '{group.name}' twice. Name every group once.")
        planned: list[str] = []
        for seed in range(seeds * group.repeat):
            exam = group.exam(seed)
            if exam.hash not in sittings:
                sittings[exam.hash] = Sitting.of(exam, folder / "exams" / f"{exam.hash[:12]}.json")
                exams[sittings[exam.hash].file] = exam
            plan = plan_run(parse_arm(group.arm), seed, group.config, sittings[exam.hash], folder, command)
            runs.setdefault(plan.run_id, plan)
            axes.setdefault(plan.run_id, place(group))
            planned.append(plan.run_id)
        groups[group.name] = tuple(planned)
    return StudyPlan(name, study, quick, seeds, folder, command, given, runs, groups, axes, exams)


def place(group: Group) -> dict[str, Any]:
    """Return a group's columns in the study's table."""
    return {"group": group.name, **{name: str(value) for name, value in group.axes.items()}}


def compute(study: Study, quick: bool, seeds: int, folder: Path) -> None:
    """Make what computations of a study are not there yet, one file each."""
    for name, function in study.computations(quick).items():
        path = folder / "computed" / f"{name}.json"
        if path.exists() and len(read_json(path).get("seeds", ())) >= seeds:
            continue
        began = time.monotonic()
        found = [dict(function(seed)) for seed in range(seeds)]
        path.parent.mkdir(exist_ok=True)
        write_text(path, json.dumps({"schema": SCHEMA, "seeds": found, "seconds": time.monotonic() - began}, indent=1))


SAYS: Mapping[str, type] = {"study": str, "quick": bool, "seeds": int, "command": str, "groups": dict}
"""What `study.json` holds at least."""
RUN_ID = re.compile(r"\w[\w.+-]*")


def open_study(folder: Path) -> tuple[Study, dict[str, Any]]:
    """Return the study whose folder this is, and what its `study.json` says.

    Raises:
        RunError: it is no study's folder, or damaged.
    """
    about = read_json(folder / "study.json")
    whole = all(isinstance(about.get(name), kind) for name, kind in SAYS.items())
    ids = (
        [i for found in about["groups"].values() for i in (found if isinstance(found, list) else [None])]
        if whole
        else []
    )
    if not whole or not all(isinstance(i, str) and RUN_ID.fullmatch(i) for i in ids):
        raise RunError(f"{folder / 'study.json'} was altered. Run the study again with --resume.")
    models, facts, preset = tuple(about.get("models", ())), str(about.get("facts", "")), str(about.get("preset", ""))
    return make_study(about["study"], models, facts, preset).at(folder), about


def make_study(name: str, models: tuple[str, ...] = (), facts: str = "", preset: str = "") -> Study:
    """Return a registered study; models, and the facts they know, are for those that measure a user's own.

    Raises:
        BothwaysError: there is no such study, it takes no models, these cannot be, or it has no such preset.
    """
    made: type[Study] = lookup("studies", name)
    if preset and preset not in made.presets:
        raise BothwaysError(no_preset(name, made, preset))
    given = {key: value for key, value in (("models", models), ("facts", facts), ("preset", preset)) if value}
    known = {field.name for field in fields(made)} if is_dataclass(made) else set[str]()
    if not given.keys() <= {*known, "preset"}:
        raise BothwaysError(f"The study {name} takes no models or facts. Leave out --model and --facts.")
    return make(made, given) if given else made()


def choose_preset(name: str, quick: bool, preset: str = "") -> tuple[str, bool]:
    """Return the name of the scale at which a study is run, empty where its scales have none, and whether it is quick.

    Raises:
        BothwaysError: there is no such study, it has no such preset, or two scales were asked for.
    """
    made: type[Study] = lookup("studies", name)
    if preset and preset not in made.presets:
        raise BothwaysError(no_preset(name, made, preset))
    if preset and quick:
        raise BothwaysError(f"--quick means --preset {next(iter(made.presets))}. Give one of them.")
    if not made.presets:
        return "", quick
    chosen = preset or tuple(made.presets)[:2][0 if quick else -1]
    return chosen, chosen == next(iter(made.presets))


def no_preset(name: str, made: type[Study], preset: str) -> str:
    """Say that a study has no such preset."""
    if made.presets:
        return unknown(f"preset of {name}", preset, made.presets)
    return f"The study {name} has no presets, got preset={preset}. Leave out --preset; --quick is its smaller scale."


def gather(folder: Path, about: Mapping[str, Any]) -> Evidence:
    """Read everything that is finished in a study's folder.

    Raises:
        RunError: a finished run is damaged.
    """
    groups = {name: finished(folder, ids) for name, ids in about["groups"].items()}
    files = {path.stem: read_json(path) for path in sorted((folder / "computed").glob("*.json"))}
    seeds = int(about["seeds"])
    return Evidence(
        groups,
        {name: tuple(data["seeds"][:seeds]) for name, data in files.items()},
        {name: float(data["seconds"]) for name, data in files.items()},
    )


def finished(folder: Path, run_ids: list[str]) -> list[Run]:
    """Return all of some runs, or none where one of them is not finished."""
    folders = [folder / run_id for run_id in run_ids]
    return [read_run(run) for run in folders] if all((run / "result.json").exists() for run in folders) else []
