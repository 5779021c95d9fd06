"""Shallow baselines: what can be scored without knowing the facts. Every table carries them."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bothways.facts.wording import ORDERS, OneOrder, asked_by, last_named, orders, wordings
from bothways.types import Exam, Kind, Query

ASKED: tuple[Kind, ...] = ("forward", "reverse_tested", "reverse_partner", "implied")


@dataclass(frozen=True, slots=True)
class Baseline:
    """The expected accuracy of one shallow guess on one kind of test question."""

    baseline: str
    kind: str
    accuracy: float


@dataclass(frozen=True)
class Guesser:
    """Scores all candidates of one pool at once, by what needs no knowledge of the facts."""

    names: Sequence[str]

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each candidate stands."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def _sharing(self) -> dict[str, list[int]]:
        """Where the candidates stand that have a word."""
        found: dict[str, list[int]] = defaultdict(list)
        for i, name in enumerate(self.names):
            for word in words(name):
                found[word].append(i)
        return found

    def by_words(self, cue: str) -> np.ndarray:
        """Return how many words each candidate shares with the cue."""
        score_C = np.zeros(len(self.names))
        for word in words(cue):
            score_C[self._sharing.get(word, [])] += 1
        return score_C

    def by_count(self, counts: Mapping[str, int]) -> np.ndarray:
        """Return how often each candidate is the answer."""
        score_C = np.zeros(len(self.names))
        for name, n in counts.items():
            if name in self.place:
                score_C[self.place[name]] = n
        return score_C

    def expected(self, score_C: np.ndarray, query: Query) -> float:
        """Return how likely the best-scored candidate is the answer, ties broken at random.

        Other truths are set aside as they are for a model, and so is the cue, which no guesser would name.
        """
        open_C = np.ones(len(self.names), bool)
        aside = {*query.other_truths, cue_of(query)} - {query.answer}
        open_C[[self.place[name] for name in aside if name in self.place]] = False
        top = score_C[open_C].max()
        return float((score_C[self.place[query.answer]] == top) / (score_C[open_C] == top).sum())


def shallow_baselines(exam: Exam) -> list[Baseline]:
    """Return chance, the most frequent answer, and copied words, for each kind of test question.

    Each is the mean over questions of `Guesser.expected`: chance scores all candidates the same.
    """
    guessers = {name: Guesser(pool) for name, pool in exam.candidates.items()}
    counts = answer_counts(exam)
    by_count = {
        key: guessers[key[0]].by_count(counts[key[1:]])
        for key in {(q.candidates, q.relation, q.asks) for q in exam.queries}
    }
    guesses: Mapping[str, Callable[[Query], np.ndarray]] = {
        "chance": lambda q: np.zeros(len(exam.candidates[q.candidates])),
        "most_frequent": lambda q: by_count[q.candidates, q.relation, q.asks],
        "copied_words": lambda q: guessers[q.candidates].by_words(cue_of(q)),
    }
    found: list[Baseline] = []
    others = dict.fromkeys(q.kind for q in exam.queries if q.kind not in (*ASKED, "reverse_stated", "flip"))
    for kind in (*ASKED, *others):
        queries = [q for q in exam.queries if q.kind == kind and q.split == "test"]
        for name, guess in guesses.items() if queries else ():
            right = [guessers[q.candidates].expected(guess(q), q) for q in queries]
            found.append(Baseline(name, kind, sum(right) / len(right)))
    return found


def cue_of(query: Query) -> str:
    """Return the entity a question gives."""
    return query.prompt[query.cue.start : query.cue.end]


def answer_counts(exam: Exam) -> dict[tuple[str, str], Counter[str]]:
    """Return how often each entity answers each wording in the base text, by relation and asked side."""
    by_wording: dict[str, Counter[str]] = defaultdict(Counter)
    relations = exam.facts.relations
    said: dict[tuple[str, OneOrder], set[str]] = {
        (name, order): wordings(relations[name], order) for name in relations for order in ORDERS
    }
    for fact in exam.facts.facts:
        for order in orders(fact):
            for key in said[fact.relation, order]:
                by_wording[key][last_named(fact, order)] += 1
    return {
        (name, asked_by(order)): sum((by_wording[key] for key in sorted(keys)), Counter[str]())
        for (name, order), keys in said.items()
    }


def words(name: str) -> set[str]:
    """Return the words of a name, in lower case.

    >>> sorted(words("Mary Lee-Pfeiffer"))
    ['lee', 'mary', 'pfeiffer']
    """
    return set(re.findall(r"\w+", name.lower()))
