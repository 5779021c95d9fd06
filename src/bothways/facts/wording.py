"""How facts are asked, and what a set of settled facts says: the ground that leak checks stand on."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from bothways.facts.graph import Slot, same_sense, wording_key
from bothways.facts.templates import render
from bothways.types import Asks, Fact, FactSet, Relation, Span

OneOrder = Literal["head_first", "tail_first"]
ORDERS: tuple[OneOrder, OneOrder] = ("head_first", "tail_first")
Stratum = Literal["isolated", "partner"]


@dataclass(frozen=True, slots=True)
class Question:
    """A template cut before its last entity."""

    prompt: str
    cue: Span
    answer: str
    ends: str
    asks: Asks
    key: str
    """The template up to the answer, with its cue left open: questions of one key share their wording."""


def opposite(fact: Fact) -> OneOrder:
    """Return the order in which a fact is not (or not first) stated."""
    return "head_first" if fact.stated == "tail_first" else "tail_first"


def first_named(fact: Fact) -> str:
    """Return the entity a fact's statement names first: what its reverse question asks for."""
    return fact.tail if fact.stated == "tail_first" else fact.head


def last_named(fact: Fact, order: OneOrder) -> str:
    """Return the entity that a statement in this order names last."""
    return fact.tail if order == "head_first" else fact.head


def asked_by(order: OneOrder) -> Asks:
    """Return which entity of a fact a question in this order asks for."""
    return "tail" if order == "head_first" else "head"


def templates_of(relation: Relation, order: OneOrder) -> tuple[str, ...]:
    """Return the templates that name the entities in this order."""
    return relation.head_first if order == "head_first" else relation.tail_first


def wordings(relation: Relation, order: OneOrder) -> set[str]:
    """Return the wordings in which a relation is stated in this order."""
    return {wording_key(template, asked_by(order)) for template in templates_of(relation, order)}


def questions(relation: Relation, fact: Fact, order: OneOrder) -> Iterator[Question]:
    """Yield every template of this order, cut before its second entity."""
    asks = asked_by(order)
    for template in templates_of(relation, order):
        text, (first, second) = render(template, fact)
        yield Question(
            text[: second.start].rstrip(),
            first,
            last_named(fact, order),
            text[second.end :],
            asks,
            wording_key(template, asks),
        )


def question(relation: Relation, fact: Fact, order: OneOrder) -> Question | None:
    """Return the question that this order of a fact asks: everything before its second entity.

    The first template that ends with the entity (up to punctuation) is used, so that nothing after the
    answer is needed to understand the question; None where no template does.
    """
    asked = questions(relation, fact, order)
    return next((each for each in asked if not any(c.isalnum() for c in each.ends)), None)


def readings(fact: Fact, relations: Mapping[str, Relation]) -> tuple[Fact, ...]:
    """Return a fact and what it says by the declared algebra: turned round, or told by the inverse relation.

    >>> [f.relation for f in readings(Fact("Ann", "teacher", "Bea"), {"teacher": Relation("teacher", "student")})]
    ['teacher', 'student']
    """
    told_as = dict.fromkeys(name for name, asks in same_sense(relations[fact.relation], "head") if asks == "tail")
    return (fact, *(Fact(fact.tail, name, fact.head) for name in told_as))


def orders(fact: Fact) -> tuple[OneOrder, ...]:
    """Return the orders a settled fact is stated in: one, both or none.

    >>> orders(Fact("Ann", "aunt", "Bea", "never"))
    ()
    """
    if fact.stated == "both":
        return ORDERS
    return () if fact.stated == "never" else (fact.stated or "head_first",)


def find_truths(facts: FactSet) -> dict[str, set[str]]:
    """Return every true answer to each prompt that any template makes, declared symmetry and inverses included."""
    truths: dict[str, set[str]] = defaultdict(set)
    for fact in facts.facts:
        for reading in readings(fact, facts.relations):
            for order in ORDERS if reading.relation in facts.relations else ():
                for asked in questions(facts.relations[reading.relation], reading, order):
                    truths[asked.prompt].add(asked.answer)
    return truths


@dataclass(frozen=True)
class Wording:
    """What the base text of every arm says, question by question."""

    targets: Mapping[str, set[str]]
    """Entities that stand last in some statement of each wording."""
    last: Mapping[OneOrder, set[str]]
    """Entities that stand last in some statement of each order, whatever the relation."""
    meant: Mapping[Slot, set[str]]
    """Entities that stand last in some statement of each sense: in this slot, its inverse's or its mirror's."""
    ordered_pairs: set[tuple[str, str]]
    """(first entity, second entity) of every statement."""
    stated_prompts: set[str]
    """Prompts that some statement completes."""

    @classmethod
    def of(cls, trained: FactSet) -> "Wording":
        """Collect what settled facts say."""
        targets: dict[str, set[str]] = defaultdict(set)
        last: dict[OneOrder, set[str]] = {order: set() for order in ORDERS}
        meant: dict[Slot, set[str]] = defaultdict(set)
        ordered_pairs: set[tuple[str, str]] = set()
        stated_prompts: set[str] = set()
        for fact in trained.facts:
            relation = trained.relations[fact.relation]
            for order in orders(fact):
                answer = last_named(fact, order)
                last[order].add(answer)
                ordered_pairs.add((fact.head if order == "head_first" else fact.tail, answer))
                for slot in same_sense(relation, asked_by(order)):
                    meant[slot].add(answer)
                for key in wordings(relation, order):
                    targets[key].add(answer)
                stated_prompts.update(asked.prompt for asked in questions(relation, fact, order))
        return cls(targets, last, meant, ordered_pairs, stated_prompts)

    def stratum(self, relation: str, order: OneOrder, asked: Question) -> Stratum | None:
        """Return the stratum of a reverse question, or None if it is in neither.

        Isolated: no statement in the question's order has the answer last, whatever its relation, and none of the
        same meaning does in either order. The second part matters where a relation is symmetric or has an inverse:
        "C's friend is A" makes A a target of "B's friend is" too, although it states another fact head first.
        Partner: a statement in the question's own words has the answer last (and another cue).
        """
        if asked.answer in self.targets.get(asked.key, ()):
            return "partner"
        if asked.answer in self.last[order] or asked.answer in self.meant.get((relation, asked.asks), ()):
            return None
        return "isolated"
