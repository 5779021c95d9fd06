"""Pictures from groups: curves of watched numbers with bands over seeds, bars of final ones, rises along an axis."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bothways.studies.base import Picture
from bothways.studies.evidence import Evidence, NothingMeasured
from bothways.sweeps.over_seeds import Numbers, over_seeds
from bothways.sweeps.transition import Transition

SMOOTH_POINTS = 61
"""Points of a fitted curve, which are drawn as a line."""


def curves(
    evidence: Evidence,
    name: str,
    title: str,
    groups: Sequence[str],
    numbers: Mapping[str, str],
    probe: str = "answers",
    **more: Any,
) -> Picture:
    """Draw watched numbers over training: a panel for each group, a series for each number, bands over seeds.

    Args:
        evidence: the runs.
        name: of the picture's files.
        title: of the picture.
        groups: a panel each; those that were not measured are left out.
        numbers: by series, the probe's number.
        probe: which probe watched.
        more: other fields of `Picture`.
    """
    rows: list[tuple[Any, ...]] = []
    for group in groups:
        for series, number in numbers.items():
            try:
                steps_T, values_ST = evidence.curve(group, probe, number)
            except NothingMeasured:
                continue
            rows += [
                (group, series, int(step), *around(values_S[np.isfinite(values_S)]))
                for step, values_S in zip(steps_T, values_ST.T, strict=True)
                if np.isfinite(values_S).any()
            ]
    return Picture(name=name, title=title, form="curves", rows=rows, x="training step", **more)


def bars(
    evidence: Evidence,
    name: str,
    title: str,
    groups: Sequence[str],
    numbers: Mapping[str, str],
    probe: str = "answers",
    **more: Any,
) -> Picture:
    """Draw final numbers: a label for each group, a series for each number, intervals over seeds."""
    rows: list[tuple[Any, ...]] = []
    for group in groups:
        for series, number in numbers.items():
            try:
                rows.append(("", series, group, *around(np.array(evidence.found(group, probe, number)))))
            except NothingMeasured:
                continue
    return Picture(name=name, title=title, form="bars", rows=rows, **more)


def transition_curve(
    name: str,
    title: str,
    rises: Mapping[str, tuple[Numbers, Numbers, Transition]],
    n: int | None = None,
    **more: Any,
) -> Picture:
    """Draw rises along an axis: a panel each, with both fitted curves and the midpoint's interval.

    All panels share their axes, so shares and nats need a picture each.

    Args:
        name: of the picture's files.
        title: of the picture.
        rises: by panel, x and measure of each run, and the transition that was found in them; all along x, or all
            along log x.
        n: questions behind each measure where it is a share.
        more: other fields of `Picture`, such as `x` and `y`.
    """
    rows = [row for panel, rise in rises.items() for row in transition_rows(panel, *rise, n)]
    return Picture(
        name=name, title=title, form="curves", rows=rows, log_x=any(r[2].log for r in rises.values()), **more
    )


def transition_rows(
    panel: str, x_R: Numbers, y_R: Numbers, found: Transition, n: int | None = None
) -> list[tuple[Any, ...]]:
    """Return the rows of one rise: what was measured, both curves, and the midpoint as a band over its interval.

    An end of that interval that is open is drawn at the last level; what is flat or beyond the levels has no midpoint.
    """
    x, y = np.asarray(x_R, dtype=np.float64), np.asarray(y_R, dtype=np.float64)
    levels = np.unique(x)
    rows = [(panel, "measured", float(level), *around(y[x == level], n)) for level in levels]
    first, last = float(levels[0]), float(levels[-1])
    places = (np.geomspace if found.log else np.linspace)(first, last, SMOOTH_POINTS)
    for series, heights in (("logistic curve", found.logistic(places)), ("straight line", found.straight(places))):
        rows += [(panel, series, float(at), float(y), None, None) for at, y in zip(places, heights, strict=True)]
    if found.x is not None:
        middle = float(found.logistic([found.x])[0])
        across = sorted({max(found.low, first), found.x, min(found.high, last)})
        rows += [(panel, "midpoint", at, middle, *found.ends) for at in across]
    return rows


def around(values_S: np.ndarray, n: int | None = None) -> tuple[float, float, float]:
    """Return the mean over seeds and its interval; n questions stand behind each where they are shares."""
    interval = over_seeds(values_S, n)
    return interval.mean, interval.low, interval.high
