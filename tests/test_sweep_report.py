"""The report of a sweep: what it shows, what it never interprets, and how it fails."""

import csv
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from fixtures_sweep import AXES, ERROR, HOSTILE, crossing, make_hostile, make_sweep
from test_report import Page, assert_self_contained

RATE = {"training.learning_rate": [0.0005, 0.001, 0.002, 0.004, 0.008]}
MAPS = ["map-forward-accuracy", "map-reverse-tested-accuracy"]
LINES = ["lines-forward-accuracy", "lines-reverse-tested-accuracy"]


def write(folder: Path, **chosen: str) -> Page:
    """Write the report of a folder and read it."""
    from bothways.reports.sweep_page import write_sweep_report

    return Page(write_sweep_report(folder, **chosen))


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the rows of a figure's CSV."""
    with (folder / "figures" / f"{name}.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def some_fail(arm: str, seed: int, place: dict[str, Any]) -> bool:
    """Whether a run of the ordinary sweep failed: a whole cell of one arm, one seed of another's."""
    if arm == "causal":
        return place == {"training.learning_rate": 0.008, "model.d_model": 128}
    return arm == "masked_diffusion" and seed == 1 and place["training.learning_rate"] == 0.008


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Page]:
    """An ordinary sweep with some failed runs, and its page."""
    folder = make_sweep(tmp_path_factory.mktemp("plain"), failed=some_fail)
    return folder, write(folder)


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Page]:
    """A sweep whose facts and arms try to break the page, and its page."""
    folder = make_hostile(tmp_path_factory.mktemp("hostile"))
    return folder, write(folder)


# --- what the page shows ---------------------------------------------------------------------------------------------


def test_headline_says_which_arm_reverses_where(plain: tuple[Path, Page]):
    """Arms that are no controls come first, the best of them before all."""
    said = plain[1].text("h1").replace("\u00a0", " ")
    assert said == (
        "masked_diffusion answers at least half of the reverse questions in 10 of 20 settings; "
        "causal in none of 19 settings; causal+both_directions in all 20 settings."
    )
    text = plain[1].text().replace("\u00a0", " ")
    assert "Along learning_rate, masked_diffusion crosses one half at 0.00" in text
    assert "Of 180 runs, 7 failed." in text


def test_runs_are_counted_and_errors_listed_once(plain: tuple[Path, Page]):
    """Planned, done and failed runs, and one row for runs that failed alike, without a run's id."""
    text = re.sub(r"\s+", " ", plain[1].text().replace("\u00a0", " "))
    assert "Runs planned180 Done173 Failed7 " in text
    assert text.count(ERROR) == 1
    assert "causal, learning_rate 0.008, d_model 128, seed 0" in text
    assert "and 4 more" in text
    assert "000000" not in text


def test_every_setting_has_its_mean_and_interval(plain: tuple[Path, Page]):
    """The table has a row per arm and setting; its CSV every metric."""
    folder, page = plain
    table = next(part for part in page.source.split("<section") if 'id="cells"' in part)
    assert table.count("<tr>") == 1 + 3 * 20
    assert "3 of 3" in table and "2 of 3" in table and "0 of 3" in table
    found = rows(folder, "cells")
    assert len(found) == 60 * len({row["metric"] for row in found})
    assert {"loss", "forward.nll", "reverse_partner.median_rank"} <= {row["metric"] for row in found}


def test_a_cell_is_the_mean_over_seeds(plain: tuple[Path, Page]):
    """Numbers of the map are those of the table of runs."""
    import pandas

    folder, _ = plain
    runs = pandas.read_parquet(folder / "results.parquet")
    keys = ["arm", "training.learning_rate", "model.d_model"]
    means = runs.groupby(keys)["reverse_tested.accuracy"].mean()
    for row in rows(folder, MAPS[1]):
        expected = means[row["arm"], float(row[keys[1]]), int(row[keys[2]])]
        assert (row["mean"] == "") == pandas.isna(expected)
        assert not row["mean"] or float(row["mean"]) == pytest.approx(expected)


def test_the_boundary_is_where_the_surface_crosses(plain: tuple[Path, Page]):
    """Three of four intervals at least hold the truth, and arms that do not cross say so."""
    found = [row for row in rows(plain[0], "boundaries") if row["metric"] == "reverse_tested.accuracy"]
    by_arm = {arm: [row for row in found if row["arm"] == arm] for arm in ("causal", "masked_diffusion")}
    assert {row["status"] for row in by_arm["causal"]} == {"all below"}
    held = [
        float(row["low"]) <= crossing({"model.d_model": float(row["model.d_model"])}) <= float(row["high"])
        for row in by_arm["masked_diffusion"]
    ]
    assert len(held) == 4 and sum(held) >= 3
    assert "does not cross within the sweep: below half everywhere" in plain[1].text()


