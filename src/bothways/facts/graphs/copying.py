"""What questions in a context give to who copies a name out of it and understands nothing."""

from collections.abc import Mapping
from statistics import fmean

from bothways.types import Exam, Query


def copying(exam: Exam) -> Mapping[str, float]:
    """Return the share of right answers in context of four ways to copy the name of another person than the given one.

    `last` names the one who was named last, `first` the one who was named first, `often` the one who was named most
    often (the last of these), and `any` draws one: association alone gives as much.

    Raises:
        ValueError: the exam asks nothing in a context.
    """
    asked = [q for q in exam.queries if q.kind.startswith("context_") and not q.kind.endswith("_copy")]
    found = [copied(query, exam.candidates[query.candidates]) for query in asked]
    return {name: fmean(row[name] for row in found) for name in ("last", "first", "often", "any")}


def copied(query: Query, people: tuple[str, ...]) -> Mapping[str, float]:
    """Return how right each way to copy is for one question."""
    before = query.prompt[: query.cue.start]
    others = [name for name in people if name != query.cue.entity]
    last = max(others, key=before.rfind)
    first = min(others, key=before.find)
    often = max(others, key=lambda name: (before.count(name), before.rfind(name)))
    right = {
        name: float(chosen == query.answer) for name, chosen in (("last", last), ("first", first), ("often", often))
    }
    return right | {"any": 1 / len(others)}
