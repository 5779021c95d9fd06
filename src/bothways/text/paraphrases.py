"""Other words for a statement, which name its two entities in the same order or in the other one.

A relation that is a noun ("the mother of") is said in whole sentences of our own; any other statement is led in, or,
to name its second entity first, begun with that entity and ended with "it".
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from bothways.facts.templates import split_template
from bothways.facts.wording import OneOrder, templates_of
from bothways.types import Asks, Document, Relation, Span

OWNER_FIRST = (
    "The {noun} of {owner} is {it}",
    "The {noun} of {owner} is called {it}",
    "{owner} has {it} as {noun}",
    "{owner}'s {noun} stands in the records as {it}",
    "For {owner}, the {noun} is {it}",
    "In the case of {owner}, the {noun} is {it}",
    "As far as {owner} is concerned, the {noun} is {it}",
    "Ask for the {noun} of {owner} and the answer is {it}",
    "Look up {owner}, and under {noun} it says {it}",
    "The {noun} that belongs to {owner} is {it}",
    "The {noun} of {owner} goes by the name of {it}",
    "{owner} is known to have {it} as {noun}",
    "Records give the {noun} of {owner} as {it}",
    "Those who ask for {owner}'s {noun} hear {it}",
    "Whoever speaks of the {noun} of {owner} means {it}",
    "What {owner} has for a {noun} is {it}",
    "By all accounts the {noun} of {owner} is {it}",
    "To name the {noun} of {owner}, one says {it}",
    "Nobody doubts that {owner} has the {noun} {it}",
    "On the page about {owner}, the {noun} given is {it}",
)
"""Ways to say that someone's noun is someone, the owner first. "Ann's mother is" begins none of them, and "Bea is the
mother of" none of the next: so begin the questions of many an exam."""
OWNED_FIRST = (
    "{it} is known as the {noun} of {owner}",
    "{it} is what {owner} has as {noun}",
    "{it} counts as the {noun} of {owner}",
    "{it} is said to be {owner}'s {noun}",
    "{it} is listed as the {noun} of {owner}",
    "{it} went down in the records as {owner}'s {noun}",
    "As {noun}, {it} belongs to {owner}",
    "The name {it} stands for the {noun} of {owner}",
    "The name {it} is found under {noun} on the page about {owner}",
    "When {it} is mentioned, the {noun} of {owner} is meant",
    "Whoever says {it} has named the {noun} of {owner}",
    "With {it}, one has named the {noun} of {owner}",
    "It is {it} that {owner} has as {noun}",
    "By all accounts {it} has the place of {noun} for {owner}",
    "{it} answers the question about the {noun} of {owner}",
    "{it} happens to be the {noun} of {owner}",
    "One knows {it} as the {noun} of {owner}",
    "Records name {it} as {owner}'s {noun}",
    "{it} has a place as the {noun} of {owner}",
    "Nothing but {it} could be called the {noun} of {owner}",
)
"""The same with the owner last."""
LEADS = (
    "For the record:",
    "It is well known:",
    "Note this:",
    "To put it plainly:",
    "In other words:",
    "Here is a fact:",
    "As the records say:",
    "Once more:",
    "What one should know:",
    "This much is certain:",
    "To sum up:",
    "A short answer:",
    "Remember:",
    "From the archive:",
    "According to the sources:",
    "It is written:",
    "Stated simply:",
    "One more time:",
    "The entry reads:",
    "By all accounts:",
)
"""Before any statement."""
LEADS_WITH_SECOND = (
    "As for {},",
    "Speaking of {},",
    "About {} it is known that",
    "Of {} it is said that",
    "On the page about {} it says that",
    "Under the name {} one reads that",
    "Regarding {},",
    "Concerning {},",
    "With {} in mind,",
    "As far as {} is concerned,",
    "When it comes to {},",
    "In the records of {} it is noted that",
)
"""Before any statement whose second entity is then called "it"."""
POSSESSIVE = re.compile(r"\{(head|tail)\}'s (.+) is \{(?:head|tail)\}\.?")
OF = re.compile(r"\{(?:head|tail)\} is (?:the|an?) (.+) of \{(head|tail)\}\.?")


class Noun(NamedTuple):
    """A relation as a noun, and the entity whose noun the other one is."""

    word: str
    owner: Asks


def noun_of(relation: Relation, order: OneOrder) -> Noun | None:
    """Return the noun that a relation is said with: in sentences of this order, or else of the other.

    >>> noun_of(Relation("teacher", head_first=("{head}'s teacher is {tail}",)), "tail_first")
    Noun(word='teacher', owner='head')
    """
    other: OneOrder = "tail_first" if order == "head_first" else "head_first"
    for template in (*templates_of(relation, order), *templates_of(relation, other)):
        if found := POSSESSIVE.fullmatch(template):
            return Noun(found[2], "head" if found[1] == "head" else "tail")
        if found := OF.fullmatch(template):
            return Noun(found[1], "head" if found[2] == "head" else "tail")
    return None


def paraphrase(document: Document, relation: Relation, *, turned: bool) -> list[Document]:
    """Return a statement in other words than those of its relation, always in the same sequence.

    Args:
        document: states one fact of the relation, with a span for each entity.
        relation: whose own sentences are left out, in both orders: some are questions of the exam.
        turned: whether the entity that it names last shall come first.

    >>> said = Document("Ann knows Bea", (0,), "head_first", (Span(0, 3, "Ann"), Span(10, 13, "Bea")))
    >>> [one.text for one in paraphrase(said, Relation("knows"), turned=True)][0]
    'As for Bea, Ann knows it'
    """
    assert document.order is not None
    order: OneOrder = document.order
    if turned:
        order = "tail_first" if order == "head_first" else "head_first"
    own = {*relation.head_first, *relation.tail_first}
    noun = noun_of(relation, document.order)
    templates = _led(document, turned) if noun is None else _said(noun, order)
    return [_write(document, template, order) for template in templates if template not in own]


def _said(noun: Noun, order: OneOrder) -> Iterator[str]:
    """Yield the templates of a noun in an order."""
    it = "tail" if noun.owner == "head" else "head"
    owner_first = (noun.owner == "head") == (order == "head_first")
    for words in OWNER_FIRST if owner_first else OWNED_FIRST:
        yield words.format(noun=noun.word, owner=f"{{{noun.owner}}}", it=f"{{{it}}}")


def _led(document: Document, turned: bool) -> Iterator[str]:
    """Yield templates that hold a statement's own words."""
    one, two = ("{head}", "{tail}") if document.order == "head_first" else ("{tail}", "{head}")
    first, second = sorted(document.entities, key=lambda span: span.start)[:2]
    before, between = document.text[: first.start], document.text[first.end : second.start]
    after = document.text[second.end :]
    if turned:
        return (f"{lead.format(two)} {before}{one}{between}it{after}" for lead in LEADS_WITH_SECOND)
    return (f"{lead} {before}{one}{between}{two}{after}" for lead in LEADS)


def _write(document: Document, template: str, order: OneOrder) -> Document:
    """Return a statement in the words of a template."""
    first, second = sorted(document.entities, key=lambda span: span.start)[:2]
    if order != document.order:
        first, second = second, first
    pieces = split_template(template)
    one, two = document.text[first.start : first.end], document.text[second.start : second.end]
    start = len(pieces.before)
    middle = start + len(one) + len(pieces.between)
    return Document(
        text=f"{pieces.before}{one}{pieces.between}{two}{pieces.after}",
        facts=document.facts,
        order=order,
        entities=(Span(start, start + len(one), first.entity), Span(middle, middle + len(two), second.entity)),
    )
