"""The benchmarks' own arithmetic, without timing anything."""

import json
from pathlib import Path
from typing import Any

import pytest
from bench.base import NotMeasured, Pair, Row


def row(least: float | None = 2.0, point: int = 1, **options: Any) -> Row:
    return Row("a row", point, "ours", "theirs", "steps", lambda: Pair(int, int, **options), least)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ours takes 1, 2 and 4 seconds, theirs 3, 5 and 8."""
    from bench import base

    monkeypatch.setattr(base, "interleave", lambda pair: ([1.0, 2.0, 4.0], [3.0, 5.0, 8.0]))


@pytest.mark.usefixtures("clock")
def test_a_row_is_the_median_of_neighbours() -> None:
    """The ratio is taken pair by pair, with its quartiles, in the unit of the row."""
    from bench.base import measure

    found = measure(row(units=4.0, flop=8.0))
    assert ("met", 2.5, [2.0, 3.0]) == (found["status"], found["ratio"], found["ratio_quartiles"])
    assert (0.5, 1.25, 4.0) == (found["ours_seconds"], found["peer_seconds"], found["flop_per_second"])
    assert "missed" == measure(row(least=2.6))["status"]
    assert "informs" == measure(row(least=None))["status"]


@pytest.mark.usefixtures("clock")
def test_a_peer_may_do_less_in_a_call() -> None:
    """Four of ours against two of theirs: per unit they take twice as long as a call's time says."""
    from bench.base import measure

    assert 5.0 == measure(row(units=4.0, peer_units=2.0))["ratio"]


def test_what_cannot_be_measured_is_no_miss() -> None:
    """The reason stands in the table."""
    from bench.base import measure

    def give_up() -> Pair:
        raise NotMeasured("There is no such machine.")

    found = measure(Row("a row", 6, "ours", "theirs", "steps", give_up, 2.0))
    assert ("not measured", "There is no such machine.") == (found["status"], found["why"])


def test_both_sides_take_turns() -> None:
    """After a call of each that does not count, they alternate, and take turns in going first."""
    from bench.base import interleave

    calls: list[str] = []
    ours, theirs = interleave(Pair(lambda: calls.append("o"), lambda: calls.append("p"), repeats=3))
    assert list("opoppoop") == calls
    assert 3 == len(ours) == len(theirs)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize(("least", "point", "status"), [(2.0, 1, 0), (2.6, 1, 1), (2.6, 3, 0), (None, 5, 0)])
def test_the_exit_status_tells_of_missed_promises(
    least: float | None, point: int, status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1 where a row of points 1, 2 or 5 is below its promise, 0 otherwise; the page is written in any case."""
    import typer
    from bench import __main__ as bench

    monkeypatch.setattr(bench, "ROWS", (row(least, point),))
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "results")
    monkeypatch.setattr(bench, "PAGE", tmp_path / "performance.md")
    found = 0
    try:
        bench.main(["a row"])
    except typer.Exit as stop:
        found = stop.exit_code
    assert status == found
    assert "2.50 | 2.00 to 3.00" in (tmp_path / "performance.md").read_text()
    assert 2.5 == json.loads((tmp_path / "results" / "a-row.json").read_text())["ratio"]


def test_names_of_rows_differ() -> None:
    """Each row has a result file of its own."""
    from bench.__main__ import ROWS, file_name

    assert len(ROWS) == len({file_name(row) for row in ROWS})
