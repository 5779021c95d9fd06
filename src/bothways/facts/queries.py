"""From settled facts to questions: which are asked, in which split, among which candidates."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

import numpy as np

from bothways.facts.graph import Slot, pools
from bothways.facts.strata import shuffled
from bothways.facts.wording import ORDERS, OneOrder, Question, Wording, asked_by, first_named, opposite, question
from bothways.types import Fact, FactSet, Kind, Query, Split

SPLITS: tuple[Split, Split] = ("dev", "test")


def mostly_true(truths: Collection[str], n_candidates: int) -> bool:
    """Whether more than half of the candidates are true answers: naming one of them shows nothing."""
    return 2 * len(truths) > n_candidates


@dataclass
class QueryWriter:
    """Turns settled facts into questions.

    A cluster is in one split with all its questions, whatever their kind: development never sees a fact of the test.
    """

    facts: FactSet
    """The facts of the base text, their orders settled."""
    truths: Mapping[str, set[str]]
    """Every true answer to each prompt, trained or withheld."""
    wording: Wording
    clusters: Mapping[str, int]
    types: Mapping[Slot, int]
    random: np.random.Generator
    dev: float
    """Share of the clusters that are for development."""
    most: int
    """Most questions of one kind in one split."""
    any_wording: bool = False
    """Whether a question in words that no statement uses can be understood all the same."""
    notes: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self._pools = pools(self.facts.facts, self.types)
        self._splits: dict[int, Split] = {}
        self._sorted: dict[str, list[str]] = {}

    def write(self, tested: Sequence[int]) -> list[Query]:
        """Return all questions: forward and reverse, then a flip for each tested reverse question, then the implied."""
        implied = [i for i, fact in enumerate(self.facts.facts) if fact.stated == "never"]
        everything = [i for i, fact in enumerate(self.facts.facts) if fact.stated != "never"]
        kinds = self._kinds(tested)
        reverse: list[Query] = []
        for kind in ("reverse_tested", "reverse_partner"):
            members = [i for i in tested if kinds.get(i) == kind]
            self._divide(members)
            reverse += self._ask_some(kind, members)
        flips = [self._flip(query) for query in reverse]
        self._divide(implied)
        self._divide(everything)
        support = [i for i in everything if self.facts.facts[i].stated == "both"]
        first = [i for i in tested if i in kinds] + self._steps(implied)
        forward, stated = self._ask_some("forward", everything, first), self._ask_some("reverse_stated", support)
        made = [replace(flip, of=len(forward) + n) for n, flip in enumerate(flips) if flip is not None]
        return [*forward, *reverse, *stated, *made, *self._ask_some("implied", implied)]

    def _steps(self, implied: Sequence[int]) -> list[int]:
        """Return the stated facts that could imply others: those of their clusters."""
        near = {self.clusters[self.facts.facts[i].head] for i in implied}
        facts = self.facts.facts
        return [i for i, fact in enumerate(facts) if fact.stated != "never" and self.clusters[fact.head] in near]

    def _kinds(self, tested: Sequence[int]) -> dict[int, Kind]:
        """Return the kind of each tested fact's reverse question, and note which are not asked.

        A question in words that no statement uses cannot be understood by anybody: it is asked only if all are so.
        """
        kinds: dict[int, Kind] = {}
        unsaid: dict[int, Kind] = {}
        for i in tested:
            fact = self.facts.facts[i]
            order = opposite(fact)
            asked = question(self.facts.relations[fact.relation], fact, order)
            assert asked is not None
            pair = (asked.cue.entity, asked.answer)
            assert pair not in self.wording.ordered_pairs, "a tested pair is stated in the tested order"
            stratum = self.wording.stratum(fact.relation, order, asked)
            if stratum is not None:
                group = kinds if self.any_wording or self.wording.targets.get(asked.key) else unsaid
                group[i] = "reverse_tested" if stratum == "isolated" else "reverse_partner"
        for name, n in Counter(self.facts.facts[i].relation for i in unsaid).items():
            what = f"{n} questions are not asked" if kinds else f"its {n} questions show no more than that"
            self.notes.append(f"{name}: its reverse wording is never stated, so it cannot be understood; {what}.")
        if mixed := len(tested) - len(kinds) - len(unsaid):
            self.notes.append(f"{mixed} questions are not asked: their answer is a target in reverse, in other words.")
        return kinds or unsaid

    def _divide(self, indices: Iterable[int]) -> None:
        """Put the clusters of facts into the splits, those that are in one already left out; never all into dev."""
        found = dict.fromkeys(self.clusters[first_named(self.facts.facts[i])] for i in indices)
        new = [cluster for cluster in found if cluster not in self._splits]
        n_dev = min(round(self.dev * len(new)), max(len(new) - 1, 0))
        for place, cluster in enumerate(shuffled(new, self.random)):
            self._splits[cluster] = "dev" if place < n_dev else "test"

    def _ask_some(self, kind: Kind, members: Sequence[int], first: Sequence[int] = ()) -> list[Query]:
        """Ask about facts drawn at random, up to the limit of each split; up to half of them about the `first`."""
        asked: list[Query] = []
        for split in SPLITS:
            here = {i for i in members if self._splits[self.clusters[first_named(self.facts.facts[i])]] == split}
            front = shuffled(sorted(here & set(first)), self.random)[: self.most // 2]
            drawn = [*front, *shuffled(sorted(here - set(front)), self.random)]
            queries = (self._ask(i, kind, split) for i in drawn)
            kept = list(islice((query for query in queries if query is not None), self.most))
            if len(kept) == self.most < len(here):
                self.notes.append(f"{kind} ({split}): {self.most} of {len(here)} questions are asked.")
            asked += kept
        return sorted(asked, key=lambda query: query.fact)

    def _ask(self, i: int, kind: Kind, split: Split) -> Query | None:
        fact = self.facts.facts[i]
        order: OneOrder = "tail_first" if (fact.stated == "tail_first") == (kind == "forward") else "head_first"
        order = "head_first" if kind == "implied" else order
        asked = question(self.facts.relations[fact.relation], fact, order)
        if asked is None:
            return None
        number = self.types[fact.relation, asked.asks]
        if mostly_true(self.truths[asked.prompt], len(self._pools[number])):
            return None
        return Query(
            prompt=asked.prompt,
            cue=asked.cue,
            answer=asked.answer,
            aliases=fact.aliases if asked.asks == "tail" else (),
            other_truths=tuple(name for name in self._sorted_truths(asked.prompt) if name != asked.answer),
            candidates=pool_name(number),
            fact=i,
            asks=asked.asks,
            stated=fact.stated in ("both", order),
            kind=kind,
            split=split,
            relation=fact.relation,
            cluster=self.clusters[first_named(fact)],
            ends=asked.ends,
        )

    def _sorted_truths(self, prompt: str) -> list[str]:
        if prompt not in self._sorted:
            self._sorted[prompt] = sorted(self.truths[prompt])
        return self._sorted[prompt]

    def _flip(self, query: Query) -> Query | None:
        """Ask the same cue under a relation that fits cue and answer by their types while the answer is false.

        Questions that some statement completes with another partner come first: to them the cue has a true answer
        that a model could know. `stated` says whether it is one.
        """
        cue = str(query.cue.entity)
        cue_type = self.types[query.relation, "head" if query.asks == "tail" else "tail"]
        options: dict[str, tuple[bool, Question]] = {}
        for relation in self.facts.relations.values():
            for order in ORDERS:
                given, asks = asked_by("tail_first" if order == "head_first" else "head_first"), asked_by(order)
                fact = Fact(cue, relation.name, "?") if order == "head_first" else Fact("?", relation.name, cue)
                asked = question(relation, fact, order)
                fits = self.types.get((relation.name, given)) == cue_type
                fits = fits and pool_name(self.types.get((relation.name, asks))) == query.candidates
                if asked is not None and fits and query.answer not in self.truths.get(asked.prompt, ()):
                    options[asked.prompt] = (asked.prompt in self.wording.stated_prompts, asked)
        told = {prompt for prompt, (stated, _) in options.items() if stated}
        usable = sorted(told or set(options))
        if not usable:
            return None
        asked = options[usable[int(self.random.integers(len(usable)))]][1]
        return replace(
            query, prompt=asked.prompt, cue=asked.cue, ends=asked.ends, kind="flip", stated=bool(told), other_truths=()
        )

    def candidate_pools(self, queries: Sequence[Query], most: int) -> dict[str, tuple[str, ...]]:
        """Return the pools the questions name: entities the base text names, by type.

        Args:
            queries: all of the exam's.
            most: candidates to draw for a pool, 0 for all; the answers asked for are always among them.
        """
        used = {query.candidates for query in queries}
        found = {pool_name(number): pool for number, pool in self._pools.items()}
        return {
            name: self._shrink(pool, most, {q.answer for q in queries if q.candidates == name}) if most else pool
            for name, pool in found.items()
            if name in used
        }

    def _shrink(self, pool: Sequence[str], most: int, answers: set[str]) -> tuple[str, ...]:
        drawn = set(self.random.permutation(len(pool))[:most].tolist())
        return tuple(name for i, name in enumerate(pool) if i in drawn or name in answers)


def pool_name(number: int | None) -> str:
    """Return the name of the pool of one type."""
    return f"type {number}"
