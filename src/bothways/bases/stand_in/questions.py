"""Questions about a relation of the world `relations`, both ways: in the words that exams ask, and in others."""

from bothways.facts.questions import question_from
from bothways.facts.templates import split_template
from bothways.types import Fact, Relation

ASKS_TAIL = ("Name {head}'s {noun}.",)
"""Other words in which a tail is asked for."""
ASKS_HEAD = ("Whose {noun} is {tail}?",)
"""Other words in which a head is asked for."""


def asks_tail(relation: Relation, fact: Fact) -> tuple[str, ...]:
    """Return the questions whose answer is the tail, first in the words that exams ask.

    >>> from bothways.facts.worlds.relations import relation
    >>> asks_tail(relation(0), Fact("Ann", "mentor", "Bo"))[:2]
    ("Who is Ann's mentor?", "Name Ann's mentor.")
    """
    return _filled(relation, fact, (question_from(relation.head_first[0], who=True), *ASKS_TAIL))


def asks_head(relation: Relation, fact: Fact) -> tuple[str, ...]:
    """Return the questions whose answer is the head, first in the words that exams ask.

    >>> from bothways.facts.worlds.relations import relation
    >>> asks_head(relation(0), Fact("Ann", "mentor", "Bo"))[:2]
    ("Who is Bo's student?", 'Whose mentor is Bo?')
    """
    return _filled(relation, fact, (question_from(relation.tail_first[0], who=True), *ASKS_HEAD))


def _filled(relation: Relation, fact: Fact, questions: tuple[str, ...]) -> tuple[str, ...]:
    between = split_template(relation.tail_first[0]).between
    back = between.removeprefix("'s ").removesuffix(" is ")
    said = {"head": fact.head, "tail": fact.tail, "noun": relation.name, "back": back}
    return tuple(question.format(**said) for question in questions)
