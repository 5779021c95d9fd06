"""Names of one word: as many tokens as people, in text, exam and rows, and otherwise the same world."""

from typing import Any

import pytest
from tests.graph_texts import SEED, corpus_of, exam_of, small, written

ROOM = {"n_graphs": 12, "n_tested": 4, "n_context": 2, "pool": 8, "n_jobs": 5}


def worlds() -> tuple[Any, Any]:
    """The world with names of one word, and of three."""
    return small(parts=1, **ROOM), small(**ROOM)


def everybody(world: Any) -> list[str]:
    return [world.person(number) for number in range(world.n_people)]


def test_a_name_is_one_word_and_nobody_shares_it() -> None:
    """There are names for as many as are wanted, not for more."""
    world = worlds()[0]
    names = everybody(world)
    assert 3 * (12 + 4 + 2) == len(names) == len(set(names))
    assert all(name.isalpha() and name == name.capitalize() for name in names)


@pytest.mark.parametrize("form", ["paragraph", "sentence"])
def test_the_text_says_the_same_as_with_names_of_three_words(form: str) -> None:
    """Every name stands where an entity is marked; the words of names of three are in no document."""
    world = worlds()[0]
    people, jobs = set(everybody(world)), {fact.tail for fact in world.make(SEED).facts if fact.relation == "job"}
    corpus = corpus_of(world, paragraphs=2, form=form)
    named = {d.text[span.start : span.end] for d in corpus.documents for span in d.entities}
    assert named <= people | jobs
    told = {f.head for part in ("told", "tested") for f in world.facts_of(SEED, part)}
    assert told == named & people
    assert all(any(name in text for name in people) for text in written(corpus.documents))


def test_the_exam_asks_for_people_by_their_one_word() -> None:
    world = worlds()[0]
    exam, people = exam_of(world), set(everybody(world))
    partners = [q for q in exam.queries if q.kind.startswith(("logic_", "stated_", "flipped_", "memory_people"))]
    assert len(partners) > 20
    assert {q.answer for q in partners} <= people
    assert all(q.cue.entity in people for q in partners)
    kinds = [[q.kind for q in exam_of(w).queries] for w in worlds()]
    assert sorted(set(kinds[0])) == sorted(set(kinds[1]))


def test_a_name_is_one_token() -> None:
    """So rows are shorter than with names of three words, by two tokens for each of two people."""
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer

    longest = []
    for world in worlds():
        corpus = corpus_of(world, form="sentence")
        tokenizer = fit_tokenizer(corpus, exam_of(world), TokenizerConfig(kind="word"))
        sizes = {len(tokenizer.entity_pieces(world.person(number))) for number in range(10)}
        assert {world.parts} == sizes
        longest.append(max(len(tokenizer.pieces(text)) for text in written(corpus.documents)))
    assert longest[0] < longest[1]
