"""The pictures of the knowledge-injection study."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from bothways.studies.base import Picture
from bothways.studies.claims_cures import CURES, FAMILIES, fit_rise, joined, points
from bothways.studies.drawing import around, curves
from bothways.studies.evidence import Evidence, NothingMeasured
from bothways.studies.injection_arms import (
    BARE_CAUSAL,
    BARE_ENTITY,
    BARE_MASKED,
    BEFORE,
    BEFORE_DIFFUSION,
    CAUSAL,
    CHAT,
    CONTROL,
    DIFFUSION,
    DIFFUSION_BOTH,
    DIFFUSION_ENTITY,
    ENTITY,
    MASKED,
    ORDERS,
    PARAPHRASES,
    RANDOM_PROMPT,
    RATIOS,
    Order,
    paraphrased,
    ratio,
)
from bothways.studies.injection_readings import FORWARD, REVERSE, blind, forward, reverse, saturating, specific
from bothways.studies.readings import Values, asked

DIRECTIONS: Mapping[str, Callable[[str], Values]] = {"forward": forward, "reverse": reverse}
KINDS = {"forward": FORWARD, "reverse": REVERSE}
LEVELS = (0, *PARAPHRASES)
SMOOTH = 41
"""Points of a fitted curve."""
METHODS = (BEFORE, CAUSAL, CHAT, CONTROL, *CURES, "hidden only", RANDOM_PROMPT, "causal to diffusion")
"""Of the causal stand-in, at equal FLOPs."""
OTHERS = (BEFORE_DIFFUSION, DIFFUSION, DIFFUSION_ENTITY, DIFFUSION_BOTH, BARE_CAUSAL, BARE_MASKED, BARE_ENTITY)
"""Of the other two stand-ins."""
WATCHED = (CAUSAL, CHAT, MASKED, ENTITY, "reverse entity", "permutation", DIFFUSION, DIFFUSION_ENTITY)


def draw(evidence: Evidence) -> Sequence[Picture]:
    """Return every picture; what was not measured is left out of them."""
    return [
        data_efficiency(evidence),
        *levels(evidence),
        relation_or_association(evidence),
        front(evidence),
        ratios(evidence),
        along_events(evidence),
        curves(
            evidence, "learning", "Right answers while training", WATCHED,
            {"forward": f"{FORWARD}_exact", "reverse": f"{REVERSE}_exact"}, probe="tasks", y="right answers",
            caption="Steps differ from arm to arm: each has the FLOPs of next-token training.",
        ),
    ]  # fmt: skip


def data_efficiency(evidence: Evidence) -> Picture:
    """Draw right answers over paraphrases, with the rate at which each further one helps."""
    rows: list[tuple[Any, ...]] = []
    for arm in (CAUSAL, MASKED):
        for direction, read in DIRECTIONS.items():
            panel = f"{arm}, {direction}"
            for order in ORDERS:
                found = levels_of(evidence, arm, order, read)
                rows += [(panel, f"{order} order", n, *interval(evidence, read, paraphrased(arm, n, order), direction))
                         for n in found]  # fmt: skip
                rows += fitted(panel, order, found)
    return Picture(
        name="data-efficiency", title="Right answers by paraphrases of every statement", form="curves", rows=rows,
        x="paraphrases of a statement", y="right answers",
        caption="As many tokens are read at every level. Fits say by how much a further paraphrase closes the gap "
        "to the plateau.",
    )  # fmt: skip


def levels_of(evidence: Evidence, arm: str, order: Order, read: Callable[[str], Values]) -> dict[int, float]:
    """Return the mean at each number of paraphrases that was measured."""
    found: dict[int, float] = {}
    for n in LEVELS:
        try:
            found[n] = float(np.mean(read(paraphrased(arm, n, order))(evidence)))
        except NothingMeasured:
            continue
    return found


def fitted(panel: str, order: str, found: Mapping[int, float]) -> Iterator[tuple[Any, ...]]:
    """Yield the points of the saturating curve from what is there without paraphrases; none where nothing rises."""
    if 0 not in found or len(found) < 3:
        return
    floor = found[0]
    n_K = np.array([n for n in found if n], dtype=np.float64)
    rise, k = saturating(n_K, np.array([found[int(n)] - floor for n in n_K]))
    if rise == 0:
        return
    name = f"{order} order, fit: {-np.expm1(-k):.0%} of the gap each"
    for n in np.linspace(0, n_K.max(), SMOOTH):
        yield panel, name, float(n), floor + rise * float(-np.expm1(-k * n)), None, None


def interval(evidence: Evidence, read: Callable[[str], Values], group: str, direction: str) -> tuple[float, ...]:
    """Return a share's mean over seeds and its interval."""
    n = sum(asked(group, KINDS[direction])(evidence))
    return around(np.array(read(group)(evidence)), max(1, round(n)))


