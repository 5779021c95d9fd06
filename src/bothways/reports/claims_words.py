"""Claims and verdicts in plain words: for a page, for Markdown, for a terminal. Standard library only."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bothways.reports.words import number, plural

Claimed = Mapping[str, Any]
"""A claim as `claims.json` has it."""


@dataclass(frozen=True, slots=True)
class VerdictWords:
    """How a verdict is written and explained; its sign tells it from others without colour."""

    sign: str
    label: str
    legend: str
    look: str = ""

    def __str__(self) -> str:
        """Return sign and label, which no line break parts."""
        return f"{self.sign}\u00a0{self.label}"


VERDICTS: Mapping[str, VerdictWords] = {
    "reproduced": VerdictWords("✓", "reproduced", "the whole interval lies in the region.", "right"),
    "partly": VerdictWords(
        "◐",
        "partly",
        "the estimate lies in the region and its interval reaches out of it, or a further quantity of the claim fails.",
    ),
    "not_reproduced": VerdictWords(
        "○", "not reproduced", "the estimate lies outside the region, its interval reaches into it."
    ),
    "contradicted": VerdictWords("✗", "contradicted", "the whole interval lies outside the region.", "wrong"),
    "not_testable": VerdictWords("–", "not testable", "nothing was measured; the claim says why."),  # noqa: RUF001
}

SURE: Mapping[str, str] = {
    "high": "the source is sure",
    "medium": "the source is fairly sure",
    "low": "the source is unsure",
    "ours": "our own question",
}

SCALES: Mapping[str, str] = {"same": "at the scale of the source", "smaller": "at a smaller scale than the source"}


def verdict_words(verdict: str) -> VerdictWords:
    """Return the words of a verdict; one that is none stands for itself."""
    return VERDICTS.get(verdict) or VerdictWords("?", verdict, "")


def says_verdicts(rows: Sequence[Claimed]) -> str:
    """Say how many claims came out how.

    >>> says_verdicts([{"verdict": "reproduced"}, {"verdict": "reproduced"}, {"verdict": "not_testable"}])
    '2 of 3 claims are reproduced, 1 not testable'
    """
    if not rows:
        return "No claim was made"
    n = Counter(row["verdict"] for row in rows)
    verb = "is" if (n["reproduced"] < 2 and len(rows) == 1) or n["reproduced"] == 1 else "are"
    first = f"{n['reproduced'] or 'none'} of {plural(len(rows), 'claim')} {verb}"
    others = [f"{n[name]} {words.label}" for name, words in VERDICTS.items() if name != "reproduced" and n[name]]
    sentence = ", ".join([f"{first} reproduced", *others])
    return sentence[0].upper() + sentence[1:]


def around(row: Claimed) -> str:
    """Write the interval of a claim or of one of its parts, nothing where there is none."""
    low, high = row.get("low"), row.get("high")
    return "" if low is None or high is None else f"[{number(low)}, {number(high)}]"


def estimate(row: Claimed) -> str:
    """Return our value with its interval; a dash where there is none."""
    return f"{number(row.get('ours'))} {around(row)}".strip()


def sorted_rows(rows: Iterable[Claimed]) -> list[Claimed]:
    """Return claims by family, then letter, then number; families in the order they first come.

    >>> [row["id"] for row in sorted_rows([{"id": i} for i in ("TD-10", "MD-T1", "TD-2", "MD-3")])]
    ['TD-2', 'TD-10', 'MD-3', 'MD-T1']
    """
    rows = list(rows)
    families = list(dict.fromkeys(id_parts(row["id"])[0] for row in rows))
    return sorted(rows, key=lambda row: (families.index(id_parts(row["id"])[0]), *id_parts(row["id"])[1:]))


def id_parts(name: str) -> tuple[str, str, int, str]:
    """Return family, letter, number and rest of an id."""
    found = re.match(r"([^-]*)-?([A-Za-z]*)(\d{0,9})(.*)", name, re.DOTALL)
    assert found is not None, "every group may be empty"
    family, letter, digits, rest = found.groups()
    return family, letter, int(digits or 0), rest


def code_spans(text: str) -> list[tuple[bool, str]]:
    """Split a text at its `code`; each part says whether it is code.

    >>> code_spans("run `ls` here")
    [(False, 'run '), (True, 'ls'), (False, ' here')]
    """
    parts = re.split(r"`([^`]+)`", text)
    return [(bool(index % 2), part) for index, part in enumerate(parts) if part]
