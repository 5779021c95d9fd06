"""Read a sweep's folder (docs/how-to/read_a_sweep.md) into one object, or say what is wrong with it."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow

from bothways.errors import RunError
from bothways.reports.load import first_line, read_json
from bothways.types import SCHEMA

AGAIN = "Run the sweep again with --resume"
NUMBERS = ("loss", "steps", "known_at", "held_out_nll")
"""Columns of a run that are numbers, beside those of each kind of question."""
LEAF = re.compile(r"[a-z][a-z0-9_]*\.(accuracy|exact|mrr|nll|median_rank)")
"""What a kind of question is scored by, as `<kind>.<leaf>`."""
WIDE_RATIO = 4
"""Two values whose ratio is at least this stand on a logarithmic axis; with more values their gaps decide."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One setting that the sweep varies."""

    key: str
    """As it is written after --set."""
    label: str
    """The last part of the key, where that is enough to tell the axes apart."""
    values: tuple[Any, ...]
    """Its levels: numbers in ascending order, anything else as text in the order of the sweep."""
    numeric: bool

    @property
    def log(self) -> bool:
        """Whether the values are spaced geometrically."""
        if not self.numeric or len(self.values) < 2 or self.values[0] <= 0:
            return False
        if len(self.values) == 2:
            return self.values[1] / self.values[0] >= WIDE_RATIO
        return unevenness([math.log(value) for value in self.values]) < unevenness(self.values)

    def name(self, level: int) -> str:
        """Return a level as text.

        >>> Axis("training.learning_rate", "learning_rate", (0.001, 20.0), True).name(1)
        '20'
        """
        return f"{self.values[level]:.6g}" if self.numeric else str(self.values[level])


@dataclass(frozen=True, slots=True)
class SweepRun:
    """One planned run: where it stands in the sweep, and what came of it."""

    arm: str
    seed: int
    levels: tuple[int, ...]
    """Its place on each axis, as an index into the axis' values."""
    status: str
    """`done`, `failed`, or whatever else says that it has not come to its end."""
    error: str
    numbers: Mapping[str, float]
    """The finite numbers of a run that is done, by column."""


@dataclass(frozen=True, slots=True)
class Sweep:
    """Everything the page shows."""

    folder: Path
    name: str
    arms: tuple[str, ...]
    axes: tuple[Axis, ...]
    runs: tuple[SweepRun, ...]
    metrics: tuple[str, ...]
    """Columns that can be shown, in the order of the table."""
    about: Mapping[str, Any]
    """The object in sweep.json."""


def read_sweep(folder: Path) -> Sweep:
    """Read the sweep in `folder`.

    Raises:
        RunError: a file is missing or unreadable; the message names it.
    """
    about = read_json(folder / "sweep.json", AGAIN)
    if not is_sweep(about):
        raise RunError(f"{folder / 'sweep.json'} is not a sweep of schema {SCHEMA}. {AGAIN} and this bothways.")
    table = read_table(folder / "results.parquet", ("arm", "seed", "status", *about["axes"]))
    axes = make_axes(about["axes"], table)
    metrics = tuple(name for name in table.columns if name in NUMBERS or LEAF.fullmatch(name))
    runs = tuple(as_run(row, axes) for row in table.to_dict("records"))
    arms = dict.fromkeys([*map(str, about["arms"]), *(run.arm for run in runs)])
    return Sweep(folder, str(about.get("name") or folder.name), tuple(arms), axes, runs, metrics, about)


def is_sweep(about: Mapping[str, Any]) -> bool:
    """Whether an object has what a sweep must say of itself."""
    axes = about.get("axes")
    lists = isinstance(axes, dict) and all(isinstance(values, list) for values in axes.values())
    return about.get("schema") == SCHEMA and isinstance(about.get("arms"), list) and lists


def read_table(path: Path, needed: Sequence[str]) -> pandas.DataFrame:
    """Read the table of runs."""
    try:
        table = pandas.read_parquet(path)
    except FileNotFoundError as error:
        raise RunError(f"{path} is missing. {AGAIN} to write it.") from error
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise RunError(f"{path} cannot be read ({first_line(error)}). {AGAIN} to write it anew.") from error
    missing = [name for name in needed if name not in table.columns]
    if missing:
        raise RunError(f"{path} has no column '{missing[0]}'. {AGAIN} to write it anew.")
    return table


def make_axes(declared: Mapping[str, Sequence[Any]], table: pandas.DataFrame) -> tuple[Axis, ...]:
    """Return the axes, with levels that only the table has put behind the declared ones."""
    axes = []
    for key, label in zip(declared, short_labels(list(declared)), strict=True):
        values = [*declared[key], *table[key].tolist()]
        numeric = bool(values) and all(is_number(value) for value in values)
        levels = sorted({float(value) for value in values}) if numeric else dict.fromkeys(map(as_text, values))
        axes.append(Axis(key, label, tuple(levels), numeric))
    return tuple(axes)


def short_labels(keys: Sequence[str]) -> list[str]:
    """Return the last part of each key, or the whole key where two end alike.

    >>> short_labels(["training.steps", "text.steps", "model.d_model"])
    ['training.steps', 'text.steps', 'd_model']
    """
    ends = [key.rpartition(".")[2] for key in keys]
    return [end if ends.count(end) == 1 and end else key for key, end in zip(keys, ends, strict=True)]


def is_number(value: Any) -> bool:
    """Whether a level is a finite number; true and false are none."""
    return isinstance(value, int | float | np.number) and not isinstance(value, bool) and math.isfinite(value)


def as_text(value: Any) -> str:
    """Return a level that is no number as text; what a table has for nothing is `null`."""
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, str):
        return value
    if value is None or value is pandas.NA or (isinstance(value, float) and math.isnan(value)):
        return "null"
    return json.dumps(value.tolist() if isinstance(value, np.ndarray) else value, default=str, ensure_ascii=False)


def unevenness(values: Iterable[float]) -> float:
    """Return how much the gaps between ascending values differ, relative to their mean."""
    gaps = [after - before for before, after in pairwise(values)]
    return float(np.std(gaps) / np.mean(gaps))


def as_run(row: Mapping[Any, Any], axes: Sequence[Axis]) -> SweepRun:
    """Return one row of the table as a run."""
    levels = tuple(axis.values.index(float(row[axis.key]) if axis.numeric else as_text(row[axis.key])) for axis in axes)
    status, error = str(row["status"]), row.get("error")
    numbers = {name: float(value) for name, value in row.items() if is_score(name) and is_number(value)}
    return SweepRun(
        arm=str(row["arm"]),
        seed=int(row["seed"]),
        levels=levels,
        status=status,
        error=error if isinstance(error, str) else "",
        numbers=numbers if status == "done" else {},
    )


def is_score(name: str) -> bool:
    """Whether a column holds a number that came of a run."""
    return name in NUMBERS or bool(LEAF.fullmatch(name)) or name.endswith(".n")
