"""Pictures from groups: curves of watched numbers with bands over seeds, bars of final ones, heat maps of tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bothways.studies.base import Picture
from bothways.studies.evidence import Evidence, NothingMeasured
from bothways.sweeps.over_seeds import over_seeds


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


def around(values_S: np.ndarray) -> tuple[float, float, float]:
    """Return the mean over seeds and its interval."""
    interval = over_seeds(values_S)
    return interval.mean, interval.low, interval.high
