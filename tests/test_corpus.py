"""The training text: every statement once, nothing else, and plain sentences nobody trains on."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.exam_worlds import MIXED, TRICKY, WORDS, exam_of, fact_set, rows, sentences

DRAWN = st.one_of(rows(), rows(stated=MIXED), rows(names=TRICKY, stated=MIXED))


def corpus_of(exam, *edits, seed=0):
    """What an arm with these edits reads."""
    from bothways.text.corpus import TextConfig, write_corpus

    return write_corpus(exam, TextConfig(edits=edits), seed)


def town(n=12):
    """An exam of pairs."""
    return exam_of(fact_set([(f"Al{i}", "likes", f"Bo{i}", None) for i in range(n)]))


@given(DRAWN)
def test_each_statement_is_a_document_of_its_own(drawn):
    """One document per fact, order and template, in that order, with its entities and its fact."""
    exam = exam_of(fact_set(drawn))
    if exam is None:
        return
    expected = [
        (sentence, (i,), order)
        for i, fact in enumerate(exam.facts.facts)
        for order in ("head_first", "tail_first")
        if fact.stated in (order, "both")
        for _, _, sentence in sentences(fact, order)
    ]
    documents = corpus_of(exam).documents
    assert expected == [(d.text, d.facts, d.order) for d in documents]
    for d in documents:
        fact = exam.facts.facts[d.facts[0]]
        named = (fact.head, fact.tail) if d.order == "head_first" else (fact.tail, fact.head)
        assert named == tuple(span.entity for span in d.entities)
        assert named == tuple(d.text[span.start : span.end] for span in d.entities)
        assert d.entities[0].end <= d.entities[1].start


@given(DRAWN)
def test_nobody_trains_on_what_measures_fluency(drawn):
    """Held-out sentences join no true pair, name their entities, and use only words that the base text uses."""
    exam = exam_of(fact_set(drawn))
    if exam is None:
        return
    corpus = corpus_of(exam)
    true = {frozenset((f.head, f.tail)) for f in (*exam.facts.facts, *exam.withheld)}
    wordings = {_without_names(d) for d in corpus.documents}
    assert not {d.text for d in corpus.documents} & {d.text for d in corpus.held_out}
    for d in corpus.held_out:
        assert (d.facts, d.order) == ((), None)
        assert frozenset(span.entity for span in d.entities) not in true
        assert 2 == len({span.entity for span in d.entities})
        assert _without_names(d) in wordings


def _without_names(document):
    first, second = document.entities
    text = document.text
    return f"{text[: first.start]}*{text[first.end : second.start]}*{text[second.end :]}"


def test_every_arm_and_seed_is_measured_on_the_same_plain_sentences():
    """Neither edits nor the text's seed change what is held out; another exam changes it."""
    from bothways.mitigations.both_directions import StateBothOrders

    exam = town()
    plain = corpus_of(exam).held_out
    assert 64 == len(plain)
    assert plain == corpus_of(exam, StateBothOrders(), seed=5).held_out
    assert plain != corpus_of(replace(exam, seed=1)).held_out


def test_words_that_only_a_cure_teaches_do_not_measure_fluency():
    """Where the base text says a relation head first only, no plain sentence says it tail first."""
    exam = exam_of(fact_set([(f"Al{i}", "likes", f"Bo{i}", "head_first") for i in range(12)]))
    held_out = corpus_of(exam).held_out
    assert held_out
    assert not [d.text for d in held_out if "is liked by" in d.text]


def test_edits_apply_in_turn():
    """The second edit sees what the first one made, and each gets the text's seed."""
    from bothways.text.corpus import TextEdit

    seen = []

    def edit(mark):
        class Mark(TextEdit):
            def __call__(self, documents, exam, seed):
                seen.append((mark, len(documents), seed))
                return (*documents, replace(documents[0], text=mark))

        return Mark()

    exam = town()
    n = len(corpus_of(exam).documents)
    marked = corpus_of(exam, edit("one"), edit("two"), seed=7).documents
    assert [("one", n, 7), ("two", n + 1, 7)] == seen
    assert ["one", "two"] == [d.text for d in marked[n:]]


@given(DRAWN)
def test_the_control_adds_what_is_missing_and_nothing_twice(drawn):
    """Both orders of every trained fact are stated once each, the base text first, and no withheld fact."""
    from bothways.mitigations.both_directions import StateBothOrders

    exam = exam_of(fact_set(drawn))
    if exam is None:
        return
    base, control = corpus_of(exam).documents, corpus_of(exam, StateBothOrders()).documents
    assert base == control[: len(base)]
    both = {s for f in exam.facts.facts for o in ("head_first", "tail_first") for _, _, s in sentences(f, o)}
    assert both == {d.text for d in control}
    added = [d.text for d in control[len(base) :]]
    assert not set(added) & {d.text for d in base}


def test_a_sentence_about_a_name_knows_where_it_stands():
    """Every occurrence of the name is an entity; names in a corpus are listed once, in order."""
    from bothways.text.corpus import entities_of, sentence_about

    one, two = sentence_about("The name of Al is Al", "Al"), sentence_about("Bo is here", "Bo")
    assert [(12, 14), (18, 20)] == [(span.start, span.end) for span in one.entities]
    assert ("Al", "Bo") == entities_of([one, two, one])


@pytest.mark.parametrize("relation", sorted(WORDS))
def test_an_entity_named_like_a_template_word_keeps_its_place(relation):
    """Spans come from the template and not from a search for the name."""
    exam = exam_of(fact_set([(f"is{i}" if i else "is", relation, f"child{i}", None) for i in range(12)]))
    for d in corpus_of(exam).documents:
        assert all(d.text[span.start : span.end] == span.entity for span in d.entities)
        fact = exam.facts.facts[d.facts[0]]
        assert {fact.head, fact.tail} == {span.entity for span in d.entities}
