"""Pictures of what is known at which depth: a map of depth and checkpoint, and profiles of models by their success."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bothways.studies.base import Picture
from bothways.studies.depths import by_success, depth_curves, together
from bothways.studies.drawing import around
from bothways.studies.evidence import Evidence, NothingMeasured


def depth_map(
    evidence: Evidence, name: str, title: str, groups: Sequence[str], probe: str, kind: str, number: str, **more: Any
) -> Picture:
    """Draw a watched number over depth and training, its mean over seeds: a panel for each group.

    Args:
        evidence: the runs.
        name: of the picture's files.
        title: of the picture.
        groups: a panel each; those that were not measured are left out.
        probe: which probe watched.
        kind: of question.
        number: of the probe.
        more: other fields of `Picture`.
    """
    rows: list[tuple[Any, ...]] = []
    for group in groups:
        try:
            steps_T, values_STA = depth_curves(evidence, group, probe, kind, number)
        except NothingMeasured:
            continue
        mean_TA = values_STA.mean(0)
        rows += [
            (group, depth, int(step), float(mean_TA[t, depth]))
            for depth in reversed(range(mean_TA.shape[1]))
            for t, step in enumerate(steps_T)
        ]
    return Picture(name=name, title=title, form="heat_map", rows=rows, x="training step", y="blocks", **more)


def depth_profiles(
    evidence: Evidence,
    name: str,
    title: str,
    groups: Sequence[str],
    probe: str,
    kind: str,
    number: str,
    *,
    judge: tuple[str, str],
    threshold: float,
    last: int,
    **more: Any,
) -> Picture:
    """Draw a watched number by depth for models that succeed and models that fail, and how it wavers over checkpoints.

    Two panels: the mean over the last checkpoints, and the standard deviation over them; in both the band is an
    interval over models. Groups that were not measured are left out; the others are of one depth.

    Args:
        evidence: the runs.
        name: of the picture's files.
        title: of the picture.
        groups: whose models are compared, together.
        probe: which probe watched.
        kind: of question.
        number: of the probe.
        judge: the probe, and its number, whose final value says who succeeds: exact answers.
        threshold: from where on a model succeeds.
        last: checkpoints that count, from the end.
        more: other fields of `Picture`.
    """
    found, final = list[Any](), list[float]()
    for group in groups:
        try:
            values_STA, ends = depth_curves(evidence, group, probe, kind, number)[1], evidence.found(group, *judge)
        except NothingMeasured:
            continue
        found.append(values_STA)
        final += ends
    sides = by_success(together(found, last), final, threshold, last) if found else {}
    rows: list[tuple[Any, ...]] = []
    for side, of_side in sides.items():
        series = f"{side} ({of_side.n_models})"
        panels = {"mean": of_side.each_SA, "standard deviation over checkpoints": of_side.unsteady_SA}
        rows += [
            (panel, series, depth, *around(values_SA[:, depth]))
            for panel, values_SA in panels.items()
            for depth in range(values_SA.shape[1])
            if np.isfinite(values_SA).all()
        ]
    return Picture(name=name, title=title, form="curves", rows=rows, x="blocks", **more)
