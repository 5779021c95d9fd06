"""Write a comparison's report: one self-contained page, and its figures as files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas

from bothways.disk import write_text
from bothways.reports import words
from bothways.reports.drawings.relation_bars import MAX_RELATIONS, most_asked
from bothways.reports.figures import write_figures
from bothways.reports.html import fill, flat, name, unbroken_words
from bothways.reports.load import Comparison, read_comparison
from bothways.reports.table import baseline_rows
from bothways.reports.words import Number
from bothways.types import Exam

MAX_EXAMPLES = 4
"""Right and, again, wrong examples of each kind of question and arm."""

CONTENTS = (
    ("both-ways", "Both ways"),
    ("differences", "Differences"),
    ("learning", "While training"),
    ("relation", "Relation or association?"),
    ("relations", "Relation by relation"),
    ("examples", "Examples"),
    ("scope", "What was tested"),
    ("settings", "Settings"),
    ("repeat", "Repeat it"),
)

FLIP_TITLE = "Asked under another relation, where “expected” is the partner a model should not name"


def write_report(folder: Path) -> Path:
    """Write `report.html` and `figures/` into a comparison folder and return the page's path.

    Raises:
        RunError: the folder is no comparison folder, or one of its files cannot be read.
    """
    data = read_comparison(folder)
    page = fill("report.html.jinja", {**context(data), "plots": write_figures(data)})
    write_text(folder / "report.html", page)
    return folder / "report.html"


def context(data: Comparison) -> dict[str, Any]:
    """Gather everything the template names."""
    summary = data.summary
    arms = [filled(arm) for arm in summary["arms"]]
    first, lede = words.headline(summary)
    relations = [row for row in summary.get("relations") or [] if row.get("accuracy") is not None]
    return {
        **helpers(),
        "headline": first + ".",
        "lede": lede,
        "contents": CONTENTS,
        "run": Path(str(summary.get("run") or data.folder.name)).name,
        "facts": {
            **dict.fromkeys(("facts", "entities"), 0),
            "name": "",
            "source": "",
            "hash": "",
            **(summary.get("facts") or {}),
        },
        "arms": arms,
        "kinds": {kind: words.KINDS[kind] for kind in words.shown_kinds(arms)},
        "asked": {query.kind for query in data.exam.queries if query.split == "test"},
        "baselines": baseline_rows(summary),
        "differences": [row for row in summary.get("differences") or [] if row.get("difference") is not None],
        "unknown": unknown_reasons(arms),
        "more_relations": max(0, len(most_asked(relations)) - MAX_RELATIONS),
        "examples": [part for arm in arms if (part := arm_examples(arm["arm"], data.results, data.exam))],
        "counts": counts(data),
        "leak": words.LEAKS.get(data.exam.leak, f"Leak level: {data.exam.leak}."),
        "notes": data.exam.notes,
        "notices": data.exam.facts.notices,
        "failures": data.failures,
        "planned": len(data.manifest),
        "findings": data.findings,
        "settings": flat(data.comparison.get("settings") or summary.get("settings") or {}),
        "versions": flat(data.comparison.get("versions") or summary.get("versions") or {}),
        "command": unbroken_words(data.comparison.get("command") or summary.get("command") or ""),
        "seconds": summary.get("seconds"),
    }


def helpers() -> dict[str, Any]:
    """Return the functions the template writes numbers with."""
    names = ("leaf", "two", "interval", "count", "p_value", "duration", "plural", "role", "share", "why_unknown")
    return {name: getattr(words, name) for name in names} | {
        "name": name,
        "signed": signed,
        "signed_interval": signed_interval,
        "label": lambda kind: words.KINDS[kind].label if kind in words.KINDS else kind,
    }


def signed(value: Number | None) -> str:
    """Write a difference with its sign.

    >>> signed(0.5), signed(0.001)
    ('+0.50', '0.00')
    """
    text = words.two(value)
    if value is None or float(text) == 0:
        return text
    return text.replace("-", "\u2212") if value < 0 else f"+{text}"


def signed_interval(low: Number | None, high: Number | None) -> str:
    """Write an interval of differences."""
    return words.NOTHING if low is None or high is None else f"[{signed(low)}, {signed(high)}]"


def filled(arm: Mapping[str, Any]) -> dict[str, Any]:
    """Return an arm with every leaf the page shows, null where the summary has none."""
    flip = ("blind", "blind_low", "blind_high", "specific", "specific_low", "specific_high", "n", "why")
    return {
        **dict.fromkeys(("objective", "mitigation", "seeds", "failed", "held_out_nll", "known_at", "steps", "seconds")),
        **arm,
        "flip": {**dict.fromkeys(flip), **(arm.get("flip") or {})},
    }


def unknown_reasons(arms: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[str]]]:
    """Group the arms whose relation column cannot tell by the reason."""
    groups: dict[str, list[str]] = {}
    for arm in arms:
        if words.leaf(arm, "flip", "specific") is None and words.why_unknown(arm):
            groups.setdefault(words.why_unknown(arm), []).append(arm["arm"])
    return list(groups.items())


def counts(data: Comparison) -> list[tuple[str, str]]:
    """Return the sizes that say what the exam covers."""
    facts = data.summary.get("facts") or {}
    named = (("facts", "Facts"), ("entities", "Entities"), ("relations", "Relations"), ("isolated", "Tested, isolated"),
             ("partner", "Tested, partner"), ("withheld", "Withheld from all"))  # fmt: skip
    named += (("implied", "Asked, never stated"),) if facts.get("implied") else ()
    found = [(label, words.count(facts.get(name))) for name, label in named]
    for split, label in (("test", "Test questions"), ("dev", "Development questions")):
        found.append((label, words.count(sum(query.split == split for query in data.exam.queries))))
    return found


def arm_examples(arm: str, results: pandas.DataFrame, exam: Exam) -> dict[str, Any] | None:
    """Return right and wrong answers of an arm's lowest finished seed, by kind; None where it has none."""
    mine = results[(results["arm"] == arm) & (results["split"] == "test")]
    if mine.empty:
        return None
    seed = mine["seed"].min()
    mine = mine[mine["seed"] == seed].drop_duplicates("query").sort_values("query")
    groups = []
    for kind in (*words.KINDS, "flip"):
        rows = mine[mine["kind"] == kind]
        chosen = [
            *rows[rows["correct"]].head(MAX_EXAMPLES).itertuples(),
            *rows[~rows["correct"]].head(MAX_EXAMPLES).itertuples(),
        ]
        if chosen:
            title = FLIP_TITLE if kind == "flip" else words.KINDS[kind].label.capitalize()
            groups.append({"title": title, "rows": [example(row, kind, exam) for row in chosen]})
    return {"arm": arm, "seed": seed, "groups": groups} if groups else None


def example(row: Any, kind: str, exam: Exam) -> dict[str, Any]:
    """Return one answered question as the page shows it."""
    query = exam.queries[int(row.query)]
    good = bool(row.correct) != (kind == "flip")
    verdict = ("✓ right", "✗ wrong") if kind != "flip" else ("✓ not repeated", "✗ repeated")
    wrote = row.completion if isinstance(row.completion, str) else ""
    return {
        "prompt": query.prompt,
        "expected": query.answer,
        "wrote": wrote or "(nothing)",
        "rank": None if pandas.isna(row.rank) else float(row.rank),
        "good": good,
        "verdict": verdict[0] if good else verdict[1],
    }
