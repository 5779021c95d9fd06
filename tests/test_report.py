"""The report: what it shows, what it never interprets, and how it fails."""

import base64
import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from fixtures_report import make_comparison, make_hostile

FIGURES = ["both-ways", "learning-curves", "relation-or-association", "relations"]


class Page(HTMLParser):
    """The tags, attributes and texts of a page, as a browser would see them."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.inside = [""]
        self.texts: list[tuple[str, str]] = []
        self.source = page.read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while tag in self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        self.texts.append((self.inside[-1], data))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attrs for name, attrs in self.tags if name == tag]

    def text(self, *tags: str) -> str:
        """Return the text in these tags, else all that is shown, in the order of the page."""
        hidden = ("style", "script")
        shown = (text for tag, text in self.texts if (tag in tags if tags else tag not in hidden))
        return "".join(shown)


def write(folder: Path) -> Page:
    """Write the report of a folder and read it."""
    from bothways.reports.page import write_report

    return Page(write_report(folder))


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The page of an ordinary comparison."""
    return write(make_comparison(tmp_path_factory.mktemp("plain")))


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Page]:
    """A folder whose facts try to break the page, and its page."""
    folder = make_hostile(tmp_path_factory.mktemp("hostile"))
    return folder, write(folder)


# --- what the page shows ---------------------------------------------------------------------------------------------


def test_headline_says_what_came_out(plain: Page):
    """The headline is computed from the summary, the reference first, then the best arm that is no control."""
    said = plain.text("h1").replace("\u00a0", " ")
    first, second = said.split("; ")
    assert first == "causal answers 100 % of the stated questions and 0 % of the reverse ones"
    assert second == "masked_diffusion answers 87 % in reverse."


def test_sections_stand_in_order(plain: Page):
    """The page answers the main question first and says how to repeat it last."""
    expected = [
        "both-ways",
        "differences",
        "learning",
        "relation",
        "relations",
        "examples",
        "scope",
        "settings",
        "repeat",
    ]
    assert [attrs["id"] for attrs in plain.all("section")] == expected


def test_page_is_marked_up_for_readers_who_cannot_see_it(plain: Page):
    """One main heading, a caption in every table, a scope on every header, a label on every figure."""
    assert len(plain.all("h1")) == 1
    assert len(plain.all("caption")) == len(plain.all("table"))
    assert all(attrs.get("scope") for attrs in plain.all("th"))
    assert len(plain.all("svg")) == 2 * len(FIGURES)
    assert all(attrs["role"] == "img" and len(attrs["aria-label"]) > 40 for attrs in plain.all("svg"))


def test_ids_are_unique_and_links_lead_somewhere(plain: Page):
    """Every link of the page leads to a place in it."""
    ids = [attrs["id"] for _, attrs in plain.tags if "id" in attrs]
    assert len(set(ids)) == len(ids)
    links = [attrs["href"] for tag, attrs in plain.tags if tag in ("a", "use")]
    assert {link.removeprefix("#") for link in links} <= set(ids)


def test_numbers_of_the_summary_are_shown(plain: Page):
    """Accuracies, intervals, specificity, differences, baselines and counts appear as the summary has them."""
    text = plain.text()
    for part in ("0.87", "0.79 specific", "0.02 blind [0.00, 0.05]", "+0.87", "< 0.001", "chance", "0.003", "177.5"):
        assert part in text.replace("\u00a0", " ")


def test_command_can_be_copied_exactly(tmp_path: Path):
    """The command on the page is the folder's, letter by letter, double spaces included."""
    page = write(make_hostile(tmp_path))
    command = json.loads((tmp_path / "comparison.json").read_text())["command"]
    shown = re.search(r'<pre id="command"><code>(.*?)</code>', page.source, re.DOTALL)
    assert shown is not None
    holder = HTMLParser(convert_charrefs=True)
    texts: list[str] = []
    holder.handle_data = texts.append  # type: ignore[method-assign]
    holder.feed(shown.group(1))
    holder.close()
    assert "".join(texts) == command


