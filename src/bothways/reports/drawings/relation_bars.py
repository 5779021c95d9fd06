"""Accuracy relation by relation: a panel per arm, a group of bars per relation."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from bothways.reports.drawings.plot import LOOKS, Plot, share_axis, swatch
from bothways.reports.escape import plain, shorten
from bothways.reports.svg import INK, NARROW, Pen
from bothways.reports.words import KINDS, plural, two

MAX_RELATIONS = 20
"""Relations a figure shows; the CSV has all of them."""


def relation_bars(arms: Sequence[Mapping[str, Any]], relations: Sequence[Mapping[str, Any]]) -> Plot:
    """Accuracy of every arm on every relation, for the relations with the most questions."""
    rows = [row for row in relations if row.get("accuracy") is not None]
    kinds = [kind for kind in KINDS if any(row["kind"] == kind for row in rows)]
    names = most_asked(rows)[:MAX_RELATIONS]
    shown = [arm["arm"] for arm in arms if any(row["arm"] == arm["arm"] for row in rows)]
    table = {(row["arm"], row["relation"], row["kind"]): row for row in rows}
    columns = ("arm", "relation", "kind", "accuracy", "n")
    return Plot(
        name="relations",
        title="Accuracy by relation",
        alt=f"Bars of accuracy for {plural(len(names), 'relation')}, one panel per arm; numbers in relations.csv.",
        columns=columns,
        rows=tuple(tuple(row.get(name) for name in columns) for row in relations),
        draw=partial(draw_relations, shown, names, kinds, table) if kinds and shown else None,
    )


def most_asked(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the relations by how many questions they have, most first, then by name."""
    asked: dict[str, int] = {}
    for row in rows:
        asked[row["relation"]] = max(asked.get(row["relation"], 0), row.get("n") or 0)
    return sorted(asked, key=lambda name: (-asked[name], name))


def draw_relations(
    arms: Sequence[str],
    names: Sequence[str],
    kinds: Sequence[str],
    table: Mapping[tuple[str, str, str], Mapping[str, Any]],
    width: int,
) -> Pen:
    """Draw one panel per arm and one group of bars per relation."""
    wide = width > NARROW
    columns = min(len(arms), 3) if wide else 1
    group = 8 * len(kinds) + 10
    letters = 23 if wide else 16
    labels = [shorten(name, letters) for name in names]
    top, head, label_width = 34 if wide else 58, 36, 16 + 7 * max(map(len, labels))
    body = max(group * len(names), 60)
    cell_height = head + body + 44
    panel = min((width - label_width) / columns, 420) - 24
    pen = Pen(width, round(top + cell_height * -(-len(arms) // columns)))
    for index, arm in enumerate(arms):
        left, upper = label_width + (index % columns) * (panel + 24), top + (index // columns) * cell_height
        axes = pen.axes(left, upper + head, panel, body)
        axes.set_title(shorten(arm, round(panel / 10)), pad=8)
        share_axis(axes.xaxis, axes.set_xlim)
        axes.grid(axis="x")
        axes.set_ylim(len(names), 0)
        axes.spines["left"].set_visible(False)
        shown = labels if index % columns == 0 else []
        axes.set_yticks([place + 0.5 for place in range(len(shown))], labels=shown)
        axes.tick_params(axis="y", labelcolor=INK, pad=8)
        for place, name in enumerate(names):
            draw_group(pen, axes, [table.get((arm, name, kind)) for kind in kinds], place, group)
    pen.legend([swatch(kind) for kind in kinds], [KINDS[kind].label for kind in kinds], 4 if wide else 2, handle=1)
    return pen


def draw_group(pen: Pen, axes: Axes, rows: Sequence[Mapping[str, Any] | None], place: int, group: int) -> None:
    """Draw the bars of one relation; a bar of no height keeps a foot, so that 0 differs from not asked."""
    for index, row in enumerate(rows):
        if row is None:
            continue
        y = place + (5 + 8 * index) / group
        look, accuracy = LOOKS[row["kind"]], row["accuracy"]
        bar = axes.add_patch(
            Rectangle((-0.012, y), accuracy + 0.012, 6.5 / group, facecolor=look["color"], linewidth=0)
        )
        n = f", {plural(row['n'], 'question')}" if row.get("n") else ""
        pen.tip(bar, f"{plain(row['relation'])}, {KINDS[row['kind']].label}: {two(accuracy)}{n}")
