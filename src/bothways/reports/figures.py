"""The figures of a report, in the order of the page, and writing them as files.

Every figure is drawn in two layouts by the same function, and its numbers stand beside it as CSV.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bothways.disk import write_bytes
from bothways.reports.drawings.both_ways import both_ways
from bothways.reports.drawings.learning_curves import learning_curves
from bothways.reports.drawings.plot import Plot
from bothways.reports.drawings.relation_bars import relation_bars
from bothways.reports.drawings.specificity import specificity
from bothways.reports.escape import csv_cell
from bothways.reports.load import Comparison
from bothways.reports.svg import NARROW, WIDE, as_pdf, draw_svg, for_page

LAYOUTS = {"wide": WIDE, "narrow": NARROW}


@dataclass(frozen=True, slots=True)
class Shown:
    """A figure as the page holds it: an SVG for each layout, empty where there is nothing to draw."""

    name: str
    wide: Markup
    narrow: Markup
    files: tuple[str, ...] = ("svg", "csv")
    """How the names of its files end."""


def write_figures(data: Comparison) -> dict[str, Shown]:
    """Write every figure of a comparison into its folder `figures/`, and return them by name."""
    return write_plots(make_plots(data), data.folder / "figures")


def write_plots(plots: Sequence[Plot], folder: Path, *, pdf: bool = False) -> dict[str, Shown]:
    """Write figures into a folder, and return them by name; a PDF each takes about as long as all the rest."""
    folder.mkdir(exist_ok=True)
    return {plot.name: write_figure(plot, folder, pdf=pdf) for plot in plots}


def make_plots(data: Comparison) -> tuple[Plot, ...]:
    """Return every figure of the report, drawn or not."""
    arms = data.summary["arms"]
    return (
        both_ways(arms),
        learning_curves(arms, data.curves),
        specificity(arms),
        relation_bars(arms, data.summary.get("relations") or []),
    )


def write_figure(plot: Plot, folder: Path, *, pdf: bool = False) -> Shown:
    """Write a figure's CSV and SVG, with `pdf` its PDF too, and return it as the page shows it."""
    write_bytes(folder / f"{plot.name}.csv", as_csv(plot.columns, plot.rows).encode())
    path = folder / f"{plot.name}.svg"
    if plot.draw is None:
        path.unlink(missing_ok=True)
        path.with_suffix(".pdf").unlink(missing_ok=True)
        return Shown(plot.name, Markup(""), Markup(""))
    elements = {}
    for layout, width in LAYOUTS.items():
        svg, pen = draw_svg(plot.draw, width, plot.title)
        elements[layout] = for_page(svg, pen, f"{plot.name}-{layout}", plot.alt)
        if layout == "wide":
            write_bytes(path, svg)
            if pdf:
                write_bytes(path.with_suffix(".pdf"), as_pdf(pen, plot.title))
    files = ("svg", "pdf", "csv") if pdf else ("svg", "csv")
    return Shown(plot.name, elements["wide"], elements["narrow"], files)


def as_csv(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Write a table as CSV that no spreadsheet takes for formulas."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([csv_cell(value) for value in row] for row in rows)
    return out.getvalue()