def test_examples_are_the_first_right_and_wrong_ones(tmp_path: Path):
    """At most four of each for every kind, in the order of the exam, from the lowest finished seed."""
    from bothways.reports.load import read_comparison
    from bothways.reports.page import arm_examples

    data = read_comparison(make_comparison(tmp_path))
    part = arm_examples("masked_diffusion", data.results, data.exam)
    assert part is not None
    assert part["seed"] == 0
    for group in part["groups"]:
        good = [row["good"] for row in group["rows"]]
        assert sum(good) <= 4
        assert len(good) - sum(good) <= 4
    mine = data.results.query(
        "arm == 'masked_diffusion' and seed == 0 and split == 'test' and kind == 'forward' and correct"
    )
    expected = [data.exam.queries[index].prompt for index in sorted(mine["query"])[:4]]
    assert [row["prompt"] for row in part["groups"][0]["rows"] if row["good"]] == expected


# --- self-contained, and safe ----------------------------------------------------------------------------------------


def assert_self_contained(page: Page) -> None:
    """Nothing in the page points outside, and no attribute holds style or script."""
    for tag, attrs in page.tags:
        for name, value in attrs.items():
            assert not name.startswith("on"), (tag, name)
            assert name != "style", tag
            if name in ("src", "href", "action", "srcset", "data", "poster", "cite"):
                inside = ("#", "data:image/png;base64,") if tag == "image" else ("#",)
                assert value.startswith(inside) or value == "data:,", (tag, name, value)
    assert not {"img", "iframe", "object", "embed", "form", "base", "b-old"} & {tag for tag, _ in page.tags}
    assert "url(" not in page.text("style")
    assert "@import" not in page.text("style")


def test_page_asks_nothing_of_the_network(plain: Page):
    """There is no reference to anything outside the file, not even a namespace."""
    assert_self_contained(plain)
    assert "http" not in plain.source.replace('http-equiv="Content-Security-Policy"', "")


