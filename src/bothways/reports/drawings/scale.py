"""The colours of heat maps: one scale, the ink that stands out on it, and what a cell without a number looks like."""

import matplotlib
from matplotlib.patches import Rectangle

from bothways.reports.svg import MUTED, Pen
from bothways.reports.words import Number

SCALE = matplotlib.colormaps["viridis"]
"""Even to the eye, and from dark to light without a turn, so that it can be read in grey."""
BLACK, WHITE = "#000000", "#ffffff"
"""Of numbers and marks on the scale's colours, which are the same in light and dark schemes."""


def on_colour(red: float, green: float, blue: float) -> str:
    """Return black or white, whichever stands out more from a colour; it always does by 4.5 to 1."""
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return BLACK if 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] > 0.179 else WHITE


def hatched(corner: tuple[Number, Number], width: Number, height: Number) -> Rectangle:
    """Return what stands where there is no number."""
    return Rectangle(corner, width, height, facecolor="none", edgecolor=MUTED, linewidth=0, hatch="////")


def draw_scale(pen: Pen, low: str, middle: str, high: str) -> None:
    """Draw the scale of colours at the upper left corner, with what its ends and its middle stand for."""
    bar = pen.axes(0, 2, 180, 12)
    bar.set_xlim(0, 45)
    bar.set_ylim(0, 1)
    bar.set_axis_off()
    for step in range(45):
        bar.add_patch(Rectangle((step, 0), 1.1 if step < 44 else 1, 1, facecolor=SCALE(step / 44)[:3], linewidth=0))
    for x, side, text in ((0, "left", low), (90, "center", middle), (180, "right", high)):
        if text:
            pen.write(x, 26, text, va="center", ha=side, color=MUTED, fontsize=11)


def draw_no_result(pen: Pen, x: Number, y: Number) -> None:
    """Say beside the scale what hatching means."""
    swatch = pen.axes(x, y - 8, 22, 15)
    swatch.set_axis_off()
    swatch.add_patch(hatched((0, 0), 1, 1))
    pen.write(x + 30, y, "no result", va="center")
