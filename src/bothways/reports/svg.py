"""Draw with matplotlib, once, for three readers: SVG and PDF files with fixed colours, and SVG inside the page.

Inside the page a colour is a CSS variable, so that figures follow the reader's light or dark scheme; all
styles are attributes, because the page's content security policy allows no inline style; and a `<title>`
tells what a mark stands for when it is pointed at.
"""

import io
import re
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import matplotlib
from markupsafe import Markup
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bothways.reports.words import Number

INK, MUTED, GRID = "#1c2127", "#5c6570", "#dfe3e8"
BLUE, SKY, VERMILLION, ORANGE, GREEN, PURPLE = "#0072b2", "#56b4e9", "#d55e00", "#e69f00", "#009e73", "#cc79a7"
"""The palette of Okabe and Ito, which colour-blind readers can tell apart."""

VARIABLES = {
    INK: "ink", MUTED: "muted", GRID: "grid", BLUE: "blue", SKY: "sky",
    VERMILLION: "vermillion", ORANGE: "orange", GREEN: "green", PURPLE: "purple",
}  # fmt: skip
"""Name of the CSS variable that stands for each colour in the page."""

STYLE: dict[Any, Any] = {
    "svg.hashsalt": "bothways",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # letters stay letters; many venues refuse the default, Type 3
    "text.parse_math": False,
    "text.usetex": False,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12,
    "text.color": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 12,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 1,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 12,
    "lines.solid_capstyle": "round",
    "lines.dash_capstyle": "butt",
}

WIDE, NARROW = 960, 360
"""Widths of the two layouts of a figure, in pixels: a desktop's or a sheet's, and a phone's."""


@dataclass
class Pen:
    """A figure measured in pixels, and what its marks say when pointed at."""

    width: int
    height: int
    figure: Figure = field(init=False)
    tips: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Of each marked group: its class and its text."""

    def __post_init__(self) -> None:
        self.figure = Figure(figsize=(self.width / 72, self.height / 72), dpi=72)

    @property
    def is_wide(self) -> bool:
        """Whether this is the desktop's layout."""
        return self.width > NARROW

    def axes(self, left: Number, top: Number, width: Number, height: Number) -> Axes:
        """Add axes whose plotting area has this place, in pixels from the upper left corner."""
        bottom = self.height - top - height
        return self.figure.add_axes((left / self.width, bottom / self.height, width / self.width, height / self.height))

    def write(self, x: Number, y: Number, text: str, **look: Any) -> None:
        """Write text at a place in pixels from the upper left corner."""
        self.figure.text(x / self.width, 1 - y / self.height, text, **look)

    def legend(self, handles: Sequence[Artist], labels: Sequence[str], columns: int, handle: Number = 2.2) -> None:
        """Add a legend at the upper left corner; `handle` is how wide its marks are, in letters."""
        self.figure.legend(
            handles, labels, loc="upper left", bbox_to_anchor=(0, 1), ncols=columns,
            borderaxespad=0, borderpad=0, handletextpad=0.6, columnspacing=1.8, handlelength=handle, labelspacing=0.5,
        )  # fmt: skip

    def tip(self, artist: Artist, text: str, look: str = "mark") -> None:
        """Let `artist` say `text` when it is pointed at."""
        name = f"tip-{len(self.tips)}"
        artist.set_gid(name)
        self.tips[name] = (look, text)


@contextmanager
def drawing() -> Iterator[None]:
    """Hold matplotlib to the look and the determinism of this project while drawing."""
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # the reader's fonts draw the text, not ours
        yield


def draw_svg(draw: Callable[[int], Pen], width: int, title: str) -> tuple[bytes, Pen]:
    """Draw a figure `width` pixels wide; the same data gives the same bytes."""
    with drawing():
        pen = draw(width)
        buffer = io.BytesIO()
        pen.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "bothways", "Title": title})
    return buffer.getvalue(), pen


