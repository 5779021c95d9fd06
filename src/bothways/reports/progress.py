"""Progress of a comparison on standard error: steps, time left, loss and both directions, arm by arm."""

import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@runtime_checkable
class PlannedRun(Protocol):
    """What progress needs to know of a run."""

    @property
    def arm(self) -> str:
        """The arm's name."""
        ...

    @property
    def folder(self) -> Path:
        """The run's folder."""
        ...


@contextlib.contextmanager
def progress_bars(runs: Sequence[PlannedRun], steps: int) -> Iterator[Callable[[], None]]:
    """Yield what redraws the bars; where standard error is no terminal, a line is printed for every tenth done."""
    if not sys.stderr.isatty():
        yield plain_progress(runs, steps)
        return
    bars = Progress(
        TextColumn("{task.description:<24}"),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
    groups = by_arm(runs)
    with bars:
        tasks = {arm: bars.add_task(escape(arm), total=steps * len(group), note="") for arm, group in groups.items()}
        everything = bars.add_task("all runs", total=steps * len(runs), note="")
        yield lambda: redraw(bars, tasks, everything, groups, steps)


def redraw(
    bars: Progress, tasks: dict[str, TaskID], everything: TaskID, groups: dict[str, list[PlannedRun]], steps: int
) -> None:
    """Read every run's newest measurement and move the bars."""
    total = 0
    for arm, group in groups.items():
        rows = [newest(run.folder, steps) for run in group]
        done = sum(row.get("step", 0) for row in rows)
        total += done
        bars.update(tasks[arm], completed=done, note=note(rows))
    bars.update(everything, completed=total)


def by_arm(runs: Sequence[PlannedRun]) -> dict[str, list[PlannedRun]]:
    """Group runs by arm, in order."""
    groups: dict[str, list[PlannedRun]] = {}
    for run in runs:
        groups.setdefault(run.arm, []).append(run)
    return groups


def newest(folder: Path, steps: int) -> dict[str, Any]:
    """Return a run's newest measurement; an empty one where there is none yet."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        row = json.loads((folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()[-1])
        return row if isinstance(row, dict) else {}
    if (folder / "error.json").exists():
        return {"step": steps}
    return {}


SHORT = {"forward": "forward", "reverse_tested": "reverse", "reverse_partner": "partner", "implied": "implied"}
"""How a kind of question is called where there is little room."""


def note(rows: Sequence[dict[str, Any]]) -> str:
    """Return loss and both directions, averaged over the runs that have been measured."""
    measured = [row for row in rows if row.get("dev")]
    parts = []
    losses = [row["loss"] for row in measured if row.get("loss") is not None]
    if losses:
        parts.append(f"loss {sum(losses) / len(losses):.2f}")
    for kind, name in SHORT.items():
        values = [row["dev"][kind] for row in measured if kind in row["dev"]]
        if values:
            parts.append(f"{name} {sum(values) / len(values):.2f}")
    return "  ".join(parts)


def plain_progress(runs: Sequence[PlannedRun], steps: int) -> Callable[[], None]:
    """Return what prints one line for every tenth of all steps done."""
    state = {"tenth": 0}
    began = time.monotonic()

    def look() -> None:
        rows = [newest(run.folder, steps) for run in runs]
        done = sum(row.get("step", 0) for row in rows) / max(1, steps * len(runs))
        if int(10 * done) > state["tenth"]:
            state["tenth"] = int(10 * done)
            taken = time.monotonic() - began
            left = taken * (1 - done) / done
            print(f"{done:4.0%} done, about {left:.0f} s left", file=sys.stderr, flush=True)

    return look
