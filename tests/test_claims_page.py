"""The page of a study and the ledger: every verdict is shown, nothing of a name is interpreted, figures are whole."""

import csv
import json
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from fixtures_study import NASTY, bar_rows, curve_rows, make_data, make_ledger, make_page, map_rows
from test_report import Page, assert_self_contained

DRAWN = ["bars", "curves-b", "large-maps", "one-curve", "plain-bars", "small-maps"]
VERDICTS = {
    "TD-1": "◐\u00a0partly",
    "TD-2": "◐\u00a0partly",
    "TD-3": "○\u00a0not reproduced",
    "TD-10": "✗\u00a0contradicted",
    "MD-1": "✓\u00a0reproduced",
    "MD-2": "–\u00a0not testable",  # noqa: RUF001
    "MD-T1": "◐\u00a0partly",
    "BW-1": "–\u00a0not testable",  # noqa: RUF001
}
"""Of the made-up claims, in the order of the page."""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Page]:
    """The folder of the made-up study, and its page."""
    folder = tmp_path_factory.mktemp("study")
    return folder, Page(make_page(folder, panels=2, side=40))


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Page]:
    """The ledger of two made-up studies, as Markdown and as a page."""
    text, page = make_ledger(tmp_path_factory.mktemp("ledger"))
    return text.read_text(encoding="utf-8"), Page(page)


def verdicts_of(page: Page) -> list[str]:
    """Return what the first table of claims says, row by row."""
    table = next(part for part in page.source.split("</table>") if 'class="claims"' in part)
    return re.findall(r'class="verdict[^"]*">([^<]*)<', table)


def test_every_verdict_is_a_sign_and_words(written: tuple[Path, Page], ledger: tuple[str, Page]) -> None:
    """Claims stand by family, letter and number; a verdict can be told without colour."""
    from bothways.reports.claims_words import VERDICTS as WORDS
    from bothways.studies.claims import VERDICTS as ALL

    assert list(ALL) == list(WORDS) and len({words.sign for words in WORDS.values()}) == len(ALL)
    assert {str(words) for words in WORDS.values()} == set(VERDICTS.values())
    for page in (written[1], ledger[1]):
        assert list(VERDICTS.values()) == verdicts_of(page)
    cells = [re.split(r"(?<!\\)\|", line) for line in ledger[0].splitlines() if re.match(r"\| \w+-\w+ \|", line)]
    assert list(VERDICTS.items()) * 2 == [(row[1].strip(), row[7].strip(" ")) for row in cells]


def test_headline_counts_the_verdicts(written: tuple[Path, Page], ledger: tuple[str, Page]) -> None:
    page = written[1]
    assert "1 of 8 claims is reproduced, 3 partly, 1 not reproduced, 1 contradicted, 2 not testable." == page.text("h1")
    assert "2 of 16 claims are reproduced" in ledger[1].text("h1") and "2 of 16 claims are reproduced" in ledger[0]


def test_a_claim_shows_every_part_with_its_region_and_command(written: tuple[Path, Page]) -> None:
    """Region, interval, strip, reason and command are in the claim's own disclosure."""
    page = written[1]
    parts = page.source.split("<details>")[1:]
    one = next(part for part in parts if "<bdi>TD-1</bdi>" in part)
    assert "from 0.5 to 0.8" in one and "at most 0.05" in one and 2 == one.count('class="against"')
    assert "[0.596, 0.628]" in one and "<code>bothways study other</code>" in one and "bothways study made-up" in one
    missing = next(part for part in parts if "<bdi>MD-2</bdi>" in part)
    assert 'class="against"' not in missing and "was not made" in missing


def test_a_strip_shows_where_an_interval_lies() -> None:
    """The dot of a contradicted claim lies outside the band, an open end reaches the edge of the strip."""
    from bothways.reports.drawings.against import WIDTH, against

    part = {"ours": 0.9, "low": 0.85, "high": 0.95, "region": "at most 0.5", "region_low": None, "region_high": 0.5}
    svg = ET.fromstring(against(part))
    band, dot = svg.find("rect"), svg.find("circle")
    assert band is not None and dot is not None
    assert 0 == float(band.attrib["x"]) and float(band.attrib["width"]) < float(dot.attrib["cx"]) < WIDTH
    assert "stroke-dasharray" not in against(part) and "stroke-dasharray" in against({**part, "low": None})
    assert "" == against({**part, "ours": None})


