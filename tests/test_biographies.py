"""Lives: six attributes told in twenty ways, one paragraph with the name in its first sentence only."""

import re
from typing import Any

import pytest


def exam_of(n: int = 12, seed: int = 0) -> Any:
    from bothways.facts.both_ways import both_ways_exam
    from bothways.facts.find import find_facts

    return both_ways_exam(find_facts(f"biographies:n={n}", seed), seed)


def test_every_attribute_has_twenty_sentences_of_its_own() -> None:
    """Each names the person first, and reads with a pronoun; no two say the same words."""
    from bothways.facts.lives import ATTRIBUTES
    from bothways.facts.templates import split_template

    assert 6 == len(ATTRIBUTES)
    for told in ATTRIBUTES.values():
        assert len(set(told.told)) >= 20
        assert len(set(told.values)) == len(told.values)
        for sentence in told.told:
            pieces = split_template(sentence)
            assert ("", "head", ".") == (pieces.before, pieces.first, pieces.after)
            assert pieces.between.startswith(" ") and "'s" not in pieces.between[:3]
    everything = [sentence for told in ATTRIBUTES.values() for sentence in told.told]
    assert len(set(everything)) == len(everything)


def test_people_have_six_attributes_and_a_birthday_of_their_own() -> None:
    from bothways.facts.find import find_facts

    facts = find_facts("biographies:n=40", 3)
    assert 240 == len(facts.facts) == len({(fact.head, fact.relation) for fact in facts.facts})
    dates = [fact.tail for fact in facts.facts if fact.relation == "birth date"]
    assert len(dates) == len(set(dates))
    assert facts == find_facts("biographies:n=40", 3) != find_facts("biographies:n=40", 4)


def test_the_name_stands_in_the_first_sentence_only() -> None:
    from bothways.text.biography_text import BiographyText

    exam = exam_of()
    documents = BiographyText(versions=2).write(exam, 0).documents
    assert 24 == len(documents)
    for document in documents:
        own = [exam.facts.facts[n] for n in document.facts]
        name = own[0].head
        sentences = re.split(r"(?<=\.) ", document.text)
        assert 6 == len(sentences) == len(own)
        assert 1 == document.text.count(name) and sentences[0].startswith(name)
        assert {True} == {sentence.startswith(("She ", "He ")) for sentence in sentences[1:]}
        assert [name, *(fact.tail for fact in own)] == [span.entity for span in document.entities]
        assert all(document.text[span.start : span.end] == span.entity for span in document.entities)
    first, second = documents[:2]
    assert first.facts == second.facts and first.text != second.text
    again = BiographyText(versions=2).write(exam, 0).documents
    assert [d.text for d in documents] == [d.text for d in again]


def test_versions_may_tell_it_in_another_order() -> None:
    from bothways.text.biography_text import BiographyText

    exam = exam_of(n=6)
    documents = BiographyText(versions=3, mixed=True).write(exam, 0).documents
    order = [tuple(span.entity for span in d.entities) for d in documents if d.facts == documents[0].facts]
    assert 3 == len(order) and len(set(order)) > 1
    assert {frozenset(order[0])} == {frozenset(one) for one in order}


def test_what_is_stated_tail_first_is_told_beside_it() -> None:
    from dataclasses import replace

    from bothways.text.biography_text import BiographyText

    exam = exam_of(n=6)
    facts = replace(exam.facts, facts=tuple(replace(f, stated="both") for f in exam.facts.facts))
    documents = BiographyText().write(replace(exam, facts=facts), 0).documents
    assert (6, 36) == tuple(sum(d.order == o for d in documents) for o in ("head_first", "tail_first"))


def test_a_name_is_asked_for_by_three_attributes() -> None:
    from bothways.facts.questions import in_questions
    from bothways.facts.worlds.biographies import ask_by_three

    exam = exam_of(n=20)
    asked = [q for q in ask_by_three(in_questions(exam), 0).queries if q.kind == "reverse_tested"]
    assert 20 == len(asked) == len({q.answer for q in asked})
    value = {(fact.head, fact.tail) for fact in exam.facts.facts}
    for query in asked:
        named = [tail for head, tail in value if head == query.answer and re.search(rf"\b{tail}\b", query.prompt)]
        assert len(named) >= 3
        assert query.cue.entity == query.prompt[query.cue.start : query.cue.end]
        assert query.answer not in query.prompt


def test_other_facts_are_no_lives() -> None:
    from bothways.errors import BothwaysError
    from bothways.facts.both_ways import both_ways_exam
    from bothways.facts.find import find_facts
    from bothways.text.biography_text import BiographyText

    with pytest.raises(BothwaysError, match="Paragraphs are written of the world biographies"):
        BiographyText().write(both_ways_exam(find_facts("bijection:n=10"), 0), 0)
