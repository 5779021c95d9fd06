"""How facts are asked, and what a set of settled facts says: the ground that leak checks stand on."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bothways.facts.graph import wording_key
from bothways.facts.templates import render
from bothways.types import Asks, Fact, FactSet, Relation, Span

OneOrder = Literal["head_first", "tail_first"]


@dataclass(frozen=True, slots=True)
class Question:
    """A template cut before its last entity."""

    prompt: str
    cue: Span
    answer: str
    ends: str
    asks: Asks
    key: str
    """The template, with its entities named by their part: questions of one key share their wording."""


def opposite(fact: Fact) -> OneOrder:
    """Return the order in which a fact is not (or not first) stated."""
    return "head_first" if fact.stated == "tail_first" else "tail_first"


def first_named(fact: Fact) -> str:
    """Return the entity a fact's statement names first: what its reverse question asks for."""
    return fact.tail if fact.stated == "tail_first" else fact.head


def templates_of(relation: Relation, order: OneOrder) -> tuple[str, ...]:
    """Return the templates that name the entities in this order."""
    return relation.head_first if order == "head_first" else relation.tail_first


def question(relation: Relation, fact: Fact, order: OneOrder) -> Question | None:
    """Return the question that this order of a fact asks: everything before its second entity.

    The first template that ends with the entity (up to punctuation) is used, so that nothing after the
    answer is needed to understand the question; None where no template does.
    """
    asks: Asks = "tail" if order == "head_first" else "head"
    for template in templates_of(relation, order):
        if any(c.isalnum() for c in template.partition("{" + asks + "}")[2]):
            continue
        text, (first, second) = render(template, fact)
        prompt = text[: second.start].rstrip()
        answer = fact.tail if asks == "tail" else fact.head
        return Question(prompt, first, answer, text[second.end :], asks, wording_key(template, asks))
    return None


@dataclass(frozen=True)
class Wording:
    """What the base text of every arm says, question by question."""

    truths: Mapping[str, set[str]]
    """Every true answer to each prompt, trained or withheld."""
    targets: Mapping[str, set[str]]
    """Entities that stand last in some statement of each wording."""
    reverse_targets: set[str]
    """Entities that stand last in some tail-first statement."""
    ordered_pairs: set[tuple[str, str]]
    """(first entity, second entity) of every statement."""
    stated_prompts: set[str]
    """Prompts that some statement completes."""

    @classmethod
    def of(cls, trained: FactSet, everything: Sequence[Fact]) -> "Wording":
        """Collect what `trained` says and what `everything` makes true."""
        truths: dict[str, set[str]] = defaultdict(set)
        targets: dict[str, set[str]] = defaultdict(set)
        reverse_targets: set[str] = set()
        ordered_pairs: set[tuple[str, str]] = set()
        stated_prompts: set[str] = set()
        for fact in everything:
            for order in ("head_first", "tail_first"):
                asked = question(trained.relations[fact.relation], fact, order)
                if asked is not None:
                    truths[asked.prompt].add(asked.answer)
        for fact in trained.facts:
            relation = trained.relations[fact.relation]
            for order in orders(fact):
                first, second = (fact.head, fact.tail) if order == "head_first" else (fact.tail, fact.head)
                ordered_pairs.add((first, second))
                if order != ("tail_first" if fact.stated == "tail_first" else "head_first"):
                    reverse_targets.add(second)
                asks: Asks = "tail" if order == "head_first" else "head"
                for template in templates_of(relation, order):
                    targets[wording_key(template, asks)].add(second)
                asked = question(relation, fact, order)
                if asked is not None:
                    stated_prompts.add(asked.prompt)
        return cls(truths, targets, reverse_targets, ordered_pairs, stated_prompts)


def orders(fact: Fact) -> tuple[OneOrder, ...]:
    """Return the orders a settled fact is stated in."""
    return ("head_first", "tail_first") if fact.stated == "both" else (fact.stated or "head_first",)
