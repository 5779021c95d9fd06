"""A metric along one axis of a sweep: a line per arm, a panel per level of a second axis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from matplotlib.transforms import ScaledTranslation

from bothways.reports.drawings.heat_map import COLUMNS
from bothways.reports.drawings.plot import Plot, legend_size, place_apart, share_axis, spread
from bothways.reports.drawings.specificity import ARM_COLORS, ARM_MARKERS
from bothways.reports.escape import plain, shorten
from bothways.reports.svg import MUTED, NARROW, Pen
from bothways.reports.sweep_cells import Cell, View, is_share
from bothways.reports.sweep_load import Axis
from bothways.reports.sweep_words import around, metric_label, value
from bothways.reports.words import Number, count

MAX_PANELS = 12
"""Levels of the second axis that have a panel, evenly spread; the CSV has all."""
DODGE = 5
"""Pixels between the marks of two arms at the same place."""


@dataclass(frozen=True, slots=True)
class Lines:
    """Everything a figure of lines is drawn from."""

    metric: str
    x: Axis
    y: Axis | None
    rows: tuple[int, ...]
    """Levels of y that have a panel."""
    arms: tuple[str, ...]
    cells: Mapping[tuple[str, int, int], Cell]
    low: float
    high: float


def turned(view: View) -> bool:
    """Whether the lines run along the second axis, because only that one is of numbers."""
    return view.x is not None and view.y is not None and not view.x.numeric and view.y.numeric


def shown_levels(axis: Axis | None) -> tuple[int, ...]:
    """Return the levels that have a panel."""
    return tuple(spread(len(axis.values) if axis else 1, MAX_PANELS))


def sweep_lines(metric: str, view: View, arms: Sequence[str], cells: Mapping[tuple[str, int, int], Cell]) -> Plot:
    """Return the lines of one metric along the axis of numbers of a view; none where there is no such axis."""
    x, y = (view.y, view.x) if turned(view) else (view.x, view.y)
    if turned(view):
        cells = {(arm, row, column): cell for (arm, column, row), cell in cells.items()}
    ends = [end for cell in cells.values() for end in (cell.mean, cell.low, cell.high) if end is not None]
    drawn = None
    if x is not None and x.numeric and len(x.values) > 1 and ends:
        has_some = tuple(
            arm for arm in arms if any(c.mean is not None for (name, *_), c in cells.items() if name == arm)
        )
        lines = Lines(metric, x, y, shown_levels(y), has_some, cells, min(ends), max(ends))
        drawn = partial(draw_lines, lines)
    axes = f"along {plain(x.label)}" if x else ""
    panels = f", a panel for each {plain(y.label)}" if y else ""
    return Plot(
        name=f"lines-{metric.replace('.', '-').replace('_', '-')}",
        title=metric_label(metric),
        alt=f"Lines of {metric_label(metric)} {axes}, one line per arm with 95 % intervals{panels}; the numbers are "
        "those of the heat map.",
        columns=("arm", x.key if x else "x", y.key if y else "y", *COLUMNS),
        rows=tuple(
            (arm, x.name(column) if x else "", y.name(row) if y else "", *(getattr(cell, name) for name in COLUMNS))
            for (arm, column, row), cell in cells.items()
        ),
        draw=drawn,
    )


def draw_lines(lines: Lines, width: int) -> Pen:
    """Draw one panel per level of the second axis, all on the same axes."""
    wide = width > NARROW
    columns = (2 if len(lines.rows) == 4 else min(len(lines.rows), 3)) if wide else 1
    in_legend, top = legend_size([shorten(arm, 30) for arm in lines.arms], width)
    cell_height, cell_width = 264, min(width / columns, 620)
    pen = Pen(width, top + -(-len(lines.rows) // columns) * cell_height)
    for index, row in enumerate(lines.rows):
        left, upper = (index % columns) * cell_width, top + (index // columns) * cell_height
        axes = pen.axes(left + 46, upper + 30, cell_width - 68, cell_height - 92)
        if lines.y:
            title = f"{shorten(lines.y.label, 18)} {lines.y.name(row)}"
            axes.set_title(shorten(title, round((cell_width - 40) / 9)), x=-46 / (cell_width - 68), pad=11)
        set_axes(axes, lines, cell_width - 68)
        for place, arm in enumerate(lines.arms):
            draw_arm(pen, axes, lines, arm, place, row)
    handles = [Line2D([], [], linewidth=2, markersize=8, markeredgewidth=0, **look(i)) for i in range(len(lines.arms))]
    pen.legend(handles, [shorten(arm, 30) for arm in lines.arms], in_legend)
    return pen


def look(place: int) -> dict[str, Any]:
    """Return the colour and mark of an arm."""
    return {"color": ARM_COLORS[place % len(ARM_COLORS)], "marker": ARM_MARKERS[place % len(ARM_MARKERS)]}


def set_axes(axes: Axes, lines: Lines, width: Number) -> None:
    """Set both axes: the levels as ticks as far as there is room, logarithmic where they are spaced so."""
    values = [float(level) for level in lines.x.values]
    if lines.x.log:
        axes.set_xscale("log")
        rim = (values[-1] / values[0]) ** 0.06
        axes.set_xlim(values[0] / rim, values[-1] * rim)
    else:
        rim = (values[-1] - values[0]) * 0.06
        axes.set_xlim(values[0] - rim, values[-1] + rim)
    names = [lines.x.name(level) for level in range(len(values))]
    spread = place_apart([axes.transData.transform((value, 0))[0] for value in values], names)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks([values[level] for level in spread], labels=[names[level] for level in spread])
    axes.set_xlabel(shorten(lines.x.label, round(width / 8)))
    if is_share(lines.metric):
        share_axis(axes.yaxis, axes.set_ylim)
        axes.axhline(0.5, color=MUTED, linewidth=1, linestyle=(0, (1, 2)))
    else:
        room = (lines.high - lines.low or abs(lines.high) or 1) * 0.06
        axes.set_ylim(lines.low - room, lines.high + room)
        axes.yaxis.set_major_formatter(
            lambda number, _: f"{number:.3g}" if abs(number) < 1000 else count(round(number))
        )
    axes.grid(axis="y")


def draw_arm(pen: Pen, axes: Axes, lines: Lines, arm: str, place: int, row: int) -> None:
    """Draw one arm's line, its marks beside those of other arms, and the interval of each."""
    shown = [
        (lines.x.values[column], cell.mean, cell)
        for column in range(len(lines.x.values))
        if (cell := lines.cells.get((arm, column, row))) is not None and cell.mean is not None
    ]
    aside = (place - (len(lines.arms) - 1) / 2) * min(DODGE, 16 / len(lines.arms))
    beside = axes.transData + ScaledTranslation(aside / 72, 0, axes.figure.dpi_scale_trans)
    style = look(place)
    axes.plot([x for x, _, _ in shown], [mean for _, mean, _ in shown], color=style["color"], linewidth=1.6,
              transform=beside, zorder=3)  # fmt: skip
    for x, mean, cell in shown:
        if cell.low is not None and cell.high is not None:
            axes.plot((x, x), (cell.low, cell.high), color=style["color"], linewidth=2.5, alpha=0.45,
                      transform=beside, clip_on=False)  # fmt: skip
        (mark,) = axes.plot(x, mean, linestyle="none", markersize=7.5, markeredgewidth=0, clip_on=False,
                            transform=beside, zorder=4, **style)  # fmt: skip
        where = f"{arm}, {lines.x.label} {x:.6g}" + (f", {lines.y.label} {lines.y.name(row)}" if lines.y else "")
        said = f"{value(mean, lines.metric)} {around(cell, lines.metric)}".strip()
        pen.tip(mark, plain(f"{where}: {said}, {cell.done} of {cell.planned} runs"))
