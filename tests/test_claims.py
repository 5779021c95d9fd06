"""Verdicts follow from region and interval alone, and a study's rows from its folder alone."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

NUMBER = st.floats(-10, 10)


def interval(mean: float, low: float, high: float) -> Any:
    from bothways.evaluation.statistics import Interval

    return Interval(mean, low, high)


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((0.5, 0.45, 0.55), "reproduced"),
        ((0.5, 0.3, 0.7), "partly"),
        ((0.7, 0.5, 0.9), "not_reproduced"),
        ((0.9, 0.8, 1.0), "contradicted"),
        ((0.5, -math.inf, math.inf), "partly"),
        ((math.nan, math.nan, math.nan), "not_testable"),
    ],
)
def test_a_verdict_is_what_the_interval_says_of_the_region(found: tuple[float, float, float], verdict: str) -> None:
    """From 0.4 to 0.6 was asked for."""
    from bothways.studies.claims import Region, judge

    assert verdict == judge(interval(*found), Region(0.4, 0.6))


@given(st.tuples(NUMBER, NUMBER, NUMBER).map(sorted), st.tuples(NUMBER, NUMBER).map(sorted))
def test_a_wider_interval_never_makes_a_verdict_surer(found: list[float], ends: list[float]) -> None:
    """Reproduced may become partly, contradicted may become not reproduced, and nothing else changes."""
    from bothways.studies.claims import Region, judge

    low, mean, high = found
    before = judge(interval(mean, low, high), Region(*ends))
    after = judge(interval(mean, low - 1, high + 1), Region(*ends))
    assert (before, after) in {
        (before, before),
        ("reproduced", "partly"),
        ("contradicted", "not_reproduced"),
    }


def test_a_region_can_be_missed() -> None:
    """A claim that nothing can refute is no claim."""
    from bothways.errors import BothwaysError
    from bothways.studies.claims import Region

    with pytest.raises(BothwaysError, match="can refute nothing"):
        Region()
    with pytest.raises(BothwaysError, match="low <= high"):
        Region(1.0, 0.0)


def claim_of(**options: Any) -> Any:
    from bothways.studies.claims import Claim

    return Claim(id="X-1", sentence="Two is two.", paper="2", sure="ours", scale="same", **options)


def test_every_part_decides_and_the_headline_decides_alone_against() -> None:
    """A claim with two quantities is reproduced if both are; what was not measured says so."""
    from bothways.studies.claims import Part, Region, decide
    from bothways.studies.evidence import Evidence

    evidence = Evidence({}, {"two": ({"value": 2.0}, {"value": 2.1}), "far": ({"value": 9.0}, {"value": 9.0})})

    def part(name: str) -> Part:
        return Part(what="a value", region=Region(1.9, 2.2), values=lambda e: e.computation(name, "value"), exact=True)

    rows = {
        names: decide(claim_of(parts=tuple(map(part, names))), evidence, "command")
        for names in (("two",), ("two", "two"), ("two", "far"), ("far", "two"), ("gone",), ("two", "gone"))
    }
    assert [row.verdict for row in rows.values()] == [
        "reproduced", "reproduced", "partly", "contradicted", "not_testable", "partly"
    ]  # fmt: skip
    assert "the computation 'gone' was not made" in rows["gone",].why
    found = rows["two",].to_json()
    assert (2.05, 2.0, 2.1, 2) == (found["ours"], found["low"], found["high"], found["seeds"])
    assert {"id", "claim", "paper", "ours", "low", "high", "seeds", "scale", "verdict", "why"} <= set(found)
    json.dumps(rows["gone",].to_json(), allow_nan=False)


def test_a_claim_without_a_measurement_says_why() -> None:
    """Nothing to measure and no reason is a mistake of the study; with a reason it is not testable."""
    from bothways.errors import BothwaysError
    from bothways.studies.claims import decide
    from bothways.studies.evidence import Evidence

    with pytest.raises(BothwaysError, match="nothing to measure"):
        claim_of()
    row = decide(claim_of(why="It needs weights nobody has here."), Evidence({}), "command")
    assert ("not_testable", "It needs weights nobody has here.") == (row.verdict, row.why)


@pytest.fixture
def little_study(monkeypatch: pytest.MonkeyPatch) -> str:
    """Register a study of two tiny runs and one computation, and return its name."""
    from tests import little_study as module

    from bothways import registry

    studies = {**registry.REGISTRY["studies"], "little": f"{module.__name__}:Little"}
    monkeypatch.setattr(registry, "REGISTRY", {**registry.REGISTRY, "studies": studies})
    return "little"


def test_a_study_is_decided_again_from_its_folder_alone(little_study: str, tmp_path: Path) -> None:
    """Runs, computations, table, rows and page; the ledger finds the same verdicts; a second start is refused."""
    from bothways.commands.ledger import ledger
    from bothways.commands.study import study
    from bothways.errors import RunError

    folder = tmp_path / "runs" / "little"
    done = study(little_study, quick=True, seeds=2, jobs=1, out=folder)
    rows = {row["id"]: row for row in done.rows}
    assert ("reproduced", "contradicted", "not_testable") == tuple(rows[f"L-{n}"]["verdict"] for n in (1, 2, 3))
    assert rows["L-1"]["seconds"] > 0 and 2 == rows["L-1"]["seeds"]
    assert rows["L-1"]["command"] == "bothways study little --quick --seeds 2"
    with pytest.raises(RunError, match="--resume"):
        study(little_study, quick=True, seeds=2, jobs=1, out=folder)
    before = (folder / "claims.json").read_text()
    again = study(little_study, quick=True, seeds=2, jobs=1, out=folder, resume=True)
    assert again.rows == done.rows and before == (folder / "claims.json").read_text()
    text, page = ledger(tmp_path / "runs", tmp_path / "docs")
    assert "| L-2 |" in text.read_text() and "L-2" in page.read_text()
    assert {"little.csv", "little.pdf", "little.svg"} == {path.name for path in (folder / "figures").iterdir()}
    assert_redrawn(folder)
    import pandas

    table = pandas.read_parquet(folder / "results.parquet")
    assert ["little", "little"] == list(table["group"])


def assert_redrawn(folder: Path) -> None:
    """`report` draws a study's page again to the same bytes, and knows no axes of it."""
    from tests.command_line import bothways

    page = folder / "report.html"
    before = page.read_bytes()
    page.unlink()
    done = bothways("report", folder)
    assert (0, f"{page}\n", before) == (done.status, done.out, page.read_bytes())
    assert 2 == bothways("report", folder, "--x", "n").status


def test_studies_are_listed_and_named_in_the_help(little_study: str) -> None:
    """`ls studies` says what each is about and where it comes from."""
    from tests.command_line import bothways

    done = bothways("ls", "studies")
    assert "little\n    A little study\n    source: None." in done.out
    assert "bothways ls studies" in bothways("study", "--help").out


def test_what_is_no_study_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown name, a folder of something else, an empty disk: one sentence each, status 2."""
    from tests.command_line import bothways

    unknown = bothways("study", "training-dynamic")
    assert 2 == unknown.status and "Unknown study 'training-dynamic'" in unknown.complaint[0]
    monkeypatch.chdir(tmp_path)
    assert 2 == bothways("study").status
    done = bothways("study", "--ledger", "-o", tmp_path / "docs")
    assert 2 == done.status and "no study was found" in done.complaint[0]
