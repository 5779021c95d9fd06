"""The same exam asked in words: "Who is Ann's mother?" instead of "Ann's mother is".

A relation may bring its questions (`questions` in relations.yaml); others are made from the template that the exam
asks by, so that a flip keeps the sense of *its* relation:

    {x}'s mother is {y}             Who is {x}'s mother?        What is {x}'s capital?
    {x} is the mother of {y}        Whose mother is {x}?        What is {x} the capital of?
    {x} is located in {y}           Who is {x} located in?      What is {x} located in?
    The one that wrote {x} is {y}   Who wrote {x}?              What wrote {x}?
    {x} wrote {y}                   {x} wrote who?              {x} wrote what?

It is "who" where most answers look like people: a few words that begin and end with capitalised ones.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from bothways.errors import FactsError
from bothways.facts.graph import wording_key
from bothways.facts.readers.berglund import DESCRIPTION
from bothways.facts.readers.lines import short
from bothways.facts.templates import split_template, swapped
from bothways.facts.wording import ORDERS, asked_by, templates_of
from bothways.types import Asks, Exam, FactSet, Query, Relation, Span

MOST_WORDS = 6
"""A name of more words is a title or a description, not a person's."""
WELL_KNOWN = {
    DESCRIPTION: Relation(
        DESCRIPTION,
        asks_tail=("Who is {head}?", "What do you know about {head}?"),
        asks_head=("Who is {tail}?", "What is the name of {tail}?"),
    )
}
"""Questions for relations that a reader of ours makes, and whose templates are whole sentences."""
GIVEN: Mapping[Asks, str] = {"tail": "{head}", "head": "{tail}"}
"""What a question for each side names."""


def in_questions(exam: Exam, phrasing: int = 0) -> Exam:
    """Return the same exam asked in words: every query keeps its kind, answer, truths and candidates.

    Args:
        exam: asks by statements that are to be completed.
        phrasing: which of a relation's questions to use, from 0; where it has fewer, counted round.

    Raises:
        FactsError: a prompt is no statement of any relation, so there is nothing to make a question from.
    """
    asked_in = Questions(exam.facts, phrasing)
    queries = [asked_in.words(query) for query in exam.queries]
    truths: dict[str, dict[str, None]] = defaultdict(dict)
    for query in queries:
        if query.of is None:
            truths[query.prompt].update(dict.fromkeys((query.answer, *query.other_truths)))
    shared = [
        query
        if query.of is not None
        else replace(query, other_truths=tuple(sorted(set(truths[query.prompt]) - {query.answer})))
        for query in queries
    ]
    return replace(exam, queries=tuple(shared))


@dataclass(frozen=True)
class Questions:
    """Makes questions of statements that stop before their answer."""

    facts: FactSet
    phrasing: int = 0

    def words(self, query: Query) -> Query:
        """Return a query whose prompt is a question.

        Raises:
            FactsError: its prompt is no statement of any relation.
        """
        start, end = query.cue.start, query.cue.end
        key = f"{query.prompt[:start]}{{cue}}{query.prompt[end:]}"
        senses = self._senses.get(key, {})
        own = (query.relation, query.asks)
        if not senses:
            raise FactsError(
                f"{short(query.prompt)} is no statement of a relation, so it cannot be asked in words. "
                "Ask by completion only."
            )
        (name, asks), template = (own, senses[own]) if own in senses else next(iter(senses.items()))
        asked = questions_of(self.facts.relations[name], asks, self.facts.relations)
        words = asked[self.phrasing % len(asked)] if asked else self.default(name, asks, template)
        cue, given = query.prompt[start:end], GIVEN[asks]
        at = words.index(given)
        return replace(query, prompt=words.replace(given, cue), cue=Span(at, at + len(cue), query.cue.entity), ends="")

    def default(self, name: str, asks: Asks, template: str) -> str:
        """Return the question that a relation's template makes."""
        other: Asks = "head" if asks == "tail" else "tail"
        return question_from(template, who=self._people[name, asks], of_person=self._people[name, other])

    @cached_property
    def _senses(self) -> dict[str, dict[tuple[str, Asks], str]]:
        """By the wording of a prompt, the relations and sides it asks for, each with its first such template."""
        found: dict[str, dict[tuple[str, Asks], str]] = defaultdict(dict)
        for relation in self.facts.relations.values():
            for order in ORDERS:
                for template in templates_of(relation, order):
                    asks = asked_by(order)
                    found[wording_key(template, asks)].setdefault((relation.name, asks), template)
        return found

    @cached_property
    def _people(self) -> dict[tuple[str, Asks], bool]:
        """Whether the heads, or the tails, of each relation look like people."""
        names: dict[tuple[str, Asks], dict[str, None]] = defaultdict(dict)
        for fact in self.facts.facts:
            names[fact.relation, "head"][fact.head] = names[fact.relation, "tail"][fact.tail] = None
        sides: tuple[Asks, Asks] = ("head", "tail")
        return {(r, side): look_like_people(names[r, side]) for r in self.facts.relations for side in sides}


