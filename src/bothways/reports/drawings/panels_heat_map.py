"""Maps of numbers over two lists: a panel each, one scale of colours for all; large ones are images in the drawing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from bothways.reports.drawings.heat_map import MAX_TOLD
from bothways.reports.drawings.panels import Grid, columns_of, even_step, in_order, listed, number_of, plot_of
from bothways.reports.drawings.plot import Plot
from bothways.reports.drawings.scale import SCALE, draw_no_result, draw_scale, hatched, on_colour
from bothways.reports.escape import plain, shorten
from bothways.reports.svg import GRID, MUTED, NARROW, Pen
from bothways.reports.words import Number, number
from bothways.studies.base import Picture

COLUMNS = ("panel", "row", "column", "value")
WIDEST, TALLEST = 46, 38
"""Of a cell, in pixels."""
LETTER = 7.2
"""Width of a letter of a label, in pixels."""
LINE = 14
"""Height that a label of a row needs, in pixels."""


@dataclass(frozen=True, slots=True)
class Maps:
    """Everything a figure of maps is drawn from."""

    picture: Picture
    panels: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: Mapping[str, np.ndarray]
    """By panel, NaN where there is no number."""
    low: float
    high: float
    """Ends of the scale, the same in all panels."""

    @property
    def is_large(self) -> bool:
        """Whether the maps are images rather than a rectangle a cell."""
        return len(self.panels) * len(self.rows) * len(self.columns) > MAX_TOLD


def panels_heat_map(picture: Picture) -> Plot:
    """Return the figure of a picture of maps; nothing to draw where no cell has a number."""
    panels, rows, columns = (in_order(row[side] for row in picture.rows) for side in range(3))
    values = {panel: np.full((len(rows), len(columns)), np.nan) for panel in panels}
    row_at, column_at = ({name: index for index, name in enumerate(names)} for names in (rows, columns))
    for panel, row, column, value in picture.rows:
        found_here = number_of(value)
        if found_here is not None:
            place = row_at[in_order([row])[0]], column_at[in_order([column])[0]]
            values[in_order([panel])[0]][place] = found_here
    found = [value for grid in values.values() for value in grid[np.isfinite(grid)]]
    maps = Maps(picture, panels, rows, columns, values, *map(float, (min(found), max(found)))) if found else None
    return plot_of(picture, COLUMNS, says_maps(picture, values), partial(draw_maps, maps) if maps else None)


def says_maps(picture: Picture, values: Mapping[str, np.ndarray]) -> str:
    """Say in words what range the maps cover."""
    ranges = []
    for panel, grid in values.items():
        found = grid[np.isfinite(grid)]
        reach = f"from {number(float(found.min()))} to {number(float(found.max()))}" if len(found) else "no number"
        ranges.append(f"{plain(panel)} {reach}".strip())
    axes = " against ".join(plain(label) for label in (picture.y, picture.x) if label)
    about = f" of {axes}" if axes else ""
    return f"{plain(picture.title)}. Heat map{about}: {listed(ranges)}. {plain(picture.caption)}"


def draw_maps(maps: Maps, width: int) -> Pen:
    """Draw every panel, and above them the scale."""
    wide = width > NARROW
    letters = 22 if wide else 11
    label = 14 + LETTER * max(len(shorten(name, letters)) for name in (*maps.rows, shorten(maps.picture.y, 14)))
    side_by_side = columns_of(len(maps.panels), width)
    while side_by_side > 1 and (width - label) / side_by_side - 24 < min(5 * len(maps.columns), 240):
        side_by_side -= 1
    room = (width - 2 - label - (side_by_side - 1) * 24) / side_by_side
    cell_width = min(WIDEST, room / len(maps.columns))
    cell_height = min(TALLEST, max(cell_width, LINE if len(maps.rows) <= 30 else 0), 640 / len(maps.rows))
    longest = max(min(len(name), 18) for name in maps.columns)
    turned = LETTER * longest > cell_width >= LINE and not all(map(is_number, maps.columns))
    head = 34 if any(maps.panels) or maps.picture.y else 10
    foot = (0.66 * LETTER * longest if turned else 8) + (46 if maps.picture.x else 26)
    body = cell_width * len(maps.columns), cell_height * len(maps.rows)
    grid = Grid(side_by_side, 44 if wide else 76, body[0] + 24, head + body[1] + foot)
    pen = Pen(width, grid.bottom(len(maps.panels)))
    for index, panel in enumerate(maps.panels):
        left, upper = grid.corner(index)
        axes = pen.axes(label + left, upper + head, *body)
        axes.set_xlim(0, len(maps.columns))
        axes.set_ylim(len(maps.rows), 0)
        axes.spines[:].set_visible(False)
        if panel:
            axes.set_title(shorten(panel, max(4, round(body[0] / 9))), pad=9)
        name_columns(axes, maps, cell_width, turned)
        name_rows(axes, maps if index % side_by_side == 0 else None, cell_height, letters)
        if index % side_by_side == 0 and maps.picture.y:
            name = shorten(maps.picture.y, max(4, int(label // LETTER) - 1))
            pen.write(label - 6, upper + head - 12, name, ha="right", va="center", color=MUTED)
        (draw_image if maps.is_large else draw_cells)(pen, axes, maps, panel, (cell_width, cell_height))
    draw_scale(pen, number(maps.low), "", number(maps.high))
    if any(np.isnan(values).any() for values in maps.values.values()):
        draw_no_result(pen, *((220, 9) if wide else (0, 54)))
    return pen


def is_number(name: str) -> bool:
    """Whether a label is a number, of which some may be left out."""
    return name.replace(".", "", 1).replace("-", "", 2).replace("e", "", 1).replace("+", "", 1).isdigit()


def name_columns(axes: Axes, maps: Maps, cell_width: Number, turned: bool) -> None:
    """Name the columns: at an angle where they are many words, leaving out what would run into each other."""
    names = [shorten(name, 18) for name in maps.columns]
    places = [column + 0.5 for column in range(len(names))]
    kept = range(0, len(names), 1 if turned else even_step((LETTER * max(map(len, names)) + 4) / cell_width))
    turn = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if turned else {}
    axes.set_xticks([places[column] for column in kept], labels=[names[column] for column in kept], **turn)
    axes.set_xlabel(shorten(maps.picture.x, max(8, int(cell_width * len(names) // LETTER))), labelpad=4)


def name_rows(axes: Axes, maps: Maps | None, cell_height: Number, letters: int) -> None:
    """Name the rows of the first panel of a line, leaving out as many as there is no room for."""
    names = [shorten(name, letters) for name in maps.rows] if maps else []
    kept = range(0, len(names), even_step(LINE / cell_height))
    axes.set_yticks([row + 0.5 for row in kept], labels=[names[row] for row in kept])
    axes.tick_params(pad=6, axis="y")


def draw_cells(pen: Pen, axes: Axes, maps: Maps, panel: str, size: tuple[Number, Number]) -> None:
    """Draw a rectangle for each cell, with its number where there is room for it."""
    gap_x, gap_y = (min(0.5, 0.06 * side) / side for side in size)
    for (row, column), value in np.ndenumerate(maps.values[panel]):
        place = ((column + gap_x, row + gap_y), 1 - 2 * gap_x, 1 - 2 * gap_y)
        known = bool(np.isfinite(value))
        if known:
            red, green, blue = colour(maps, float(value))
            patch = axes.add_patch(Rectangle(*place, facecolor=(red, green, blue), edgecolor=GRID, linewidth=0))
            text = fitting(float(value), int((size[0] - 4) // 5.8)) if size[1] >= LINE else ""
            axes.text(column + 0.5, row + 0.5, text, color=on_colour(red, green, blue), ha="center", va="center",
                      fontsize=10, zorder=6)  # fmt: skip
        else:
            patch = axes.add_patch(hatched(*place))
        names = [(maps.picture.y, maps.rows[row]), (maps.picture.x, maps.columns[column])]
        where = ", ".join(f"{label} {name}".strip() for label, name in names)
        number_said = number(float(value)) if known else "no result"
        pen.tip(patch, plain(f"{panel}{', ' if panel else ''}{where}: {number_said}"))


def draw_image(pen: Pen, axes: Axes, maps: Maps, panel: str, size: tuple[Number, Number]) -> None:
    """Draw all cells as one image, a pixel each; what has no number shows the hatching below it."""
    values = maps.values[panel]
    n_rows, n_columns = values.shape
    if np.isnan(values).any():
        axes.add_patch(hatched((0, 0), n_columns, n_rows))
    span = maps.high - maps.low
    pixels = SCALE((values - maps.low) / span if span else np.full_like(values, 0.5), bytes=True)
    pixels[..., 3] = np.where(np.isnan(values), 0, 255)
    axes.imshow(pixels, extent=(0, n_columns, n_rows, 0), aspect="auto", interpolation="none", zorder=2)


def colour(maps: Maps, value: float) -> Sequence[float]:
    """Return a number's colour on the scale."""
    span = maps.high - maps.low
    return SCALE(float((value - maps.low) / span) if span else 0.5)[:3]


def fitting(value: float, letters: int) -> str:
    """Write a number into a cell with room for so many letters; nothing where it does not fit.

    >>> fitting(0.4285, 4), fitting(0.4285, 3), fitting(12.3, 3), fitting(1234.0, 3)
    ('0.43', '.43', '12', '')
    """
    for digits in (2, 1, 0):
        text = f"{value:.{digits}f}".replace("-0.00", "0.00").replace("-", "\u2212")
        for short in (text, text.replace("0.", ".", 1) if abs(value) < 1 else text):
            if len(short) <= letters and (digits or abs(value) >= 9.5 or value.is_integer()):
                return short
    return ""