def test_page_is_marked_up_for_readers_who_cannot_see_it(plain: tuple[Path, Page]):
    """One main heading, a caption in every table, a scope on every header, a label on every figure."""
    page = plain[1]
    assert len(page.all("h1")) == 1
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(attrs.get("scope") for attrs in page.all("th"))
    labels = [attrs["aria-label"] for attrs in page.all("svg")]
    assert len(labels) == 2 * 4
    assert any(
        "masked_diffusion from 0.00 to 1.00, crossing one half along learning_rate in 4 rows" in x for x in labels
    )


def test_ids_are_unique_and_links_lead_somewhere(plain: tuple[Path, Page]):
    """Every link of the page leads to a place in it, and every pattern of hatching exists."""
    page = plain[1]
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(set(ids)) == len(ids)
    links = [attrs["href"].removeprefix("#") for tag, attrs in page.tags if tag in ("a", "use")]
    assert {*links, *re.findall(r"url\(#([^)]+)\)", page.source)} <= set(ids)


def test_a_cell_without_result_is_hatched_and_never_zero(plain: tuple[Path, Page]):
    """One cell of one arm has no run that is done; it has a pattern, no number, and says why."""
    source = plain[1].source
    hatched = re.findall(r'<g class="mark"><title>([^<]*)</title><path[^>]*fill="url\(#[^"]*"', source)
    assert set(hatched) == {"causal, learning_rate 0.008, d_model 128: \u2013, 0 of 3 runs done"}
    cell = next(row for row in rows(plain[0], MAPS[1]) if row["done"] == "0")
    assert (cell["mean"], cell["planned"], cell["failed"]) == ("", "3", "3")


def test_numbers_on_the_scale_can_be_read():
    """The scale gets lighter all the way, in grey too, and its numbers contrast by 4.5 to 1."""
    from bothways.reports.drawings.heat_map import SCALE, on_colour

    def luminance(colour: tuple[float, ...]) -> float:
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour[:3]]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    greys = [luminance(SCALE(step / 100)) for step in range(101)]
    assert greys == sorted(greys)
    for step, grey in enumerate(greys):
        ink = 0.0 if on_colour(*SCALE(step / 100)[:3]) == "#000000" else 1.0
        assert (max(ink, grey) + 0.05) / (min(ink, grey) + 0.05) >= 4.5


def test_axes_and_metric_can_be_chosen(tmp_path: Path):
    """The axis across, the axis upwards, by key or last part, and one metric; other figures are removed."""
    folder = make_sweep(
        tmp_path, arms=["masked_diffusion"], axes={**RATE, "facts": ["a", "b"], "text.x": [1, 2]}, seeds=1
    )
    write(folder)
    page = write(folder, x="text.x", y="learning_rate", metric="reverse_tested.nll")
    assert "for each pair of x and learning_rate" in page.text()
    assert "Mean over seeds and over facts" in page.text()
    assert sorted(path.stem for path in (folder / "figures").glob("*.svg")) == [
        "lines-reverse-tested-nll",
        "map-reverse-tested-nll",
    ]
    assert "A boundary needs an accuracy" in page.text()


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"x": "learning_rat"}, r"Unknown axis 'learning_rat'\. Did you mean 'training\.learning_rate'\? Known: "),
        ({"y": "model.d_modell"}, r"Unknown axis 'model\.d_modell'\. Did you mean 'model\.d_model'\?"),
        ({"metric": "reverse_teste.accuracy"}, r"Unknown metric .* Did you mean 'reverse_tested\.accuracy'\? Known: "),
        ({"x": "d_model", "y": "model.d_model"}, r"--x and --y must be two axes, got 'model\.d_model' twice"),
    ],
)
def test_unknown_choices_are_answered_with_the_nearest(plain: tuple[Path, Page], chosen: dict[str, str], message: str):
    """One sentence, and the page that was there stays."""
    from bothways.errors import BothwaysError

    before = (plain[0] / "report.html").read_bytes()
    with pytest.raises(BothwaysError, match=message) as caught:
        write(plain[0], **chosen)
    assert caught.value.exit_status == 2
    assert (plain[0] / "report.html").read_bytes() == before


def test_same_folder_gives_same_bytes(tmp_path: Path):
    """Page and figures do not depend on when they are drawn."""
    found = []
    for name in ("a", "b"):
        folder = make_sweep(tmp_path / name, arms=["masked_diffusion"], axes=RATE, seeds=2)
        write(folder)
        found.append({p.name: p.read_bytes() for p in [folder / "report.html", *(folder / "figures").iterdir()]})
    assert found[0] == found[1]


# --- self-contained, and safe ----------------------------------------------------------------------------------------


