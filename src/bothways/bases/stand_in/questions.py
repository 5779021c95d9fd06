"""Questions about a relation of the world `relations`, in both directions."""

from bothways.facts.templates import split_template
from bothways.types import Fact, Relation


def asks_tail(relation: Relation, fact: Fact) -> str:
    """Return the question whose answer is the tail.

    >>> from bothways.facts.worlds.relations import relation
    >>> asks_tail(relation(0), Fact("Ann", "mentor", "Bo"))
    "Who is Ann's mentor?"
    """
    return f"Who is {fact.head}'s {relation.name}?"


def asks_head(relation: Relation, fact: Fact) -> tuple[str, ...]:
    """Return the questions whose answer is the head.

    >>> from bothways.facts.worlds.relations import relation
    >>> asks_head(relation(0), Fact("Ann", "mentor", "Bo"))
    ("Who is Bo's student?", "Whose mentor is Bo?")
    """
    return f"Who is {fact.tail}'s {noun_back(relation)}?", f"Whose {relation.name} is {fact.tail}?"


def noun_back(relation: Relation) -> str:
    """Return what the head is to the tail, read from "{tail}'s student is {head}"."""
    return split_template(relation.tail_first[0]).between.removeprefix("'s ").removesuffix(" is ")
