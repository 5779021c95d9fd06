"""What the pictures of a study share: panels in a grid, a look per series, and labels of numbers."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, SupportsFloat

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from bothways.reports.drawings.plot import Plot, share_axis
from bothways.reports.drawings.specificity import ARM_MARKERS
from bothways.reports.escape import plain
from bothways.reports.svg import BLUE, GREEN, INK, MUTED, NARROW, ORANGE, PURPLE, SKY, VERMILLION, Pen
from bothways.reports.words import Number, number
from bothways.studies.base import Picture

COLORS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, INK, SKY, MUTED)
"""With seven marks, 56 series before a look repeats."""
RIM = 0.04
"""What an axis shows beyond its numbers, as a share of their span."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Where panels of one size stand, in pixels."""

    columns: int
    top: Number
    width: Number
    height: Number

    def corner(self, index: int) -> tuple[Number, Number]:
        """Return the upper left corner of a panel."""
        return (index % self.columns) * self.width, self.top + (index // self.columns) * self.height

    def bottom(self, n: int) -> int:
        """Return where n panels end."""
        return round(self.top + -(-n // self.columns) * self.height)


def plot_of(picture: Picture, columns: tuple[str, ...], alt: str, draw: Callable[[int], Pen] | None) -> Plot:
    """Return a picture as a figure: its rows as cells, under the names of their columns."""
    rows = tuple(tuple(as_cell(value) for value in row) for row in picture.rows)
    return Plot(name=picture.name, title=plain(picture.title), alt=alt, columns=columns, rows=rows, draw=draw)


def columns_of(n: int, width: int) -> int:
    """Return how many panels stand side by side: four as a square, otherwise up to three, on a phone one."""
    return (2 if n == 4 else min(n, 3)) if width > NARROW else 1


def look(place: int) -> dict[str, Any]:
    """Return the colour and the mark of a series."""
    return {"color": COLORS[place % len(COLORS)], "marker": ARM_MARKERS[place % len(ARM_MARKERS)]}


def in_order(names: Iterable[Any]) -> tuple[str, ...]:
    """Return names in the order they first come, as text."""
    return tuple(dict.fromkeys(name if isinstance(name, str) else f"{name:.6g}" for name in names))


def number_of(value: SupportsFloat | str | None) -> float | None:
    """Return a finite number, None for anything else."""
    if value is None or isinstance(value, str):
        return None
    found = float(value)
    return found if math.isfinite(found) else None


def as_cell(value: SupportsFloat | str | None) -> float | str | None:
    """Return a value for a CSV file: what is no finite number is empty."""
    return value if isinstance(value, str) else number_of(value)


def said_around(y: float | None, low: float | None, high: float | None) -> str:
    """Write a number with its interval, where there is one."""
    return number(y) + (
        f" [{number(low)}, {number(high)}]" if low is not None and high is not None and low < high else ""
    )


def tick(value: float, _: object = None) -> str:
    r"""Write a place on an axis.

    >>> tick(0.30000000000000004), tick(2000.0), tick(1e-06)
    ('0.3', '2,000', '1e\u221206')
    """
    return f"{value:,.6g}".replace("-", "\u2212")


def set_axis(axes: Axes, which: str, ends: tuple[float, float], log: bool, *, shares: bool = True) -> None:
    """Set the limits and ticks of the axis "x" or "y" so that its numbers have room.

    Args:
        axes: whose axis.
        which: "x" or "y".
        ends: the least and the largest number; both above 0 where `log`.
        log: whether it is logarithmic.
        shares: whether numbers from 0 to 1 that fill half of it get an axis from none to all.
    """
    axis, limits = (axes.xaxis, axes.set_xlim) if which == "x" else (axes.yaxis, axes.set_ylim)
    low, high = ends
    if log:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        rim = (high / low) ** RIM if high > low else 2.0
        limits(low / rim, high * rim)
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 50 else (1,), numticks=6))
        axis.set_minor_locator(NullLocator())
    elif shares and low >= 0 and high <= 1 and high - low >= 0.5:
        share_axis(axis, limits)
        return
    else:
        rim = (high - low or abs(high) or 1.0) * RIM
        limits(low - rim, high + rim)
        axis.set_major_locator(MaxNLocator(4, steps=(1, 2, 2.5, 5, 10)))
    axis.set_major_formatter(FuncFormatter(tick))


def ends_of(values: Sequence[float], reached: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis: all values, and what their intervals reach, up to half the span of the values.

    An interval over two seeds can be a hundred times wider than all there is to see.

    >>> ends_of([0.0, 1.0], [0.25, 1.25]), ends_of([0.0, 1.0], [-90.0, 90.0])
    ((0.0, 1.25), (-0.5, 1.5))
    """
    low, high = min(values), max(values)
    beyond = (high - low) / 2 or max(map(abs, reached), default=0.0)
    return max(min(low, *reached), low - beyond), min(max(high, *reached), high + beyond)


def even_step(least: Number) -> int:
    """Return the least round step, so many labels apart, that is not below a number.

    >>> even_step(0.4), even_step(3.2), even_step(21)
    (1, 5, 50)
    """
    return next(step * 10**power for power in range(9) for step in (1, 2, 5) if step * 10**power >= least)


def listed(names: Iterable[str], most: int = 12) -> str:
    """Return names for a sentence."""
    shown = [plain(name) for name in names if name]
    rest = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + rest
