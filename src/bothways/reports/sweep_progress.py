"""The state of a sweep on standard error: how many runs of each arm and cell are done, under way, failed, left."""

import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from bothways.reports.progress import PlannedRun, newest

State = Literal["done", "running", "failed", "left"]
STATES: tuple[State, ...] = ("done", "running", "failed", "left")
MOST_CELLS = 16
"""Cells that are shown one by one; where there are more, only the arms are."""


@runtime_checkable
class SweepRun(PlannedRun, Protocol):
    """What a sweep's progress needs to know of a run."""

    @property
    def run_id(self) -> str:
        """The run's name."""
        ...

    @property
    def config(self) -> Any:
        """Its settings, of which the number of steps is read."""
        ...


class Census:
    """Where every run of a sweep stands, read from their folders; a run that ended is not looked at again."""

    def __init__(self, runs: Sequence[SweepRun]) -> None:
        self.runs = runs
        self.states: dict[str, State] = {run.run_id: "left" for run in runs}
        self._began, self._since = time.monotonic(), time.time()
        self._steps = {run.run_id: 0 for run in runs}
        self._total = sum(run.config.training.steps for run in runs)
        self.look()
        self._before = sum(self._steps.values())

    def look(self) -> None:
        """Read the folders again."""
        for run in self.runs:
            if self.states[run.run_id] not in ("done", "failed"):
                self._look_at(run)

    def _look_at(self, run: SweepRun) -> None:
        steps = run.config.training.steps
        if (run.folder / "result.json").exists():
            self.states[run.run_id], self._steps[run.run_id] = "done", steps
            return
        with contextlib.suppress(OSError):
            if (run.folder / "error.json").stat().st_mtime >= self._since:
                self.states[run.run_id], self._steps[run.run_id] = "failed", steps
                return
        with contextlib.suppress(OSError):  # begun anew by this command, even if it was begun before
            if (run.folder / "config.yaml").stat().st_mtime >= self._since - 1:
                self.states[run.run_id] = "running"
                self._steps[run.run_id] = int(newest(run.folder, steps).get("step", 0))

    @property
    def share(self) -> float:
        """Share of all steps that is done, in [0, 1]."""
        return sum(self._steps.values()) / max(1, self._total)

    @property
    def seconds_left(self) -> float | None:
        """Time left at the pace so far; None before there is one."""
        new = sum(self._steps.values()) - self._before
        left = self._total - sum(self._steps.values())
        return (time.monotonic() - self._began) * left / new if new else None

    def count(self, run_ids: Sequence[str]) -> Counter[State]:
        """Return how many of some runs are in each state."""
        return Counter(self.states[run_id] for run_id in run_ids)


@contextlib.contextmanager
def sweep_table(runs: Sequence[SweepRun], cells: Mapping[str, str]) -> Iterator[Callable[[], None]]:
    """Yield what redraws a live table; where standard error is no terminal, what prints a line for every tenth done.

    Args:
        runs: every planned run.
        cells: each run's cell in words, by run id.
    """
    census = Census(runs)
    if not sys.stderr.isatty():
        lines = plain_lines(census)
        yield once_a_second(lines)
        lines()
        return
    with Live(draw(census, cells), console=Console(stderr=True), auto_refresh=False) as live:

        def redraw() -> None:
            census.look()
            live.update(draw(census, cells), refresh=True)

        yield once_a_second(redraw)
        redraw()


def once_a_second(look: Callable[[], None]) -> Callable[[], None]:
    """Return a function that does its work at most once a second, however often it is called."""
    state = {"at": 0.0}

    def maybe() -> None:
        if time.monotonic() - state["at"] >= 1.0:
            look()
            state["at"] = time.monotonic()

    return maybe


def plain_lines(census: Census) -> Callable[[], None]:
    """Return what prints one line for every tenth of all steps done."""
    state = {"tenth": int(10 * census.share)}

    def look() -> None:
        census.look()
        counted = census.count(list(census.states))
        under_way = counted["running"] + counted["left"]
        tenth = min(int(10 * census.share), 9 if under_way else 10)  # the last line is of the last run
        if tenth > state["tenth"]:
            state["tenth"] = tenth
            runs = ", ".join(f"{counted[name]} {name}" for name in STATES)
            print(f"{census.share:4.0%} done, runs: {runs}; {words(census)}", file=sys.stderr, flush=True)

    return look


def words(census: Census) -> str:
    """Say how long the rest will take."""
    seconds = census.seconds_left
    if seconds is None:
        return "time left unknown"
    return f"about {seconds:.0f} s left" if seconds < 120 else f"about {seconds / 60:.0f} minutes left"


def draw(census: Census, cells: Mapping[str, str]) -> Table:
    """Return the table: a row for each arm, for each cell where they are few, and for all."""
    table = Table(box=None, pad_edge=False, caption=f"{census.share:.0%} of all steps, {words(census)}")
    table.add_column("")
    for name in STATES:
        table.add_column(name, justify="right")
    for title, run_ids in groups(census.runs, cells).items():
        counted = census.count(run_ids)
        table.add_row(escape(title), *(str(counted[name]) for name in STATES))
    return table


def groups(runs: Sequence[SweepRun], cells: Mapping[str, str]) -> dict[str, list[str]]:
    """Return run ids under the title of each row."""
    rows: dict[str, list[str]] = {}
    for run in runs:
        rows.setdefault(run.arm, []).append(run.run_id)
    if 1 < len(set(cells.values())) <= MOST_CELLS:
        for run in runs:
            rows.setdefault(cells[run.run_id], []).append(run.run_id)
    return {**rows, "all runs": [run.run_id for run in runs]}