def test_page_asks_nothing_of_the_network(plain: tuple[Path, Page]):
    """There is no reference to anything outside the file."""
    assert_self_contained(plain[1])
    assert "http" not in plain[1].source.replace('http-equiv="Content-Security-Policy"', "")


def test_hostile_names_stay_text(attacked: tuple[Path, Page]):
    """Markup, template syntax and mathematics in names of facts and arms are shown as they are written."""
    folder, page = attacked
    assert_self_contained(page)
    assert len(page.all("script")) == 1
    for name in HOSTILE[:3]:
        assert name in page.text()
    for text in (page.source, *(path.read_text(encoding="utf-8") for path in (folder / "figures").iterdir())):
        assert not re.search("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    for path in (folder / "figures").glob("*.svg"):
        ET.parse(path)


def test_files_have_fixed_names_and_tables_hold_no_formula(attacked: tuple[Path, Page]):
    """No file is named after a fact or an arm, and no cell starts like a formula."""
    folder, _ = attacked
    names = {path.name for path in (folder / "figures").iterdir()}
    drawn = {f"{name}.{ending}" for name in [*MAPS, *LINES] for ending in ("csv", "svg")}
    assert names == drawn | {"cells.csv", "boundaries.csv"}
    for path in (folder / "figures").glob("*.csv"):
        with path.open(newline="") as lines:
            assert not [cell for row in csv.reader(lines) for cell in row if cell[:1] in ("=", "@", "+")]


# --- sparse and crowded sweeps ---------------------------------------------------------------------------------------


def test_one_axis_has_the_arms_as_rows(tmp_path: Path):
    """With one axis there is one map, and a boundary per arm."""
    page = write(make_sweep(tmp_path, axes=RATE))
    assert "Mean over seeds, for each learning_rate." in page.text()
    assert len(page.all("svg")) == 2 * 4
    assert [row["status"] for row in rows(tmp_path, "boundaries")[:3]] == ["all below", "crosses", "all above"]


@pytest.mark.parametrize("axes", [{}, {"model.d_model": [64]}])
def test_no_axis_shows_the_arms_side_by_side(tmp_path: Path, axes: dict[str, list[int]]):
    """Only arms and seeds: a figure of both directions, no map, no line, no boundary."""
    page = write(make_sweep(tmp_path, axes=axes))
    assert "No axis of this sweep has two values" in page.text()
    assert "No axis of numbers has two values, so there is no line to draw." in page.text()
    assert page.text("h1").replace("\u00a0", " ").startswith("causal answers 99 % of the stated questions and ")
    assert len(page.all("svg")) == 2


def test_three_axes_are_averaged_and_this_is_said(tmp_path: Path):
    """Figures show two axes, the mean over the third; the table has every setting."""
    page = write(
        make_sweep(tmp_path, arms=["masked_diffusion"], axes={**RATE, "d": [1, 2], "facts": ["a", "b"]}, seeds=2)
    )
    assert "Mean over seeds and over facts, for each pair of learning_rate and d." in page.text()
    assert {row["planned"] for row in rows(tmp_path, MAPS[1])} == {"4"}
    assert len({(row["facts"], row["d"]) for row in rows(tmp_path, "cells")}) == 4


def test_a_categorical_axis_has_no_line_and_no_boundary(tmp_path: Path):
    """Names have no distance from each other; beside an axis of numbers they stand upwards."""
    page = write(make_sweep(tmp_path / "one", axes={"facts": ["b", "a"]}, seeds=2))
    assert "so there is no line to draw" in page.text()
    assert "A boundary needs an accuracy" in page.text()
    both = make_sweep(tmp_path / "two", arms=["causal"], axes={"facts": ["b", "a"], "model.d_model": [8, 16]}, seeds=1)
    assert "for each pair of d_model and facts" in write(both).text()


def test_forty_levels_stay_readable(tmp_path: Path):
    """Numbers lose their zero, panels are thinned out, and the page stays far below its limit."""
    many = {"training.learning_rate": [0.001, 0.002, 0.004], "training.steps": list(range(100, 4100, 100))}
    page = write(make_sweep(tmp_path, arms=["masked_diffusion"], axes=many, seeds=2), x="steps", y="learning_rate")
    assert len(page.source) < 2_000_000
    assert re.search(r">\.\d\d</text>", page.source)
    assert len(rows(tmp_path, MAPS[1])) == 120


def test_one_seed_has_no_interval(tmp_path: Path):
    """A mean of one value has nothing around it, on the page, in the table and at the boundary."""
    page = write(make_sweep(tmp_path, arms=["masked_diffusion"], axes=RATE, seeds=1))
    assert {row["low"] for row in rows(tmp_path, "cells")} == {""}
    assert "(no interval)" in page.text()


@pytest.mark.parametrize("how", ["failed", "empty"])
def test_a_sweep_without_a_number_says_so(tmp_path: Path, how: str):
    """All failed, or all numbers missing: no figure, no zero, and what happened."""
    page = write(make_sweep(tmp_path, axes=AXES, seeds=1, **{how: lambda *_: True}))
    assert "No run has an answer to show." in page.text()
    assert "No run has a result for reverse (isolated) accuracy." in page.text()
    assert page.all("svg") == []
    assert (ERROR in page.text()) == (how == "failed")


def test_a_jump_is_bracketed_on_the_page(tmp_path: Path):
    """Nothing below and everything above: two levels instead of a fit that has no end."""

    def jump(arm: str, kind: str, place: dict[str, Any]) -> float:
        return 60.0 if place["training.learning_rate"] > 0.002 or kind == "forward" else -60.0

    page = write(make_sweep(tmp_path, arms=["causal"], axes=RATE, surface=jump))
    assert "between 0.002 and 0.004" in page.text()
    assert rows(tmp_path, "boundaries")[0]["status"] == "bracketed"


@pytest.mark.parametrize(
    ("values", "log"),
    [([1, 2, 4, 8], True), ([0.001, 0.003, 0.01], True), ([10, 20, 30], False), ([0, 1, 10], False), ([20, 64], False),
     ([0.001, 0.01], True), ([5], False)],
)  # fmt: skip
def test_an_axis_is_logarithmic_where_its_values_are(values: list[float], log: bool):
    """Values spaced by a factor have even gaps in their logarithm; 0 has none."""
    from bothways.reports.sweep_load import Axis

    assert Axis("x", "x", tuple(map(float, values)), True).log == log


# --- errors, and the command -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("sweep.json", '{"schema": 1', r"sweep\.json is not complete JSON .*Run the sweep again with --resume"),
        ("sweep.json", '{"schema": 9, "arms": [], "axes": {}}', "is not a sweep of schema 1"),
        ("sweep.json", '{"schema": 1, "arms": [], "axes": {"facts": 3}}', "is not a sweep of schema 1"),
        ("sweep.json", '{"schema": 1, "arms": [], "axes": {"zzz": [1]}}', r"results\.parquet has no column 'zzz'"),
        ("results.parquet", "PAR1", r"results\.parquet cannot be read .*Run the sweep again with --resume"),
        ("results.parquet", None, r"results\.parquet is missing\. Run the sweep again with --resume"),
    ],
)
def test_unusable_folder_says_what_to_do(tmp_path: Path, name: str, content: str | None, message: str):
    """A missing, damaged or strange file is named in one sentence, and no page is written."""
    from bothways.errors import RunError

    folder = make_sweep(tmp_path, arms=["causal"], axes={"facts": ["a"]}, seeds=1)
    (folder / name).unlink() if content is None else (folder / name).write_text(content)
    with pytest.raises(RunError, match=message):
        write(folder)
    assert not (folder / "report.html").exists()


