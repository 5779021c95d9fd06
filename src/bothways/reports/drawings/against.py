"""A strip that shows an interval against its region: so small and so many that it is written by hand."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from bothways.reports.claims_words import estimate
from bothways.reports.words import Number

WIDTH, HEIGHT, RIM = 220, 26, 8
"""Of a strip, in pixels, and what it keeps free at both sides."""
MARGIN = 0.35
"""What a strip shows beyond its numbers, as a share of their span: there an open end goes on."""


def against(part: Mapping[str, Any]) -> Markup:
    """Return the strip of a measured part: its region as a band, the estimate as a dot on its interval.

    A region without an end reaches to the edge of the strip; an interval without one is dashed to the edge.
    Nothing where nothing was measured.
    """
    ours, low, high = (part.get(name) for name in ("ours", "low", "high"))
    start, end = part.get("region_low"), part.get("region_high")
    if ours is None or (start is None and end is None):
        return Markup("")
    known = [value for value in (ours, low, high, start, end) if value is not None]
    span = max(known) - min(known) or abs(ours) or 1.0
    left, right = min(known) - MARGIN * span, max(known) + MARGIN * span

    def place(value: Number | None, edge: Number) -> str:
        at = edge if value is None else RIM + (WIDTH - 2 * RIM) * (value - left) / (right - left)
        return f"{at:.1f}"

    band = place(start, 0), place(end, WIDTH)
    ticks = "".join(f"M{place(e, 0)} 3V{HEIGHT - 3}" for e in (start, end) if e is not None)
    dashed = Markup(' stroke-dasharray="3 3"') if low is None or high is None else ""
    return Markup(
        '<svg class="against" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '<path class="axis" d="M0 {mid}H{w}"/><rect class="region" x="{x}" y="3" width="{wide}" height="{tall}"/>'
        '<path class="ends" d="{ticks}"/><path class="reach" d="M{low} {mid}H{high}"{dashed}/>'
        '<circle cx="{dot}" cy="{mid}" r="4.5"/></svg>'
    ).format(
        w=WIDTH, h=HEIGHT, mid=HEIGHT // 2, tall=HEIGHT - 6, x=band[0], wide=f"{float(band[1]) - float(band[0]):.1f}",
        ticks=ticks, low=place(low, 0), high=place(high, WIDTH), dashed=dashed, dot=place(ours, 0),
        label=f"{estimate(part)} against {part.get('region')}",
    )  # fmt: skip
