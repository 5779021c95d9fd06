"""An exam of what relations mean to each other, on any facts: what is stated, turned round, and what follows.

Of a tested pair of triples (`withhold.py`) the text states one, in one order. Kinds, `SORT` being `symmetric` or
`inverse`:

    memory_SORT                    pairs told in full: one triple, in one order
    stated_SORT                    tested pairs: the stated triple, in the order in which it is stated
    flipped_SORT                   the same triple in the other order, which no text states
    logic_SORT_forward, _reverse   the triple that follows and is never stated, asked in the order in which the two
                                   entities stand in the stated text, and in the other order
    flip                           the cue of a logic question under another relation, where the partner is wrong

The names are those of the exam of the world of graphs (`graphs/exam.py`), so that one claim can read both.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bothways.errors import BothwaysError, FactsError
from bothways.facts.graph import EntityGraph, Slot, same_sense
from bothways.facts.partners import find_partners
from bothways.facts.queries import mostly_true
from bothways.facts.strata import other, shuffled
from bothways.facts.withhold import TriplePair, Withheld, withhold
from bothways.facts.wording import (
    ORDERS,
    OneOrder,
    Question,
    Wording,
    asked_by,
    find_truths,
    last_named,
    question,
)
from bothways.options import at_least
from bothways.types import Exam, ExamSource, Fact, FactSet, Query


@dataclass(frozen=True, kw_only=True)
class Semantics(ExamSource):
    """Asks whether one triple of a pair follows from the other, by symmetry or by an inverse."""

    tested: float = 0.3
    """Share of the pairs that are tested, of each two partners."""
    most: int = 200
    """Most tested pairs of each two partners."""
    min_pairs: int = 10
    """Partners with fewer pairs that could be tested are told in full."""
    partners: str = ""
    """Partners that the facts do not declare: `relation/inverse`, comma-separated; `spouse/spouse` is symmetric."""
    mine: bool = True
    """Whether partners that the facts show by themselves are taken too."""
    support: int = 3
    """Least number of counterparts that mining takes."""
    confidence: float = 0.75
    """Least share of a relation's pairs that mining wants listed both ways."""
    rest: bool = True
    """Whether facts of relations without a partner are stated too, head first."""
    max_candidates: int = 0
    """Most candidates an answer is ranked among; 0 means everything that stands where the answer does."""

    def __post_init__(self) -> None:
        at_least(0, "0 means all.", max_candidates=self.max_candidates)

    def make(self, facts: FactSet, seed: int) -> Exam:
        """Return the exam of a seed; see `semantics_exam`."""
        return semantics_exam(facts, seed, self)

    def withhold(self, facts: FactSet, seed: int) -> Withheld:
        """Choose the tested pairs of a seed.

        Raises:
            BothwaysError: an option is out of range.
            FactsError: partners are none of the facts' relations, or contradict each other.
        """
        support = self.support if self.mine else len(facts.facts) + 1
        found = find_partners(facts, self.given(), support, self.confidence)
        return withhold(
            facts, found, seed, tested=self.tested, most=self.most, min_pairs=self.min_pairs, rest=self.rest
        )

    def given(self) -> tuple[tuple[str, str], ...]:
        """Return the couples that `partners` names.

        >>> Semantics(partners="part of/has part, spouse/spouse").given()
        (('part of', 'has part'), ('spouse', 'spouse'))

        Raises:
            BothwaysError: one of them is no couple.
        """
        couples: list[tuple[str, str]] = []
        for text in filter(None, (part.strip() for part in self.partners.split(","))):
            one, sign, back = (part.strip() for part in text.partition("/"))
            if not (one and sign and back) or "/" in back:
                raise BothwaysError(
                    f"partners reads relation/inverse,relation/inverse, got '{text}'. "
                    "Write two names, or declare the inverse in relations.yaml."
                )
            couples.append((one, back))
        return tuple(couples)


def semantics_exam(facts: FactSet, seed: int, how: Semantics | None = None) -> Exam:
    """Return the exam of a seed: pairs drawn by it, every question a test question.

    Args:
        facts: any facts whose relations have declared, given or mined inverses or symmetries.
        seed: draws what is tested; the same one gives the same exam.
        how: how much is tested, and which relations are partners.

    Raises:
        FactsError: no pair can be tested (the message says why), or partners contradict each other.
    """
    how = how or Semantics()
    found = how.withhold(facts, seed)
    writer = PairWriter(found, np.random.default_rng([seed, 1]), how.max_candidates)
    queries = writer.write() if found.tested else []
    if not queries:
        raise FactsError(nothing_follows(facts, found))
    return Exam(
        facts=found.facts,
        queries=tuple(queries),
        candidates=writer.pools(queries),
        withheld=found.withheld,
        leak="connected",
        notes=(
            "Of a tested pair of triples one is stated, in one order; its two entities meet in that text.",
            *writer.notes(queries),
        ),
        seed=seed,
    )


