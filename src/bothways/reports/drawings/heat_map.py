"""A metric over two axes of a sweep: a panel per arm, a cell per pair of levels, and where it crosses one half."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from bothways.reports.drawings.plot import Plot
from bothways.reports.drawings.scale import BLACK, SCALE, WHITE, draw_no_result, draw_scale, hatched, on_colour
from bothways.reports.escape import plain, shorten
from bothways.reports.svg import GRID, INK, MUTED, NARROW, Pen
from bothways.reports.sweep_cells import NO_RUN, Cell, View, is_share
from bothways.reports.sweep_load import Axis
from bothways.reports.sweep_words import around, cell_number, metric_label, says_boundary, value
from bothways.reports.words import NOTHING, Number, plural
from bothways.sweeps.boundary import Boundary

ROOMY = 40
"""Width of a cell from which on its number is set in the larger of two sizes, in pixels."""
MAX_TOLD = 1500
"""Cells of a figure that tell their numbers when pointed at; beyond, the CSV does."""
COLUMNS = ("mean", "low", "high", "seeds", "n", "planned", "done", "failed")


@dataclass(frozen=True, slots=True)
class Panel:
    """One map: its title, the labels of its rows from above, and what stands in them."""

    title: str
    rows: tuple[str, ...]
    cells: tuple[tuple[Cell, ...], ...]
    boundaries: tuple[Boundary | None, ...]


@dataclass(frozen=True, slots=True)
class Map:
    """Everything a figure of maps is drawn from."""

    metric: str
    x: Axis
    y: Axis | None
    panels: tuple[Panel, ...]
    low: float
    high: float
    """Ends of the colour scale."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the panels stand, in pixels."""

    per_row: int
    head: Number
    """Height of a panel's title."""
    label: Number
    cell_width: Number
    cell_height: Number
    top: Number
    foot: Number
    turned: bool
    """Whether the labels of the columns are set at an angle."""

    def corner(self, index: int, panel: Panel, n_columns: int) -> tuple[Number, Number]:
        """Return the upper left corner of a panel's cells."""
        across, down = index % self.per_row, index // self.per_row
        height = self.head + self.cell_height * len(panel.rows) + self.foot
        return self.label + across * (self.cell_width * n_columns + 24), self.top + down * height + self.head


def heat_map(
    metric: str,
    view: View,
    arms: Sequence[str],
    cells: Mapping[tuple[str, int, int], Cell],
    boundaries: Mapping[tuple[str, int], Boundary | None],
) -> Plot:
    """Return the maps of one metric over the axes of a view; the arms are the rows where there is one axis."""
    x, y = view.x, view.y
    means = [cell.mean for cell in cells.values() if cell.mean is not None]
    rows = tuple(
        (arm, x.name(column) if x else "", y.name(row) if y else "", *(getattr(cell, name) for name in COLUMNS))
        for (arm, column, row), cell in cells.items()
    )
    drawn = None
    if x is not None and means:
        ends = (0.0, 1.0) if is_share(metric) else (min(means), max(means))
        drawn = partial(draw_maps, Map(metric, x, y, make_panels(x, y, arms, cells, boundaries), *ends))
    return Plot(
        name=f"map-{metric.replace('.', '-').replace('_', '-')}",
        title=metric_label(metric),
        alt=says_map(metric, view, arms, cells, boundaries),
        columns=("arm", x.key if x else "x", y.key if y else "y", *COLUMNS),
        rows=rows,
        draw=drawn,
    )


def says_map(
    metric: str,
    view: View,
    arms: Sequence[str],
    cells: Mapping[tuple[str, int, int], Cell],
    boundaries: Mapping[tuple[str, int], Boundary | None],
) -> str:
    """Say in words what the maps show: the range and the boundaries of each arm."""
    axes = " and ".join(plain(axis.label) for axis in (view.x, view.y) if axis)
    parts = []
    for arm in arms:
        means = [cell.mean for (name, *_), cell in cells.items() if name == arm and cell.mean is not None]
        if not means:
            parts.append(f"{plain(arm)} has no result")
            continue
        crossed = sum(
            one is not None and one.status == "crosses" for (name, _), one in boundaries.items() if name == arm
        )
        said = f"{plain(arm)} from {value(min(means), metric)} to {value(max(means), metric)}"
        parts.append(said + (f", crossing one half along {plain(view.x.label)} in {plural(crossed, 'row')}"
                             if crossed and view.x else ""))  # fmt: skip
    return f"Heat map of {metric_label(metric)} over {axes}. {'; '.join(parts)}."


def make_panels(
    x: Axis,
    y: Axis | None,
    arms: Sequence[str],
    cells: Mapping[tuple[str, int, int], Cell],
    boundaries: Mapping[tuple[str, int], Boundary | None],
) -> tuple[Panel, ...]:
    """Return one panel per arm, numbers of y upwards; or one panel with a row per arm."""

    def line(arm: str, row: int) -> tuple[Cell, ...]:
        return tuple(cells.get((arm, column, row), NO_RUN) for column in range(len(x.values)))

    if y is None:
        rows = tuple(line(arm, 0) for arm in arms)
        return (Panel("", tuple(arms), rows, tuple(boundaries.get((arm, 0)) for arm in arms)),)
    order = range(len(y.values))[:: -1 if y.numeric else 1]
    names = tuple(y.name(row) for row in order)
    return tuple(
        Panel(arm, names, tuple(line(arm, row) for row in order), tuple(boundaries.get((arm, row)) for row in order))
        for arm in arms
    )


