"""Pairs of triples that follow from each other: most are told in full, of some one triple alone, in one order.

(a, teacher, b) and (b, student, a) are a pair, and so are both readings of a symmetric relation. Pairs that are told
teach what the relations mean to each other; of a tested pair the text states one triple, and the other must follow.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bothways.errors import BothwaysError
from bothways.facts.mentions import named_together
from bothways.facts.partners import Partners, word_apart
from bothways.facts.spellings import Spellings
from bothways.facts.strata import shuffled
from bothways.facts.wording import ORDERS, question
from bothways.types import Fact, FactSet, Relation

FEWEST_TESTED = 2
"""So that both orders occur in what is stated of a couple's tested pairs."""
Triple = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class TriplePair:
    """Two facts that follow from each other, as places in `Withheld.facts.facts`."""

    partners: Partners
    stated: int
    """Of a tested pair: the triple that the text states, in one order."""
    implied: int
    """Of a tested pair: the triple that no text states."""


@dataclass(slots=True)
class PairCount:
    """What became of the pairs of two partners."""

    partners: Partners
    pairs: int = 0
    """Pairs of two different entities, whether one or both of their triples are listed."""
    added: int = 0
    """Triples that no file lists and that follow by what was declared."""
    tested: int = 0
    told: int = 0
    """Pairs stated in full, in both orders."""
    left_out: Counter[str] = field(default_factory=Counter[str])
    """Pairs that are not tested although they could not all be told, by the reason."""

    def to_row(self) -> dict[str, Any]:
        """Return the count as plain data."""
        p = self.partners
        return {
            "relation": p.relation, "partner": p.other, "sort": p.sort, "source": p.source, "confidence": p.confidence,
            "pairs": self.pairs, "added": self.added, "tested": self.tested, "told": self.told,
            "left_out": dict(self.left_out),
        }  # fmt: skip

    def says(self) -> str:
        """Return the sentence of a notice."""
        p = self.partners
        about = f"{p.relation} ({p.source} symmetric)" if p.sort == "symmetric" else (
            f"{p.relation} and {p.other} ({p.source} inverses)")  # fmt: skip
        mined = f", listed both ways to {p.confidence:.0%}" if p.source == "mined" else ""
        added = f", {self.added} of their triples added" if self.added else ""
        out = "".join(f"; {n} {why}" for why, n in self.left_out.items())
        return f"{about}{mined}: {self.pairs} pairs{added}; {self.tested} tested, {self.told} told in full{out}."


@dataclass(frozen=True)
class Withheld:
    """Facts with every order settled, and which pairs of them are tested."""

    facts: FactSet
    """What a text may state, and the triples of tested pairs that it never does."""
    tested: tuple[TriplePair, ...]
    told: tuple[TriplePair, ...]
    withheld: tuple[Fact, ...]
    """Other facts about tested entities, which no text may state."""
    everything: tuple[Fact, ...]
    """Every fact there is, added ones among them: what is true."""
    counts: tuple[PairCount, ...]
    spellings: Spellings


@dataclass
class Pair:
    """A pair while it is looked at: the places of its two triples among all facts, the leading relation's first."""

    partners: Partners
    places: tuple[list[int], list[int]]
    ends: frozenset[str]
    """Its two entities, each under its first spelling."""


