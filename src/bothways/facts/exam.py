"""The exam: which facts are stated in which order, and what is asked of every arm.

Facts are split by the entity that a reverse question would ask for.

    isolated   every fact that names the entity first is stated in that order only, and tested: no reverse
               statement ever has it as its target (the literature's usual design)
    partner    one of its facts is stated both ways, the others in one order only, and tested: the entity is
               a target of the same reverse wording, with another partner
    support    everything else is stated both ways, so that the reverse wording itself is learned

A tested pair is a bridge of the entity graph where the graph has enough of them. Every other fact
about a tested pair, of whatever relation, is withheld from all arms.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bothways.errors import BothwaysError, FactsError
from bothways.facts.graph import EntityGraph, Slot, entity_types, pools
from bothways.facts.wording import Wording, first_named, opposite, question
from bothways.types import Exam, Fact, FactSet, Kind, Order, Query


@dataclass(frozen=True, kw_only=True)
class ExamConfig:
    """How much of the facts is tested, and how much is asked."""

    isolated: float = 0.25
    """Share of the eligible answers whose every fact is tested in isolation."""
    partner: float = 0.25
    """Share of the remaining eligible answers tested beside a partner stated both ways."""
    dev: float = 0.25
    """Share of the tested clusters kept for curves and choices; the rest is the test."""
    min_facts: int = 6
    """A relation with fewer facts is trained and not tested."""
    max_queries: int = 400
    """Most questions of one kind in one split."""
    max_candidates: int = 0
    """Most candidates an answer is ranked among; 0 means all entities of its type."""

    def __post_init__(self) -> None:
        for name in ("isolated", "partner", "dev"):
            if not 0 <= getattr(self, name) < 1:
                raise BothwaysError(f"{name} must be in [0, 1), got {name}={getattr(self, name)}. Choose a share.")


def make_exam(facts: FactSet, config: ExamConfig, seed: int) -> Exam:
    """Settle what is stated and what is asked, once, before any arm exists.

    Args:
        facts: the facts, relations with their templates.
        config: how much to test.
        seed: draws the split; the same seed gives the same exam.

    Raises:
        FactsError: nothing can be tested; the message says why.
    """
    random = np.random.default_rng(seed)
    graph = EntityGraph(facts.facts)
    testable, leak, notes = find_testable(facts, graph, config)
    stated, tested = settle_orders(facts, testable, config, random)
    withheld = withhold(facts.facts, tested)
    kept = [i for i in range(len(facts.facts)) if i not in withheld]
    trained = replace(facts, facts=tuple(replace(facts.facts[i], stated=stated[i]) for i in kept))
    wording = Wording.of(trained, facts.facts)
    place = {old: new for new, old in enumerate(kept)}
    clusters = find_clusters(facts.facts, tested, graph)
    writer = QueryWriter(trained, wording, config, clusters, random, entity_types(facts.facts, facts.relations))
    queries = writer.write([place[i] for i in tested])
    if not any(q.kind in ("reverse_tested", "reverse_partner") for q in queries):
        raise FactsError(nothing_testable(facts, notes))
    return Exam(
        facts=trained,
        queries=tuple(queries),
        candidates=writer.candidate_pools(facts.facts, queries),
        withheld=tuple(facts.facts[i] for i in sorted(withheld)),
        leak=leak,
        notes=(*notes, *writer.notes),
        seed=seed,
    )


def nothing_testable(facts: FactSet, notes: Sequence[str]) -> str:
    """Say why an exam would be empty."""
    why = f" ({notes[0].rstrip('.')})" if notes else ""
    return (
        f"{facts.source or facts.name}: no fact can be tested in reverse{why}. "
        "Give at least 6 facts of one relation, not all of them stated in both orders."
    )


def find_testable(facts: FactSet, graph: EntityGraph, config: ExamConfig) -> tuple[list[int], str, list[str]]:
    """Return the facts whose reverse may be asked, the leak level, and what cannot be tested and why."""
    counts: dict[str, int] = defaultdict(int)
    for fact in facts.facts:
        counts[fact.relation] += 1
    few = {name: n for name, n in counts.items() if n < config.min_facts}
    notes = [f"{name}: {n} facts, fewer than {config.min_facts}; trained, not tested." for name, n in few.items()]
    testable = [
        i
        for i, fact in enumerate(facts.facts)
        if fact.relation not in few
        and fact.head != fact.tail
        and fact.stated != "both"
        and question(facts.relations[fact.relation], fact, opposite(fact)) is not None
    ]
    bridges = [i for i in testable if facts.facts[i].pair in graph.bridges]
    if len(bridges) >= max(config.min_facts, len(testable) // 10):
        if len(bridges) < len(testable):
            rest = len(testable) - len(bridges)
            notes.append(f"{rest} facts are connected by a second path and are not tested; {len(bridges)} bridges are.")
        return bridges, "bridge", notes
    if testable:
        notes.append(
            "Dense graph: cue and answer stay connected through other entities; only the facts about their own pair "
            "are held out."
        )
    return testable, "connected", notes


def settle_orders(
    facts: FactSet, testable: Sequence[int], config: ExamConfig, random: np.random.Generator
) -> tuple[list[Order], list[int]]:
    """Return each fact's stated order, and which facts are tested (at most one a pair)."""
    stated: list[Order] = [fact.stated or "both" for fact in facts.facts]
    by_answer: dict[str, list[int]] = defaultdict(list)
    for i, fact in enumerate(facts.facts):
        by_answer[first_named(fact)].append(i)
    may, tested, pairs = set(testable), list[int](), set[frozenset[str]]()

    def test(indices: Iterable[int]) -> None:
        for i in indices:
            stated[i] = facts.facts[i].stated or "head_first"
            if i in may and facts.facts[i].pair not in pairs:
                pairs.add(facts.facts[i].pair)
                tested.append(i)

    answers = [
        a for a, group in by_answer.items() if may & set(group) and all(stated_once(facts.facts[i]) for i in group)
    ]
    isolated = draw(answers, config.isolated, random)
    for answer in isolated:
        test(by_answer[answer])
    apart = set(isolated)
    shuffled = {a: random.permutation(by_answer[a]).tolist() for a in by_answer if a not in apart}
    families = {a: reverse_families(facts, group) for a, group in shuffled.items()}
    eligible = [a for a, found in families.items() if any(may & set(group[1:]) for group in found)]
    for answer in draw(eligible, config.partner, random):
        for group in families[answer]:
            test(group[1:])  # the first stays stated both ways: it is the partner
    return stated, tested


