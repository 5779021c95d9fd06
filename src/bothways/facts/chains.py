"""Implied questions and the questions that write them out: a chain of thought, step by step."""

from collections import defaultdict
from dataclasses import dataclass

from bothways.facts.wording import orders
from bothways.types import Exam


@dataclass(frozen=True, slots=True)
class ChainOfQuestions:
    """An implied question and two stated ones that lead from its cue to its answer, as indices into the exam."""

    implied: int
    first: int
    """Its cue is the implied question's; its answer is the second one's cue."""
    second: int
    """Its answer is the implied question's."""


def find_chains(exam: Exam) -> list[ChainOfQuestions]:
    """Return every implied question that two stated questions of its split write out.

    A model that answers both could write the step between, and with it the answer that it may not give at once.
    A claim combines their scores: the chain is right where both are.
    """
    queries, facts = exam.queries, exam.facts.facts
    stated = [n for n, q in enumerate(queries) if q.kind == "forward" and "head_first" in orders(facts[q.fact])]
    after: dict[tuple[str, str], list[int]] = defaultdict(list)
    for n in stated:
        after[facts[queries[n].fact].head, queries[n].split].append(n)
    return [
        ChainOfQuestions(n, first, second)
        for n, q in enumerate(queries)
        if q.kind == "implied"
        for first in after[facts[q.fact].head, q.split]
        for second in after[queries[first].answer, q.split]
        if queries[first].answer != q.answer == queries[second].answer
    ]
