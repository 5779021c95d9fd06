"""Reverse accuracy against how often the answer follows the relation that was asked."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bothways.reports.drawings.plot import Plot, share_axis
from bothways.reports.escape import plain, shorten
from bothways.reports.svg import GREEN, INK, MUTED, NARROW, ORANGE, PURPLE, SKY, Pen
from bothways.reports.words import KINDS, interval, leaf, stratum, two

ARM_COLORS = (INK, GREEN, PURPLE, ORANGE, SKY)
ARM_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Two cycles of coprime length: 35 arms before a look repeats."""


def specificity(arms: Sequence[Mapping[str, Any]]) -> Plot:
    """Reverse accuracy against how often the reverse answer follows the relation."""
    flips = ("specific", "specific_low", "specific_high", "blind", "blind_low", "blind_high", "n", "why")
    reverse = ("accuracy", "low", "high")
    kind = stratum(arms)
    rows = tuple(
        (arm["arm"], kind, *(leaf(arm, kind, name) for name in reverse), *(leaf(arm, "flip", name) for name in flips))
        for arm in arms
    )
    shown = [arm for arm in arms if None not in (leaf(arm, "flip", "specific"), leaf(arm, kind, "accuracy"))]
    said = "; ".join(says_place(arm, kind) for arm in shown)
    return Plot(
        name="relation-or-association",
        title="Reverse accuracy against relation specificity",
        alt=f"Scatter plot of relation-specific answers over reverse accuracy. {said}.",
        columns=("arm", "kind", *(f"reverse_{name}" for name in reverse), *flips),
        rows=rows,
        draw=partial(draw_specificity, shown, kind) if shown else None,
    )


def says_place(arm: Mapping[str, Any], kind: str) -> str:
    """Say where an arm's mark stands."""
    reverse, specific = leaf(arm, kind, "accuracy"), leaf(arm, "flip", "specific")
    return f"{plain(arm['arm'])}: reverse {two(reverse)}, specific {two(specific)}"


def draw_specificity(arms: Sequence[Mapping[str, Any]], kind: str, width: int) -> Pen:
    """Draw one mark per arm with an interval each way; on the diagonal every right answer is specific."""
    wide = width > NARROW
    side = 340 if wide else 290
    legend_height = 0 if wide else 24 * len(arms) + 16
    pen = Pen(720 if wide else NARROW, side + 70 + legend_height)
    axes = pen.axes(56, 14 + legend_height, side, side)
    share_axis(axes.xaxis, axes.set_xlim)
    share_axis(axes.yaxis, axes.set_ylim)
    axes.grid()
    axes.set_xlabel(f"{KINDS[kind].label} accuracy")
    axes.set_ylabel("relation-specific")
    axes.plot((0, 1), (0, 1), color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    axes.text(0.98, 0.06, "right, but tied\nto the name only", color=MUTED, ha="right", linespacing=1.4)
    handles = []
    for index, arm in enumerate(arms):
        look: dict[str, Any] = {
            "color": ARM_COLORS[index % len(ARM_COLORS)],
            "marker": ARM_MARKERS[index % len(ARM_MARKERS)],
        }
        draw_cross(pen, axes, arm, kind, look)
        handles.append(Line2D([], [], linestyle="none", markersize=9, markeredgewidth=0, **look))
    labels = [shorten(arm["arm"], 30) for arm in arms]
    if wide:
        axes.legend(
            handles,
            labels,
            loc="upper left",
            bbox_to_anchor=(1.05, 1),
            borderaxespad=0,
            handletextpad=0.4,
            labelspacing=0.8,
        )
    else:
        pen.legend(handles, labels, 1, handle=0.8)
    return pen


def draw_cross(pen: Pen, axes: Axes, arm: Mapping[str, Any], kind: str, look: Mapping[str, Any]) -> None:
    """Draw an arm's place and its two intervals."""
    x, left, right = (leaf(arm, kind, name) for name in ("accuracy", "low", "high"))
    y, low, high = (leaf(arm, "flip", name) for name in ("specific", "specific_low", "specific_high"))
    if left is not None and right is not None:
        axes.plot((left, right), (y, y), color=look["color"], linewidth=2, alpha=0.55, clip_on=False)
    if low is not None and high is not None:
        axes.plot((x, x), (low, high), color=look["color"], linewidth=2, alpha=0.55, clip_on=False)
    (dot,) = axes.plot(x, y, linestyle="none", markersize=10, markeredgewidth=0, clip_on=False, **look)
    said = f"reverse {two(x)} {interval(left, right)}, specific {two(y)} {interval(low, high)}"
    pen.tip(dot, f"{plain(arm['arm'])}: {said}")