def stated_once(fact: Fact) -> bool:
    """Whether a fact is, or may be, stated in one order only."""
    return fact.stated != "both"


def reverse_families(facts: FactSet, indices: Sequence[int]) -> list[list[int]]:
    """Group an entity's facts by the reverse wording they share, the ones free to be stated both ways first.

    Groups without such a fact, or with fewer than two facts, are left out.
    """
    groups: dict[str, list[int]] = defaultdict(list)
    for i in indices:
        fact = facts.facts[i]
        asked = question(facts.relations[fact.relation], fact, opposite(fact))
        if asked is not None:
            groups[asked.key].append(i)
    ordered = [sorted(g, key=lambda i: facts.facts[i].stated not in (None, "both")) for g in groups.values()]
    return [g for g in ordered if len(g) > 1 and facts.facts[g[0]].stated in (None, "both")]


def draw(names: Sequence[str], share: float, random: np.random.Generator) -> list[str]:
    """Draw a share of the names, at least one if there are any and the share is not 0."""
    n = min(len(names), max(round(share * len(names)), 1 if share else 0))
    return [names[i] for i in sorted(random.permutation(len(names))[:n].tolist())]


def withhold(facts: Sequence[Fact], tested: Sequence[int]) -> set[int]:
    """Return the other facts about tested pairs: each would tie cue and answer together a second time."""
    pairs, chosen = {facts[i].pair for i in tested}, set(tested)
    return {i for i, fact in enumerate(facts) if fact.pair in pairs and i not in chosen}


def find_clusters(facts: Sequence[Fact], tested: Sequence[int], graph: EntityGraph) -> Mapping[str, int]:
    """Return the cluster of each entity: its component, or in a graph of few components the entity itself."""
    components = {graph.component[facts[i].head] for i in tested}
    if len(components) >= 10:
        return graph.component
    return {name: n for n, name in enumerate(graph.component)}


