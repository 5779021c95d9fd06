"""The numbers of a sweep's page: what is shown against what, the mean of every cell, and the boundaries."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bothways.errors import BothwaysError
from bothways.registry import unknown
from bothways.reports.sweep_load import Axis, Sweep, SweepRun
from bothways.sweeps.boundary import Boundary, find_boundary
from bothways.sweeps.over_seeds import over_seeds

REVERSE, PARTNER, FORWARD = "reverse_tested.accuracy", "reverse_partner.accuracy", "forward.accuracy"
SHARES = (".accuracy", ".exact", ".mrr")
"""How the name of a column ends that holds numbers in 0 to 1."""


@dataclass(frozen=True, slots=True)
class View:
    """What the figures show: metrics, against at most two axes."""

    x: Axis | None
    """The axis across; None where no axis has two values."""
    y: Axis | None
    """The axis upwards; None where there is but one axis, and then the arms stand there."""
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The mean of some runs of one arm, and what became of all of them."""

    mean: float | None
    low: float | None
    high: float | None
    """95 % over seeds; None where nothing can be said."""
    seeds: int
    n: int | None
    """Questions of one seed behind the mean."""
    planned: int
    done: int
    failed: int


NO_RUN = Cell(None, None, None, 0, None, 0, 0, 0)


def choose_view(sweep: Sweep, x: str | None, y: str | None, metric: str | None) -> View:
    """Return what is to be shown: what was asked for, else the first two axes that vary and both directions.

    Of two axes that were not asked for, one of numbers stands across, for lines and boundaries run along it.

    Raises:
        BothwaysError: an axis or metric is unknown (the nearest is named), or both axes are the same.
    """
    first, second = (None if name is None else find_axis(sweep, name) for name in (x, y))
    if first and first is second:
        raise BothwaysError(f"--x and --y must be two axes, got '{first.key}' twice. Leave one out.")
    varied = [axis for axis in sweep.axes if len(axis.values) > 1 and axis not in (first, second)]
    if first is None and second is None and len(varied) > 1 and varied[1].numeric and not varied[0].numeric:
        varied[0], varied[1] = varied[1], varied[0]
    first = first or (varied.pop(0) if varied else None)
    second = second or (varied.pop(0) if varied else None)
    if first is None:
        first, second = second, None
    return View(first, second, choose_metrics(sweep, metric))


def find_axis(sweep: Sweep, name: str) -> Axis:
    """Return the axis of this key, or of this last part of its key."""
    for axis in sweep.axes:
        if name in (axis.key, axis.label):
            return axis
    if not sweep.axes:
        raise BothwaysError(f"Unknown axis '{name}': the sweep in {sweep.folder} has none. Leave it out.")
    raise BothwaysError(unknown("axis", name, [axis.key for axis in sweep.axes]))


def choose_metrics(sweep: Sweep, metric: str | None) -> tuple[str, ...]:
    """Return the one metric that was asked for, else the accuracy in reverse and as stated."""
    if metric is not None:
        if metric not in sweep.metrics:
            raise BothwaysError(unknown("metric", metric, sweep.metrics))
        return (metric,)
    return tuple(name for name in (reverse_metric(sweep), FORWARD) if name in sweep.metrics)


def reverse_metric(sweep: Sweep) -> str:
    """Return the accuracy that stands for reversal: the isolated questions', else the partner ones'."""
    measured = {name for run in sweep.runs for name in run.numbers}
    return PARTNER if PARTNER in measured and REVERSE not in measured else REVERSE


def is_share(metric: str) -> bool:
    """Whether a metric lies in 0 to 1."""
    return metric.endswith(SHARES)


def n_column(metric: str) -> str:
    """Return the column that counts the questions behind a metric."""
    return f"{metric.rpartition('.')[0]}.n"


