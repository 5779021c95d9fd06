"""Write a sweep's report: one self-contained page, and its figures as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bothways.disk import write_text
from bothways.reports import words
from bothways.reports.drawings.both_ways import both_ways
from bothways.reports.drawings.heat_map import COLUMNS, heat_map
from bothways.reports.drawings.plot import Plot
from bothways.reports.drawings.sweep_lines import sweep_lines, turned
from bothways.reports.figures import Shown, write_plots
from bothways.reports.html import fill, flat, name, unbroken_words
from bothways.reports.sweep_cells import (
    FORWARD,
    Cell,
    View,
    boundaries,
    cells_by,
    choose_view,
    grid,
    reverse_metric,
    settings_of,
)
from bothways.reports.sweep_load import Sweep, SweepRun, read_sweep
from bothways.reports.sweep_words import (
    around,
    as_arm,
    metric_label,
    says_boundary,
    says_levels,
    sweep_headline,
    value,
)
from bothways.sweeps.boundary import Boundary

Found = Mapping[tuple[str, int], Boundary | None]
"""The boundaries of one metric, by arm and level of y."""

MAX_ROWS = 400
"""Rows of the table of cells on the page; the CSV has all."""
OPEN_ROWS = 40
"""Rows up to which a table stands open."""
MAX_PLACES = 3
"""Places that are named for one error."""

CONTENTS = (
    ("where", "Where it reverses"),
    ("along", "Along an axis"),
    ("boundary", "Boundaries"),
    ("cells", "Every setting"),
    ("runs", "Runs"),
    ("settings", "Settings"),
    ("repeat", "Repeat it"),
)


def write_sweep_report(folder: Path, *, x: str | None = None, y: str | None = None, metric: str | None = None) -> Path:
    """Write `report.html` and `figures/` into a sweep's folder and return the page's path.

    Args:
        folder: what the sweep wrote.
        x: axis across the figures; by default the first of numbers among the first two that vary.
        y: axis upwards; by default the next that varies.
        metric: what the figures show, such as `reverse_tested.accuracy`; by default that and `forward.accuracy`.

    Raises:
        RunError: the folder is no sweep's, or one of its files cannot be read.
        BothwaysError: an axis or metric is unknown; the message gives the nearest one.
    """
    sweep = read_sweep(folder)
    view = choose_view(sweep, x, y, metric)
    found = {name: boundaries(sweep, name, view) for name in dict.fromkeys((*view.metrics, reverse_metric(sweep)))}
    plots = make_plots(sweep, view, found)
    shown = write_plots(plots, folder / "figures")
    remove_others(folder / "figures", shown)
    page = fill("sweep.html.jinja", {**context(sweep, view, found), "plots": shown})
    write_text(folder / "report.html", page)
    return folder / "report.html"


def make_plots(sweep: Sweep, view: View, found: Mapping[str, Found]) -> list[Plot]:
    """Return every figure of the page, and the tables that stand beside them as CSV only."""
    grids = {metric: grid(sweep, metric, view.x, view.y) for metric in view.metrics}
    plots = [heat_map(metric, view, sweep.arms, cells, found[metric]) for metric, cells in grids.items()]
    plots += [sweep_lines(metric, view, sweep.arms, cells) for metric, cells in grids.items()]
    if view.x is None:
        plots.append(both_ways([arm for arm in only_setting(sweep)]))
    return [*plots, cells_table(sweep), boundaries_table(view, found)]


def only_setting(sweep: Sweep) -> list[dict[str, Any]]:
    """Return the arms of a sweep without axes as the figure of a comparison reads them."""
    metric = reverse_metric(sweep)
    groups = [cells_by(sweep.runs, name, lambda run: (run.arm, run.levels)) for name in (metric, FORWARD)]
    return [as_arm(arm, metric, *groups) for arm in sweep.arms]


def cells_table(sweep: Sweep) -> Plot:
    """Return the CSV of every arm, setting and metric."""
    rows = [
        (arm, *(axis.name(level) for axis, level in zip(sweep.axes, levels, strict=True)), metric, *leaves(cell))
        for metric in sweep.metrics
        for (arm, levels), cell in cells_by(sweep.runs, metric, lambda run: (run.arm, run.levels)).items()
    ]
    columns = ("arm", *(axis.key for axis in sweep.axes), "metric", *COLUMNS)
    return Plot("cells", "Every setting", "", columns, tuple(rows), None)


def leaves(cell: Cell) -> tuple[Any, ...]:
    """Return a cell's numbers in the order of the CSV."""
    return tuple(getattr(cell, name) for name in COLUMNS)


def boundaries_table(view: View, found: Mapping[str, Found]) -> Plot:
    """Return the CSV of every boundary."""
    names = ("status", "x", "low", "high")
    rows = [
        (metric, arm, view.y.name(row) if view.y else "", *(getattr(one, name) if one else None for name in names))
        for metric, group in found.items()
        for (arm, row), one in group.items()
    ]
    columns = ("metric", "arm", view.y.key if view.y else "y", "status", view.x.key if view.x else "x", "low", "high")
    return Plot("boundaries", "Boundaries", "", columns, tuple(rows), None)


def remove_others(folder: Path, shown: Mapping[str, Shown]) -> None:
    """Remove the figures of an earlier page that showed other metrics."""
    for pattern in ("map-*", "lines-*"):
        for path in folder.glob(pattern):
            if path.stem not in shown:
                path.unlink()