def test_the_command_tells_a_sweep_from_a_comparison(tmp_path: Path):
    """`bothways report` draws a sweep's page, and refuses to choose axes of a comparison."""
    from tests.command_line import bothways

    from fixtures_report import make_comparison

    folder = make_sweep(tmp_path / "sweep", arms=["causal"], axes={"facts": ["a", "b"]}, seeds=1)
    assert bothways("report", folder, "--metric", "loss") == (0, f"{folder / 'report.html'}\n", "")
    wrong = bothways("report", folder, "--x", "fact")
    assert (wrong.status, wrong.err) == (2, "Unknown axis 'fact'. Did you mean 'facts'? Known: facts.\n")
    other = bothways("report", make_comparison(tmp_path / "comparison", seeds=1), "--x", "facts")
    assert other.status == 2 and other.err.startswith("Only a sweep's page has a choice of --x, and ")


def test_reading_reports_needs_no_torch():
    """A sweep's page can be written where no model can run."""
    import os
    import subprocess
    import sys

    script = "import sys, bothways.reports.sweep_page; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0


def test_levels_of_any_kind_are_read(tmp_path: Path):
    """True, nothing and text are levels too; a level only the table knows stands behind the others."""
    folder = make_sweep(tmp_path, arms=["causal"], axes={"text.questions": [True, False], "facts": ["a", "b"]}, seeds=1)
    about = json.loads((folder / "sweep.json").read_text())
    about["axes"]["facts"] = ["b"]
    (folder / "sweep.json").write_text(json.dumps(about))
    assert "for each pair of questions and facts" in write(folder).text()
    assert {row["text.questions"] for row in rows(folder, "cells")} == {"true", "false"}
    assert {row["facts"] for row in rows(folder, "cells")} == {"a", "b"}