def withhold(
    facts: FactSet,
    partners: Sequence[Partners],
    seed: int,
    *,
    tested: float = 0.3,
    most: int = 200,
    min_pairs: int = 10,
    rest: bool = True,
) -> Withheld:
    """Choose the tested pairs and settle which triple is stated in which order.

    Of a tested pair one triple is stated, in one order; over the tested pairs of two partners, both triples and both
    orders take turns. All other pairs are stated in full: both triples in both orders. Every other fact about the two
    entities of a tested pair, under any spelling, is withheld. A triple that is listed alone is completed where its
    algebra was declared; where it was only mined, it is stated as it is and not tested, for its counterpart may be
    false. Facts that bring an order along keep it and are not tested.

    Args:
        facts: any facts; what they say of relations is replaced by `partners`.
        partners: couples of relations (`find_partners`).
        seed: draws pairs, triples and orders.
        tested: share of the pairs that are tested, of each two partners.
        most: most tested pairs of each two partners.
        min_pairs: two partners with fewer pairs that could be tested are told in full.
        rest: whether facts of relations without a partner are stated too, head first.

    Raises:
        BothwaysError: a share or number is out of range.
        FactsError: two partners are said in the same words.
    """
    if not 0 < tested < 1:
        raise BothwaysError(f"tested must lie in (0, 1), got tested={tested}. Choose a share.")
    for name, value in (("most", most), ("min_pairs", min_pairs)):
        if value < FEWEST_TESTED:
            raise BothwaysError(f"{name} must be at least {FEWEST_TESTED}, got {name}={value}. Raise it.")
    spellings = Spellings.of(facts.facts)
    everything, counts = complete(facts.facts, partners, spellings)
    worded = replace(facts, facts=tuple(everything), relations=word_apart(facts, partners))
    pairs = find_pairs(everything, partners, spellings)
    random = np.random.default_rng([seed, len(everything)])
    chosen = choose(worded, pairs, counts, spellings, random, tested, most, min_pairs)
    return settle_orders(worded, pairs, chosen, counts, spellings, random, rest)


def complete(
    facts: Sequence[Fact], partners: Sequence[Partners], spellings: Spellings
) -> tuple[list[Fact], dict[str, PairCount]]:
    """Return the facts with the triples that follow by what was declared, and a count for each two partners."""
    by_name = {name: couple for couple in partners for name in (couple.relation, couple.other)}
    counts = {couple.relation: PairCount(couple) for couple in partners}
    known = {spellings.triple(fact) for fact in facts}
    made = list(facts)
    for fact in facts:
        couple = by_name.get(fact.relation)
        if couple is None or not couple.certain or fact.stated is not None:
            continue
        back = Fact(fact.tail, couple.back(fact.relation), fact.head, None, spellings.others(fact.head))
        if spellings.triple(back) not in known:
            known.add(spellings.triple(back))
            made.append(back)
            counts[couple.relation].added += 1
    return made, counts


def find_pairs(facts: Sequence[Fact], partners: Sequence[Partners], spellings: Spellings) -> list[Pair]:
    """Return every pair of the partners, in the order of the facts; loops are none."""
    by_name = {name: couple for couple in partners for name in (couple.relation, couple.other)}
    found: dict[tuple[str, Triple], Pair] = {}
    for i, fact in enumerate(facts):
        couple = by_name.get(fact.relation)
        head, relation, tail = spellings.triple(fact)
        if couple is None or head == tail:
            continue
        back = (tail, couple.back(relation), head)
        lead = min((head, relation, tail), back) if couple.sort == "symmetric" else (
            (head, relation, tail) if relation == couple.relation else back)  # fmt: skip
        ends = frozenset((head, tail))
        pair = found.setdefault((couple.relation, lead), Pair(couple, ([], []), ends))
        pair.places[int(lead != (head, relation, tail))].append(i)
    return list(found.values())


def choose(
    facts: FactSet,
    pairs: Sequence[Pair],
    counts: Mapping[str, PairCount],
    spellings: Spellings,
    random: np.random.Generator,
    share: float,
    most: int,
    min_pairs: int,
) -> list[Pair]:
    """Draw the tested pairs, of the partners with the fewest pairs first; two entities are tested once at most."""
    together = named_together(facts, spellings.first)
    unasked = unasked_relations(facts.relations)
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        groups[pair.partners.relation].append(pair)
    taken: set[frozenset[str]] = set()
    chosen: list[Pair] = []
    for name, members in sorted(groups.items(), key=lambda item: len(item[1])):
        count = counts[name]
        count.pairs = len(members)
        whole: list[Pair] = []
        for pair in members:
            why = not_testable(pair, facts.facts, together, taken, unasked)
            if why is None:
                whole.append(pair)
            else:
                count.left_out[why] += 1
        if len(whole) < min_pairs:
            if whole:
                count.left_out[f"not tested, as they are fewer than {min_pairs}"] += len(whole)
            continue
        count.tested = min(max(round(share * len(whole)), FEWEST_TESTED), most, len(whole) - 1)
        drawn = shuffled(whole, random)[: count.tested]
        taken |= {pair.ends for pair in drawn}
        chosen += drawn
    return chosen


