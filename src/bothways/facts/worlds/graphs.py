"""Small graphs of three people: a symmetric relation, an inverse pair, and their jobs, as many graphs as wanted."""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Int

from bothways.errors import BothwaysError
from bothways.facts.graphs.chance import below, draw, shuffle
from bothways.facts.graphs.jobs import JOBS
from bothways.facts.graphs.words import INVERSE, POOL, SYMMETRIC, name_parts, relations
from bothways.options import at_least
from bothways.types import Fact, FactSet, FactSource, Order, Relation

Part = Literal["told", "tested", "context", "new"]
Sort = Literal["symmetric", "inverse"]
HUB, FRIEND, KIN = 0, 1, 2
"""The people of a graph: the hub has a relation with each of the others, who have none with each other."""
TRIPLES = 7
JOB_OF = (4, 5, 6)
"""Triples 0 and 1 are the symmetric relation both ways, 2 and 3 the inverse pair; then a job for each."""
ORDERS: tuple[Order, ...] = ("never", "head_first", "tail_first", "both")
"""What a number in `stated` means."""
NEVER, HEAD_FIRST, TAIL_FIRST, BOTH = range(4)


@dataclass(frozen=True)
class Triples:
    """Seven triples for each of G graphs, by number."""

    people_G3: Int[np.ndarray, "G 3"]
    """Hub, friend, kin."""
    relation_G7: Int[np.ndarray, "G 7"]
    """Places in the world's `relations`."""
    head_G7: Int[np.ndarray, "G 7"]
    """People."""
    tail_G7: Int[np.ndarray, "G 7"]
    """People, or jobs in the last three."""


