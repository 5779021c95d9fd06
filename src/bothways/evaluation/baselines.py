"""Shallow baselines: what can be scored without knowing the facts. Every table carries them."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bothways.facts.graph import wording_key
from bothways.facts.wording import ORDERS, orders, templates_of
from bothways.types import Exam, Kind, Query

ASKED: tuple[Kind, ...] = ("forward", "reverse_tested", "reverse_partner")


@dataclass(frozen=True, slots=True)
class Baseline:
    """The expected accuracy of one shallow guess on one kind of test question."""

    baseline: str
    kind: Kind
    accuracy: float


def shallow_baselines(exam: Exam) -> list[Baseline]:
    """Return chance, the most frequent answer, and copied words, for each kind of test question.

    Other truths are set aside as they are for a model; where a guess ties, the expected accuracy counts.
    """
    frequent = answer_counts(exam)
    guesses: Mapping[str, Callable[[Query, Sequence[str]], Sequence[str]]] = {
        "chance": lambda query, pool: pool,
        "most_frequent": lambda query, pool: best(pool, lambda name: frequent[query.relation, query.asks][name]),
        "copied_words": lambda query, pool: best(pool, lambda name: len(words(name) & words(cue_of(query)))),
    }
    found = []
    for kind in ASKED:
        queries = [q for q in exam.queries if q.kind == kind and q.split == "test"]
        for name, guess in guesses.items() if queries else ():
            right = [_expected(query, guess(query, candidates(exam, query))) for query in queries]
            found.append(Baseline(name, kind, sum(right) / len(right)))
    return found


def cue_of(query: Query) -> str:
    """Return the entity a question gives."""
    return query.prompt[query.cue.start : query.cue.end]


def candidates(exam: Exam, query: Query) -> list[str]:
    """Return the candidates a guess may name: no other truth, and not the cue itself."""
    aside = {*query.other_truths, cue_of(query)} - {query.answer}
    return [name for name in exam.candidates[query.candidates] if name not in aside]


def answer_counts(exam: Exam) -> dict[tuple[str, str], Counter[str]]:
    """Return how often each entity answers each wording in the base text, by relation and asked side."""
    by_wording: dict[str, Counter[str]] = defaultdict(Counter)
    wordings: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, relation in exam.facts.relations.items():
        for order in ORDERS:
            asks = "tail" if order == "head_first" else "head"
            wordings[name, asks] = [wording_key(t, asks) for t in templates_of(relation, order)]
    for fact in exam.facts.facts:
        for order in orders(fact):
            asks, answer = ("tail", fact.tail) if order == "head_first" else ("head", fact.head)
            for key in wordings[fact.relation, asks]:
                by_wording[key][answer] += 1
    return defaultdict(
        Counter, {slot: sum((by_wording[key] for key in keys), Counter()) for slot, keys in wordings.items()}
    )


def words(name: str) -> set[str]:
    """Return the words of a name, in lower case.

    >>> sorted(words("Mary Lee-Pfeiffer"))
    ['lee', 'mary', 'pfeiffer']
    """
    return set(re.findall(r"\w+", name.lower()))


def best(pool: Sequence[str], score: Callable[[str], int]) -> list[str]:
    """Return every candidate with the highest score."""
    scores = [score(name) for name in pool]
    top = max(scores, default=0)
    return [name for name, value in zip(pool, scores, strict=True) if value == top]


def _expected(query: Query, guesses: Sequence[str]) -> float:
    return 1 / len(guesses) if query.answer in guesses else 0.0
