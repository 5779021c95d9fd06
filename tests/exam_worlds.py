"""Small fact sets made to trap an exam, and an oracle that reads sentences instead of trusting the package."""

import random
import re
from typing import Any

from hypothesis import strategies as st

WORDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mother": (("{head}'s mother is {tail}",), ("{tail}'s child is {head}",)),
    "father": (("{head}'s father is {tail}",), ("{tail}'s child is {head}",)),
    "heir": (("{head} inherits from {tail}",), ("{tail} leaves all to {head}", "{tail}'s child is {head}.")),
    "teacher": (("{head}'s teacher is {tail}",), ("{tail} taught {head}",)),
    "student": (("{head}'s student is {tail}",), ("{tail} learned from {head}",)),
    "friend": (("{head}'s friend is {tail}",), ("{tail}'s friend is {head}",)),
    "spouse": (("{head} is married to {tail}",), ("{tail}'s spouse is {head}",)),
    "likes": (("{head} likes {tail}", "{head} is fond of {tail}"), ("{tail} is liked by {head}",)),
    "boss": (("{head} reports to {tail}",), ("{tail} tells {head} what to do", "{tail} leads {head}")),
}
"""Templates of each relation, head first and tail first: some share a wording, one cannot be asked by its first."""
INVERSE = {"teacher": "student", "student": "teacher"}
SYMMETRIC = {"friend", "spouse"}
PLAIN = tuple(f"{name} {family}" for family in ("Oak", "Elm", "Ash") for name in ("Al", "Bo", "Cy", "Di"))
MANY = tuple(f"{name} {family}" for family in ("Oak", "Elm", "Ash", "Yew", "Fir") for name in ("Al", "Bo", "Cy", "Di"))
TRICKY = ("Al", "Al Oak", "Oak", "child", "Bo Oak-Elm", "Elm", "Bo", "Cy's", "Dr. Al Oak", "fond of", "Eve", "Flo")
"""Names inside other names, and names that templates say."""


def relations(names: Any) -> dict[str, Any]:
    """Relations of these names, worded as above."""
    from bothways.types import Relation

    return {
        name: Relation(name, INVERSE.get(name), name in SYMMETRIC, head_first=WORDS[name][0], tail_first=WORDS[name][1])
        for name in names
    }


def fact_set(rows: Any) -> Any:
    """A fact set of (head, relation, tail, stated) rows."""
    from bothways.types import Fact, FactSet

    return FactSet(name="tiny", facts=tuple(Fact(*row) for row in rows), relations=relations(WORDS))


def rows(names: tuple[str, ...] = PLAIN, stated: tuple[str | None, ...] = (None,), most: int = 50) -> Any:
    """Draw facts about a few entities under a few relations: loops, one-to-many, several relations a pair."""

    def draw(chosen: list[str], n_names: int, n_facts: int, seed: int) -> list[tuple[str, str, str, str | None]]:
        chance = random.Random(seed)
        some = names[:n_names]
        triples = {(chance.choice(some), chance.choice(chosen), chance.choice(some)): None for _ in range(n_facts)}
        return [(*triple, chance.choice(stated)) for triple in triples]

    return st.builds(
        draw,
        chosen=st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=4, unique=True),
        n_names=st.integers(len(names) // 2 if most < 50 else 4, len(names)),
        n_facts=st.integers(6, most),
        seed=st.integers(0, 2**32),
    )


MIXED = (None, None, None, None, "head_first", "head_first", "tail_first", "both")
"""Orders that facts may bring along, most of them none."""
CONFIGS = st.fixed_dictionaries(
    {
        "isolated": st.sampled_from((0.0, 0.25, 0.6)),
        "partner": st.sampled_from((0.25, 0.9)),
        "dev": st.sampled_from((0.0, 0.25, 0.9)),
        "withheld": st.sampled_from((0.1, 0.9)),
        "min_facts": st.sampled_from((1, 3)),
        "max_queries": st.sampled_from((3, 400)),
    }
)


def exam_of(facts: Any, seed: int = 0, **config: Any) -> Any:
    """The exam of these facts, or None where nothing can be tested."""
    from bothways.errors import FactsError
    from bothways.facts.exam import ExamConfig, make_exam

    try:
        return make_exam(facts, ExamConfig(**{"min_facts": 3, **config}), seed)
    except FactsError:
        return None


def reverse(exam: Any) -> list[Any]:
    """The reverse questions of both strata."""
    return [q for q in exam.queries if q.kind in ("reverse_tested", "reverse_partner")]


def cue(query: Any) -> str:
    """The entity a question gives."""
    return query.prompt[query.cue.start : query.cue.end]


def base_texts(exam: Any) -> list[str]:
    """What every base arm reads."""
    from bothways.text.corpus import TextConfig, write_corpus

    return [document.text for document in write_corpus(exam, TextConfig(), 0).documents]


def places(name: str, text: str) -> list[tuple[int, int]]:
    """Where a text spells a name in whole words."""
    return [m.span() for m in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text)]


def leaks(exam: Any) -> list[tuple[str, str]]:
    """(prompt, text) wherever the base text spells a tested answer somewhere after its cue."""
    asked = [(q.prompt, cue(q), q.answer) for q in reverse(exam)]
    names = {name for _, one, other in asked for name in (one, other)}
    found = []
    for text in base_texts(exam):
        spans = {name: spelled for name in names if (spelled := places(name, text))}
        found += [
            (prompt, text)
            for prompt, first, answer in asked
            if first in spans and answer in spans and spans[answer][-1][0] >= spans[first][0][1]
        ]
    return found


def sentences(fact: Any, order: str) -> list[tuple[str, str, str]]:
    """(prompt, answer, sentence) of every template of one order of a fact."""
    first, last = ("{head}", "{tail}") if order == "head_first" else ("{tail}", "{head}")
    name, answer = (fact.head, fact.tail) if order == "head_first" else (fact.tail, fact.head)
    found = []
    for template in WORDS[fact.relation][0 if order == "head_first" else 1]:
        before, _, after = template.replace(first, name).partition(last)
        found.append((before.rstrip(), answer, before + answer + after))
    return found


def truths(facts: Any) -> dict[str, set[str]]:
    """Every true answer to every prompt, symmetry and inverses included."""
    from bothways.types import Fact

    found: dict[str, set[str]] = {}
    for fact in facts:
        said = [fact]
        if fact.relation in SYMMETRIC:
            said.append(Fact(fact.tail, fact.relation, fact.head))
        if fact.relation in INVERSE:
            said.append(Fact(fact.tail, INVERSE[fact.relation], fact.head))
        for one in said:
            for order in ("head_first", "tail_first"):
                for prompt, answer, _ in sentences(one, order):
                    found.setdefault(prompt, set()).add(answer)
    return found
