"""The pictures of the relational-semantics study."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bothways.facts.graphs.exam import SORTS
from bothways.studies.base import Picture
from bothways.studies.depth_drawing import depth_map, depth_profiles
from bothways.studies.drawing import around, curves, transition_curve
from bothways.studies.evidence import Evidence, NothingMeasured
from bothways.studies.readings import Values, computed
from bothways.studies.semantics_readings import DIRECTIONS, FOLLOWS, LAST, exact, in_context, learning
from bothways.studies.semantics_runs import BOTH_ENDS, CLOSED_BOOK, Size
from bothways.sweeps.transition import find_transition

BOOKS = (CLOSED_BOOK, BOTH_ENDS, "sentences both orders", "sentences diffusion")
COPIED = {"last": "copies the last name", "any": "copies any name"}
"""Of other people than the given one, without a model."""
CLOSED_KINDS = {
    "stated": "stated_{}",
    "stated, other order": "flipped_{}",
    "follows, forward": "logic_{}_forward",
    "follows, reverse": "logic_{}_reverse",
}


def draw(evidence: Evidence, size: Size) -> Sequence[Picture]:
    """Return every picture; what was not measured is left out of them."""
    context = [f"updates {n}" for n in size.levels]
    lens = {"probe": "partner_lens", "kind": FOLLOWS[2]}
    return [
        *rises(evidence, size),
        emergence(evidence, size),
        depths(evidence, size),
        word_order(evidence),
        curves(
            evidence, "sentences", "Single sentences while training", BOOKS,
            {name: f"{kind.format('inverse')}_exact" for name, kind in CLOSED_KINDS.items()}, probe="tasks",
            y="right answers", caption="Inverse relations; the last measurement comes after tuning on questions.",
        ),
        depth_map(
            evidence, "layers", "At which layer the inverse is known", (context[0], context[-1]), **lens,
            number="ahead",
            caption="Share of questions in context whose answer leads its rival, read off the stream; half is what "
            "association alone gives.",
        ),
        depth_profiles(
            evidence, "profiles", "Models that succeed and models that fail, by layer", context, **lens,
            number="ahead",
            judge=("tasks", f"{FOLLOWS[2]}_exact"), threshold=0.5, last=LAST,
        ),
    ]  # fmt: skip


def rises(evidence: Evidence, size: Size) -> Iterator[Picture]:
    """Yield completions in context over N, in right answers and in nats, at fixed updates and at fixed epochs."""
    last = f"updates {size.levels[-1]}"
    groups = {
        "fixed updates": [f"updates {n}" for n in size.levels],
        "fixed epochs": [*(f"epochs {n}" for n in size.levels[:-1]), last],
    }
    for number, sign, y in (("exact", 1, "right completions"), ("nll", -1, "log-probability, nats")):
        found: dict[str, Any] = {}
        for panel, names in groups.items():
            try:
                values_KS = sign * np.array([in_context(name, number)(evidence) for name in names])
            except NothingMeasured:
                continue
            x_R = np.repeat(size.levels, values_KS.shape[1])
            seeds_R = np.tile(np.arange(values_KS.shape[1]), len(names))
            y_R = values_KS.reshape(-1)
            found[panel] = x_R, y_R, find_transition(x_R, y_R, seeds_R, log=True)
        yield transition_curve(
            f"rise_{number}", f"In context over training graphs: {y}", found, x="training graphs N", y=y,
            caption="Means over seeds with intervals, a logistic curve and a straight line; four levels of N.",
        )  # fmt: skip


def emergence(evidence: Evidence, size: Size) -> Picture:
    """Draw the phase diagram that runs while they train: N by updates."""
    rows: list[tuple[Any, ...]] = []
    for name, arm in (("updates", "causal"), ("diffusion", "masked diffusion")):
        for n in size.levels:
            try:
                steps_T, values_ST = learning(evidence, f"{name} {n}")
            except NothingMeasured:
                continue
            rows += [(arm, f"{n:,}", f"{int(step):,}", float(values_ST[:, t].mean())) for t, step in enumerate(steps_T)]
    return Picture(
        name="phases", title="Completion in context by training graphs and updates", form="heat_map", rows=rows,
        x="training step", y="training graphs N", caption="Right completions about people in no text, mean over seeds.",
    )  # fmt: skip


def depths(evidence: Evidence, size: Size) -> Picture:
    """Draw completions in context by depth."""
    last = f"updates {size.levels[-1]}"
    groups = {str(n): f"depth {n}" for n in size.depths} | {str(size.n_layers): last}
    rows: list[tuple[Any, ...]] = []
    for label in sorted(groups, key=int):
        rows += bar(evidence, "", "right completions", label, in_context(groups[label]))
    for name, label in COPIED.items():
        rows += bar(evidence, "", "right completions", label, computed("copying", name))
    return Picture(name="depth", title="Completion in context by number of layers", form="bars", rows=rows,
                   x="layers", y="right completions")  # fmt: skip


def word_order(evidence: Evidence) -> Picture:
    """Draw what is answered in which order, for single sentences."""
    rows: list[tuple[Any, ...]] = []
    for group in BOOKS:
        for sort in SORTS:
            for direction in DIRECTIONS:
                read = exact(group, f"logic_{sort}_{direction}")
                rows += bar(evidence, sort, direction, group.removeprefix("sentences "), read)
    return Picture(
        name="order", title="What follows and was never stated, by word order", form="bars", rows=rows,
        y="right answers", caption="Forward asks in the order in which the text names the two people.",
    )  # fmt: skip


def bar(evidence: Evidence, panel: str, series: str, label: str, read: Values) -> list[tuple[Any, ...]]:
    """Return the row of a bar, or none where nothing was measured."""
    try:
        return [(panel, series, label, *around(np.array(read(evidence))))]
    except NothingMeasured:
        return []
