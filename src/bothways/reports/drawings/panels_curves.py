"""Curves with bands: a panel for each part of a question, a line for each series, linear or logarithmic axes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

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
from bothways.reports.drawings.plot import Plot, lay_strips, legend_size, spread
from bothways.reports.escape import plain, shorten
from bothways.reports.svg import MUTED, Pen
from bothways.reports.words import number
from bothways.studies.base import Picture

COLUMNS = ("panel", "series", "x", "y", "low", "high")
MAX_POINTS = 120
"""Points a curve shows, evenly spread; the CSV has all of them."""
MAX_MARKS = 6
"""Marks along a curve, which tell the series apart without colour."""
MAX_STRIPS = 24
"""Places along a panel that tell their values when pointed at."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place on a curve; an interval that has but one end has none."""

    x: float
    y: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Curves:
    """Everything a figure of curves is drawn from."""

    picture: Picture
    panels: tuple[str, ...]
    series: tuple[str, ...]
    points: Mapping[tuple[str, str], list[Point]]
    x: tuple[float, float]
    y: tuple[float, float]
    """Ends of both axes, the same in all panels."""


def panels_curves(picture: Picture) -> Plot:
    """Return the figure of a picture of curves; nothing to draw where no point has a place on the axes."""
    points = points_of(picture)
    every = [point for line in points.values() for point in line]
    drawn = None
    if every:
        reached = [end for p in every for end in (p.y, p.low, p.high) if end is not None]
        ends = (min(reached), max(reached)) if picture.log_y else ends_of([p.y for p in every], reached)
        xs = [p.x for p in every]
        panels, series = (in_order(name[side] for name in points) for side in (0, 1))
        curves = Curves(picture, panels, series, points, (min(xs), max(xs)), ends)
        drawn = partial(draw_curves, curves)
    return plot_of(picture, COLUMNS, says_curves(picture, points), drawn)


def points_of(picture: Picture) -> dict[tuple[str, str], list[Point]]:
    """Return the points of each panel and series, in the order of the axis across."""
    found: dict[tuple[str, str], list[Point]] = {}
    for panel, series, *numbers in picture.rows:
        x, y, low, high = map(number_of, numbers)
        if x is None or y is None or (picture.log_x and x <= 0) or (picture.log_y and y <= 0):
            continue
        if picture.log_y and low is not None and low <= 0:
            low = min(y, high or y)  # below every logarithmic axis: the band ends at the curve
        both = low is not None and high is not None
        point = Point(x, y, low if both else None, high if both else None)
        found.setdefault((in_order([panel])[0], in_order([series])[0]), []).append(point)
    return {name: sorted(line, key=lambda point: point.x) for name, line in found.items()}


def says_curves(picture: Picture, points: Mapping[tuple[str, str], list[Point]]) -> str:
    """Say in words where the curves end."""
    ends = []
    for (panel, series), line in points.items():
        name = ", ".join(plain(part) for part in (panel, series) if part)
        ends.append(f"{name or 'it'} ends at {number(line[-1].y)}")
    axes = " over ".join(plain(label) for label in (picture.y, picture.x) if label)
    return (
        f"{plain(picture.title)}. Curves{f' of {axes}' if axes else ''}: {listed(ends, 16)}. {plain(picture.caption)}"
    )


def draw_curves(curves: Curves, width: int) -> Pen:
    """Draw every panel on the same axes."""
    labels = [shorten(name, 30) for name in curves.series]
    in_legend, legend = legend_size(labels, width) if any(labels) else (1, 4)
    named = any(curves.panels)
    columns = columns_of(len(curves.panels), width)
    grid = Grid(columns, legend + (24 if curves.picture.y else 0), min(width / columns, 620), 264 if named else 250)
    pen = Pen(width, grid.bottom(len(curves.panels)))
    if curves.picture.y:
        pen.write(0, legend + 10, shorten(curves.picture.y, width // 7), va="center", color=MUTED)
    for index, panel in enumerate(curves.panels):
        left, upper = grid.corner(index)
        inner = grid.width - 74
        axes = pen.axes(left + 52, upper + (30 if named else 12), inner, grid.height - (92 if named else 74))
        if panel:
            axes.set_title(shorten(panel, round((grid.width - 20) / 9)), x=-52 / inner, pad=11)
        set_axis(axes, "x", curves.x, curves.picture.log_x, shares=False)
        set_axis(axes, "y", curves.y, curves.picture.log_y)
        axes.set_xlabel(shorten(curves.picture.x, round(inner / 7)))
        axes.grid(axis="y")
        for place, name in enumerate(curves.series):
            draw_line(axes, curves.points.get((panel, name), []), look(place), offset=place)
        tell(pen, axes, curves, panel)
    if any(labels):
        handles = [Line2D([], [], linewidth=2, markersize=8, markeredgewidth=0, **look(i)) for i in range(len(labels))]
        pen.legend(handles, labels, in_legend)
    return pen


def draw_line(axes: Axes, points: list[Point], style: Mapping[str, Any], offset: int) -> None:
    """Draw one curve in its band, with a few marks that lie elsewhere than those of its neighbours."""
    shown = [points[index] for index in spread(len(points), MAX_POINTS)]
    if not shown:
        return
    inside = [p.low is not None for p in shown]
    if any(inside):
        lows, highs = ([p.y if end is None else end for p, end in zip(shown, ends, strict=True)]
                       for ends in ([p.low for p in shown], [p.high for p in shown]))  # fmt: skip
        axes.fill_between([p.x for p in shown], lows, highs, where=inside, color=style["color"], alpha=0.16,
                          linewidth=0, zorder=2)  # fmt: skip
    step = max(1, len(shown) // MAX_MARKS)
    first = 0 if step == 1 else offset * max(1, step // 4) % step
    axes.plot([p.x for p in shown], [p.y for p in shown], linewidth=1.8, markersize=6.5, markeredgewidth=0,
              markevery=(first, step), zorder=3, clip_on=False, **style)  # fmt: skip


def tell(pen: Pen, axes: Axes, curves: Curves, panel: str) -> None:
    """Let a panel tell its values at the place that is pointed at."""
    lines = {name: {p.x: p for p in curves.points.get((panel, name), [])} for name in curves.series}
    places = sorted({x for line in lines.values() for x in line})
    places = [places[index] for index in spread(len(places), MAX_STRIPS)]
    texts = []
    for x in places:
        here = [(name, line[x]) for name, line in lines.items() if x in line]
        numbers = ", ".join(f"{plain(name)} {said_around(p.y, p.low, p.high)}".strip() for name, p in here)
        texts.append(f"{plain(curves.picture.x)} {number(x)}: {numbers}".strip())
    if places:
        lay_strips(pen, axes, places, texts)