def test_hostile_names_stay_text(written: tuple[Path, Page], ledger: tuple[str, Page]) -> None:
    """Markup in a claim, a panel or a title is shown as it is written, in pages, figures and Markdown."""
    for page in (written[1], ledger[1]):
        assert_self_contained(page)
        assert 1 == len(page.all("script")) and NASTY in page.text()
    assert "<script" not in re.sub(r"\\<", "", ledger[0])
    assert not re.search(r"(?<!\\)\*bold|(?<!\\)\[link|^#+ No heading", ledger[0], re.MULTILINE)
    assert {line.count("|") - line.count("\\|") for line in ledger[0].splitlines() if line.startswith("| BW")} == {9}
    texts = {text for path in (written[0] / "figures").glob("*.svg") for text in ET.parse(path).getroot().itertext()}
    assert r"$\frac$ <b>" in texts and any("<scri" in text for text in texts)


def test_long_reasons_stand_below_the_table(ledger: tuple[str, Page]) -> None:
    """A cell holds no reason; the list below has each."""
    lines = ledger[0].splitlines()
    assert not [line for line in lines if line.startswith("|") and "was asked for" in line]
    assert 2 == len([line for line in lines if line.startswith("- **TD-1**: ") and "was asked for" in line])
    assert any(re.match(r"\| A made-up study \(quick\) \| 1 \| 3 \| 1 \| 1 \| 2 \| 8 \|", line) for line in lines)


def test_a_picture_is_svg_pdf_and_csv(written: tuple[Path, Page]) -> None:
    """Every file is whole, under a name that is fit for one; the PDF's letters are no Type 3 font."""
    figures = written[0] / "figures"
    assert DRAWN == sorted(path.stem for path in figures.glob("*.svg")) == sorted(p.stem for p in figures.glob("*.pdf"))
    for name in DRAWN:
        ET.parse(figures / f"{name}.svg")
        pdf = (figures / f"{name}.pdf").read_bytes()
        assert pdf.startswith(b"%PDF-") and pdf.rstrip().endswith(b"%%EOF")
        assert b"/Type3" not in pdf and b"CreationDate" not in pdf
        assert f"figures/{name}.pdf" in written[1].source
        with (figures / f"{name}.csv").open(newline="") as lines:
            assert not [cell for row in csv.reader(lines) for cell in row if cell[:1] in ("=", "@", "+")]


def test_numbers_of_a_picture_stand_in_its_csv(written: tuple[Path, Page]) -> None:
    """What was not measured is an empty cell, never a nan."""
    with (written[0] / "figures" / "small-maps.csv").open(newline="") as lines:
        found = list(csv.DictReader(lines))
    expected = map_rows(["layer 0", "layer 1"], 4, 8)
    assert [(p, r, f"{c:.1f}") for p, r, c, _ in expected] == [(x["panel"], x["row"], x["column"]) for x in found]
    numbers = [None if row["value"] == "" else float(row["value"]) for row in found]
    assert [row[3] for row in expected] == numbers and None in numbers


def test_a_picture_without_a_number_is_named_and_left_out(written: tuple[Path, Page]) -> None:
    text = written[1].text()
    assert f"Nothing was measured for “Never measured {NASTY}”, “No place on a logarithmic axis”." in text
    assert not (written[0] / "figures" / "nothing.svg").exists()


def test_a_large_map_is_an_image_with_a_pixel_a_cell(written: tuple[Path, Page]) -> None:
    """It stays small and sharp, in the file and in the page."""
    images = [attrs for attrs in written[1].all("image")]
    assert 4 == len(images)  # two panels, two layouts
    assert all(image["href"].startswith("data:image/png;base64,") for image in images)
    assert {"pixelated"} == {image["image-rendering"] for image in images}
    assert b"/Width 40" in (written[0] / "figures" / "large-maps.pdf").read_bytes()


def test_figures_tell_what_they_show(written: tuple[Path, Page]) -> None:
    """Every figure and strip has a text for those who cannot see it; ids are unique and links lead somewhere."""
    page = written[1]
    labels = [attrs["aria-label"] for attrs in page.all("svg")]
    assert all(label.strip() for label in labels)
    assert any("layer 0, causal ends at 1; layer 0" in x or "layer 0, causal ends at" in x for x in labels)
    assert any("Heat map of layer against head: layer 0 from" in label for label in labels)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(set(ids)) == len(ids)
    links = [attrs["href"].removeprefix("#") for tag, attrs in page.tags if tag in ("a", "use")]
    assert {*links, *re.findall(r"url\(#([^)]+)\)", page.source)} <= set(ids)


