"""The exam: which facts are stated in which order, and what is asked of every arm.

Facts are split by the entity that a reverse question would ask for (`facts/strata.py`).

    isolated   every fact that names the entity first is stated in that order only, and tested: no reverse
               statement ever has it as its target (the literature's usual design)
    partner    one of its facts is stated both ways, others in one order only, and tested: the entity is
               a target of the same reverse wording, with another partner
    support    everything else is stated both ways, so that the reverse wording itself is learned

Facts may bring their orders along, and may say that they are never stated: these are asked too, as `implied`.

A tested pair is a bridge of the entity graph where the graph has enough of them. Every other fact
about a tested pair, of whatever relation, is withheld from all arms. Which stratum a question counts
for is read off the settled text, not assumed (`Wording.stratum`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bothways.errors import BothwaysError, FactsError
from bothways.facts.algebra import check_relation
from bothways.facts.graph import EntityGraph, Slot, entity_types, pools
from bothways.facts.mentions import named_together
from bothways.facts.queries import QueryWriter, mostly_true
from bothways.facts.strata import Strata
from bothways.facts.templates import fill_templates
from bothways.facts.wording import ORDERS, Wording, find_truths, opposite, question, wordings
from bothways.types import Exam, ExamSource, Fact, FactSet, Kind, Relation

TESTED: tuple[Kind, ...] = ("reverse_tested", "reverse_partner", "implied")
"""What an exam is for: kinds whose answers no statement gives."""
ENOUGH_BRIDGES = 4
"""Bridges are enough if they are this many times the most questions of a kind: a share of them is drawn twice."""


@dataclass(frozen=True, kw_only=True)
class ExamConfig(ExamSource):
    """Asks in the order that no text states: how much of the facts is tested, and how much is asked."""

    isolated: float = 0.25
    """Share of the eligible answers whose every fact is stated in one order only."""
    partner: float = 0.25
    """Share of the remaining eligible answers tested beside a partner stated both ways."""
    dev: float = 0.25
    """Share of the tested clusters kept for curves and choices; the rest is the test."""
    withheld: float = 0.3
    """Most of the facts that may be withheld, as a share: it limits what is tested in dense graphs."""
    min_facts: int = 6
    """A relation with fewer facts is trained and not tested, unless they bring their orders along."""
    max_queries: int = 400
    """Most questions of one kind in one split."""
    max_candidates: int = 0
    """Most candidates an answer is ranked among; 0 means all entities of its type."""
    any_wording: bool = False
    """Ask in words that no statement uses too: a model that learned its language elsewhere may understand them."""

    def __post_init__(self) -> None:
        for name in ("isolated", "partner", "dev", "withheld"):
            if not 0 <= getattr(self, name) < 1:
                raise BothwaysError(f"{name} must be in [0, 1), got {name}={getattr(self, name)}. Choose a share.")

    def make(self, facts: FactSet, seed: int) -> Exam:
        """Return the exam of a seed; see `make_exam`."""
        return make_exam(facts, self, seed)

    @property
    def most_tested(self) -> int:
        """How many facts of one stratum are worth testing: more would be withheld for and not asked."""
        return round(self.max_queries / (1 - self.dev))


def make_exam(facts: FactSet, config: ExamConfig, seed: int) -> Exam:
    """Settle what is stated and what is asked, once, before any arm exists.

    Args:
        facts: the facts, relations with their templates.
        config: how much to test.
        seed: draws the split; the same seed gives the same exam.

    Raises:
        FactsError: nothing can be tested (the message says why), or a template does not fit its order.
    """
    facts = worded(facts)
    random = np.random.default_rng(seed)
    graph, truths = EntityGraph(facts.facts), find_truths(facts)
    types = entity_types(facts.facts, facts.relations)
    found, notes = find_testable(facts, config, types, truths)
    implied = [i for i, fact in enumerate(facts.facts) if fact.stated == "never"]
    testable, leak, more = prefer_bridges(found, facts.facts, config, graph)
    notes += more
    strata = Strata(facts, testable, random)
    limit = int(config.withheld * len(facts.facts))
    strata.isolate(config.isolated, most=config.most_tested, withheld=limit // 2)
    strata.leave_partners(config.partner, most=config.most_tested, withheld=limit - strata.n_withheld)
    withheld, stated = withhold(facts.facts, strata.tested), strata.stated
    kept = [i for i in range(len(facts.facts)) if i not in withheld]
    trained = replace(facts, facts=tuple(replace(facts.facts[i], stated=stated[i]) for i in kept))
    place = {old: new for new, old in enumerate(kept)}
    clusters = graph.clusters([facts.facts[i] for i in (*strata.tested, *implied)])
    writer = QueryWriter(trained, truths, Wording.of(trained), clusters, types, random, config.dev, config.max_queries)
    writer.any_wording = config.any_wording
    queries = writer.write([place[i] for i in strata.tested])
    if not any(q.kind in TESTED for q in queries):
        raise FactsError(nothing_testable(facts, [*notes, *writer.notes]))
    return Exam(
        facts=trained,
        queries=tuple(queries),
        candidates=writer.candidate_pools(queries, config.max_candidates),
        withheld=tuple(facts.facts[i] for i in sorted(withheld)),
        leak="connected" if implied else leak,
        notes=(*notes, *writer.notes),
        seed=seed,
    )


def worded(facts: FactSet) -> FactSet:
    """Return facts whose every relation has templates for both orders; those that are there stay as they are.

    Raises:
        FactsError: a template names the wrong entity first, or a relation contradicts itself.
    """
    used = dict.fromkeys(fact.relation for fact in facts.facts)
    known = {**facts.relations, **{name: Relation(name) for name in used if name not in facts.relations}}
    for relation in known.values():
        check_relation(relation, facts.source or facts.name)
    backs = {r.inverse: r.name for r in known.values() if r.inverse is not None}
    told = {name: replace(r, inverse=r.inverse or backs.get(name)) for name, r in known.items()}
    return replace(facts, relations={name: fill_templates(relation, told) for name, relation in told.items()})


def nothing_testable(facts: FactSet, notes: Sequence[str]) -> str:
    """Say why an exam would be empty."""
    why = f" ({notes[0].rstrip('.')})" if notes else ""
    return (
        f"{facts.source or facts.name}: no fact can be tested in reverse{why}. "
        "Give at least 6 facts of one relation, not all of them stated in both orders."
    )


def find_testable(
    facts: FactSet, config: ExamConfig, types: Mapping[Slot, int], truths: Mapping[str, set[str]]
) -> tuple[list[int], list[str]]:
    """Return the facts whose reverse may be asked, and notes on what rules the others out."""
    counts = Counter(fact.relation for fact in facts.facts)
    open_ones = {fact.relation for fact in facts.facts if fact.stated is None}
    few = {name: n for name, n in counts.items() if n < config.min_facts and name in open_ones}
    notes = [f"{name}: {n} facts, fewer than {config.min_facts}; trained, not tested." for name, n in few.items()]
    given = given_pairs(facts.facts)
    together = named_together(facts)
    sayable = find_sayable(facts) if any(fact.stated == "never" for fact in facts.facts) else None
    sizes = {number: len(pool) for number, pool in pools(facts.facts, types).items()}
    found: list[int] = []
    why: Counter[str] = Counter()
    for i, fact in enumerate(facts.facts):
        if fact.relation in few or fact.head == fact.tail or fact.stated in ("both", "never"):
            continue
        asked = question(facts.relations[fact.relation], fact, opposite(fact))
        if asked is None:
            why["no template of the reverse ends with the answer"] += 1
        elif sayable is not None and asked.key not in sayable:
            why["no sentence uses the words of their reverse, and what is implied can be asked instead"] += 1
        elif (asked.cue.entity, asked.answer) in given:
            why["the orders that the facts bring along state the pair in both"] += 1
        elif fact.pair in together:
            why["other sentences spell out the names of both entities"] += 1
        elif mostly_true(truths[asked.prompt], sizes[types[fact.relation, asked.asks]]):
            why["most candidates are true answers"] += 1
        else:
            found.append(i)
    return found, [*notes, *(f"{n} facts are not tested: {reason}." for reason, n in why.items())]


def prefer_bridges(
    found: Sequence[int], facts: Sequence[Fact], config: ExamConfig, graph: EntityGraph
) -> tuple[Sequence[int], str, list[str]]:
    """Return only the facts on bridges if they are enough, the leak level, and what to note."""
    bridges = [i for i in found if facts[i].pair in graph.bridges]
    enough = min(len(found) // 10, ENOUGH_BRIDGES * config.max_queries)
    if bridges and (bridges == list(found) or len(bridges) >= max(config.min_facts, enough)):
        rest = len(found) - len(bridges)
        note = f"{rest} facts are connected by a second path and are not tested; {len(bridges)} bridges are."
        return bridges, "bridge", [note] if rest else []
    note = (
        "Dense graph: cue and answer stay connected through other entities; only the facts about their own pair "
        "are held out."
    )
    return found, "connected", [note] if found else []


def find_sayable(facts: FactSet) -> set[str]:
    """Return the wordings that some fact states, or may still come to state."""
    return {
        key
        for fact in facts.facts
        for order in ORDERS
        if fact.stated in (None, "both", order)
        for key in wordings(facts.relations[fact.relation], order)
    }


def given_pairs(facts: Sequence[Fact]) -> set[tuple[str, str]]:
    """Return (first entity, second entity) of every statement that the facts themselves ask for."""
    given = [(fact, order) for fact in facts for order in ORDERS if fact.stated in ("both", order)]
    return {(f.head, f.tail) if order == "head_first" else (f.tail, f.head) for f, order in given}


def withhold(facts: Sequence[Fact], tested: Sequence[int]) -> set[int]:
    """Return the other facts about tested pairs: each would tie cue and answer together a second time."""
    pairs, chosen = {facts[i].pair for i in tested}, set(tested)
    return {i for i, fact in enumerate(facts) if fact.pair in pairs and i not in chosen}