@dataclass
class QueryWriter:
    """Turns settled facts into questions."""

    facts: FactSet
    wording: Wording
    config: ExamConfig
    clusters: Mapping[str, int]
    random: np.random.Generator
    types: Mapping[Slot, int]

    def __post_init__(self) -> None:
        self.notes: list[str] = []

    def write(self, tested: Sequence[int]) -> list[Query]:
        """Return all questions: forward and reverse, then a flip for each tested reverse question."""
        support = [i for i, fact in enumerate(self.facts.facts) if fact.stated == "both"]
        support = sorted(self.random.permutation(support).tolist()) if support else []
        dev = self._dev_clusters(tested)
        forward = [self._ask(i, stated=True, kind="forward", dev=dev) for i in (*tested, *support)]
        reverse = [self._reverse(i, dev) for i in tested]
        stated = [self._ask(i, stated=True, kind="reverse_stated", dev=dev) for i in support]
        queries = self._cap([q for q in (*forward, *reverse, *stated) if q is not None])
        flips = [self._flip(n, q) for n, q in enumerate(queries) if q.kind in ("reverse_tested", "reverse_partner")]
        return [*queries, *(flip for flip in flips if flip is not None)]

    def _dev_clusters(self, tested: Sequence[int]) -> set[int]:
        found = sorted({self.clusters[first_named(self.facts.facts[i])] for i in tested})
        return set(self.random.permutation(found)[: round(self.config.dev * len(found))].tolist())

    def _ask(self, i: int, *, stated: bool, kind: Kind, dev: set[int]) -> Query | None:
        fact = self.facts.facts[i]
        order = opposite(fact) if kind != "forward" else ("tail_first" if fact.stated == "tail_first" else "head_first")
        asked = question(self.facts.relations[fact.relation], fact, order)
        if asked is None:
            return None
        cluster = self.clusters[first_named(fact)]
        support_dev = fact.stated == "both" and i % 4 == 0
        return Query(
            prompt=asked.prompt,
            cue=asked.cue,
            answer=asked.answer,
            aliases=fact.aliases if asked.asks == "tail" else (),
            other_truths=tuple(sorted(self.wording.truths[asked.prompt] - {asked.answer})),
            candidates=f"type {self.types[fact.relation, asked.asks]}",
            fact=i,
            asks=asked.asks,
            stated=stated,
            kind=kind,
            split="dev" if cluster in dev or support_dev else "test",
            relation=fact.relation,
            cluster=cluster,
            ends=asked.ends,
        )

    def _reverse(self, i: int, dev: set[int]) -> Query | None:
        query = self._ask(i, stated=False, kind="reverse_tested", dev=dev)
        if query is None:
            return None
        fact = self.facts.facts[i]
        asked = question(self.facts.relations[fact.relation], fact, opposite(fact))
        assert asked is not None
        cue = query.prompt[query.cue.start : query.cue.end]
        assert (cue, query.answer) not in self.wording.ordered_pairs, "a tested pair is stated in the tested order"
        if query.answer in self.wording.targets[asked.key]:
            return replace(query, kind="reverse_partner")
        if query.answer in self.wording.reverse_targets:
            return None  # neither isolated nor beside a partner of the same wording
        return query

    def _flip(self, n: int, query: Query) -> Query | None:
        """Ask the same cue under a relation that the answer's type fits but the answer does not."""
        cue = query.prompt[query.cue.start : query.cue.end]
        options = []
        for relation in self.facts.relations.values():
            for order in ("head_first", "tail_first"):
                fact = Fact(cue, relation.name, "?") if order == "head_first" else Fact("?", relation.name, cue)
                asked = question(relation, fact, order)
                if asked is None or asked.prompt == query.prompt:
                    continue
                fits = f"type {self.types.get((relation.name, asked.asks))}" == query.candidates
                if fits and query.answer not in self.wording.truths[asked.prompt]:
                    options.append((asked.prompt not in self.wording.stated_prompts, asked.prompt, asked))
        if not options:
            return None
        best = min(unstated for unstated, _, _ in options)
        usable = sorted({p: a for u, p, a in options if u == best}.items())
        _, asked = usable[int(self.random.integers(len(usable)))]
        return replace(
            query,
            prompt=asked.prompt,
            cue=asked.cue,
            ends=asked.ends,
            kind="flip",
            of=n,
            stated=not best,
            other_truths=(),
        )

    def _cap(self, queries: Sequence[Query]) -> list[Query]:
        """Keep at most `max_queries` of a kind in a split, drawn at random, in their order."""
        groups: dict[tuple[str, str], list[int]] = defaultdict(list)
        for n, query in enumerate(queries):
            groups[query.kind, query.split].append(n)
        kept: set[int] = set()
        for (kind, split), members in groups.items():
            if len(members) > self.config.max_queries:
                self.notes.append(f"{kind} ({split}): {self.config.max_queries} of {len(members)} questions are asked.")
            kept.update(self.random.permutation(members)[: self.config.max_queries].tolist())
        return [query for n, query in enumerate(queries) if n in kept]

    def candidate_pools(self, facts: Sequence[Fact], queries: Sequence[Query]) -> dict[str, tuple[str, ...]]:
        """Return the pools the questions name; a capped pool still holds every answer asked for."""
        used = {query.candidates for query in queries}
        found = {f"type {n}": pool for n, pool in pools(facts, self.types).items() if f"type {n}" in used}
        if not self.config.max_candidates:
            return found
        return {
            name: self._shrink(pool, {q.answer for q in queries if q.candidates == name})
            for name, pool in found.items()
        }

    def _shrink(self, pool: Sequence[str], answers: set[str]) -> tuple[str, ...]:
        drawn = set(self.random.permutation(len(pool))[: self.config.max_candidates].tolist())
        return tuple(name for i, name in enumerate(pool) if i in drawn or name in answers)
