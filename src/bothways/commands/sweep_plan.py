"""What a sweep will do, settled from its file before anything is written."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bothways.arms import Arm, parse_arms
from bothways.commands.recipe import choose_exam, recipe
from bothways.config import RunConfig, Scalar, change, value_at
from bothways.errors import BothwaysError
from bothways.facts.find import find_facts
from bothways.options import component, split_options
from bothways.registry import names
from bothways.runs import Planned
from bothways.sweeps.plan import Sitting, plan_run
from bothways.sweeps.spec import SweepSpec
from bothways.types import Exam, ExamSource


@dataclass(frozen=True)
class SweepPlan:
    """What a sweep will do, before it does anything."""

    file: str
    """What messages call the sweep's file."""
    folder: Path
    spec: SweepSpec
    arms: Sequence[Arm]
    runs: Sequence[Planned]
    axes: Mapping[str, Mapping[str, Scalar]]
    """By run id: the run's value on every axis, in its natural type."""
    exams: Mapping[Path, Exam]
    """Every exam by the file it will stand in."""
    command: str

    def axis_values(self) -> dict[str, list[Scalar]]:
        """Return every axis with its values, each once, in the order of the file."""
        rows = self.axes.values()
        return {name: list(dict.fromkeys(row[name] for row in rows)) for name in self.spec.axes}


@dataclass
class Exams:
    """Exams made so far: one for each facts, split and way to ask."""

    folder: Path
    made: dict[tuple[str, int, ExamSource], tuple[Exam, Sitting]] = field(default_factory=dict)

    def find(self, facts: str, split: int, config: ExamSource) -> tuple[Exam, Sitting]:
        """Return the exam of some facts, made the first time it is asked for, and how runs name it."""
        key = (facts, split, config)
        if key not in self.made:
            exam = config.make(find_facts(facts, split), split)
            self.made[key] = (exam, Sitting.of(exam, self.folder / "exams" / f"{exam.hash[:12]}.json"))
        return self.made[key]


def plan_sweep(spec: SweepSpec, file: str, out: str | Path | None = None, device: str = "auto") -> SweepPlan:
    """Settle everything a sweep will do; write nothing.

    Args:
        spec: what its file says.
        file: what messages, and the command to repeat it, call the file.
        out: the sweep's folder; runs/<its name> by default.
        device: where to train; a `training.device` of the file comes first.

    Raises:
        BothwaysError: an arm, a setting, facts or a value of an axis cannot be; the message names file and place.
    """
    folder = Path(out) if out is not None else Path("runs") / spec.name
    words = ["bothways", "sweep", file, "-o", str(folder), *(["--device", device] if device != "auto" else [])]
    command = shlex.join(words)
    arms = at_place(f"{file}, arms", parse_arms, list(spec.arms))
    exams = Exams(folder)
    runs: list[Planned] = []
    axes: dict[str, dict[str, Scalar]] = {}
    for cell in spec.cells():
        place = ", ".join(f"{name}={value}" for name, value in cell.items())
        where = f"{file}, where {place}" if cell else file
        base, sitting, values = at_place(where, settle_cell, spec, cell, exams, device)
        for arm in arms:
            for seed in range(spec.seeds):
                run = plan_run(arm, seed, base, sitting, folder, command)
                if run.run_id in axes:
                    before = ", ".join(f"{name}={value}" for name, value in axes[run.run_id].items())
                    raise BothwaysError(f"{where}: this is the same run as where {before}. Keep one of them.")
                axes[run.run_id] = values
                runs.append(run)
    files = {sitting.file: exam for exam, sitting in exams.made.values()}
    return SweepPlan(file, folder, spec, arms, runs, axes, files, command)


def at_place(where: str, function: Any, *arguments: Any) -> Any:
    """Call a function, and let what it refuses say where in the sweep's file that stands."""
    try:
        return function(*arguments)
    except BothwaysError as error:
        raise BothwaysError(f"{where}: {error}") from None


def settle_cell(
    spec: SweepSpec, cell: Mapping[str, Scalar], exams: Exams, device: str
) -> tuple[RunConfig, Sitting, dict[str, Scalar]]:
    """Return what every arm of a cell shares: settings, exam, and the cell's values in their natural types."""
    facts, split = facts_of(spec, cell), int(cell.get("split", spec.split))
    varied = {path: value for path, value in cell.items() if path not in ("facts", "split") and not is_option(path)}
    settings = {**spec.settings, **varied}
    tokenizer = change(RunConfig(), {k: v for k, v in settings.items() if k.startswith("tokenizer.")}).tokenizer
    exam, sitting = exams.find(facts, split, choose_exam(spec.exam, tokenizer))
    config = change(recipe(exam, device), settings)
    natural = {path: natural_value(path, config, facts, split) for path in cell}
    return config, sitting, natural


def is_option(path: str) -> bool:
    """Whether an axis varies an option of the facts."""
    return path.startswith("facts.")


def natural_value(path: str, config: RunConfig, facts: str, split: int) -> Scalar:
    """Return an axis's value as the type it has where it is used: YAML reads `1e-3` as a text."""
    if path == "facts":
        return facts
    if path == "split":
        return split
    if is_option(path):
        return getattr(component("facts", facts), path.removeprefix("facts."))
    return value_at(config, path)


def facts_of(spec: SweepSpec, cell: Mapping[str, Scalar]) -> str:
    """Return the facts of a cell, with the options that it varies.

    Raises:
        BothwaysError: options are varied of facts that are no world.
    """
    facts = str(cell.get("facts", spec.facts))
    varied = {path.removeprefix("facts."): str(value) for path, value in cell.items() if is_option(path)}
    if not varied:
        return facts
    if Path(facts).exists() or facts.partition(":")[0] not in names("facts"):
        raise BothwaysError(f"{facts} is no world and has no options. Vary 'facts' itself, or name a world.")
    name, options = split_options(facts)
    return ":".join([name, *(f"{key}={value}" for key, value in {**options, **varied}.items())])
