"""A sweep's numbers in plain words: metrics, boundaries, and the headline."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bothways.reports import words
from bothways.reports.escape import shorten
from bothways.reports.sweep_cells import (
    FORWARD,
    Cell,
    View,
    as_mapping,
    cells_by,
    is_share,
    reverse_metric,
    settings_of,
)
from bothways.reports.sweep_load import Axis, Sweep
from bothways.reports.words import count, percent, plural, two
from bothways.sweeps.boundary import Boundary

HALF = 0.5
"""Share of reverse questions from which on an arm is said to reverse."""
REVERSES = "answers at least half of the reverse questions"
MAX_NAMED = 3
"""Arms, or boundaries, that the headline and the sentences below it name."""
LEAVES = {
    "accuracy": "accuracy",
    "exact": "exact match",
    "mrr": "mean of 1 / rank",
    "nll": "NLL in nats",
    "median_rank": "median rank",
}
ALONE = {
    "loss": "training loss, nats a token",
    "steps": "training steps",
    "known_at": "step at which all was known",
    "held_out_nll": "held-out NLL in nats",
}


def metric_label(metric: str) -> str:
    """Return a metric's name as the page calls it.

    >>> metric_label("reverse_tested.accuracy"), metric_label("held_out_nll")
    ('reverse (isolated) accuracy', 'held-out NLL in nats')
    """
    kind, _, leaf = metric.rpartition(".")
    label = words.KINDS[kind].label if kind in words.KINDS else kind.replace("_", " ")
    return ALONE.get(metric) or f"{label} {LEAVES.get(leaf, leaf)}"


def value(number: float | None, metric: str) -> str:
    """Write a number in the form of its metric.

    >>> value(0.4, "forward.accuracy"), value(2000.0, "steps"), value(0.01234, "loss")
    ('0.40', '2,000', '0.0123')
    """
    if number is None or is_share(metric):
        return two(number)
    return count(round(number)) if abs(number) >= 1000 else f"{number:.3g}"


def around(cell: Cell, metric: str) -> str:
    """Write a cell's interval, nothing where there is none."""
    return "" if cell.low is None else f"[{value(cell.low, metric)}, {value(cell.high, metric)}]"


def place(number: float) -> str:
    """Write a place on an axis.

    >>> place(0.00213456), place(12345.6)
    ('0.00213', '12,346')
    """
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def says_boundary(found: Boundary | None, axis: Axis) -> str:
    """Say where along an axis a share crosses one half, with its interval."""
    if found is None:
        return "fewer than two levels have a result"
    if found.status == "crosses" and found.x is not None:
        return f"{place(found.x)} {boundary_interval(found, axis)}"
    if found.status == "bracketed":
        return f"between {place(found.low)} and {place(found.high)}"
    return {
        "all above": "does not cross within the sweep: at least half everywhere",
        "all below": "does not cross within the sweep: below half everywhere",
        "several": "crosses more than once",
    }.get(found.status, "stays about one half, no clear crossing")


def boundary_interval(found: Boundary, axis: Axis) -> str:
    """Write a boundary's interval; an end outside the sweep is only said to be there."""
    if math.isinf(found.low) and math.isinf(found.high):
        return "(no interval)"
    first, last = axis.values[0], axis.values[-1]
    low = f"<\u00a0{place(first)}" if found.low < first else place(found.low)
    high = f">\u00a0{place(last)}" if found.high > last else place(found.high)
    return f"[{low}, {high}]"


def says_levels(settings: Sequence[tuple[Axis, str]]) -> str:
    """Name the levels of a setting."""
    return ", ".join(f"{axis.label}\u00a0{shorten(name, 32)}" for axis, name in settings)


def sweep_headline(
    sweep: Sweep, view: View, boundaries: Mapping[tuple[str, int], Boundary | None]
) -> tuple[str, list[str]]:
    """Say in one sentence which arm reverses where, and in a few more what else to know.

    Args:
        sweep: the sweep.
        view: what its figures show.
        boundaries: those of the reverse accuracy, empty where there are none.
    """
    metric = reverse_metric(sweep)
    reverse = cells_by(sweep.runs, metric, lambda run: (run.arm, run.levels))
    stated = cells_by(sweep.runs, FORWARD, lambda run: (run.arm, run.levels))
    more = says_failed(sweep)
    if all(cell.mean is None for cell in (*reverse.values(), *stated.values())):
        return "No run has an answer to show", more
    if len({run.levels for run in sweep.runs}) == 1:
        first, lede = words.headline({"arms": [as_arm(arm, metric, reverse, stated) for arm in sweep.arms]})
        return first, lede + more
    told = {
        arm: [cell.mean for (name, _), cell in reverse.items() if name == arm and cell.mean is not None]
        for arm in sweep.arms
    }
    order = sorted(sweep.arms, key=lambda arm: (is_control(arm), -sum(mean >= HALF for mean in told[arm])))
    sentences = [
        *says_best(sweep, reverse, order),
        *says_boundaries(order, view, boundaries),
        *says_unlearned(sweep, stated),
    ]
    if len(order) > MAX_NAMED:
        n = len(order) - MAX_NAMED
        sentences.append(f"{plural(n, 'more arm is', 'more arms are')} in the table.")
    return says_where(order, told), sentences + more


