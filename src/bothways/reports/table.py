"""The both-ways table as plain text, for a terminal. Standard library only, so that it prints at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from bothways.reports.escape import fold
from bothways.reports.words import KINDS, NOTHING, interval, leaf, plural, share, shown_kinds, two

LEFT_OUT = "reverse_stated"
"""The kind of question for which there is no room."""
NAME_WIDTH = 22
"""Of the first column, where all names fit; longer ones up to `WIDEST_NAME` widen it, others wrap."""
WIDEST_NAME = 44
CELL_WIDTH = len("0.00 [0.00, 0.00]")

LEGEND = (
    ("forward", "asked in the order training stated the fact: read 'A is B', asked 'A is ...'."),
    ("reverse (isolated)", "asked in the other order, never stated, with an answer no reversed sentence had."),
    ("reverse (partner)", "the same, but training gave this answer to that reversed sentence elsewhere."),
    ("implied", "never stated in either order, but follows from what is, or stands in the question."),
    ("relation", "right, and not repeated when another relation is asked: knows which relation."),
    ("[low, high]", "95 % interval. Numbers are shares of questions answered right; 1.00 is all."),
    ("below the line", "what answering without any model gives."),
)


def terminal_table(summary: Mapping[str, Any]) -> str:
    """Return arms and baselines against both directions, at most 100 columns wide unless names of arms are long.

    Args:
        summary: the object in `summary.json`.

    >>> score = {"accuracy": 1.0, "low": 0.99, "high": 1.0}
    >>> print(terminal_table({"arms": [{"arm": "causal", "forward": score}]}).splitlines()[2][:41])
    causal                  1.00 [0.99, 1.00]
    """
    kinds = [kind for kind in shown_kinds(summary["arms"]) if kind != LEFT_OUT]
    headers = [*(KINDS[kind].label for kind in kinds), "relation"]
    lengths = [len(arm_name(arm)) for arm in summary["arms"]]
    width = max([NAME_WIDTH, *(length for length in lengths if length <= WIDEST_NAME)])
    lines = row_lines(["arm", *headers], headers, width)
    rule = "-" * len(lines[0])
    lines.append(rule)
    for arm in summary["arms"]:
        cells = [arm_name(arm), *(score_cell(arm, kind) for kind in kinds), relation_cell(arm)]
        lines += row_lines(cells, headers, width)
    baselines = baseline_rows(summary)
    lines += [rule] if baselines else []
    for name, accuracies in baselines.items():
        lines += row_lines([name, *(share(accuracies.get(kind)) for kind in kinds), NOTHING], headers, width)
    reasons = dict.fromkeys(leaf(arm, "flip", "why") for arm in summary["arms"])
    lines += ["", *(line for reason in reasons if reason for line in fold(f"relation: {reason}", len(rule)))]
    hidden = {words.label for words in KINDS.values()} - set(headers)
    legend = [line for line in (LEGEND if baselines else LEGEND[:-1]) if line[0] not in hidden]
    return "\n".join([*lines, *([""] if lines[-1] else []), *(f"{term:<18}  {words}" for term, words in legend)])


def arm_name(arm: Mapping[str, Any]) -> str:
    """Return an arm's name, with how many of its runs failed."""
    failed = arm.get("failed") or 0
    return str(arm["arm"]) + (f" ({plural(failed, 'run')} failed)" if failed else "")


def score_cell(arm: Mapping[str, Any], kind: str) -> str:
    """Return accuracy and interval of one kind of question."""
    return f"{two(leaf(arm, kind, 'accuracy'))} {interval(leaf(arm, kind, 'low'), leaf(arm, kind, 'high'))}".strip()


def relation_cell(arm: Mapping[str, Any]) -> str:
    """Return how often an arm's reverse answers follow the relation, or that this cannot be told."""
    specific = leaf(arm, "flip", "specific")
    if specific is None:
        return "cannot tell" if leaf(arm, "flip", "why") else NOTHING
    return f"{two(specific)} {interval(leaf(arm, 'flip', 'specific_low'), leaf(arm, 'flip', 'specific_high'))}".strip()


def baseline_rows(summary: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return each baseline's accuracy by kind, in the order of the summary, its name in plain words."""
    rows: dict[str, dict[str, Any]] = {}
    for row in summary.get("baselines") or []:
        rows.setdefault(row["baseline"].replace("_", " "), {})[row["kind"]] = row.get("accuracy")
    return rows


def row_lines(cells: Sequence[str], headers: Sequence[str], width: int) -> list[str]:
    """Set one row: the name to the left, wrapped where it is long, numbers to the right."""
    names = fold(cells[0], width)
    widths = (max(len(header), CELL_WIDTH) for header in headers)
    numbers = "".join(f"  {cell:>{wide}}" for cell, wide in zip(cells[1:], widths, strict=True))
    return [f"{names[0]:<{width}}{numbers}".rstrip(), *names[1:]]