def context(sweep: Sweep, view: View, found: Mapping[str, Found]) -> dict[str, Any]:
    """Gather everything the template names."""
    first, lede = sweep_headline(sweep, view, found[reverse_metric(sweep)])
    rows = cell_rows(sweep, view)
    about = sweep.about
    return {
        **{name: getattr(words, name) for name in ("count", "plural")},
        "name": name,
        "headline": first + ".",
        "lede": lede,
        "contents": CONTENTS,
        "run": sweep.name,
        "arms": sweep.arms,
        "axes": sweep.axes,
        "view": view,
        "averaged": [axis.label for axis in sweep.axes if len(axis.values) > 1 and axis not in (view.x, view.y)],
        "maps": [
            (f"map-{slug(metric)}", f"lines-{slug(metric)}", metric_label(metric), is_marked(found[metric]))
            for metric in view.metrics
        ],
        "boundaries": boundary_groups(view, {metric: found[metric] for metric in view.metrics}),
        "along": view.y if turned(view) else view.x,
        "counts": counts(sweep),
        "columns": [metric_label(metric) for metric in table_metrics(sweep, view)],
        "varied": [axis.label for axis in sweep.axes if len(axis.values) > 1],
        "rows": rows[:MAX_ROWS],
        "more_rows": max(0, len(rows) - MAX_ROWS),
        "open_rows": OPEN_ROWS,
        "errors": errors(sweep),
        "settings": flat(about.get("spec") or {}),
        "versions": flat(about.get("versions") or {}),
        "command": unbroken_words(str(about.get("command") or "")),
    }


def is_marked(found: Found) -> bool:
    """Whether a boundary is drawn on the map."""
    return any(one is not None and one.status in ("crosses", "bracketed") for one in found.values())


def slug(metric: str) -> str:
    """Return a metric as part of a figure's name."""
    return metric.replace(".", "-").replace("_", "-")


def table_metrics(sweep: Sweep, view: View) -> list[str]:
    """Return the metrics of the table of settings: both directions, and what the figures show."""
    return [name for name in dict.fromkeys((FORWARD, reverse_metric(sweep), *view.metrics)) if name in sweep.metrics]


def cell_rows(sweep: Sweep, view: View) -> list[dict[str, Any]]:
    """Return one row per arm and setting, in the order of arms and axes."""
    metrics = table_metrics(sweep, view)
    groups = [cells_by(sweep.runs, metric, lambda run: (run.arm, run.levels)) for metric in metrics]
    names = {(run.arm, run.levels) for run in sweep.runs}
    rows = []
    for arm, levels in sorted(names, key=lambda pair: (sweep.arms.index(pair[0]), pair[1])):
        cells = [group[arm, levels] for group in groups]
        mine = [run for run in sweep.runs if (run.arm, run.levels) == (arm, levels)] if not cells else []
        rows.append(
            {
                "arm": arm,
                "levels": [text for _, text in settings_of(sweep, levels)],
                "scores": [(value(c.mean, m), around(c, m)) for c, m in zip(cells, metrics, strict=True)],
                "n": next((cell.n for cell in cells[1:] + cells[:1] if cell.n), None),
                "done": cells[0].done if cells else sum(run.status == "done" for run in mine),
                "planned": cells[0].planned if cells else len(mine),
            }
        )
    return rows


def boundary_groups(view: View, found: Mapping[str, Found]) -> list[dict[str, Any]]:
    """Return the table of boundaries, by metric."""
    groups = []
    for metric, group in found.items():
        arms = dict.fromkeys(arm for arm, _ in group)
        rows = [row for arm in arms for row in boundary_rows(view, arm, group)]
        if rows:
            groups.append({"title": metric_label(metric), "rows": rows})
    return groups


def boundary_rows(view: View, arm: str, group: Found) -> list[dict[str, Any]]:
    """Return an arm's rows of the table of boundaries, one for all where all say the same."""
    rows = [
        {
            "arm": arm,
            "level": view.y.name(row) if view.y else "",
            "said": says_boundary(one, view.x),
            "crosses": one is not None and one.status == "crosses",
            "falls": one is not None and one.status in ("crosses", "bracketed") and not one.rising,
        }
        for (name, row), one in group.items()
        if name == arm and view.x
    ]
    same = len(rows) > 1 and len({row["said"] for row in rows}) == 1 and not rows[0]["crosses"]
    return [{**rows[0], "level": f"all {len(rows)}"}] if same else rows


def counts(sweep: Sweep) -> list[tuple[str, str]]:
    """Return the sizes of the sweep."""
    status = [run.status for run in sweep.runs]
    waiting = sum(one not in ("done", "failed") for one in status)
    sizes = [
        ("Runs planned", len(status)),
        ("Done", status.count("done")),
        ("Failed", status.count("failed")),
        *([("Not ended", waiting)] if waiting else []),
        ("Arms", len(sweep.arms)),
        ("Settings", len({run.levels for run in sweep.runs})),
        ("Seeds", len({run.seed for run in sweep.runs})),
    ]
    return [(label, words.count(size)) for label, size in sizes]


def errors(sweep: Sweep) -> list[dict[str, Any]]:
    """Return each error with how many runs it ended and the first few of them, the most frequent first."""
    groups: dict[str, list[SweepRun]] = {}
    for run in sweep.runs:
        if run.status == "failed":
            groups.setdefault(run.error or "The run left no error message.", []).append(run)
    return [
        {"error": error, "n": len(runs), "where": says_places(sweep, runs)}
        for error, runs in sorted(groups.items(), key=lambda item: -len(item[1]))
    ]


def says_places(sweep: Sweep, runs: Sequence[SweepRun]) -> list[str]:
    """Name the first few of some runs by arm, setting and seed."""
    said = []
    for run in runs[:MAX_PLACES]:
        levels = says_levels(settings_of(sweep, run))
        said.append(f"{run.arm}{', ' if levels else ''}{levels}, seed\u00a0{run.seed}")
    more = len(runs) - MAX_PLACES
    return [*said, f"and {words.plural(more, 'more')}".removesuffix("s")] if more > 0 else said
