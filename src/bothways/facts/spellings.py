"""One entity under several names: what aliases say about which names mean the same."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bothways.types import Fact


@dataclass(frozen=True)
class Spellings:
    """Names that mean one entity, by the aliases of facts; two entities that share an alias count as one."""

    first: Mapping[str, str]
    """The first name of each entity, by any of its names."""
    names: Mapping[str, tuple[str, ...]]
    """Every name of an entity, by its first."""

    @classmethod
    def of(cls, facts: Iterable[Fact]) -> "Spellings":
        """Join every tail with its aliases.

        >>> Spellings.of([Fact("Ann", "boss", "Robert", None, ("Bob",))]).first["Bob"]
        'Robert'
        """
        above: dict[str, str] = {}

        def top(name: str) -> str:
            while above.setdefault(name, name) != name:
                above[name] = above[above[name]]
                name = above[name]
            return name

        for fact in facts:
            top(fact.head)
            root = top(fact.tail)
            for alias in fact.aliases:
                above[top(alias)] = root
        first = {name: top(name) for name in above}
        names: dict[str, list[str]] = defaultdict(list)
        for name, root in first.items():
            names[root].append(name)
        return cls(first, {root: tuple(found) for root, found in names.items()})

    def triple(self, fact: Fact) -> tuple[str, str, str]:
        """Return a fact's head, relation and tail, under first names."""
        return self.first[fact.head], fact.relation, self.first[fact.tail]

    def ends(self, pair: Iterable[str]) -> frozenset[str]:
        """Return entities under their first names."""
        return frozenset(self.first[name] for name in pair)

    def others(self, name: str) -> tuple[str, ...]:
        """Return an entity's other names."""
        return tuple(other for other in self.names[self.first[name]] if other != name)
