"""The ledger: every claim of every study in one place, as Markdown and as a page."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bothways.disk import write_text
from bothways.registry import names
from bothways.reports.claims_page import DECIDED, as_sentence, helpers, study_section
from bothways.reports.claims_words import (
    SURE,
    VERDICTS,
    code_spans,
    estimate,
    says_verdicts,
    sorted_rows,
    verdict_words,
)
from bothways.reports.escape import plain, shorten
from bothways.reports.html import fill
from bothways.reports.words import NOTHING, duration, plural

COMMAND = "bothways study --ledger"
WIDTH = 100
"""Columns of a terminal that a table keeps within."""
WIDEST_ID = 12
"""Letters of an id that a terminal shows."""
MARKDOWN = re.compile(r"([\\`*<>\[\]|~$])|((?<!\w)_|_(?!\w))")
"""What Markdown would take for more than itself."""


def write_ledger(folder: Path, studies: Sequence[Mapping[str, Any]]) -> tuple[Path, Path]:
    """Write `claims.md` and `claims.html` from what each study's `claims.json` says."""
    text, page = folder / "claims.md", folder / "claims.html"
    sections = [study_section(data, place) for place, data in enumerate(sorted(studies, key=in_registry))]
    rows = [row for section in sections for row in section["claims"]]
    write_text(text, "\n".join(markdown(sections)) + "\n")
    context = {
        **helpers(),
        "run": "claims",
        "headline": says_verdicts(rows) + ".",
        "lede": [f"Every claim of {plural(len(sections), 'study', 'studies')}, and what became of it. {DECIDED}"],
        "contents": [("studies", "Study by study"), *((part["anchor"], plain(part["title"])) for part in sections)],
        "studies": sections,
        "command": COMMAND,
    }
    write_text(page, fill("ledger.html.jinja", context))
    return text, page


def in_registry(data: Mapping[str, Any]) -> tuple[int, str, bool, str]:
    """Return where a study stands among the others: as they are registered, the whole one before the quick one."""
    known = names("studies")
    place = known.index(data["study"]) if data["study"] in known else len(known)
    return place, data["study"], data["quick"], data.get("preset", "")


def markdown(sections: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Yield the lines of the Markdown file."""
    rows = [row for section in sections for row in section["claims"]]
    yield from ("# Claims, and what became of them", "")
    yield f"{says_verdicts(rows)}. {DECIDED} Written by `{COMMAND}` from run folders; nothing on this page is typed."
    yield ""
    yield from table(
        ["study", *(str(words) for words in VERDICTS.values()), "claims"],
        ["", *["number"] * (len(VERDICTS) + 1)],
        [[literal(part["title"]), *map(str, part["counts"].values()), str(len(part["claims"]))] for part in sections],
    )
    yield ""
    yield from (f"- {words}: {words.legend}" for words in VERDICTS.values())
    for section in sections:
        yield from study_lines(section)


def study_lines(section: Mapping[str, Any]) -> Iterable[str]:
    """Yield the lines of one study: its claims as a table, and below it why each came out so."""
    yield from ("", f"## {literal(section['title'])}", "")
    yield f"{literal(as_sentence(section['source']))} `{plain(section['command']).replace('`', chr(39))}`"
    yield ""
    yield from table(
        ["id", "claim", "source says", "ours", "seeds", "scale", "verdict", "time"],
        ["", "", "", "number", "number", "", "", "number"],
        [claim_cells(row) for row in section["claims"]],
    )
    yield ""
    yield from (f"- **{literal(row['id'])}**: {literal(row['why'])}" for row in section["claims"] if row["why"])


def claim_cells(row: Mapping[str, Any]) -> list[str]:
    """Return the cells of a claim's row."""
    paper = f"{literal(row['paper'])} ({SURE.get(row['sure'], literal(row['sure']))})"
    said = [estimate(row), str(row["seeds"] or NOTHING), row["scale"], str(verdict_words(row["verdict"]))]
    return [literal(row["id"]), literal(row["claim"]), paper, *said, duration(row["seconds"] or None)]


def table(head: Sequence[str], looks: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """Yield the lines of a Markdown table; a column whose look is "number" stands to the right."""
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join('--:' if look == 'number' else '---' for look in looks)}|"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def literal(text: str) -> str:
    r"""Return a text as Markdown that shows it as it is; what stands between backquotes stays code.

    >>> print(literal("a|b <i> _x_ is reverse_tested, `*`"))
    a\|b \<i\> \_x\_ is reverse_tested, `*`
    """
    return "".join(
        f"`{part}`".replace("|", "\\|") if is_code else MARKDOWN.sub(r"\\\1\2", part)
        for is_code, part in code_spans(plain(text))
    )


def claims_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a study's verdicts for a terminal, at most 100 columns wide: a line a claim, and how many came out how.

    >>> row = {"id": "X-1", "claim": "Two is two.", "verdict": "reproduced", "ours": 2.0, "seeds": 3}
    >>> print(claims_table([row]))
    claim  verdict       ours  seeds
    X-1    ✓ reproduced  2         3  Two is two.
    <BLANKLINE>
    1 of 1 claim is reproduced.
    """
    heads = ("claim", "verdict", "ours", "seeds")
    lines = [
        (shorten(row["id"], WIDEST_ID), str(verdict_words(row["verdict"])), estimate(row), str(row["seeds"] or NOTHING))
        for row in sorted_rows(rows)
    ]
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]
    sentences = [plain(row["claim"]) for row in sorted_rows(rows)]
    room = WIDTH - sum(widths) - 2 * len(widths)
    cut = [text if len(text) <= room else text[: room - 1].rstrip() + "…" for text in sentences]
    return "\n".join([set_line(heads, widths, ""), *map(set_line, lines, [widths] * len(lines), cut), "",
                      says_verdicts(rows) + "."])  # fmt: skip


def set_line(cells: Sequence[str], widths: Sequence[int], last: str) -> str:
    """Set one line of the terminal's table, the number of seeds to the right."""
    *texts, seeds = (cell.replace("\u00a0", " ") for cell in cells)
    aligned = [text.ljust(width) for text, width in zip(texts, widths, strict=False)]
    return "  ".join([*aligned, seeds.rjust(widths[-1]), last]).rstrip()
