"""Facts as a graph of entities: what connects a cue to its answer, and which slots hold the same kind of thing."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import networkx

from bothways.types import Asks, Fact, Relation

Slot = tuple[str, Asks]
"""The heads or the tails of one relation."""


@dataclass(frozen=True)
class EntityGraph:
    """The entities, joined where any fact, of any relation, names both."""

    facts: Sequence[Fact]

    @cached_property
    def graph(self) -> Any:
        """The undirected graph; a fact about one entity alone adds no edge."""
        graph = networkx.Graph()
        graph.add_nodes_from(dict.fromkeys(name for fact in self.facts for name in (fact.head, fact.tail)))
        graph.add_edges_from((fact.head, fact.tail) for fact in self.facts if fact.head != fact.tail)
        return graph

    @cached_property
    def bridges(self) -> frozenset[frozenset[str]]:
        """Pairs of entities that nothing connects once their own edge is gone."""
        return frozenset(frozenset(edge) for edge in networkx.bridges(self.graph))

    @cached_property
    def component(self) -> dict[str, int]:
        """Number of the connected component each entity is in."""
        return {name: n for n, part in enumerate(networkx.connected_components(self.graph)) for name in part}


def entity_types(facts: Sequence[Fact], relations: Mapping[str, Relation]) -> dict[Slot, int]:
    """Group slots that hold the same kind of entity: they share an entity, or are asked by the same words.

    Returns:
        A type number for every slot; slots of one number may answer each other's questions.
    """
    graph = networkx.Graph()
    homes: dict[tuple[str, str], Slot] = {}
    for fact in facts:
        for asks, name in (("head", fact.head), ("tail", fact.tail)):
            slot: Slot = (fact.relation, asks)
            graph.add_edge(slot, homes.setdefault(("entity", name), slot))
    for relation in relations.values():
        for asks, templates in (("tail", relation.head_first), ("head", relation.tail_first)):
            for template in templates:
                slot = (relation.name, asks)
                if slot in graph:
                    graph.add_edge(slot, homes.setdefault(("template", wording_key(template, asks)), slot))
    return {slot: n for n, part in enumerate(networkx.connected_components(graph)) for slot in part}


def wording_key(template: str, asks: Asks) -> str:
    """Return a template with its entities named by their part in a question.

    >>> wording_key("{tail}'s child is {head}", "head")
    "{cue}'s child is {answer}"
    """
    cue = "tail" if asks == "head" else "head"
    return template.replace("{" + asks + "}", "{answer}").replace("{" + cue + "}", "{cue}")


def pools(facts: Sequence[Fact], types: Mapping[Slot, int]) -> dict[int, tuple[str, ...]]:
    """Return every entity of each type, in order of first appearance."""
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for fact in facts:
        found[types[fact.relation, "head"]][fact.head] = None
        found[types[fact.relation, "tail"]][fact.tail] = None
    return {number: tuple(names) for number, names in found.items()}