def nothing_follows(facts: FactSet, found: Withheld) -> str:
    """Say why an exam would be empty."""
    why = " ".join(count.says() for count in found.counts) or "No relation has an inverse or is symmetric."
    return (
        f"{facts.source or facts.name}: no pair of triples can be tested. {why} "
        "Declare inverses in relations.yaml, or lower min_pairs."
    )


@dataclass
class PairWriter:
    """Turns tested and told pairs into questions."""

    found: Withheld
    random: np.random.Generator
    most: int
    """Candidates to draw for a pool, 0 for all."""

    def __post_init__(self) -> None:
        self.facts = self.found.facts
        self.wording = Wording.of(self.facts)
        self._unasked: Counter[str] = Counter()

    @cached_property
    def truths(self) -> dict[str, set[str]]:
        """Every true answer to each prompt, all names first names."""
        first = self.found.spellings.first
        plain = tuple(Fact(first[f.head], f.relation, first[f.tail]) for f in self.found.everything)
        return find_truths(replace(self.facts, facts=plain))

    @cached_property
    def clusters(self) -> dict[str, int]:
        """Which entities the bootstrap resamples together."""
        all_of = EntityGraph(self.facts.facts)
        return all_of.clusters([self.facts.facts[pair.stated] for pair in self.found.tested])

    @cached_property
    def slots(self) -> dict[Slot, tuple[str, ...]]:
        """Every entity that stands in each slot, by any of the slots that mean the same."""
        found: dict[Slot, dict[str, None]] = defaultdict(dict)
        for fact in self.facts.facts:
            found[self.slot(fact.relation, "head_first")][fact.tail] = None
            found[self.slot(fact.relation, "tail_first")][fact.head] = None
        return {slot: tuple(names) for slot, names in found.items()}

    def slot(self, relation: str, order: OneOrder) -> Slot:
        """Return the first of the slots that mean what a question in this order asks for."""
        return min(same_sense(self.facts.relations[relation], asked_by(order)))

    def write(self) -> list[Query]:
        """Return all questions: of told pairs, of tested ones, and the flips of the logic questions."""
        queries = [query for query in (*self._memory(), *self._of_tested()) if query is not None]
        logic = [(n, query) for n, query in enumerate(queries) if query.kind.startswith("logic_")]
        flips = (self._flip(n, query) for n, query in logic)
        return [*queries, *(flip for flip in flips if flip is not None)]

    def _memory(self) -> Iterator[Query | None]:
        """Ask as many told pairs of each two partners as are tested, in turns of triple and order."""
        wanted = Counter(pair.partners for pair in self.found.tested)
        for n, pair in enumerate(shuffled(self.found.told, self.random)):
            if wanted[pair.partners]:
                wanted[pair.partners] -= 1
                fact = pair.stated if n % 2 else pair.implied
                yield self._ask(f"memory_{pair.partners.sort}", pair, fact, ORDERS[n // 2 % 2], stated=True)

    def _of_tested(self) -> Iterator[Query | None]:
        for pair in self.found.tested:
            sort, fact = pair.partners.sort, self.facts.facts[pair.stated]
            told: OneOrder = "head_first" if fact.stated == "head_first" else "tail_first"
            yield self._ask(f"stated_{sort}", pair, pair.stated, told, stated=True)
            yield self._ask(f"flipped_{sort}", pair, pair.stated, other(told))
            # the implied triple has head and tail exchanged, so the other order of it names the same entity first
            yield self._ask(f"logic_{sort}_forward", pair, pair.implied, other(told))
            yield self._ask(f"logic_{sort}_reverse", pair, pair.implied, told)

    def _ask(self, kind: str, pair: TriplePair, i: int, order: OneOrder, *, stated: bool = False) -> Query | None:
        fact = self.facts.facts[i]
        asked = self._question(fact, order)
        true = self._true(fact, order)
        slot = self.slot(fact.relation, order)
        if mostly_true(true, len(self.slots[slot])):
            self._unasked[kind] += 1
            return None
        return Query(
            prompt=asked.prompt,
            cue=asked.cue,
            answer=asked.answer,
            aliases=self.found.spellings.others(asked.answer),
            other_truths=tuple(sorted(self._names(true) - {asked.answer})),
            candidates=pool_name(slot),
            fact=i,
            asks=asked.asks,
            stated=stated,
            kind=kind,
            split="test",
            relation=fact.relation,
            cluster=self.clusters[self.facts.facts[pair.stated].head],
            ends=asked.ends,
        )

    def _question(self, fact: Fact, order: OneOrder) -> Question:
        asked = question(self.facts.relations[fact.relation], fact, order)
        assert asked is not None, "a pair whose relation cannot be asked is not tested"
        return asked

    def _true(self, fact: Fact, order: OneOrder) -> set[str]:
        """Return the true answers to a fact's question in an order, under first names; its own is among them."""
        first = self.found.spellings.first
        plain = Fact(first[fact.head], fact.relation, first[fact.tail])
        return self.truths[self._question(plain, order).prompt]

    def _names(self, entities: set[str]) -> set[str]:
        return {name for entity in entities for name in self.found.spellings.names[entity]}

    def _flip(self, of: int, query: Query) -> Query | None:
        """Ask the same cue something else, where the partner is wrong but might stand; None if nothing else is told."""
        cue, first = str(query.cue.entity), self.found.spellings.first
        options: list[tuple[Question, str, Slot]] = []
        for relation, order in self._said_of.get(cue, ()):
            blank = Fact(cue, relation, "?") if order == "head_first" else Fact("?", relation, cue)
            slot = self.slot(relation, order)
            asked = question(self.facts.relations[relation], blank, order)
            fits = pool_name(slot) != query.candidates and query.answer in self.slots[slot]
            if asked is not None and fits and first[query.answer] not in self._true_of(cue, relation, order):
                options.append((asked, relation, slot))
        if not options:
            return None
        asked, relation, slot = options[int(self.random.integers(len(options)))]
        return replace(
            query, prompt=asked.prompt, cue=asked.cue, ends=asked.ends, asks=asked.asks, relation=relation, kind="flip",
            stated=True, of=of, other_truths=(), candidates=pool_name(slot),
        )  # fmt: skip

    def _true_of(self, cue: str, relation: str, order: OneOrder) -> set[str]:
        name = self.found.spellings.first[cue]
        blank = Fact(name, relation, "?") if order == "head_first" else Fact("?", relation, name)
        return self.truths[self._question(blank, order).prompt]

    @cached_property
    def _said_of(self) -> dict[str, list[tuple[str, OneOrder]]]:
        """Return in which relations and orders a text names each entity first."""
        found: dict[str, dict[tuple[str, OneOrder], None]] = defaultdict(dict)
        for fact in self.facts.facts:
            for order in ORDERS:
                if fact.stated in ("both", order):
                    found[last_named(fact, other(order))][fact.relation, order] = None
        return {name: list(slots) for name, slots in found.items()}

    def pools(self, queries: Sequence[Query]) -> dict[str, tuple[str, ...]]:
        """Return the candidates of each slot that is asked for; the answers asked for are always among them."""
        used = {query.candidates for query in queries}
        found = {pool_name(slot): names for slot, names in self.slots.items() if pool_name(slot) in used}
        return {name: self._shrink(pool, {q.answer for q in queries if q.candidates == name})
                for name, pool in found.items()}  # fmt: skip

    def _shrink(self, pool: Sequence[str], answers: set[str]) -> tuple[str, ...]:
        if not self.most:
            return tuple(pool)
        drawn = set(shuffled(pool, self.random)[: self.most])
        return tuple(name for name in pool if name in drawn or name in answers)

    def notes(self, queries: Sequence[Query]) -> Iterator[str]:
        """Say what is not asked, and what answers have been elsewhere."""
        for kind, n in self._unasked.items():
            yield f"{kind}: {n} questions are not asked, as most candidates are true answers."
        logic = [query for query in queries if query.kind.startswith("logic_")]
        asked = [self._question(self.facts.facts[q.fact], ORDERS[q.asks == "head"]) for q in logic]
        elsewhere = sum(one.answer in self.wording.targets.get(one.key, ()) for one in asked)
        yield f"{elsewhere} of {len(logic)} logic questions have an answer that other sentences of their words give."


def pool_name(slot: Slot) -> str:
    """Return the name of the pool of one slot."""
    return f"{slot[1]}s of {slot[0]}"