def levels(evidence: Evidence) -> Iterator[Picture]:
    """Yield right answers of every method, for each stand-in."""
    for name, title, groups in (
        ("methods", "What each method teaches, at equal FLOPs", METHODS),
        ("stand-ins", "Masked diffusion, and a base that never recovered a passage", OTHERS),
    ):
        rows = [
            ("", direction, group, *interval(evidence, read, group, direction))
            for group in groups
            if is_measured(evidence, group)
            for direction, read in DIRECTIONS.items()
        ]
        yield Picture(name=name, title=title, form="bars", rows=rows, y="right answers")


def is_measured(evidence: Evidence, group: str) -> bool:
    """Whether a group's runs are finished."""
    return bool(evidence.groups.get(group))


def relation_or_association(evidence: Evidence) -> Picture:
    """Draw which reverse answers are of the relation, and which are given to any."""
    series = {"right in reverse": reverse, "specific": specific, "given to another relation too": blind}
    rows = [
        ("", name, group, *interval(evidence, read, group, "reverse"))
        for group in (CAUSAL, CONTROL, *CURES)
        if is_measured(evidence, group)
        for name, read in series.items()
    ]
    return Picture(
        name="relation", title="Relation or association", form="bars", rows=rows, y="share of reverse questions",
        caption="Specific: right, and the cue does not call for the same answer under another relation.",
    )  # fmt: skip


def front(evidence: Evidence) -> Picture:
    """Draw right against specific answers, a point for each cure, and the front that none of them is beyond."""
    found = {
        group: (float(np.mean(specific(group)(evidence))), float(np.mean(reverse(group)(evidence))))
        for group in (CAUSAL, CONTROL, *CURES)
        if is_measured(evidence, group)
    }
    rows: list[tuple[Any, ...]] = [("", group, x, y, None, None) for group, (x, y) in found.items()]
    cures = {group: place for group, place in found.items() if group in CURES}
    rows += [("", "front", x, y, None, None) for x, y in pareto(list(cures.values()))]
    return Picture(
        name="front", title="Right in reverse against specific, at equal FLOPs", form="curves", rows=rows,
        x="specific answers", y="right answers in reverse",
        caption="Of the cures on the front none is better in one without being worse in the other.",
    )  # fmt: skip


def pareto(places: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return the places that no other one is beyond in both, by the first number.

    >>> pareto([(0.1, 0.9), (0.5, 0.5), (0.4, 0.4), (0.9, 0.2)])
    [(0.1, 0.9), (0.5, 0.5), (0.9, 0.2)]
    """
    return sorted({one for one in places if not any(x >= one[0] and y >= one[1] and (x, y) != one for x, y in places)})


def ratios(evidence: Evidence) -> Picture:
    """Draw right answers over the share of hidden tokens."""
    rows: list[tuple[Any, ...]] = []
    for direction, read in DIRECTIONS.items():
        for share in RATIOS:
            if is_measured(evidence, ratio(share)):
                rows.append(("", direction, share, *interval(evidence, read, ratio(share), direction)))
            if is_measured(evidence, MASKED):
                mean = interval(evidence, read, MASKED, direction)[0]
                rows.append(("", f"{direction}, random share", share, mean, None, None))
    return Picture(
        name="ratios", title="Masked fine-tuning by the share that is hidden", form="curves", rows=rows,
        x="share of hidden tokens", y="right answers",
    )  # fmt: skip


def along_events(evidence: Evidence) -> Picture:
    """Draw reverse answers over clean reverse events and over steps: one curve, or one for each objective?"""
    rows: list[tuple[Any, ...]] = []
    for by, panel in (("events", "clean reverse events of a fact"), ("steps", "steps")):
        all_points: list[tuple[np.ndarray, np.ndarray]] = []
        for groups in FAMILIES.values():
            for group in groups:
                try:
                    x_ST, y_ST = points(evidence, group, by)
                except NothingMeasured:
                    continue
                x_T = x_ST.mean(0)
                rows += [(panel, group, float(x), *around(y_S)) for x, y_S in zip(x_T, y_ST.T, strict=True) if x > 0]
                all_points.append((x_T, y_ST.mean(0)))
        if all_points:
            x_R, y_R = joined(all_points)
            if (x_R > 0).any():
                at = np.geomspace(x_R[x_R > 0].min(), x_R.max(), SMOOTH)
                rows += [(panel, "one curve", float(x), float(y), None, None)
                         for x, y in zip(at, fit_rise(x_R, y_R)(at), strict=True)]  # fmt: skip
    return Picture(
        name="events", title="Reverse answers by how often training asks them", form="curves", rows=rows, x="count",
        y="right answers in reverse", log_x=True,
        caption="An event is a row in which the whole answer is predicted, unseen, while the whole cue is seen.",
    )  # fmt: skip
