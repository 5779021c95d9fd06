"""Small worlds of graphs and their text, written out plainly: what the vectorised writer is held to."""

from functools import cache
from typing import Any

SEED = 3


def small(**options: Any) -> Any:
    """A world of few graphs that uses every relation."""
    from bothways.facts.worlds.graphs import Graphs

    return Graphs(**({"n_graphs": 40, "n_tested": 12, "n_context": 12} | options))


def corpus_of(world: Any, seed: int = 0, **options: Any) -> Any:
    """The text of a world, for its exam."""
    from bothways.text.graph_text import GraphText

    return GraphText(world=world, **options).write(exam_of(world), seed)


@cache
def exam_of(world: Any, n: int = 100) -> Any:
    """The exam of a world."""
    from bothways.facts.graphs.exam import graph_exam

    return graph_exam(world, SEED, n)


def written(documents: Any) -> list[str]:
    """Every document as text."""
    return [document.text for document in documents]


def renderings(world: Any, fact: Any, order: str) -> list[str]:
    """Return a fact's sentences in one order, filled by the ordinary templates."""
    from bothways.facts.templates import render

    relation = world.relations[fact.relation]
    templates = relation.head_first if order == "head_first" else relation.tail_first
    return [render(template, fact)[0] + "." for template in templates]


def questions_about(fact: Any) -> list[str]:
    """Return a fact's questions with their answers, in plain words."""
    head, relation, tail = fact.head, fact.relation, fact.tail
    if relation == "job":
        return [f"What is {head}'s job? Answer: {tail}"]
    return [f"Who is {head}'s {relation}? Answer: {tail}", f"Whose {relation} is {tail}? Answer: {head}"]


def claim(fact: Any, says: str) -> str:
    """Return a claim about a relation, with what it is answered."""
    return f"Is {fact.tail} the {fact.relation} of {fact.head}? Answer: {says}"


def people_of(facts: Any) -> set[str]:
    """Return everybody in some facts."""
    return {fact.head for fact in facts} | {fact.tail for fact in facts if fact.relation != "job"}


@cache
def parts(world: Any) -> dict[str, list[Any]]:
    """Return the facts of each part of a world."""
    return {part: world.facts_of(SEED, part) for part in ("told", "tested", "context")}


def by_sevens(facts: Any) -> list[list[Any]]:
    """Return the facts graph by graph."""
    return [list(facts[at : at + 7]) for at in range(0, len(facts), 7)]
