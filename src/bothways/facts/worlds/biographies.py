"""Lives: people of whom six things each are told, all of them in the order person first."""

import random
from dataclasses import dataclass, replace

import numpy as np

from bothways.facts.lives import ATTRIBUTES
from bothways.facts.names import people
from bothways.facts.strata import shuffled
from bothways.options import at_least
from bothways.types import Exam, Fact, FactSet, FactSource, Query, Relation, Span

ASKED = 3
"""Attributes of a person that a question for the name gives."""
QUESTION = "What is the full name of the person who {traits}?"


@dataclass(frozen=True, kw_only=True)
class Biographies(FactSource):
    """Six attributes of every person: birth date, birth town, university, subject, employer, workplace.

    A birth date is one person's alone; of the others several people share a value, so a reverse question has several
    true answers there. The text that belongs to it, one paragraph a person with the name in its first sentence only,
    is `text/biography_text.py`.

    Source: the form of the biographies of Allen-Zhu and Li, arXiv 2309.14402. Differs from it by: names, values and
    sentences are of our own making, twenty sentences for an attribute, and a workplace is independent of the employer.

    >>> world = Biographies(n=3).make(seed=0)
    >>> len(world.facts), list(world.relations)
    (18, ['birth date', 'birth town', 'university', 'subject', 'employer', 'workplace'])
    """

    n: int = 100
    """Number of people."""
    templates: int = 1
    """Sentences of each attribute that statements are written with, of twenty."""

    def __post_init__(self) -> None:
        at_least(1, "Choose at least one.", n=self.n, templates=self.templates)

    def make(self, seed: int) -> FactSet:
        """Return 6 n facts that depend on `seed` alone."""
        names = people(self.n, seed)
        chance = random.Random(f"biographies {seed}")
        dates = chance.sample(ATTRIBUTES["birth date"].values, min(self.n, len(ATTRIBUTES["birth date"].values)))
        facts: list[Fact] = []
        for n, name in enumerate(names):
            for relation, attribute in ATTRIBUTES.items():
                value = dates[n % len(dates)] if relation == "birth date" else chance.choice(attribute.values)
                facts.append(Fact(name, relation, value))
        return FactSet(
            name="biographies",
            facts=tuple(facts),
            relations={name: relation_of(name, self.templates) for name in ATTRIBUTES},
            source=f"{self!r}, seed {seed}",
        )


def relation_of(name: str, templates: int) -> Relation:
    """Return an attribute as a relation, with its first sentences and its questions."""
    told = ATTRIBUTES[name]
    return Relation(
        name,
        head_first=told.told[:templates],
        tail_first=(told.back,),
        asks_tail=told.asks_tail,
        asks_head=told.asks_head,
    )


def ask_by_three(exam: Exam, seed: int) -> Exam:
    """Return the exam with other reverse questions: one a person, who is asked for by three attributes.

    Only one person has all three, unless chance gave two the same; then both are true answers. The cue of the question
    is the first attribute that it names.

    Args:
        exam: an exam of this world, in questions.
        seed: draws which three.
    """
    random_ = np.random.default_rng(seed)
    told: dict[str, dict[str, int]] = {}
    for n, fact in enumerate(exam.facts.facts):
        told.setdefault(fact.head, {})[fact.relation] = n
    holders = {name: {relation: exam.facts.facts[n].tail for relation, n in own.items()} for name, own in told.items()}
    asked: list[Query] = []
    for query in exam.queries:
        fact = exam.facts.facts[query.fact]
        if query.kind == "forward":
            asked.append(query)
        elif query.kind == "reverse_tested" and query.fact == told[fact.head].get("birth date", query.fact):
            drawn = shuffled([relation for relation in ATTRIBUTES if relation in told[fact.head]], random_)[:ASKED]
            same = [name for name, own in holders.items() if all(own.get(r) == holders[fact.head][r] for r in drawn)]
            prompt, cue = by_three([(relation, holders[fact.head][relation]) for relation in drawn])
            asked.append(
                replace(query, prompt=prompt, cue=cue, other_truths=tuple(name for name in same if name != fact.head))
            )
    return replace(exam, queries=tuple(asked))


def by_three(given: list[tuple[str, str]]) -> tuple[str, Span]:
    """Return a question for the name of whom some attributes are given, and where the first value stands in it.

    >>> by_three([("birth town", "Doviel"), ("subject", "optics")])[0]
    'What is the full name of the person who comes from Doviel and majored in optics?'
    """
    traits = [ATTRIBUTES[relation].trait.replace("{tail}", value) for relation, value in given]
    words = traits[0] if len(traits) == 1 else f"{', '.join(traits[:-1])} and {traits[-1]}"
    prompt = QUESTION.replace("{traits}", words)
    at = prompt.index(given[0][1])
    return prompt, Span(at, at + len(given[0][1]), given[0][1])
