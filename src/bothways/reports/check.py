"""What `data check` prints: what can be tested, what cannot, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 30
"""Relations a table lists; the rest is counted."""
LEVELS = {
    "bridge": "every tested pair is a bridge: without it, nothing connects cue and answer.",
    "connected": "cue and answer stay connected through other entities; only facts about their own pair are held out.",
}


def check_text(check: Mapping[str, Any]) -> str:
    """Return the findings of `data check`, given as plain data, in words and one table."""
    facts = check["facts"]
    names = {name for fact in facts["facts"] for name in (fact["head"], fact["tail"])}
    lines = [f"{len(facts['facts'])} facts about {len(names)} entities in {len(check['relations'])} relations"]
    lines += [f"  {notice}" for notice in facts["notices"]]
    lines += ["", *table(check["relations"]), ""]
    if check["testable"]:
        isolated = sum(row["isolated"] for row in check["relations"])
        partner = sum(row["partner"] for row in check["relations"])
        lines.append(f"Tested in reverse: {isolated} isolated and {partner} beside a partner (development and test).")
        if implied := sum(row["implied"] for row in check["relations"]):
            lines.append(f"Asked without being stated in either order: {implied} implied facts (development and test).")
        lines.append(f"Leak level '{check['leak']}': {LEVELS.get(check['leak'], '')}")
        lines.append(flip_line(check["flips"], isolated + partner))
        lines += [
            f"Baseline {row['baseline']} scores {row['accuracy']:.2f} on {row['kind']}." for row in check["baselines"]
        ]
    lines += [f"Note: {text}" for text in check["notes"]]
    lines += [mined_line(pattern) for pattern in check["mined"]]
    return "\n".join(lines)


def flip_line(flips: int, asked: int) -> str:
    """Say whether relation and association can be told apart."""
    if not flips:
        return (
            "Relation or association: cannot be told, no other relation's question accepts the answer's kind of entity."
        )
    return f"Relation or association: {flips} of {asked} questions can be asked again under another relation."


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return one line per relation."""
    implied = ("implied",) if any(row["implied"] for row in rows) else ()
    header = ("relation", "facts", "kind", "isolated", "partner", *implied, "withheld", "asked in reverse as")
    keys = ("relation", "facts", "kind", "isolated", "partner", *implied, "withheld", "says")
    cells = [header, *([str(row[key]) for key in keys] for row in rows[:SHOWN])]
    widths = [min(40, max(len(row[i]) for row in cells)) for i in range(len(header))]
    lines = [
        "  ".join(cell[:60].ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells
    ]
    return lines + ([f"and {len(rows) - SHOWN} more relations"] if len(rows) > SHOWN else [])


def mined_line(pattern: Mapping[str, Any]) -> str:
    """Say what the data suggest about a relation."""
    what = {"inverse": "the inverse of", "duplicate": "a duplicate of", "symmetric": "symmetric"}[pattern["kind"]]
    other = f" {pattern['other']}" if pattern["kind"] != "symmetric" else ""
    return (
        f"Mined: {pattern['relation']} looks like {what}{other}"
        if other
        else f"Mined: {pattern['relation']} looks {what}"
    ) + f" ({pattern['confidence']:.2f} of {pattern['support']} pairs). Say so in relations.yaml if it is."
