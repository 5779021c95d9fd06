"""Both directions while training: accuracies on the development questions, handed to the loop as a callable."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from bothways.tensors import LanguageModel, Objective
from bothways.types import Exam, QueryScore

PER_KIND = 100
"""How many development questions of a kind a measurement asks."""
KINDS = ("forward", "reverse_tested", "reverse_partner", "reverse_stated", "implied")


def measure_directions(
    model: LanguageModel, objective: Objective, *, ask: Callable[..., list[QueryScore]], exam: Exam
) -> dict[str, float]:
    """Return the accuracy on development questions by kind; kinds without questions are left out."""
    chosen = development_queries(exam)
    scores = ask(model, objective, queries=chosen, ranks=False)
    right: dict[str, list[bool]] = defaultdict(list)
    for score in scores:
        right[exam.queries[score.query].kind].append(score.correct)
    return {kind: round(sum(found) / len(found), 4) for kind, found in right.items()}


def development_queries(exam: Exam) -> Sequence[int]:
    """Return up to `PER_KIND` development questions of each kind, spread over the exam."""
    chosen: list[int] = []
    for kind in KINDS:
        found = [n for n, q in enumerate(exam.queries) if q.kind == kind and q.split == "dev"]
        step = max(1, len(found) // PER_KIND)
        chosen += found[::step][:PER_KIND]
    return chosen