def as_arm(arm: str, metric: str, *cells: Mapping[tuple[str, tuple[int, ...]], Cell]) -> dict[str, Any]:
    """Return the only setting of an arm as the words of a comparison read it."""
    found = [next((cell for (name, _), cell in group.items() if name == arm), None) for group in cells]
    kinds = (metric.rpartition(".")[0], "forward")
    return {"arm": arm} | {kind: as_mapping(cell) for kind, cell in zip(kinds, found, strict=True) if cell}


def named(arm: str) -> str:
    """Return an arm's name, cut where a sentence could not hold it."""
    return shorten(arm, 48)


def is_control(arm: str) -> bool:
    """Whether an arm is there to show what must come out, not to be compared.

    >>> is_control("causal+both_directions"), is_control("causal+reverse_training:unit=token")
    (True, False)
    """
    return any(part.partition(":")[0] in words.ROLES for part in arm.split("+"))


def says_where(order: Sequence[str], told: Mapping[str, Sequence[float]]) -> str:
    """Say in how many settings each arm reverses, the best arm first."""
    parts = []
    for arm in order[:MAX_NAMED]:
        if not told[arm]:
            parts.append(f"{named(arm)} has no reverse answer to show")
            continue
        n, of = sum(mean >= HALF for mean in told[arm]), len(told[arm])
        settings = plural(of, "setting")
        where = f"in all {settings}" if n == of else f"in {count(n) if n else 'none'} of {settings}"
        parts.append(f"{named(arm)} {where}" if parts else f"{named(arm)} {REVERSES} {where}")
    return "; ".join(parts)


def says_best(sweep: Sweep, reverse: Mapping[tuple[str, tuple[int, ...]], Cell], order: Sequence[str]) -> list[str]:
    """Say where the most is answered in reverse, by an arm that is no control if there is one."""
    compared = [arm for arm in order if not is_control(arm)] or order
    shown = {name: cell.mean for name, cell in reverse.items() if cell.mean and name[0] in compared}
    if not shown:
        return []
    arm, levels = max(shown, key=lambda name: shown[name])
    where = says_levels(settings_of(sweep, levels))
    aside = ", the control aside," if len(compared) < len(order) else ""
    return [f"The most in reverse{aside} is {percent(shown[arm, levels])}: {named(arm)} at {where}."]


def says_boundaries(
    order: Sequence[str], view: View, boundaries: Mapping[tuple[str, int], Boundary | None]
) -> list[str]:
    """Say where the best arm's reverse accuracy crosses one half, where this is one sentence."""
    if view.x is None:
        return []
    for arm in order[:MAX_NAMED]:
        found = {row: one for (name, row), one in boundaries.items() if name == arm and one and one.status == "crosses"}
        if not found:
            continue
        parts = [says_boundary(one, view.x) + says_row(view, row) for row, one in list(found.items())[:MAX_NAMED]]
        rest = len(found) - MAX_NAMED
        more = f"; {count(rest)} more {'is' if rest == 1 else 'are'} in the table" if rest > 0 else ""
        return [f"Along {view.x.label}, {named(arm)} crosses one half at {'; '.join(parts)}{more}."]
    return []


def says_row(view: View, row: int) -> str:
    """Name a level of the second axis, nothing where there is none."""
    return f" at {view.y.label}\u00a0{shorten(view.y.name(row), 32)}" if view.y else ""


def says_unlearned(sweep: Sweep, stated: Mapping[tuple[str, tuple[int, ...]], Cell]) -> list[str]:
    """Name the arms that do not know everywhere what they read; what they answer in reverse there says little."""
    parts = []
    for arm in sweep.arms:
        means = [cell.mean for (name, _), cell in stated.items() if name == arm and cell.mean is not None]
        n = sum(mean < words.LEARNED for mean in means)
        if n:
            parts.append(f"{named(arm)} in {count(n)} of {len(means)}")
    if not parts:
        return []
    those = ", ".join(parts[:MAX_NAMED]) + (" and others" if len(parts) > MAX_NAMED else "")
    limit = percent(words.LEARNED)
    return [f"Not all that was read is known everywhere: under {limit} of the stated questions are right for {those}."]


def says_failed(sweep: Sweep) -> list[str]:
    """Say how many runs have no result."""
    failed = sum(run.status == "failed" for run in sweep.runs)
    waiting = sum(run.status not in ("failed", "done") for run in sweep.runs)
    said = [f"{count(failed)} failed"] * bool(failed) + [f"{count(waiting)} have not come to their end"] * bool(waiting)
    return [f"Of {plural(len(sweep.runs), 'run')}, {' and '.join(said)}."] if said else []


def cell_number(number: float, metric: str, letters: int) -> str:
    """Write a number into a cell with room for so many letters; nothing where it does not fit.

    >>> cell_number(0.428, "forward.accuracy", 4), cell_number(0.428, "forward.accuracy", 3)
    ('0.43', '.43')
    >>> cell_number(1.0, "forward.accuracy", 3), cell_number(0.428, "forward.accuracy", 2)
    ('1', '')
    """
    text = value(number, metric)
    if len(text) > letters and is_share(metric):
        text = text.removesuffix(".00") if text in ("1.00", "0.00") else text.removeprefix("0")
    return text if len(text) <= letters else ""
