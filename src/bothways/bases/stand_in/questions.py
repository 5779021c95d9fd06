"""Questions about a relation of the world `relations`, in both directions, in the words that exams ask."""

from bothways.facts.questions import question_from
from bothways.types import Fact, Relation


def asks_tail(relation: Relation, fact: Fact) -> str:
    """Return the question whose answer is the tail.

    >>> from bothways.facts.worlds.relations import relation
    >>> asks_tail(relation(0), Fact("Ann", "mentor", "Bo"))
    "Who is Ann's mentor?"
    """
    return _filled(relation.head_first[0], fact)


def asks_head(relation: Relation, fact: Fact) -> tuple[str, ...]:
    """Return the questions whose answer is the head.

    >>> from bothways.facts.worlds.relations import relation
    >>> asks_head(relation(0), Fact("Ann", "mentor", "Bo"))
    ("Who is Bo's student?", 'Whose mentor is Bo?')
    """
    return _filled(relation.tail_first[0], fact), _filled(f"{{tail}} is the {relation.name} of {{head}}", fact)


def _filled(template: str, fact: Fact) -> str:
    return question_from(template, who=True, of_person=True).format(head=fact.head, tail=fact.tail)
