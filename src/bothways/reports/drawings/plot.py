"""What every figure is, and the look they share: one colour, mark and dash per kind of question."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from bothways.reports.svg import BLUE, ORANGE, PURPLE, SKY, VERMILLION, Pen

LOOKS: Mapping[str, dict[str, Any]] = {
    "forward": {"color": BLUE, "marker": "o", "linestyle": "-"},
    "reverse_tested": {"color": VERMILLION, "marker": "s", "linestyle": (0, (6, 2))},
    "reverse_partner": {"color": ORANGE, "marker": "^", "linestyle": (0, (2, 1.5))},
    "reverse_stated": {"color": SKY, "marker": "D", "linestyle": (0, (6, 2, 1.5, 2))},
    "implied": {"color": PURPLE, "marker": "P", "linestyle": (0, (4, 1.5, 1, 1.5, 1, 1.5))},
}
"""Blues were stated, warm colours and purple were not; every kind also has its own mark and dash."""


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure: how to draw it at a width, what it says to those who cannot see it, and its numbers."""

    name: str
    title: str
    alt: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    draw: Callable[[int], Pen] | None
    """None where there is nothing to draw."""


def share_axis(axis: Any, set_limits: Callable[..., Any]) -> None:
    """Set an axis to shares from none to all, with room for the marks at both ends."""
    set_limits(-0.015, 1.015)
    axis.set_ticks((0, 0.25, 0.5, 0.75, 1), labels=("0", "0.25", "0.50", "0.75", "1"))


def spread(n: int, most: int) -> list[int]:
    """Return at most so many of n places, evenly spread, with the first and the last.

    >>> spread(3, 5), spread(9, 3)
    ([0, 1, 2], [0, 4, 8])
    """
    return list(range(n)) if n <= most else [round(index * (n - 1) / (most - 1)) for index in range(most)]


def legend_size(labels: Sequence[str], width: int) -> tuple[int, int]:
    """Return the columns a legend of lines has room for, and its height in pixels."""
    columns = max(1, width // (24 + 8 * max(map(len, labels))))
    return columns, 24 * -(-len(labels) // columns) + 10


def place_apart(places: Sequence[float], names: Sequence[str]) -> list[int]:
    """Return the ticks whose labels do not run into each other, from the left; places in pixels."""
    kept: list[int] = []
    for index, (place, name) in enumerate(zip(places, names, strict=True)):
        if not kept or place - places[kept[-1]] > 3.6 * (len(name) + len(names[kept[-1]])) + 8:
            kept.append(index)
    return kept


def lay_strips(pen: Pen, axes: Axes, places: Sequence[float], said: Sequence[str]) -> None:
    """Lay invisible strips over a panel that tell what there is at each place, in the order of the axis across."""
    edges = [axes.get_xlim()[0], *((a + b) / 2 for a, b in pairwise(places)), axes.get_xlim()[1]]
    for (left, right), text in zip(pairwise(edges), said, strict=True):
        pen.tip(axes.axvspan(left, right, facecolor="none", edgecolor="none"), text, look="strip")


def key(kind: str) -> Line2D:
    """Return the legend's line and mark of a kind."""
    return Line2D([], [], linewidth=2, markersize=8, markeredgewidth=0, **LOOKS[kind])


def dot(kind: str) -> Line2D:
    """Return the legend's mark of a kind."""
    look = LOOKS[kind]
    return Line2D([], [], linestyle="none", markersize=8, markeredgewidth=0, color=look["color"], marker=look["marker"])


def swatch(kind: str) -> Artist:
    """Return the legend's bar of a kind."""
    return Rectangle((0, 0), 1, 1, facecolor=LOOKS[kind]["color"], linewidth=0)
