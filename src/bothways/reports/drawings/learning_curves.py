"""Accuracy while training: a panel per arm, a thin line per run, a thick one for their median."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bothways.reports.drawings.plot import LOOKS, Plot, key, lay_strips, share_axis, spread
from bothways.reports.escape import plain, shorten
from bothways.reports.svg import MUTED, NARROW, Pen
from bothways.reports.words import KINDS, count, two

MAX_POINTS = 60
"""Measurements a learning curve shows; the CSV has all of them."""

MAX_STRIPS = 24
"""Places along a learning curve that tell their values when pointed at."""


def learning_curves(arms: Sequence[Mapping[str, Any]], curves: pandas.DataFrame) -> Plot:
    """Accuracy on development questions while training: the median of the finished runs, and every run."""
    kinds = [kind for kind in KINDS if kind in set(curves["kind"])]
    columns = ("arm", "seed", "run_id", "step", "kind", "accuracy")
    shown = [arm for arm in arms if arm["arm"] in set(curves["arm"])]
    return Plot(
        name="learning-curves",
        title="Accuracy while training",
        alt="Learning curves, one panel per arm. " + " ".join(says_curve(arm, kinds, curves) for arm in shown),
        columns=columns,
        rows=tuple(curves[list(columns)].itertuples(index=False, name=None)),
        draw=partial(draw_curves, shown, kinds, curves) if kinds and shown else None,
    )


def says_curve(arm: Mapping[str, Any], kinds: Sequence[str], curves: pandas.DataFrame) -> str:
    """Say where an arm's curves end."""
    ends = []
    for kind in kinds:
        middle = medians(curves, arm["arm"], kind)
        if len(middle):
            ends.append(f"{KINDS[kind].label} {two(float(middle.iloc[-1]))}")
    return f"{plain(arm['arm'])} ends at {', '.join(ends)}." if ends else f"{plain(arm['arm'])} has no finished run."


def medians(curves: pandas.DataFrame, arm: str, kind: str) -> pandas.Series:
    """Return the median accuracy of an arm's finished runs, by step."""
    rows = curves[(curves["arm"] == arm) & (curves["kind"] == kind) & curves["finished"].astype(bool)]
    return thinned(rows.groupby("step")["accuracy"].median(), MAX_POINTS)


def thinned(series: pandas.Series, n: int) -> pandas.Series:
    """Keep at most `n` points, evenly spread, with the first and the last."""
    return series.iloc[spread(len(series), n)]


def draw_curves(arms: Sequence[Mapping[str, Any]], kinds: Sequence[str], curves: pandas.DataFrame, width: int) -> Pen:
    """Draw one panel per arm, all on the same axes."""
    columns = min(len(arms), 3) if width > NARROW else 1
    top = 40 if width > NARROW else 62
    cell_height = 246
    n_rows = -(-len(arms) // columns)
    pen = Pen(width, top + n_rows * cell_height)
    cell_width = min(width / columns, 560)
    last = float(curves["step"].max())
    for index, arm in enumerate(arms):
        left, upper = (index % columns) * cell_width, top + (index // columns) * cell_height
        axes = pen.axes(left + 38, upper + 26, cell_width - 56, cell_height - 84)
        axes.set_title(shorten(arm["arm"], round((cell_width - 50) / 10)), x=-38 / (cell_width - 56), pad=11)
        axes.set_xlim(0, last * 1.01 or 1)
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=(1, 2, 2.5, 5, 10)))
        axes.xaxis.set_major_formatter(lambda step, _: f"{step:,.0f}")
        axes.set_xlabel("training step")
        share_axis(axes.yaxis, axes.set_ylim)
        axes.grid(axis="y")
        draw_panel(pen, axes, arm, kinds, curves)
    pen.legend([key(kind) for kind in kinds], [KINDS[kind].label for kind in kinds], 4 if width > NARROW else 2)
    return pen


def draw_panel(pen: Pen, axes: Axes, arm: Mapping[str, Any], kinds: Sequence[str], curves: pandas.DataFrame) -> None:
    """Draw an arm's curves: every run thin, the median of the finished ones thick."""
    known = arm.get("known_at")
    if known is not None:
        axes.axvline(known, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    for kind in kinds:
        rows = curves[(curves["arm"] == arm["arm"]) & (curves["kind"] == kind)]
        look = LOOKS[kind]
        for _, run in rows.groupby("run_id", sort=False):
            line = thinned(run.set_index("step")["accuracy"], MAX_POINTS)
            axes.plot(line.index, line.to_numpy(), color=look["color"], linewidth=1, alpha=0.35)
    middles = {kind: medians(curves, arm["arm"], kind) for kind in kinds}
    for kind, middle in middles.items():
        look = LOOKS[kind]
        axes.plot(middle.index, middle.to_numpy(), color=look["color"], linestyle=look["linestyle"], linewidth=2.5)
        axes.plot(middle.index[-1:], middle.to_numpy()[-1:], color=look["color"], marker=look["marker"], markersize=8,
                  markeredgewidth=0, clip_on=False)  # fmt: skip
    if not any(map(len, middles.values())):
        axes.text(0.5, 0.62, "no finished run", color=MUTED, ha="center", va="center", transform=axes.transAxes)
        return
    draw_strips(pen, axes, {kind: thinned(middle, MAX_STRIPS) for kind, middle in middles.items() if len(middle)})


def draw_strips(pen: Pen, axes: Axes, middles: Mapping[str, pandas.Series]) -> None:
    """Lay invisible strips over a panel that tell the medians at their step."""
    steps = sorted({step for middle in middles.values() for step in middle.index})
    said = [
        ", ".join(f"{KINDS[kind].label} {two(float(m[step]))}" for kind, m in middles.items() if step in m.index)
        for step in steps
    ]
    lay_strips(
        pen,
        axes,
        [float(step) for step in steps],
        [f"step {count(step)}: {text}" for step, text in zip(steps, said, strict=True)],
    )
