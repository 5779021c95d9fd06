"""The pictures of a study as figures: one drawing for each form a picture takes."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bothways.reports.drawings.panels_bars import panels_bars
from bothways.reports.drawings.panels_curves import panels_curves
from bothways.reports.drawings.panels_heat_map import panels_heat_map
from bothways.reports.drawings.plot import Plot
from bothways.reports.escape import plain
from bothways.reports.figures import Shown, write_figure
from bothways.studies.base import Picture

FORMS: Mapping[str, Callable[[Picture], Plot]] = {
    "curves": panels_curves,
    "heat_map": panels_heat_map,
    "bars": panels_bars,
}


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture as the page holds it."""

    title: str
    caption: str
    plot: Shown


def write_pictures(pictures: Sequence[Picture], folder: Path) -> list[ShownPicture]:
    """Write every picture as SVG, PDF and CSV into a folder, and return them in order; some have nothing to draw."""
    folder.mkdir(exist_ok=True)
    return [
        ShownPicture(plain(picture.title), plain(picture.caption), write_figure(plot_of(picture), folder, pdf=True))
        for picture in pictures
    ]


def plot_of(picture: Picture) -> Plot:
    """Return the figure of a picture, under a name that is fit for files."""
    named = replace(picture, name=re.sub(r"[^a-z0-9]+", "-", picture.name.lower()).strip("-") or "picture")
    return FORMS[picture.form](named)
