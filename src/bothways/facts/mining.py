"""Find inverse, symmetric and duplicate relations by comparing the pairs of entities they join."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations, product
from typing import Literal

from bothways.errors import BothwaysError
from bothways.types import Fact, FactSet

Kind = Literal["inverse", "symmetric", "duplicate"]
Couple = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class MinedPattern:
    """Two relations that say the same of most of their pairs, one read against or along the other.

    Source: the relation patterns of knowledge-graph completion (Sun et al., RotatE, arXiv 1902.10197)
    and the inverse and duplicate leaks of Toutanova and Chen (W15-4007). Differs from them by:
    confidence is the smaller of the two directions' shares.
    """

    kind: Kind
    relation: str
    """The first of the two names in the alphabet."""
    other: str
    """The second; for a symmetric relation the same one."""
    confidence: float
    """Share of the pairs of the larger relation that have their counterpart in the other, in (0, 1]."""
    support: int
    """Number of pairs of one relation with their counterpart in the other."""


def mine_relations(facts: FactSet, support: int = 3, confidence: float = 0.8) -> list[MinedPattern]:
    """Return the patterns that the facts themselves show, whatever their relations declare.

    The counterpart of a pair (a, b) of r is (b, a) in s for an inverse, (b, a) in r for symmetry and
    (a, b) in s for a duplicate. With `support` counterparts, |r| and |s| pairs the confidence is
    support / max(|r|, |s|), the smaller of "share of r found in s" and "share of s found in r": a
    small relation inside a large one (mother and child) is no inverse of it. Two symmetric
    duplicates are also inverses of each other and come up as both.

    Loops (a, a) are left out, because they equal their reverse. A symmetric relation whose couples
    are stated once shows nothing to mine.

    Args:
        facts: what to compare; repeated facts count once.
        support: least number of counterparts, at least 1.
        confidence: least confidence, in (0, 1].

    Returns:
        Patterns sorted by kind, then by falling confidence, then by name.

    Raises:
        BothwaysError: a threshold is out of range.

    >>> pairs = [("Ann", "Bea"), ("Cid", "Dan"), ("Eve", "Flo")]
    >>> facts = [Fact(a, "teacher", b) for a, b in pairs] + [Fact(b, "student", a) for a, b in pairs]
    >>> mine_relations(FactSet(name="school", facts=tuple(facts), relations={}))
    [MinedPattern(kind='inverse', relation='student', other='teacher', confidence=1.0, support=3)]
    """
    if support < 1:
        raise BothwaysError(f"support must be at least 1, got support={support}. Raise it.")
    if not 0 < confidence <= 1:
        raise BothwaysError(f"confidence must lie in (0, 1], got confidence={confidence}. Choose a share.")
    sizes, counts = count_counterparts(facts.facts)
    patterns = (
        MinedPattern(kind=kind, relation=r, other=s, confidence=n / max(sizes[r], sizes[s]), support=n)
        for (kind, r, s), n in counts.items()
        if n >= support
    )
    kept = (pattern for pattern in patterns if pattern.confidence >= confidence)
    return sorted(kept, key=lambda p: (p.kind, -p.confidence, p.relation, p.other))


def count_counterparts(facts: Iterable[Fact]) -> tuple[Counter[str], Counter[tuple[Kind, str, str]]]:
    """Count the pairs of each relation, and the counterparts of each two relations that have any.

    Only relations that meet on a pair of entities are ever compared, so the cost grows with the
    facts and not with the square of the relations.
    """
    relations = relations_by_couple(facts)
    sizes = Counter(name for names in relations.values() for name in names)
    counts: Counter[tuple[Kind, str, str]] = Counter()
    for (a, b), along in relations.items():
        counts.update(("duplicate", r, s) for r, s in combinations(sorted(along), 2))
        against = relations.get((b, a), set())
        counts.update(("symmetric", r, r) for r in along & against)
        # Each (r, s) with r before s comes up once per pair of r, since the reversed couple gives (s, r).
        counts.update(("inverse", r, s) for r, s in product(along, against) if r < s)
    return sizes, counts


def relations_by_couple(facts: Iterable[Fact]) -> dict[Couple, set[str]]:
    """Return the names of the relations that join each ordered couple of two different entities."""
    relations: dict[Couple, set[str]] = {}
    for fact in facts:
        if fact.head != fact.tail:
            relations.setdefault((fact.head, fact.tail), set()).add(fact.relation)
    return relations
