"""Texts put before an exam's questions: examples with their answers, or what is asked for itself.

Both return an exam like the one given, so whatever scores one scores the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bothways.errors import BothwaysError
from bothways.facts.strata import shuffled
from bothways.facts.templates import render
from bothways.facts.wording import orders, templates_of
from bothways.types import Exam, Query, Span

KINDS = ("forward", "reverse_tested", "reverse_partner")
"""Kinds of question whose answer a statement of the fact gives."""
Joined = Callable[[Sequence[tuple[str, str]], str], str]
"""Puts examples, each a question and its answer, before a question."""


def as_sentences(examples: Sequence[tuple[str, str]], prompt: str) -> str:
    """Put examples before a statement that is to be completed.

    >>> as_sentences([("Ann's mother is", "Bea")], "Cid's mother is").splitlines()
    ["Ann's mother is Bea.", "Cid's mother is"]
    """
    return "\n".join([*(f"{asked} {answer}." for asked, answer in examples), prompt])


def as_questions(examples: Sequence[tuple[str, str]], prompt: str) -> str:
    """Put examples before a question, in the form that a tokenizer without a chat template asks in.

    >>> as_questions([("Who is Ann?", "Bea")], "Who is Cid?").splitlines()
    ['Who is Ann?', 'Answer: Bea', '', 'Question: Who is Cid?']
    """
    return "\n\nQuestion: ".join([*(f"{asked}\nAnswer: {answer}" for asked, answer in examples), prompt])


def with_shots(exam: Exam, n: int, joined: Joined, seed: int) -> Exam:
    """Return an exam whose every question stands after n others, of any direction, with their answers.

    Args:
        exam: its development questions are the examples.
        n: examples for each question; the same for all questions of a fact, none of which names its entities.
        joined: how they are put before it.
        seed: draws them.

    Raises:
        BothwaysError: there are too few development questions about other entities.
    """
    facts = exam.facts.facts
    dev = [query for query in exam.queries if query.split == "dev" and query.kind in KINDS]
    drawn: dict[int, list[tuple[str, str]]] = {}
    asked: list[Query] = []
    for query in exam.queries:
        if query.fact not in drawn:
            pair = facts[query.fact].pair
            mixed = shuffled(dev, np.random.default_rng((seed, query.fact)))
            others = [other for other in mixed if not facts[other.fact].pair & pair]
            if len(others) < n:
                raise BothwaysError(
                    f"{n} examples are asked for, and only {len(others)} questions of other entities are set aside. "
                    "Give more facts, or ask without examples."
                )
            drawn[query.fact] = [(other.prompt, other.answer) for other in others[:n]]
        asked.append(after(query, joined(drawn[query.fact], query.prompt)))
    return replace(exam, queries=tuple(asked))


def with_context(exam: Exam, seed: int) -> Exam:
    """Return an exam whose prompts state the fact that is asked for, and another one beside it.

    The control of every number: whoever does not answer here did not understand the question, or cannot write the
    answer. The other fact is of the same relation and stands first or last by chance, so naming just anything is
    not enough. Flips are left out: what they ask for is not stated.
    """
    random = np.random.default_rng(seed)
    facts, relations = exam.facts.facts, exam.facts.relations
    same: dict[str, list[int]] = {}
    for n, fact in enumerate(facts):
        same.setdefault(fact.relation, []).append(n)
    asked: list[Query] = []
    for query in exam.queries:
        if query.kind not in KINDS:
            continue
        fact = facts[query.fact]
        others = [n for n in same[fact.relation] if not facts[n].pair & fact.pair]
        told = [fact, *([facts[others[int(random.integers(len(others)))]]] if others else [])]
        said = [
            render(templates_of(relations[one.relation], (*orders(one), "head_first")[0])[0], one)[0]
            for one in shuffled(told, random)
        ]
        asked.append(after(query, "\n".join([*(f"{text.rstrip('.')}." for text in said), query.prompt])))
    return replace(exam, queries=tuple(asked))


def after(query: Query, prompt: str) -> Query:
    """Return a query whose prompt now ends a longer text."""
    by = len(prompt) - len(query.prompt)
    cue = Span(query.cue.start + by, query.cue.end + by, query.cue.entity)
    return replace(query, prompt=prompt, cue=cue)