@dataclass(frozen=True, kw_only=True)
class Graphs(FactSource):
    """N told graphs that teach what relations mean, and others of which only half is told.

    A hub has a friend by a symmetric relation and kin by one of an inverse pair, and everybody has a job, which is the
    control without logic: seven triples. Told graphs state all of them in both orders. Of a tested graph one triple of
    each pair is stated, in one order; the other follows by symmetry or inversion. Graphs for contexts are in no text.
    Graphs of a new pair, if there are any, state in a text of their own what two words say that no other graph uses: a
    share of them may be told in full, the others are told in half and tested.

    No person is in two graphs. Who is in a graph, and by which relation, is computed from its number: a world of a
    million people takes no room until it is read (`facts/graphs/`).

    The hub's two relations compete: the right word decides which of the two partners is meant. In a tested graph
    the hub stands either first in both stated sentences or last in both, so order does not tell them apart.

    Source: Zhu et al., arXiv 2601.02931, as described in secondary notes: names of three parts from three pools of 100,
    300 jobs, graphs of seven triples. The composition of a graph, the relations and the wording are our own.

    >>> world = Graphs(n_graphs=2, n_tested=1)
    >>> [(f.relation, f.stated) for f in world.make(seed=0).facts if f.relation != "job"][-2:]
    [('child', 'head_first'), ('parent', 'never')]
    """

    n_graphs: int = 200
    """Graphs that are told in full."""
    n_tested: int = 50
    """Graphs that are told in half, and asked about."""
    n_context: int = 50
    """Graphs that are in no text: they are told in a question's own context."""
    pool: int = POOL
    """Parts in each of the three pools that names are made of."""
    parts: Literal[1, 3] = 3
    """Words of a name. With 1 every name is a word of its own, and nobody who is in no text can be named."""
    n_jobs: int = len(JOBS)
    """Job titles, from the first of the list."""
    n_symmetric: int = 2
    """Symmetric relations; each graph has one."""
    n_inverse: int = 3
    """Inverse pairs; each graph has one."""
    rival: Sort = "symmetric"
    """What joins the hub and its other partner. `inverse` is the same pair from its other end: if one is the hub's
    parent, the other is its child. Then who takes all words of a pair for one is right half of the time; beside a
    friend, always."""
    paired: bool = True
    """Whether one word of a pair follows from the other. If not, each graph tosses a coin for whether the way back is
    said in the other word or in the same one, so that there is no rule to learn; graphs of the new pair keep theirs."""
    n_new: int = 0
    """Graphs whose inverse pair is the next one, which no other graph has."""
    new_tested: float = 0.4
    """Share of them, the last ones, that every text tells in half and the exam asks about."""

    def __post_init__(self) -> None:
        at_least(1, "Raise it.", n_graphs=self.n_graphs, n_tested=self.n_tested, n_context=self.n_context)
        for name, most in (("pool", POOL), ("n_jobs", len(JOBS)), ("n_symmetric", len(SYMMETRIC)),
                           ("n_inverse", len(INVERSE) - (self.n_new > 0))):  # fmt: skip
            if not 1 <= getattr(self, name) <= most:
                raise BothwaysError(f"{name} must lie in 1 to {most}, got {name}={getattr(self, name)}. Change it.")
        at_least(0, "Raise it.", n_new=self.n_new)
        if not 0 < self.new_tested <= 1:
            raise BothwaysError(f"new_tested must be in (0, 1], got new_tested={self.new_tested}. Choose a share.")
        if self._wanted > self.pool**3 // 3:
            raise BothwaysError(
                f"Names of three parts from pools of {self.pool} are enough for {self.pool**3 // 3} graphs, got "
                f"{self._wanted}. Raise pool or ask for fewer graphs."
            )

    @property
    def _wanted(self) -> int:
        return self.n_graphs + self.n_tested + self.n_context + self.n_new

    @property
    def _room(self) -> int:
        """Graphs there are names for; names of one word are not made before they are wanted."""
        return self.pool**3 // 3 if self.parts == 3 else self._wanted

    @property
    def n_people(self) -> int:
        """People there are names for."""
        return self.pool**3 if self.parts == 3 else 3 * self._wanted

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """The job, then the symmetric relations, then the inverse pairs, then the new pair if there is one."""
        return relations(self.n_symmetric, self.n_inverse + (self.n_new > 0))

    @property
    def sorts(self) -> dict[int, Sort]:
        """Where the two triples of each of the hub's relations begin, and of which sort it is."""
        return {0: self.rival, 2: "inverse"}

    @property
    def new_asked(self) -> Int[np.ndarray, " G"]:
        """Places of the new graphs that every text tells in half."""
        return np.arange(self.n_new - round(self.new_tested * self.n_new), self.n_new)

    def numbers(self, part: Part) -> Int[np.ndarray, " G"]:
        """Return the graphs of one part. All but the told ones are the same for every N."""
        if part == "told":
            return np.arange(self.n_graphs)
        sizes = {"tested": self.n_tested, "context": self.n_context, "new": self.n_new}
        before = list(sizes).index(part)
        return self._room - sum(list(sizes.values())[:before]) - 1 - np.arange(sizes[part])

    def triples(self, seed: int, graph_G: Int[np.ndarray, " G"]) -> Triples:
        """Return the triples of graphs, by their numbers."""
        people_G3 = shuffle(graph_G[:, None] * 3 + np.arange(3), self.n_people, seed, "people")
        hub_G, friend_G, kin_G = people_G3.T
        first_G, side_G = self._words(seed, graph_G)
        away_G, back_G = first_G + side_G, first_G + 1 - side_G
        same_G = self._unpaired(seed, graph_G)
        symmetric_G = 1 + below(self.n_symmetric, seed, "symmetric", graph_G)
        rival_G, rival_back_G = (
            (symmetric_G, symmetric_G) if self.rival == "symmetric" else (back_G, np.where(same_G, back_G, away_G))
        )
        job_G3 = below(self.n_jobs, seed, "job", graph_G[:, None] * 3 + np.arange(3))
        none_G = np.zeros_like(graph_G)
        return Triples(
            people_G3,
            np.stack([rival_G, rival_back_G, away_G, np.where(same_G, away_G, back_G), none_G, none_G, none_G], axis=1),
            np.stack([hub_G, friend_G, hub_G, kin_G, hub_G, friend_G, kin_G], axis=1),
            np.concatenate([np.stack([friend_G, hub_G, kin_G, hub_G], axis=1), job_G3], axis=1),
        )

    def _words(self, seed: int, graph_G: Int[np.ndarray, " G"]) -> tuple[np.ndarray, np.ndarray]:
        """Return where each graph's pair of words begins in `relations`, and which of the two makes kin of the hub."""
        pair_G, side_G = np.divmod(below(2 * self.n_inverse, seed, "inverse", graph_G), 2)
        return 1 + self.n_symmetric + 2 * np.where(self._is_new(graph_G), self.n_inverse, pair_G), side_G

    def _unpaired(self, seed: int, graph_G: Int[np.ndarray, " G"]) -> np.ndarray:
        """Say which graphs have the same word on the way back."""
        tossed_G = (draw(seed, "unpaired", graph_G) & np.uint64(1)).astype(bool)
        return tossed_G & ~self._is_new(graph_G) & (not self.paired)

    def _is_new(self, graph_G: Int[np.ndarray, " G"]) -> np.ndarray:
        return np.isin(graph_G, self.numbers("new"))

    def hub_first(self, graph_G: Int[np.ndarray, " G"]) -> np.ndarray:
        """Whether a tested graph's stated sentences name the hub first: every second one's do."""
        return graph_G % 2 == 0

    def stated(self, seed: int, graph_G: Int[np.ndarray, " G"]) -> Int[np.ndarray, "G 7"]:
        """Return in which order each triple of half-told graphs is stated, as a place in `ORDERS`."""
        out_G7 = np.full((len(graph_G), TRIPLES), NEVER)
        out_G7[:, JOB_OF] = HEAD_FIRST
        row_G, first_G = np.arange(len(graph_G)), self.hub_first(graph_G)
        for pair, stream in ((0, "stated symmetric"), (2, "stated inverse")):
            second_G = (draw(seed, stream, graph_G) & np.uint64(1)).astype(bool)
            out_G7[row_G, pair + second_G] = np.where(first_G != second_G, HEAD_FIRST, TAIL_FIRST)
        return out_G7

    def told(self, graph_G: Int[np.ndarray, " G"]) -> Int[np.ndarray, "G 7"]:
        """Return in which order each triple of told graphs is stated: both, but a job after its person."""
        out_G7 = np.full((len(graph_G), TRIPLES), BOTH)
        out_G7[:, JOB_OF] = HEAD_FIRST
        return out_G7

    def person(self, number: int) -> str:
        """Return a person's name."""
        parts = [number // self.pool**2, number // self.pool % self.pool, number % self.pool]
        words = [pool[n] for pool, n in zip(name_parts(), parts, strict=True)]
        return " ".join(words) if self.parts == 3 else "".join(words).capitalize()

    def facts_of(self, seed: int, part: Part, place_G: Int[np.ndarray, " G"] | None = None) -> list[Fact]:
        """Return the facts of the graphs of one part, or of those at some places of it, seven for each.

        Facts about graphs that are in no text are never stated.
        """
        graph_G = self.numbers(part) if place_G is None else self.numbers(part)[place_G]
        made, names = self.triples(seed, graph_G), list(self.relations)
        stated_G7 = self.told(graph_G) if part == "told" else self.stated(seed, graph_G)
        if part == "context":
            stated_G7 = np.full_like(stated_G7, NEVER)
        heads, kinds, tails, orders = (
            numbers(column_G7) for column_G7 in (made.head_G7, made.relation_G7, made.tail_G7, stated_G7)
        )
        return [
            Fact(
                self.person(head),
                names[relation],
                JOBS[tail] if relation == 0 else self.person(tail),
                ORDERS[stated],
            )
            for head, relation, tail, stated in zip(heads, kinds, tails, orders, strict=True)
        ]

    def make(self, seed: int) -> FactSet:
        """Return all facts of the told and the tested graphs; for worlds that fit into memory."""
        return FactSet(
            name="graphs",
            facts=(*self.facts_of(seed, "told"), *self.facts_of(seed, "tested")),
            relations=self.relations,
            source=self.source(seed),
        )

    def source(self, seed: int) -> str:
        """Say which world and seed made the facts."""
        return f"{self!r}, seed {seed}"


def numbers(column_G7: Int[np.ndarray, "G 7"]) -> list[int]:
    """Return a column's numbers, graph by graph."""
    return [int(number) for number in column_G7.reshape(-1)]