def as_pdf(pen: Pen, title: str) -> bytes:
    """Return a figure that was drawn as a PDF file, with its font inside; the same data gives the same bytes."""
    with drawing():
        buffer = io.BytesIO()
        about = {"CreationDate": None, "Creator": "bothways", "Producer": None, "Title": title}
        pen.figure.savefig(buffer, format="pdf", metadata=about)
    return buffer.getvalue()


def for_page(svg: bytes, pen: Pen, prefix: str, label: str) -> Markup:
    """Turn an SVG file into an element of the page.

    Args:
        svg: what `draw_svg` gave.
        pen: what drew it.
        prefix: put before every id, which must be unique in the page.
        label: what a reader who cannot see the figure is told.
    """
    root = ET.fromstring(svg)
    used = set(re.findall(rb'"#([^"]+)"', svg)) | set(re.findall(rb"url\(#([^)]+)\)", svg))
    referenced = {name.decode() for name in used}
    strip(root)
    for element in root.iter():
        rewrite(element, referenced, prefix, pen.tips)
    root.attrib = {
        "viewBox": f"0 0 {pen.width} {pen.height}",
        "role": "img",
        "aria-label": label,
        "data-plot": prefix,
    }
    # matplotlib escaped every text before, and ElementTree does again: nothing of the data is markup here.
    return Markup(ET.tostring(root, encoding="unicode", short_empty_elements=False))


def strip(parent: ET.Element) -> None:
    """Drop what the page has no use for: metadata, style sheets, empty groups and white space."""
    for child in list(parent):
        strip(child)
        if child.tag.endswith(("}metadata", "}style", "}title")) or (child.tag.endswith("}g") and not len(child)):
            parent.remove(child)
    if not parent.tag.endswith(("}text", "}tspan")):
        parent.text = None
    parent.tail = None


def rewrite(element: ET.Element, referenced: set[str], prefix: str, tips: dict[str, tuple[str, str]]) -> None:
    """Make one element fit for the page: no namespace, no style attribute, its own ids, variables for colours."""
    element.tag = element.tag.partition("}")[2] or element.tag
    attributes: dict[str, str] = {}
    for key, value in element.attrib.items():
        name = key.partition("}")[2] or key
        if name == "style":
            attributes |= presentation(value)
        elif name != "space" and not value.startswith("rotate(-0 "):
            attributes[name] = value
    name = attributes.pop("id", "")
    if name in tips:
        look, text = tips[name]
        attributes["class"] = look
        title = ET.Element("title")
        title.text = text
        element.insert(0, title)
    elif name in referenced:
        attributes["id"] = f"{prefix}-{name}"
    element.attrib = {key: localise(key, value, prefix) for key, value in attributes.items()}


def presentation(style: str) -> dict[str, str]:
    """Split a style attribute into presentation attributes; the page's style sheet names the font."""
    pairs = (part.split(":", 1) for part in style.split(";") if ":" in part)
    found = {key.strip(): value.strip() for key, value in pairs}
    if "font" in found:
        shorthand = found.pop("font")
        size = re.search(r"([\d.]+)px", shorthand)
        found |= {"font-size": size.group(1)} if size else {}
        found |= {"font-weight": "bold"} if re.search(r"\b(bold|[6-9]00)\b", shorthand) else {}
    found.pop("font-family", None)
    return found


def localise(key: str, value: str, prefix: str) -> str:
    """Point references at prefixed ids and write colours as CSS variables."""
    if key == "href":
        return "".join(value.split()) if value.startswith("data:") else value.replace("#", f"#{prefix}-", 1)
    value = value.replace("url(#", f"url(#{prefix}-")
    if key in ("d", "x", "y", "transform"):
        return re.sub(r"-?\d+\.\d+", lambda number: f"{float(number.group()):.4g}", " ".join(value.split()))
    return f"var(--{VARIABLES[value.lower()]})" if value.lower() in VARIABLES else value