def test_policy_allows_only_the_pages_own_style_and_script(plain: Page):
    """The content security policy names the digests of exactly the style and the script that are there."""
    policy = next(attrs["content"] for attrs in plain.all("meta") if "http-equiv" in attrs)
    for tag in ("style", "script"):
        assert len(plain.all(tag)) == 1
        digest = base64.b64encode(hashlib.sha256(plain.text(tag).encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")


def test_hostile_facts_stay_text(attacked: tuple[Path, Page]):
    """Markup, template syntax and mathematics in names are shown as they are written."""
    _, page = attacked
    assert_self_contained(page)
    assert len(page.all("script")) == 1
    text = page.text()
    for name in ("</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "{{7*7}}", "=cmd()", r"$\frac$"):
        assert name in text
    assert "\"double\" & 'single' quotes" in text
    assert "The loss" not in text
    assert "bell\ufffd and \ufffd[31mred" in text


def test_control_characters_never_reach_the_page(attacked: tuple[Path, Page]):
    """No terminal code, direction override or half character is left in the page or its figures."""
    folder, page = attacked
    for text in (page.source, *(path.read_text(encoding="utf-8") for path in (folder / "figures").iterdir())):
        assert not re.search("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)


def test_figure_files_have_fixed_names(attacked: tuple[Path, Page]):
    """No file is named after a fact."""
    folder, _ = attacked
    expected = sorted(f"{name}.{ending}" for name in FIGURES for ending in ("csv", "svg"))
    assert sorted(path.name for path in (folder / "figures").iterdir()) == expected


def test_figures_take_names_literally(attacked: tuple[Path, Page]):
    """An SVG file is well-formed, and dollar signs in it are no mathematics."""
    folder, _ = attacked
    for path in (folder / "figures").glob("*.svg"):
        ET.parse(path)
    texts = list(ET.parse(folder / "figures" / "relations.svg").getroot().itertext())
    assert r"$\frac$" in texts
    assert "{{7*7}}" in texts
    assert any("<img" in text for text in texts)


def test_tables_hold_no_formula(attacked: tuple[Path, Page]):
    """A text cell never starts like a formula; numbers stay numbers."""
    folder, _ = attacked
    with (folder / "figures" / "relations.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert {row["relation"] for row in rows if "cmd" in row["relation"]} == {"'=cmd()"}
    assert all(0 <= float(row["accuracy"]) <= 1 for row in rows)
    for path in (folder / "figures").glob("*.csv"):
        with path.open(newline="") as lines:
            assert not [cell for row in csv.reader(lines) for cell in row if cell[:1] in ("=", "@", "+")]


def test_same_folder_gives_same_bytes(tmp_path: Path):
    """Page and figures do not depend on when they are drawn."""
    first = {path.name: path.read_bytes() for path in written(make_comparison(tmp_path / "a", seeds=2))}
    second = {path.name: path.read_bytes() for path in written(make_comparison(tmp_path / "b", seeds=2))}
    assert first == second


def written(folder: Path) -> list[Path]:
    """Write the report of a folder and return every file it wrote."""
    write(folder)
    return [folder / "report.html", *(folder / "figures").iterdir()]


def test_reading_reports_needs_no_torch():
    """A page can be written where no model can run."""
    script = "import sys, bothways.reports.page; sys.exit('torch' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == 0


# --- sparse and crowded comparisons ----------------------------------------------------------------------------------


def test_one_arm_one_seed_without_partners(tmp_path: Path):
    """What was not asked is a dash and is said; what cannot be told says why."""
    page = write(make_comparison(tmp_path, arms=["causal"], seeds=1, partner=False, told=False))
    text = page.text()
    assert "there is nothing to compare" in text
    assert "This exam has no such question." in text
    assert "Cannot tell for causal: the control itself is blind." in text
    assert not (tmp_path / "figures" / "relation-or-association.svg").exists()
    assert len(page.all("svg")) == 2 * 3


def test_a_failed_arm_is_shown_with_its_error(tmp_path: Path):
    """An arm without a finished run has dashes, a place in the table, and its error."""
    page = write(make_comparison(tmp_path, seeds=2, failed=["masked_diffusion"]))
    text = page.text()
    assert "masked_diffusion has no result: 2 runs failed." in text
    assert "2 runs of 6 ended without a result" in text
    assert text.count("The loss is not a number at <step> 300; lower the learning rate.") == 2


@pytest.mark.parametrize("results", [True, False])
def test_nothing_finished_still_gives_a_page(tmp_path: Path, results: bool):
    """Where every run failed, the page says so, with or without an empty table of answers."""
    folder = make_comparison(tmp_path, arms=["causal", "any_order"], seeds=1, failed=["causal", "any_order"])
    if not results:
        (folder / "results.parquet").unlink()
    text = write(folder).text()
    assert "No arm has an answer to show." in text
    assert "No run has answered a test question." in text


def test_a_run_that_never_ended_is_named(tmp_path: Path):
    """A planned run without a result and without an error is listed, too."""
    folder = make_comparison(tmp_path, seeds=2)
    shutil.rmtree(folder / "00010001")
    text = write(folder).text()
    assert "1 run of 6 ended without a result" in text
    assert "The run has not come to its end." in text


def test_summary_without_optional_parts(tmp_path: Path):
    """Only the arms' names are needed; every missing value is a dash."""
    folder = make_comparison(tmp_path, seeds=1)
    (folder / "summary.json").write_text('{"schema": 1, "arms": [{"arm": "causal", "forward": {"accuracy": NaN}}]}')
    assert "No arm has an answer to show." in write(folder).text()


def test_many_arms_and_relations_stay_readable(tmp_path: Path):
    """Twenty relations are drawn and the rest counted; the page stays far below its limit."""
    arms = [f"causal+cure_{index}" for index in range(12)]
    page = write(make_comparison(tmp_path, arms=arms, relations=[f"relation {index}" for index in range(40)]))
    assert "20 further relations with fewer questions are in the CSV file." in page.text()
    assert len(page.source) < 2_000_000
    with (tmp_path / "figures" / "relations.csv").open(newline="") as lines:
        assert len({row["relation"] for row in csv.DictReader(lines)}) == 40


# --- errors ----------------------------------------------------------------------------------------------------------


def spoil(path: Path, how: str) -> None:
    """Remove a file, or cut it in half."""
    if how == "missing":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    ("name", "how", "message"),
    [
        ("summary.json", "missing", r"is not a comparison folder: it has no summary\.json\. Give the folder"),
        ("summary.json", "cut", r"summary\.json is not complete JSON .*--resume"),
        ("comparison.json", "missing", r"comparison\.json is missing\. Run the comparison again with --resume"),
        ("exam.json", "cut", r"exam\.json is not complete JSON"),
        ("manifest.jsonl", "cut", r"manifest\.jsonl, line \d+, is not complete JSON"),
        ("results.parquet", "missing", r"results\.parquet cannot be read .*--resume"),
        ("results.parquet", "cut", r"results\.parquet cannot be read .*--resume"),
        ("00000000/metrics.jsonl", "cut", r"metrics\.jsonl, line \d+, is not complete JSON"),
    ],
)
def test_unusable_folder_says_what_to_do(tmp_path: Path, name: str, how: str, message: str):
    """A missing or truncated file is named in one sentence, with what to do, and no page is written."""
    from bothways.errors import RunError

    folder = make_comparison(tmp_path, seeds=1)
    spoil(folder / name, how)
    with pytest.raises(RunError, match=message):
        write(folder)
    assert not (folder / "report.html").exists()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("summary.json", '{"schema": 99, "arms": []}', "is not a summary of schema 1"),
        ("summary.json", "[]", "does not hold a JSON object"),
        ("exam.json", '{"schema": 1}', "is not an exam of schema 1"),
        ("manifest.jsonl", '{"run_id": "a", "seed": 0}', "line 1, has no 'arm'"),
        ("exam.json", "\xff\xfe", r"exam\.json cannot be read|not complete JSON"),
    ],
)
def test_strange_file_is_named(tmp_path: Path, name: str, content: str, message: str):
    """A file of another shape or version is refused by name."""
    from bothways.errors import RunError

    folder = make_comparison(tmp_path, seeds=1)
    (folder / name).write_text(content, encoding="latin-1")
    with pytest.raises(RunError, match=message):
        write(folder)


def test_answers_to_another_exam_are_refused(tmp_path: Path):
    """A results file that answers questions the exam does not have belongs to another comparison."""
    from bothways.errors import RunError

    folder = make_comparison(tmp_path / "big", seeds=1)
    small = make_comparison(tmp_path / "small", seeds=1, relations=["mother"])
    shutil.copy(small / "exam.json", folder / "exam.json")
    with pytest.raises(RunError, match=r"answers questions that .*exam\.json does not have"):
        write(folder)


# --- words and the terminal ------------------------------------------------------------------------------------------


def arm(name: str, forward: float | None, reverse: float | None, **more: Any) -> dict[str, Any]:
    """Return an arm of a summary with two accuracies."""
    return {"arm": name, "forward": {"accuracy": forward}, "reverse_tested": {"accuracy": reverse}, **more}


@pytest.mark.parametrize(
    ("arms", "expected"),
    [
        ([arm("a", 1.0, 0.002)], "a answers 100 % of the stated questions and under 1 % of the reverse ones"),
        ([arm("a", 0.999, None)], "a answers over 99 % of the stated questions and was asked no isolated reverse one"),
        ([arm("a", None, 0.5)], "a answers 50 % of the reverse questions"),
        ([arm("a", None, None)], "No arm has an answer to show"),
        ([arm("a", 1.0, 0.0), arm("b", 0.5, 0.4)],
         ("a answers 100 % of the stated questions and 0 % of the reverse ones; "
          "b answers 50 % of the stated questions and 40 % of the reverse ones")),
        ([arm("a", 1.0, 0.0), arm("c", 1.0, 1.0, mitigation="both_directions"), arm("b", 1.0, 0.1)],
         "a answers 100 % of the stated questions and 0 % of the reverse ones; b answers 10 % in reverse"),
        ([{"arm": "a", "forward": {"accuracy": 1.0}, "reverse_partner": {"accuracy": 0.43}}],
         "a answers 100 % of the stated questions and 43 % of the reverse (partner) ones"),
    ],
)  # fmt: skip
def test_headline_is_careful(arms: list[dict[str, Any]], expected: str):
    """Rounding never says all or none, a control is no rival, weak learning is said, null is no number."""
    from bothways.reports.words import headline

    assert headline({"arms": arms})[0].replace("\u00a0", " ") == expected


def test_headline_warns_of_weak_learning():
    """An arm that does not know what it read is named first; equal shares are no difference."""
    from bothways.reports.words import headline

    row = {"arm": "b", "reference": "a", "kind": "reverse_tested", "difference": 0.001, "p_holm": 1.0}
    _, lede = headline({"arms": [arm("a", 1.0, 0.0), arm("b", 0.3, 0.0)], "differences": [row]})
    assert lede[0] == "Not all that was read is known: b. Train longer before reading much into the rest."
    assert lede[1] == "In reverse, b and a answer the same share; that they are equal is not shown."


def test_headline_says_when_relation_cannot_be_told():
    """Where the control itself is blind, the reason is given instead of a number."""
    from bothways.reports.words import headline

    flip = {"specific": None, "why": "cannot tell: the control itself is blind"}
    _, lede = headline({"arms": [arm("a", 1.0, 1.0, flip=flip)]})
    assert lede[-1].endswith("cannot be told: the control itself is blind.")


def test_terminal_table_fits_and_explains_itself(tmp_path: Path):
    """Three arms fit in 100 columns, numbers are as in the summary, every column has a line of legend."""
    from bothways.reports.table import LEGEND, terminal_table

    table = terminal_table(json.loads((make_comparison(tmp_path) / "summary.json").read_text()))
    lines = table.splitlines()
    assert max(map(len, lines)) <= 100
    assert re.match(r"masked_diffusion +0\.99 \[0\.\d\d, 1\.00\] +0\.87 \[0\.\d\d, 0\.\d\d\] ", lines[3])
    assert any(line.startswith("chance ") and "0.003" in line for line in lines)
    shown = [term for term, _ in LEGEND if term != "implied"]  # which nothing asked
    assert len(lines[lines.index("") + 1 :]) == len(shown)


def test_terminal_table_says_cannot_tell(tmp_path: Path):
    """Null is a dash, and a relation column that cannot tell says so."""
    from bothways.reports.table import terminal_table

    folder = make_comparison(tmp_path, arms=["causal"], seeds=1, partner=False, told=False)
    line = terminal_table(json.loads((folder / "summary.json").read_text())).splitlines()[2]
    assert line.split()[-2:] == ["cannot", "tell"]
    assert " \u2013 " in line


def test_terminal_table_prints_no_terminal_codes():
    """A name cannot colour or clear the terminal, and a long one is wrapped."""
    from bothways.reports.table import terminal_table

    table = terminal_table({"arms": [{"arm": "red\x1b[31m " + "x" * 200}]})
    assert "\x1b" not in table
    assert max(map(len, table.splitlines())) <= 100


def test_terminal_table_has_a_column_for_what_is_implied():
    """Where facts are asked that nothing states, kinds that were not asked make room for them."""
    from bothways.reports.table import terminal_table
    from bothways.reports.words import headline

    arm = {"arm": "causal", "forward": {"accuracy": 1.0}, "implied": {"accuracy": 0.0}}
    control = {"arm": "both_directions", "forward": {"accuracy": 1.0}, "implied": {"accuracy": 1.0}}
    table = terminal_table({"arms": [arm, control]})
    assert ["arm", "forward", "implied", "relation"] == table.splitlines()[0].split()
    assert re.search(r"^implied +never stated", table, re.MULTILINE)
    first, _ = headline({"arms": [arm, control]})
    assert first.startswith("causal answers 100\u00a0% of the stated questions and 0\u00a0% of the implied ones")
    assert first.endswith("both_directions answers 100\u00a0% of what is implied")