def make_layout(shown: Map, width: int, wide: bool) -> Layout:
    """Return sizes at which numbers fit into the cells as far as they can."""
    n_columns, n_rows = len(shown.x.values), len(shown.panels[0].rows)
    letters = 22 if wide else 11
    names = [*shown.panels[0].rows, *([shorten(shown.y.label, 14)] if shown.y else [])]
    label = 14 + 7.2 * max(len(shorten(name, letters)) for name in names)
    per_row = int((width - label + 24) // (n_columns * 46 + 24)) if wide else 1
    per_row = max(1, min(per_row, 3, len(shown.panels)))
    room = (width - 2 - label - (per_row - 1) * 24) / per_row
    cell_width = min(84.0 if shown.y else 110.0, room / n_columns)
    longest = max(len(shown.x.name(column)) for column in range(n_columns))
    turned = not shown.x.numeric and 7.2 * longest > cell_width
    foot = 46 + (0.66 * 7.2 * min(longest, 18) if turned else 8)
    top = 40 if wide else 76
    return Layout(per_row, 34 if shown.y else 10, label, cell_width, 38 if n_rows <= 12 else 32, top, foot, turned)


def draw_maps(shown: Map, width: int) -> Pen:
    """Draw every panel, and above them the scale."""
    wide = width > NARROW
    layout = make_layout(shown, width, wide)
    n_columns, n_rows = len(shown.x.values), len(shown.panels[0].rows)
    down = -(-len(shown.panels) // layout.per_row)
    pen = Pen(width, round(layout.top + down * (layout.head + layout.cell_height * n_rows + layout.foot)))
    told = n_columns * n_rows * len(shown.panels) <= MAX_TOLD
    for index, panel in enumerate(shown.panels):
        left, upper = layout.corner(index, panel, n_columns)
        axes = pen.axes(left, upper, layout.cell_width * n_columns, layout.cell_height * n_rows)
        axes.set_xlim(0, n_columns)
        axes.set_ylim(n_rows, 0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        if panel.title:
            axes.set_title(shorten(panel.title, round(layout.cell_width * n_columns / 10)), pad=9)
        label_axes(axes, shown, panel, layout, first=index % layout.per_row == 0, wide=wide)
        for row, line in enumerate(panel.cells):
            for column, cell in enumerate(line):
                draw_cell(pen, axes, shown, panel, (row, column), cell, layout, told)
        draw_boundaries(pen, axes, shown, panel)
    draw_key(pen, shown, wide)
    return pen


def label_axes(axes: Axes, shown: Map, panel: Panel, layout: Layout, *, first: bool, wide: bool) -> None:
    """Name rows and columns, leaving out labels of numbers that would run into each other."""
    names = [shown.x.name(column) for column in range(len(shown.x.values))]
    widest = 7.2 * max(map(len, names)) + 8
    every = 1 if layout.turned or not shown.x.numeric else max(1, -(-round(widest) // round(layout.cell_width)))
    kept = range(0, len(names), every)
    turn = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if layout.turned else {}
    axes.set_xticks([column + 0.5 for column in kept], labels=[shorten(names[column], 18) for column in kept], **turn)
    axes.set_xlabel(shorten(shown.x.label, 40), labelpad=4)
    rows = [shorten(name, 22 if wide else 11) for name in panel.rows] if first else []
    axes.set_yticks([row + 0.5 for row in range(len(rows))], labels=rows)
    axes.tick_params(pad=6, labelcolor=INK if shown.y is None else MUTED, axis="y")
    if first and shown.y:
        axes.text(-6 / layout.cell_width, -0.18, shorten(shown.y.label, 14), ha="right", va="bottom", color=MUTED,
                  transform=axes.transData, fontsize=12)  # fmt: skip


def draw_cell(
    pen: Pen, axes: Axes, shown: Map, panel: Panel, at: tuple[int, int], cell: Cell, layout: Layout, told: bool
) -> None:
    """Draw one cell with its number, hatched where it has none."""
    row, column = at
    gap_x, gap_y = 1 / layout.cell_width, 1 / layout.cell_height
    place = ((column + gap_x, row + gap_y), 1 - 2 * gap_x, 1 - 2 * gap_y)
    if cell.mean is None:
        patch = axes.add_patch(hatched(*place))
        axes.add_patch(Rectangle(*place, facecolor="none", edgecolor=GRID, linewidth=1))
    else:
        span = shown.high - shown.low
        red, green, blue, _ = SCALE((cell.mean - shown.low) / span if span else 0.5)
        patch = axes.add_patch(Rectangle(*place, facecolor=(red, green, blue), edgecolor=GRID, linewidth=0.6))
        some_failed = "*" if cell.done < cell.planned and layout.cell_width >= ROOMY else ""
        size, letter = (12, 6.8) if layout.cell_width >= ROOMY else (10, 5.8)
        text = cell_number(cell.mean, shown.metric, int((layout.cell_width - 2) // letter))
        axes.text(column + 0.5, row + 0.38, text + some_failed * bool(text), color=on_colour(red, green, blue),
                  ha="center", va="center", fontsize=size, zorder=6)  # fmt: skip
    if told:
        pen.tip(patch, says_cell(shown, panel, at, cell))


def says_cell(shown: Map, panel: Panel, at: tuple[int, int], cell: Cell) -> str:
    """Say what a cell stands for."""
    row, column = at
    where = f"{panel.title or panel.rows[row]}, {shown.x.label} {shown.x.name(column)}"
    if shown.y:
        where += f", {shown.y.label} {panel.rows[row]}"
    runs = f"{cell.done} of {plural(cell.planned, 'run')} done" if cell.planned else "not planned"
    number = (
        f"{value(cell.mean, shown.metric)} {around(cell, shown.metric)}".strip() if cell.mean is not None else NOTHING
    )
    return plain(f"{where}: {number}, {runs}")


def draw_boundaries(pen: Pen, axes: Axes, shown: Map, panel: Panel) -> None:
    """Mark in each row where the metric crosses one half; marks of neighbouring numbers are joined."""
    line: list[tuple[float, float]] = []
    for row, found in enumerate(panel.boundaries):
        y = row + 0.8
        crossed = found is not None and found.status == "crosses" and found.x is not None
        if not crossed:
            join(axes, line)
            line = []
        if found is None or found.status not in ("crosses", "bracketed"):
            continue
        ends = [column_of(shown.x, end) for end in (found.low, found.high)]
        if np.isfinite(found.low) or np.isfinite(found.high):
            outlined(axes, ends, [y, y], 2.5)
        if crossed and found.x is not None:
            line.append((column_of(shown.x, found.x), y))
            (mark,) = axes.plot(*line[-1], linestyle="none", marker="o", markersize=7, color=WHITE,
                                markeredgecolor=BLACK, markeredgewidth=1.4, zorder=8, clip_on=False)  # fmt: skip
            name = panel.title or panel.rows[row]
            where = f", {shown.y.label} {panel.rows[row]}" if shown.y else ""
            pen.tip(mark, plain(f"{name}{where}: crosses one half at {shown.x.label} {says_boundary(found, shown.x)}"))
        if shown.y is None or not shown.y.numeric:
            line = []
    join(axes, line)


def join(axes: Axes, line: Sequence[tuple[float, float]]) -> None:
    """Draw a line through the crossings of neighbouring rows."""
    if len(line) > 1:
        outlined(axes, [x for x, _ in line], [y for _, y in line], 1.0, rim=1.0)


def outlined(axes: Axes, xs: Sequence[Number], ys: Sequence[Number], width: Number, rim: Number = 2) -> None:
    """Draw a white line with a black rim, which stands out from every colour of the scale."""
    axes.plot(xs, ys, color=BLACK, linewidth=width + rim, solid_capstyle="butt", zorder=4)
    axes.plot(xs, ys, color=WHITE, linewidth=width, solid_capstyle="butt", zorder=5)


def column_of(axis: Axis, place: float) -> float:
    """Return where between the columns a place on the axis lies; at the rim where it is beyond the sweep."""
    scale = np.log if axis.log else np.asarray
    centres = np.arange(len(axis.values)) + 0.5
    levels = scale(np.asarray(axis.values, float))
    if place <= axis.values[0] or place >= axis.values[-1]:
        edge = 0 if place <= axis.values[0] else -1
        return float(centres[edge]) if place == axis.values[edge] else float((0, len(centres))[edge])
    return float(np.interp(scale(np.asarray(place)), levels, centres))


def draw_key(pen: Pen, shown: Map, wide: bool) -> None:
    """Draw the scale of colours, and what hatching and marks mean where there are any."""
    middle = "0.50" if is_share(shown.metric) else ""
    draw_scale(pen, value(shown.low, shown.metric), middle, value(shown.high, shown.metric))
    cells = [cell for panel in shown.panels for line in panel.cells for cell in line]
    found = [one for panel in shown.panels for one in panel.boundaries if one]
    x, y = (220, 9) if wide else (0, 50)
    if any(cell.mean is None for cell in cells):
        draw_no_result(pen, x, y)
        x += 120
    if any(one.status in ("crosses", "bracketed") for one in found):
        key = pen.axes(x, y - 8, 26, 16)
        key.set_axis_off()
        key.set_xlim(0, 26)
        key.set_ylim(0, 16)
        outlined(key, [0, 26], [8, 8], 2.5)
        key.plot(13, 8, linestyle="none", marker="o", markersize=7, color=WHITE, markeredgecolor=BLACK,
                 markeredgewidth=1.4, zorder=8)  # fmt: skip
        pen.write(x + 34, y, "crosses 0.50, 95 %" if wide else "crosses 0.50", va="center")