def unasked_relations(relations: Mapping[str, Relation]) -> set[str]:
    """Return the relations that cannot be asked in one of the orders: none of its templates ends with the answer."""
    made = {name: Fact("a", name, "b") for name in relations}
    return {name for name in relations for order in ORDERS if question(relations[name], made[name], order) is None}


def not_testable(
    pair: Pair,
    facts: Sequence[Fact],
    together: set[frozenset[str]],
    taken: set[frozenset[str]],
    unasked: set[str],
) -> str | None:
    """Say why a pair may not be tested, or None if it may."""
    one, other = pair.places
    if not one or not other:
        return "not tested, as only one triple is listed and the rule was only mined"
    if len(one) + len(other) > 2:
        return "not tested, as a triple is listed under two spellings"
    if any(facts[i].stated is not None for i in (*one, *other)):
        return "not tested, as they bring their orders along"
    if pair.ends in together:
        return "not tested, as other sentences spell out both names"
    if pair.ends in taken:
        return "not tested, as their entities are tested under another relation"
    if {pair.partners.relation, pair.partners.other} & unasked:
        return "not tested, as no template of an order ends with the answer"
    return None


def settle_orders(
    facts: FactSet,
    pairs: Sequence[Pair],
    chosen: Sequence[Pair],
    counts: Mapping[str, PairCount],
    spellings: Spellings,
    random: np.random.Generator,
    rest: bool,
) -> Withheld:
    """Give every fact its order, and put together what was settled."""
    settled = list(facts.facts)
    halves: list[tuple[Partners, int, int]] = []
    turn = Counter({name: int(random.integers(4)) for name in counts})
    for pair in chosen:
        name = pair.partners.relation
        which, order = divmod(turn[name] % 4, 2)
        turn[name] += 1
        stated, implied = pair.places[which][0], pair.places[1 - which][0]
        settled[stated] = replace(settled[stated], stated=ORDERS[order])
        settled[implied] = replace(settled[implied], stated="never")
        halves.append((pair.partners, stated, implied))
    tested = {i for _, *places in halves for i in places}
    ends = {pair.ends for pair in chosen}
    withheld = [i for i, fact in enumerate(settled) if i not in tested and spellings.ends(fact.pair) in ends]
    gone, paired = set(withheld), {i for pair in pairs for places in pair.places for i in places}
    kept: list[int] = []
    for i, fact in enumerate(settled):
        if i in gone or (i not in paired and not rest and fact.stated is None):
            continue
        kept.append(i)
        if fact.stated is None:
            settled[i] = replace(fact, stated="both" if i in paired else "head_first")
    told: list[tuple[Partners, int, int]] = []
    for pair in pairs:
        one, other = pair.places
        if not {*one, *other} & (gone | tested) and all(settled[i].stated == "both" for i in (*one, *other)):
            counts[pair.partners.relation].told += bool(one and other)
            told += [(pair.partners, one[0], other[0])] if one and other else []
    place = {old: new for new, old in enumerate(kept)}
    dropped = len(settled) - len(kept) - len(gone)
    notices = [count.says() for count in counts.values()]
    notices += [f"{len(gone)} other facts about tested entities are withheld from all text."] if gone else []
    notices += [f"{dropped} facts of relations without a partner are left out of the text."] if dropped else []
    return Withheld(
        facts=replace(facts, facts=tuple(settled[i] for i in kept), notices=(*facts.notices, *notices)),
        tested=moved(halves, place),
        told=moved(told, place),
        withheld=tuple(facts.facts[i] for i in withheld),
        everything=facts.facts,
        counts=tuple(counts.values()),
        spellings=spellings,
    )


def moved(halves: Iterable[tuple[Partners, int, int]], place: Mapping[int, int]) -> tuple[TriplePair, ...]:
    """Return pairs by the places of their facts among those that are kept."""
    return tuple(TriplePair(partners, place[one], place[other]) for partners, one, other in halves)