def cells_by(runs: Iterable[SweepRun], metric: str, key: Callable[[SweepRun], Any]) -> dict[Any, Cell]:
    """Return the cell of each group of runs, in the order in which the groups appear."""
    groups: dict[Any, list[SweepRun]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return {name: make_cell(group, metric) for name, group in groups.items()}


def make_cell(runs: Iterable[SweepRun], metric: str) -> Cell:
    """Average within each seed first, then over seeds: the interval is over seeds only."""
    runs = list(runs)
    by_seed: dict[int, list[SweepRun]] = {}
    for run in runs:
        if metric in run.numbers:
            by_seed.setdefault(run.seed, []).append(run)
    counts = {status: sum(run.status == status for run in runs) for status in ("done", "failed")}
    empty = Cell(None, None, None, len(by_seed), None, len(runs), **counts)
    if not by_seed:
        return empty
    values = [sum(run.numbers[metric] for run in group) / len(group) for group in by_seed.values()]
    n = min(int(sum(run.numbers.get(n_column(metric), 0) for run in group)) for group in by_seed.values())
    share = is_share(metric) and min(values) >= 0 and max(values) <= 1
    found = over_seeds(values, n if share and n else None)
    low, high = (end if math.isfinite(end) else None for end in (found.low, found.high))
    return replace(empty, mean=found.mean, low=low, high=high, n=n or None)


def grid(sweep: Sweep, metric: str, *axes: Axis | None) -> dict[tuple[str, int, int], Cell]:
    """Return the cells by arm and level of two axes, averaged over the others; level 0 stands for no axis."""
    at = [sweep.axes.index(axis) if axis else None for axis in axes]
    return cells_by(
        sweep.runs, metric, lambda run: (run.arm, *(0 if place is None else run.levels[place] for place in at))
    )


def boundaries(sweep: Sweep, metric: str, view: View) -> dict[tuple[str, int], Boundary | None]:
    """Return, by arm and level of y, where an accuracy crosses one half along x; None where no run tells.

    Empty where there is no such question: x is no axis of numbers, or the metric no accuracy.
    """
    if view.x is None or not view.x.numeric or len(view.x.values) < 2 or not metric.endswith(".accuracy"):
        return {}
    rows = range(len(view.y.values)) if view.y else (0,)
    at_x, at_y = (None if axis is None else sweep.axes.index(axis) for axis in (view.x, view.y))
    groups: dict[tuple[str, int], list[SweepRun]] = {(arm, row): [] for arm in sweep.arms for row in rows}
    for run in sweep.runs:
        if metric in run.numbers and run.numbers.get(n_column(metric), 0) >= 1:
            groups[run.arm, 0 if at_y is None else run.levels[at_y]].append(run)
    return {name: one_boundary(runs, metric, view.x, at_x) for name, runs in groups.items()}


def one_boundary(runs: list[SweepRun], metric: str, x: Axis, at_x: int | None) -> Boundary | None:
    """Return the boundary of one row; None where fewer than two levels were measured."""
    if at_x is None or len({run.levels[at_x] for run in runs}) < 2:
        return None
    n_R = [int(run.numbers[n_column(metric)]) for run in runs]
    right_R = [min(1.0, max(0.0, run.numbers[metric])) * n for run, n in zip(runs, n_R, strict=True)]
    x_R = [float(x.values[run.levels[at_x]]) for run in runs]
    return find_boundary(x_R, right_R, n_R, [run.seed for run in runs], log=x.log)


def settings_of(sweep: Sweep, run: SweepRun | tuple[int, ...]) -> list[tuple[Axis, str]]:
    """Return the levels of a run on the axes that vary, as text."""
    levels = run if isinstance(run, tuple) else run.levels
    return [(axis, axis.name(level)) for axis, level in zip(sweep.axes, levels, strict=True) if len(axis.values) > 1]


def as_mapping(cell: Cell) -> Mapping[str, Any]:
    """Return a cell as the leaf that the words and drawings of a comparison read."""
    return {"accuracy": cell.mean, "low": cell.low, "high": cell.high, "n": cell.n}
