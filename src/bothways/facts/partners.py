"""Which relations say the same the other way round, and words of its own for each of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from bothways.errors import FactsError
from bothways.facts.graph import wording_key
from bothways.facts.mining import mine_relations
from bothways.facts.readers.lines import short
from bothways.facts.templates import default_templates, fill_templates, swapped, words_of
from bothways.types import FactSet, Relation

Sort = Literal["symmetric", "inverse"]
Source = Literal["given", "declared", "mined"]


@dataclass(frozen=True, slots=True)
class Partners:
    """A relation and the one that says the same the other way round; for a symmetric relation itself."""

    relation: str
    """The one whose facts come first."""
    other: str
    source: Source
    """Who says so: the caller, the facts' own files, or the facts themselves."""
    confidence: float = 1.0
    """Share of the pairs that the facts list both ways, where this was mined."""

    @property
    def sort(self) -> Sort:
        """Symmetric or inverse."""
        return "symmetric" if self.relation == self.other else "inverse"

    @property
    def certain(self) -> bool:
        """Whether a triple that is not listed follows all the same: by what was said, not by what was found."""
        return self.source != "mined"

    def back(self, name: str) -> str:
        """Return the relation by which a triple of this one is told the other way round."""
        return self.other if name == self.relation else self.relation


def find_partners(
    facts: FactSet, given: Iterable[tuple[str, str]], support: int, confidence: float
) -> tuple[Partners, ...]:
    """Return which relations are partners, no relation in two couples, in the order of the facts.

    What is given comes first, then what relations declare, then what is mined, the surest first.

    Args:
        facts: the facts; one relation of a couple at least must be in them.
        given: (relation, inverse), or the same name twice for a symmetric relation.
        support: least number of counterparts that mining takes.
        confidence: least share of them, in (0, 1].

    Raises:
        FactsError: what is given names no relation of the facts, or contradicts itself or the facts.
    """
    used = dict.fromkeys(fact.relation for fact in facts.facts)
    found: dict[str, Partners] = {}
    for one, other in given:
        for name, back in ((one, other), (other, one)):
            before = found[name].back(name) if name in found else declared_partner(facts.relations, name)
            if before not in (None, back):
                raise FactsError(
                    f"Relation {short(name)} is given two inverses, {short(before or name)} and {short(back)}. "
                    "Keep one."
                )
        if one not in used and other not in used:
            raise FactsError(f"No fact has the relation {short(one)} or {short(other)}. Name a relation of the facts.")
        add(found, used, one, other, "given", 1.0)
    for name in used:
        other = declared_partner(facts.relations, name)
        if other is not None:
            add(found, used, name, other, "declared", 1.0)
    mined = mine_relations(facts, support, confidence)
    for pattern in sorted(mined, key=lambda p: (-p.confidence, p.kind != "symmetric", p.relation, p.other)):
        if pattern.kind != "duplicate":
            add(found, used, pattern.relation, pattern.other, "mined", pattern.confidence)
    return tuple(dict.fromkeys(found[name] for name in used if name in found))


def declared_partner(relations: Mapping[str, Relation], name: str) -> str | None:
    """Return what a relation, or its inverse, declares."""
    relation = relations.get(name, Relation(name))
    if relation.symmetric:
        return name
    return relation.inverse or next((r.name for r in relations.values() if r.inverse == name), None)


def add(found: dict[str, Partners], used: Iterable[str], one: str, other: str, source: Source, share: float) -> None:
    """Add a couple, unless one of its relations is in another; the relation that the facts use first leads."""
    if one in found or other in found:
        return
    first = next(name for name in used if name in (one, other))
    found[first] = Partners(first, other if first == one else one, source, share)
    found[found[first].other] = found[first]


def word_apart(facts: FactSet, partners: Iterable[Partners]) -> dict[str, Relation]:
    """Return every relation with its algebra, and with templates that say no triple in the words of its counterpart.

    "Bea's student is Ann" is a usual way to word (Ann, teacher, Bea) tail first; here it is what must not be said
    unless (Bea, student, Ann) is. So each relation of a couple keeps to words of its own: its templates without those
    that read as its partner's, and where none is left, one made from its name.

    Raises:
        FactsError: two partners cannot be worded apart.
    """
    couples = list(partners)
    relations = dict(facts.relations)
    for couple in couples:
        for name in (couple.relation, couple.other):
            own = relations.get(name, Relation(name))
            inverse = None if couple.sort == "symmetric" else couple.back(name)
            relations[name] = replace(own, inverse=inverse, symmetric=couple.sort == "symmetric")
    relations |= {f.relation: Relation(f.relation) for f in facts.facts if f.relation not in relations}
    in_couples = {name for couple in couples for name in (couple.relation, couple.other)}
    made = {name: r if name in in_couples else fill_templates(r, relations) for name, r in relations.items()}
    for couple in couples:
        names = dict.fromkeys((couple.relation, couple.other))
        first = {name: made[name].head_first or default_templates(name).head_first for name in names}
        for name in names:
            last = own_tail_first(name, made[name].tail_first, first[couple.back(name)])
            made[name] = replace(made[name], head_first=first[name], tail_first=last)
        check_apart(made[couple.relation], made[couple.other])
    return made


def own_tail_first(name: str, templates: tuple[str, ...], of_partner: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tail-first templates of a relation that do not read as its partner's head-first ones.

    >>> own_tail_first("teacher", ("{tail}'s student is {head}",), ("{head}'s student is {tail}",))
    ('{tail} is the teacher of {head}',)
    """
    said = {spoken(template) for template in swapped(of_partner)}
    last = f"{{tail}} is at the other end of {words_of(name)} from {{head}}"
    for choice in (templates, default_templates(name).tail_first, (last,)):
        kept = tuple(template for template in choice if spoken(template) not in said)
        if kept:
            return kept
    return ()


def spoken(tail_first: str) -> str:
    """Return what a template that asks for the head says, whatever its capitals and its last mark."""
    return " ".join(wording_key(tail_first, "head").casefold().split())


def check_apart(one: Relation, other: Relation) -> None:
    """Refuse partners that say their triples in the same words.

    Raises:
        FactsError: two relations share a template, or a template of one, turned round, is one of the other's.
    """
    shared = set(one.head_first) & set(other.head_first) if one.name != other.name else set[str]()
    for mine, back in ((one, other), (other, one)):
        shared |= {spoken(t) for t in swapped(back.head_first)} & {spoken(t) for t in mine.tail_first}
    if shared or not one.tail_first or not other.tail_first:
        raise FactsError(
            f"Relations {short(one.name)} and {short(other.name)} are said in the same words. "
            "Give one of them other templates in relations.yaml."
        )
