"""Accuracy in both directions: one band per arm, one mark per kind of question."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes

from bothways.reports.drawings.plot import LOOKS, Plot, dot, share_axis
from bothways.reports.escape import fold, plain, shorten
from bothways.reports.svg import GRID, MUTED, NARROW, Pen
from bothways.reports.words import KINDS, Number, interval, leaf, plural, two


def both_ways(arms: Sequence[Mapping[str, Any]]) -> Plot:
    """Accuracy of every arm on every kind of question, with intervals."""
    leaves = ("accuracy", "low", "high", "exact", "mrr", "nll", "median_rank", "n")
    rows = tuple((arm["arm"], kind, *(leaf(arm, kind, name) for name in leaves)) for arm in arms for kind in KINDS)
    kinds = [kind for kind in KINDS if any(leaf(arm, kind, "accuracy") is not None for arm in arms)]
    said = "; ".join(
        f"{plain(arm['arm'])}: " + ", ".join(f"{KINDS[k].label} {two(leaf(arm, k, 'accuracy'))}" for k in kinds)
        for arm in arms
    )
    return Plot(
        name="both-ways",
        title="Accuracy in both directions",
        alt=f"Dot plot of accuracy with 95 % intervals. {said}.",
        columns=("arm", "kind", *leaves),
        rows=rows,
        draw=partial(draw_both_ways, arms, kinds) if kinds else None,
    )


def draw_both_ways(arms: Sequence[Mapping[str, Any]], kinds: Sequence[str], width: int) -> Pen:
    """Draw one band per arm and one line per kind within it."""
    wide = width > NARROW
    line, gap, top = 15, 20 if wide else 40, 34 if wide else 58
    band = line * len(kinds) + gap
    pen = Pen(width, round(top + band * len(arms) + 28))
    left = 196 if wide else 10
    axes = pen.axes(left, top, width - left - 16, band * len(arms))
    share_axis(axes.xaxis, axes.set_xlim)
    axes.set_ylim(band * len(arms), 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    for index, arm in enumerate(arms):
        start = index * band
        if index:
            axes.plot((-0.5, 1.5), (start, start), color=GRID, linewidth=1)
        if wide:
            label = two_lines(arm["arm"], 24)
            pen.write(0, top + start + band / 2, label, va="center", weight="bold", linespacing=1.3)
        else:
            pen.write(0, top + start + 14, shorten(arm["arm"], 38), va="center", weight="bold")
        if all(leaf(arm, kind, "accuracy") is None for kind in kinds):
            axes.text(0, start + band / 2, "no result", color=MUTED, va="center")
        for place, kind in enumerate(kinds):
            draw_score(pen, axes, arm, kind, start + (gap / 2 if wide else gap - 8) + (place + 0.5) * line)
    pen.legend([dot(kind) for kind in kinds], [KINDS[kind].label for kind in kinds], 4 if wide else 2, handle=0.8)
    return pen


def draw_score(pen: Pen, axes: Axes, arm: Mapping[str, Any], kind: str, y: Number) -> None:
    """Draw one accuracy as a dot on its interval."""
    accuracy, low, high = (leaf(arm, kind, name) for name in ("accuracy", "low", "high"))
    if accuracy is None:
        return
    look = LOOKS[kind]
    if low is not None and high is not None:
        axes.plot((low, high), (y, y), color=look["color"], linewidth=2.5, alpha=0.55, clip_on=False)
    (dot,) = axes.plot(
        accuracy, y, color=look["color"], marker=look["marker"], markersize=8, markeredgewidth=0, clip_on=False
    )
    n = leaf(arm, kind, "n")
    of = f", {plural(n, 'question')}" if n else ""
    pen.tip(dot, f"{plain(arm['arm'])}, {KINDS[kind].label}: {two(accuracy)} {interval(low, high)}{of}")


def two_lines(text: str, width: int) -> str:
    """Break a name into at most two lines of `width` characters."""
    first, *rest = fold(text, width)
    return "\n".join([first, shorten("".join(rest), width)] if rest else [first])
