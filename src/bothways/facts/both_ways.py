"""The exam of a model that was trained elsewhere: every fact is asked both ways, and nothing is held out.

Where a comparison settles which order of a fact is stated, here nobody knows what the model read. `forward` asks for
the tail and `reverse_tested` for the head, unless the facts bring another order along. The same exam is asked before
and after a fine-tune on statements in that order.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bothways.facts.exam import ExamConfig, make_exam
from bothways.facts.strata import shuffled
from bothways.types import Exam, FactSet, Query

EVERYTHING = 10**9
"""More questions than there are."""


def both_ways_exam(facts: FactSet, seed: int, *, most: int = 0, max_candidates: int = 0, dev: float = 0.0) -> Exam:
    """Return an exam that asks facts forward and in reverse, and each reverse question under another relation.

    Args:
        facts: those without an order of their own count as stated head first.
        seed: draws flips, the development share and candidates.
        most: how many facts are asked; 0 for all. The same facts are asked both ways.
        max_candidates: how many candidates a pool holds beside the answers; 0 for all entities of a type.
        dev: share of the clusters kept for curves and choices.

    Raises:
        FactsError: nothing can be asked in reverse; the message says why.
    """
    config = ExamConfig(dev=dev, max_queries=EVERYTHING, withheld=0.99, any_wording=True)
    exam = limited(make_exam(stated_head_first(facts), config, seed), most)
    return narrowed(exam, max_candidates, seed) if max_candidates else exam


def stated_head_first(facts: FactSet) -> FactSet:
    """Return facts that all bring their order along: where one has none, the head comes first."""
    return replace(facts, facts=tuple(replace(fact, stated=fact.stated or "head_first") for fact in facts.facts))


def limited(exam: Exam, most: int) -> Exam:
    """Return an exam that asks so many facts only, spread over the exam: first those that are asked in reverse.

    >>> from bothways.facts.find import find_facts
    >>> exam = limited(both_ways_exam(find_facts("relations:n_entities=30"), 0), 5)
    >>> len({query.fact for query in exam.queries})
    5
    """
    tested = dict.fromkeys(q.fact for q in exam.queries if q.kind.startswith("reverse"))
    others = dict.fromkeys(q.fact for q in exam.queries if q.fact not in tested)
    if not 0 < most < len(tested) + len(others):
        return exam
    drawn = [*spread(list(tested), most), *spread(list(others), max(0, most - len(tested)))]
    kept = kept_of(exam.queries, set(drawn))
    note = f"{most} of {len(tested) + len(others)} facts are asked."
    return replace(exam, queries=kept, notes=(*exam.notes, note))


def spread(items: Sequence[int], most: int) -> list[int]:
    """Return at most so many items, evenly spread.

    >>> spread(range(10), 3), spread([1], 3)
    ([0, 3, 6], [1])
    """
    n = min(most, len(items))
    return [items[place * len(items) // n] for place in range(n)]


def kept_of(queries: Sequence[Query], facts: set[int]) -> tuple[Query, ...]:
    """Return the queries about some facts; a flip goes on pointing at the question it repeats."""
    places = {old: new for new, old in enumerate(n for n, query in enumerate(queries) if query.fact in facts)}
    return tuple(
        replace(queries[old], of=places[of] if (of := queries[old].of) is not None else None) for old in places
    )


def narrowed(exam: Exam, most: int, seed: int) -> Exam:
    """Return an exam whose pools hold the answers that are asked for, and so many candidates in all if there are more.

    Candidates are drawn in an order of their own, so a pool only grows with `most`.
    """
    random = np.random.default_rng(seed)
    pools: dict[str, tuple[str, ...]] = {}
    for name, pool in exam.candidates.items():
        answers = {query.answer for query in exam.queries if query.candidates == name}
        drawn = [candidate for candidate in shuffled(pool, random) if candidate not in answers]
        kept = answers | set(drawn[: max(0, most - len(answers))])
        if answers:
            pools[name] = tuple(candidate for candidate in pool if candidate in kept)
    return replace(exam, candidates=pools)