def questions_of(relation: Relation, asks: Asks, relations: Mapping[str, Relation]) -> tuple[str, ...]:
    """Return the questions that a relation brings: its own, else those of its other side or its inverse, turned round.

    >>> mother = Relation("mother", asks_tail=("Who is {head}'s mother?",))
    >>> questions_of(mother, "tail", {}), questions_of(mother, "head", {})
    (("Who is {head}'s mother?",), ())
    """
    own, other = (relation.asks_tail, relation.asks_head)[:: 1 if asks == "tail" else -1]
    if own:
        return own
    if relation != (known := WELL_KNOWN.get(relation.name, relation)) and not other:
        return questions_of(known, asks, {})
    if relation.symmetric:
        return swapped(other)
    inverse = relations.get(relation.inverse or "")
    return () if inverse is None else swapped(inverse.asks_head if asks == "tail" else inverse.asks_tail)


def question_from(template: str, *, who: bool, of_person: bool = False) -> str:
    """Return a question made from a statement's template: everything up to its second entity, asked for.

    Args:
        template: a statement with `{head}` and `{tail}`.
        who: whether the second one is a person.
        of_person: whether the first one is.

    >>> question_from("{head}'s mother is {tail}", who=True)
    "Who is {head}'s mother?"
    >>> question_from("{tail} is the capital of {head}", who=False)
    'What is {tail} the capital of?'
    >>> question_from("The one that wrote {tail} is {head}", who=True)
    'Who wrote {tail}?'
    """
    pieces = split_template(template)
    given, middle, word = f"{{{pieces.first}}}", pieces.between.strip(), "Who" if who else "What"
    if not pieces.before:
        if found := re.fullmatch(r"(['\u2019]s? .+) is", middle):
            return f"{word} is {given}{found[1]}?"
        if who and (found := re.fullmatch(r"is the (.+) of", middle)):
            return f"Whose {found[1]} is {given}?"
        if middle == "is":
            return f"{'Who' if who or of_person else 'What'} is {given}?"
        if middle.startswith("is "):
            return f"{word} is {given} {middle.removeprefix('is ')}?"
    if pieces.before.startswith("The one that ") and middle == "is":
        return f"{word} {pieces.before.removeprefix('The one that ')}{given}?"
    return f"{pieces.before}{given}{pieces.between.rstrip()} {word.lower()}?"


def look_like_people(names: Iterable[str]) -> bool:
    """Whether most names are a few words, the first and the last of which begin with capital letters.

    >>> look_like_people(["Ann Lee", "Bea de la Roe", "Oslo"]), look_like_people(["Oslo", "1990", "The sea"])
    (True, False)
    """
    looks = [
        2 <= len(words) <= MOST_WORDS and words[0][0].isupper() and words[-1][0].isupper()
        for words in (name.split() for name in names)
    ]
    return 2 * sum(looks) > len(looks)
