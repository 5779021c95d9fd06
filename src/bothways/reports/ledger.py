"""The ledger: every claim of every study in one table, as Markdown and as a page."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bothways.disk import write_text
from bothways.reports.escape import plain
from bothways.reports.html import fill


def write_ledger(folder: Path, studies: Sequence[Mapping[str, Any]]) -> tuple[Path, Path]:
    """Write `claims.md` and `claims.html` from what each study's `claims.json` says."""
    text, page = folder / "claims.md", folder / "claims.html"
    write_text(text, "\n".join(markdown(studies)) + "\n")
    context = {
        "run": "claims",
        "headline": "Claims, and what became of them",
        "lede": ["Every row was decided by a region that was written down before its first run."],
        "contents": [("claims", "Claims")],
        "claims": [row for study in studies for row in study["claims"]],
        "command": "bothways study --ledger",
    }
    write_text(page, fill("claims.html.jinja", context))
    return text, page


def markdown(studies: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Yield the lines of the Markdown file."""
    yield "# Claims, and what became of them"
    yield ""
    yield "Written by `bothways study --ledger` from run folders; nothing on this page is typed."
    for study in studies:
        yield ""
        yield f"## {plain(study['title'])}"
        yield ""
        yield f"{plain(study['source'])} `{plain(study['command'])}`"
        yield ""
        yield "| id | claim | paper | ours | seeds | scale | verdict | why |"
        yield "|---|---|---|--:|--:|---|---|---|"
        for row in study["claims"]:
            yield "| " + " | ".join(cells(row)) + " |"


def cells(row: Mapping[str, Any]) -> Iterable[str]:
    """Yield the cells of a claim's row."""
    for name in ("id", "claim", "paper"):
        yield plain(row[name]).replace("|", "\\|")
    yield estimate(row)
    for name in ("seeds", "scale", "verdict", "why"):
        yield plain(str(row[name])).replace("|", "\\|")


def estimate(row: Mapping[str, Any]) -> str:
    """Return our value with its interval; a dash where there is none."""
    if row["ours"] is None:
        return "–"  # noqa: RUF001
    reach = f" [{row['low']:.3g}, {row['high']:.3g}]" if None not in (row["low"], row["high"]) else ""
    return f"{row['ours']:.3g}{reach}"


def claims_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a study's verdicts for a terminal: one line a claim."""
    lines = [("claim", "verdict", "ours", "seeds", "scale")]
    lines += [(row["id"], row["verdict"], estimate(row), str(row["seeds"]), row["scale"]) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip() for line in lines)
