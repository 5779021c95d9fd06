"""Facts as a graph of entities: what connects a cue to its answer, and which slots hold the same kind of thing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, cast

import networkx

from bothways.types import Asks, Fact, Relation

Slot = tuple[str, Asks]
"""The heads or the tails of one relation."""
SIDES: tuple[Asks, Asks] = ("head", "tail")
WHOLE = 0.2
"""Largest share of the tested facts that one component may hold and still be resampled as one cluster."""


@dataclass(frozen=True)
class EntityGraph:
    """The entities, joined where any fact, of any relation, names both."""

    facts: Sequence[Fact]

    @cached_property
    def graph(self) -> Any:
        """The undirected graph; a fact about one entity alone adds no edge."""
        graph = cast(Any, networkx.Graph())
        graph.add_nodes_from(dict.fromkeys(name for fact in self.facts for name in (fact.head, fact.tail)))
        graph.add_edges_from((fact.head, fact.tail) for fact in self.facts if fact.head != fact.tail)
        return graph

    @cached_property
    def bridges(self) -> frozenset[frozenset[str]]:
        """Pairs of entities that nothing connects once their own edge is gone."""
        return frozenset(frozenset(edge) for edge in networkx.bridges(self.graph))

    @cached_property
    def component(self) -> dict[str, int]:
        """Number of the connected component each entity is in; entities in order of first appearance."""
        parts = enumerate(networkx.connected_components(self.graph))
        found = {name: n for n, part in parts for name in part}
        return {name: found[name] for name in self.graph}  # a set's own order changes from process to process

    def clusters(self, tested: Iterable[Fact]) -> dict[str, int]:
        """Return which entities the bootstrap resamples together, given the facts that are tested.

        An entity goes with its component, since one person's facts share names and partners. A component that
        holds more than `WHOLE` of the tested facts is too much to be drawn as one: in a dense graph there would be
        a single cluster and no interval. There each entity is a cluster of its own, and a question belongs to the
        entity it asks for in reverse, because that is what the split draws. Questions that share a cue in such a
        graph then count as independent, which they are not quite.
        """
        counts = Counter(self.component[fact.head] for fact in tested)
        divided = {number for number, n in counts.items() if n > WHOLE * sum(counts.values())}
        first = len(set(self.component.values()))
        return {name: first + n if c in divided else c for n, (name, c) in enumerate(self.component.items())}


def entity_types(facts: Sequence[Fact], relations: Mapping[str, Relation]) -> dict[Slot, int]:
    """Group slots that hold the same kind of entity: they share an entity, mean the same, or are asked alike.

    Returns:
        A type number for every slot; slots of one number may answer each other's questions.
    """
    graph = cast(Any, networkx.Graph())
    homes: dict[tuple[str, str], Slot] = {}
    for fact in facts:
        for asks in SIDES:
            slot: Slot = (fact.relation, asks)
            graph.add_edge(slot, homes.setdefault(("entity", fact.head if asks == "head" else fact.tail), slot))
    for relation in relations.values():
        for asks in SIDES:
            slot = (relation.name, asks)
            templates = relation.head_first if asks == "tail" else relation.tail_first
            if slot in graph:
                graph.add_edges_from((slot, other) for other in same_sense(relation, asks) if other in graph)
                for template in templates:
                    graph.add_edge(slot, homes.setdefault(("template", wording_key(template, asks)), slot))
    return {slot: n for n, part in enumerate(networkx.connected_components(graph)) for slot in part}


def same_sense(relation: Relation, asks: Asks) -> tuple[Slot, ...]:
    """Return the slots that mean the same as this one by what the relation declares, itself first.

    >>> same_sense(Relation("teacher", inverse="student"), "head")
    (('teacher', 'head'), ('student', 'tail'))
    """
    other: Asks = "tail" if asks == "head" else "head"
    also = [relation.name] if relation.symmetric else []
    also += [relation.inverse] if relation.inverse is not None else []
    return ((relation.name, asks), *((name, other) for name in also))


@lru_cache(maxsize=4096)
def wording_key(template: str, asks: Asks) -> str:
    """Return a template up to its answer, with the cue named by its part: what a question says.

    >>> wording_key("{tail}'s child is {head}.", "head")
    "{cue}'s child is"
    """
    return template.partition("{" + asks + "}")[0].replace("{head}", "{cue}").replace("{tail}", "{cue}").rstrip()


def pools(facts: Sequence[Fact], types: Mapping[Slot, int]) -> dict[int, tuple[str, ...]]:
    """Return every entity of each type, in order of first appearance."""
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for fact in facts:
        found[types[fact.relation, "head"]][fact.head] = None
        found[types[fact.relation, "tail"]][fact.tail] = None
    return {number: tuple(names) for number, names in found.items()}
