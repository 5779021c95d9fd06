"""The page of a study: every claim with its verdict, what decided it, and the pictures."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bothways.disk import read_json, write_text
from bothways.reports import claims_words, words
from bothways.reports.drawings.against import against
from bothways.reports.escape import plain
from bothways.reports.html import fill, flat, name, unbroken_words
from bothways.reports.pictures import write_pictures
from bothways.studies.base import Picture

CONTENTS = (
    ("claims", "Claims"),
    ("parts", "Claim by claim"),
    ("pictures", "Pictures"),
    ("versions", "Versions"),
    ("repeat", "Repeat it"),
)
DECIDED = (
    "A verdict follows from a 95\u00a0% interval and a region of values. Regions were fixed before the first run; what "
    "changed later stands at its claim."
)


def write_claims_page(folder: Path, data: Mapping[str, Any], pictures: Sequence[Picture]) -> Path:
    """Write `report.html` and `figures/` of a study from what its `claims.json` says, and return the page's path."""
    shown = write_pictures(pictures, folder / "figures")
    about = read_json(folder / "study.json") if (folder / "study.json").exists() else {}
    scale = f"It was run with --preset {preset}." if (preset := data.get("preset")) else ""
    quick = [scale or "It was run with --quick: at a smaller scale."] if scale or data["quick"] else []
    context = {
        **helpers(),
        "run": data["study"],
        "headline": claims_words.says_verdicts(data["claims"]) + ".",
        "lede": [as_sentence(data["title"], data["source"]), " ".join([DECIDED, *quick])],
        "contents": CONTENTS,
        "study": study_section(data, 0),
        "pictures": [picture for picture in shown if picture.plot.wide],
        "missing": [picture.title for picture in shown if not picture.plot.wide],
        "versions": flat({key: value for key, value in about.items() if key in ("versions", "device", "processor")}),
        "command": unbroken_words(data["command"]),
    }
    path = folder / "report.html"
    write_text(path, fill("claims.html.jinja", context))
    return path


def helpers() -> dict[str, Any]:
    """Return what the templates of claims write with."""
    return {
        **{function: getattr(words, function) for function in ("count", "duration", "number", "plural")},
        **{function: getattr(claims_words, function) for function in ("around", "estimate")},
        "name": name,
        "prose": prose,
        "against": against,
        "verdict_words": claims_words.verdict_words,
        "verdicts": claims_words.VERDICTS,
        "sure": claims_words.SURE,
        "scales": claims_words.SCALES,
    }


def study_section(data: Mapping[str, Any], place: int) -> dict[str, Any]:
    """Return a study as pages and Markdown show it: claims in order, each with an anchor of its own."""
    rows = claims_words.sorted_rows(data["claims"])
    count = Counter(row["verdict"] for row in rows)
    return {
        "anchor": f"study-{place}",
        "title": data["title"] + (f" ({preset})" if (preset := data.get("preset")) else " (quick)" * data["quick"]),
        "source": data["source"],
        "command": data["command"],
        "claims": [{"note": "", **row, "anchor": f"claim-{place}-{index}"} for index, row in enumerate(rows)],
        "counts": {verdict: count[verdict] for verdict in claims_words.VERDICTS},
    }


def as_sentence(*parts: str) -> str:
    """Return parts as sentences."""
    return " ".join(part if part.endswith((".", "?", "!")) else f"{part}." for part in parts if part)


def prose(text: str) -> Markup:
    """Return a text with what stands between backquotes set as code."""
    return Markup("").join(code_marked(claims_words.code_spans(text)))


def code_marked(parts: Iterable[tuple[bool, str]]) -> Iterable[Markup]:
    """Yield each part of a text as markup."""
    for is_code, part in parts:
        yield Markup("<code>{}</code>" if is_code else "{}").format(plain(part) if part.strip() else part)