def test_the_same_study_gives_the_same_bytes(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        page = make_page(tmp_path / name, panels=1, side=3)
        found.append({path.name: path.read_bytes() for path in [page, *(tmp_path / name / "figures").iterdir()]})
    assert found[0] == found[1]


def picture(form: str, rows: list[tuple[Any, ...]], **more: Any) -> Any:
    from bothways.studies.base import Picture

    return Picture(name="one", title="One", form=form, rows=rows, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("form", "rows", "more"),
    [
        ("curves", [("", "", 1, 2, None, None)], {}),
        ("curves", [("", "s", 0.0, 0.0, math.nan, 1.0), ("", "s", 1.0, 0.5, -1.0, 2)], {"log_x": True, "log_y": True}),
        ("curves", [("p", "s", 5, 5, 5, 5), ("p", "t", 5, 5, 4, 6)], {"log_x": True}),
        ("curves", curve_rows([str(n) for n in range(12)], [f"series {n}" for n in range(8)], n=200), {"y": "y" * 300}),
        ("heat_map", [("", 1, 2, 0.5)], {}),
        ("heat_map", [("", "a" * 200, "b" * 200, -3.0), ("q", "c", "d", math.nan)], {"x": "x" * 99, "y": "y" * 99}),
        ("heat_map", map_rows(["a", "b", "c", "d"], 150, 150), {"x": "x", "y": "y"}),
        ("bars", [("", "", "", 0, 0, 0)], {}),
        ("bars", [("", "s", "l", 1e-9, 0.0, 1.0), ("", "s", "m", 1e9, 1.0, 2e9)], {"log_y": True}),
        ("bars", bar_rows(list("abcdefg"), [f"series {n}" for n in range(8)], ["l"] * 3), {"y": "y" * 300}),
    ],
)  # fmt: skip
def test_any_picture_can_be_drawn_in_both_layouts(form: str, rows: list[tuple[Any, ...]], more: Any) -> None:
    """One point, no spread, huge spread, long names, the largest sizes: no warning, a well-formed drawing, an alt."""
    from bothways.reports.pictures import plot_of
    from bothways.reports.svg import NARROW, WIDE, draw_svg

    plot = plot_of(picture(form, rows, **more))
    assert plot.alt and plot.draw is not None and len(plot.rows) == len(rows)
    for width in (WIDE, NARROW):
        svg, pen = draw_svg(plot.draw, width, plot.title)
        ET.fromstring(svg)
        assert pen.width == width and len(svg) < 2_500_000


def test_terminal_table_fits_and_says_verdicts_in_words() -> None:
    """At most 100 columns, without terminal codes, however long a claim or an id is."""
    from bothways.reports.ledger import claims_table

    rows = make_data()["claims"]
    rows[0] = {**rows[0], "id": "LONG-" + "9" * 200, "claim": "bell\x07 " + rows[0]["claim"]}
    lines = claims_table(rows).splitlines()
    assert max(map(len, lines)) <= 100 and "\x07" not in "".join(lines)
    assert any("contradicted" in line for line in lines) and any("not testable" in line for line in lines)
    assert lines[-1].startswith("1 of 8 claims is reproduced, 3 partly")
    assert "No claim was made." == claims_table([]).splitlines()[-1]


def test_studies_of_the_ledger_stand_as_they_are_registered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of folders decides nothing; the whole study stands before the quick one."""
    from bothways import registry
    from bothways.reports.ledger import write_ledger

    known = {"zebra": "nowhere:Z", "ape": "nowhere:A"}
    monkeypatch.setattr(registry, "REGISTRY", {**registry.REGISTRY, "studies": known})
    made = [("other", False), ("ape", True), ("ape", False), ("zebra", True)]
    text, _ = write_ledger(tmp_path, [make_data(study=name, title=name, quick=quick) for name, quick in made])
    headings = re.findall(r"^## (.*)$", text.read_text(encoding="utf-8"), re.MULTILINE)
    assert ["zebra (quick)", "ape", "ape (quick)", "other"] == headings


def test_a_page_of_an_older_study_can_be_written(tmp_path: Path) -> None:
    """Rows without the numbers of regions have no strip, and nothing else is missed."""
    from bothways.reports.claims_page import write_claims_page

    data = json.loads(json.dumps(make_data()))
    for row in data["claims"]:
        row.pop("note")
        for part in row["parts"]:
            part.pop("region_low"), part.pop("region_high")
    page = Page(write_claims_page(tmp_path, data, []))
    assert 'class="against"' not in page.source and "There is no picture to show." in page.text()
