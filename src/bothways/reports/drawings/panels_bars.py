"""Bars with intervals: a panel for each part of a question, a group for each label, a bar for each series."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from bothways.reports.drawings.panels import (
    Grid,
    columns_of,
    ends_of,
    in_order,
    listed,
    look,
    number_of,
    plot_of,
    said_around,
    set_axis,
)
from bothways.reports.drawings.plot import Plot, legend_size
from bothways.reports.escape import plain, shorten
from bothways.reports.svg import INK, MUTED, NARROW, Pen
from bothways.studies.base import Picture

COLUMNS = ("panel", "series", "label", "y", "low", "high")
BAR, GAP = 15, 12
"""Height of a bar, and what parts two groups, in pixels."""
Measured = tuple[float, float | None, float | None]
"""An estimate and the ends of its interval, None where it has none."""


@dataclass(frozen=True, slots=True)
class Bars:
    """Everything a figure of bars is drawn from."""

    picture: Picture
    panels: tuple[str, ...]
    series: tuple[str, ...]
    labels: tuple[str, ...]
    found: Mapping[tuple[str, str, str], Measured]
    ends: tuple[float, float]
    """Of the axis, the same in all panels."""


def panels_bars(picture: Picture) -> Plot:
    """Return the figure of a picture of bars; nothing to draw where no bar has a length."""
    found = measured_bars(picture)
    drawn = None
    if found:
        reached = [end for measured in found.values() for end in measured if end is not None]
        lengths = [0.0, *(measured[0] for measured in found.values())]
        ends = (min(reached), max(reached)) if picture.log_y else ends_of(lengths, reached)
        panels, series, labels = (in_order(name[side] for name in found) for side in range(3))
        drawn = partial(draw_bars, Bars(picture, panels, series, labels, found, ends))
    said = [
        f"{', '.join(plain(part) for part in name if part)} {said_around(*measured)}"
        for name, measured in found.items()
    ]
    alt = (
        f"{plain(picture.title)}. Bars of {plain(picture.y) or 'numbers'}: {listed(said, 16)}. {plain(picture.caption)}"
    )
    return plot_of(picture, COLUMNS, alt, drawn)


def measured_bars(picture: Picture) -> dict[tuple[str, str, str], Measured]:
    """Return every bar that has a length on the picture's axis, by panel, series and label."""
    found: dict[tuple[str, str, str], Measured] = {}
    for *names, y, low, high in picture.rows:
        number, least, most = map(number_of, (y, low, high))
        if number is None or (picture.log_y and number <= 0):
            continue
        panel, series, label = (in_order([name])[0] for name in names)
        whole = least is not None and most is not None and not (picture.log_y and least <= 0)
        found[panel, series, label] = (number, least, most) if whole else (number, None, None)
    return found


def draw_bars(bars: Bars, width: int) -> Pen:
    """Draw every panel on the same axis."""
    wide = width > NARROW
    labels = [shorten(name, 30 if wide else 18) for name in bars.labels]
    series = [shorten(name, 30) for name in bars.series]
    with_legend = len(series) > 1
    in_legend, legend = legend_size(series, width) if with_legend else (1, 0)
    left = 16 + 7 * max(map(len, labels))
    columns = columns_of(len(bars.panels), width)
    group = BAR * len(series) + GAP
    head = 34 if any(bars.panels) else 8
    panel_width = min((width - left - 24) / columns, 460)
    grid = Grid(columns, legend, panel_width, head + group * len(labels) + (50 if bars.picture.y else 34))
    pen = Pen(width, grid.bottom(len(bars.panels)))
    for index, panel in enumerate(bars.panels):
        across, upper = grid.corner(index)
        axes = pen.axes(left + across, upper + head, panel_width - 30, group * len(labels))
        if panel:
            axes.set_title(shorten(panel, round(panel_width / 10)), pad=8)
        set_axis(axes, "x", bars.ends, bars.picture.log_y)
        axes.set_xlabel(shorten(bars.picture.y, round(panel_width / 7)))
        axes.set_ylim(group * len(labels), 0)
        axes.grid(axis="x")
        axes.spines["left"].set_visible(False)
        if bars.ends[0] < 0:
            axes.axvline(0, color=MUTED, linewidth=1)
        shown = labels if index % columns == 0 else []
        axes.set_yticks([group * (place + 0.5) for place in range(len(shown))], labels=shown)
        axes.tick_params(axis="y", labelcolor=INK, pad=8)
        for place, label in enumerate(bars.labels):
            draw_group(pen, axes, bars, panel, label, group * place + GAP / 2)
    if with_legend:
        handles = [Line2D([], [], linewidth=5, alpha=0.9, markersize=8, **look(i)) for i in range(len(series))]
        pen.legend(handles, series, in_legend)
    return pen


def draw_group(pen: Pen, axes: Axes, bars: Bars, panel: str, label: str, top: float) -> None:
    """Draw the bars of one label, each with the mark of its series at its end and its interval across it."""
    start = axes.get_xlim()[0] if bars.picture.log_y else 0.0
    for place, series in enumerate(bars.series):
        measured = bars.found.get((panel, series, label))
        if measured is None:
            continue
        y, low, high = measured
        style, middle = look(place), top + (place + 0.5) * BAR
        bar = axes.add_patch(
            Rectangle((start, middle - 0.4 * BAR), y - start, 0.8 * BAR, facecolor=style["color"], alpha=0.45,
                      linewidth=0)
        )  # fmt: skip
        if low is not None and high is not None:
            axes.plot((low, high), (middle, middle), color=style["color"], linewidth=2, zorder=3)
        (mark,) = axes.plot(y, middle, linestyle="none", markersize=7, markeredgewidth=0, zorder=4, clip_on=False,
                            **style)  # fmt: skip
        name = ", ".join(plain(part) for part in (panel, series, label) if part)
        for part in (bar, mark):
            pen.tip(part, f"{name}: {said_around(*measured)}")
