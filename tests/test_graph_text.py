"""The text of the world of graphs: what it says is what plain templates say, and it gives nothing away."""

import re
from collections import Counter
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.graph_texts import (
    SEED,
    by_sevens,
    claim,
    corpus_of,
    exam_of,
    parts,
    people_of,
    questions_about,
    renderings,
    small,
    written,
)

WAYS = [
    dict(form=form, tested=tested, told=told, **more)
    for form, tested, told in product(("paragraph", "sentence"), ("one", "both"), ("both", "head_first"))
    for more in ({}, {"distractors": 0.5, "pronouns": 0.7})
    if form == "paragraph" or not more
]
"""Every form that text may take."""


def says(way):
    """A name for a form of the text."""
    return "-".join(str(value) for value in way.values())


@cache
def known(world):
    """Return which fact and order each possible sentence states, and of which part of the world."""
    return {
        sentence: (part, fact, order)
        for part, facts in parts(world).items()
        for fact in facts
        for order in ("head_first", "tail_first")
        for sentence in renderings(world, fact, order)
    }


def named_first(stated):
    """Return who is named first by (part, fact, order)."""
    return stated[1].head if stated[2] == "head_first" else stated[1].tail


def read(text, lookup):
    """Return what each sentence states, with "this person" understood, and None for a sentence about nobody."""
    from bothways.facts.graphs.words import DISTRACTORS

    out, who = [], None
    for sentence in re.findall(r"[^.]+\.", text):
        plain = sentence.strip()
        if plain.removesuffix(".") in DISTRACTORS:
            out.append(None)
            continue
        if "this person" in plain:
            assert who is not None
            plain = plain.replace("this person", who)
        out.append(lookup[plain])
        who = named_first(out[-1])
    return out


def stated(corpus, lookup):
    """Return everything that a corpus states."""
    return [one for text in written(corpus.documents) for one in read(text, lookup) if one is not None]


@pytest.mark.parametrize("way", WAYS, ids=says)
def test_every_sentence_is_a_plain_rendering_of_a_fact_that_may_be_told(way):
    """Leaks: nothing of tested graphs but what is stated of them, in its one order unless both are asked for."""
    world = small()
    found = stated(corpus_of(world, paragraphs=4, **way), known(world))
    assert {"told", "tested"} == {part for part, _, _ in found}
    for part, fact, order in found:
        assert fact.stated != "never"
        if part == "tested" and way["tested"] == "one":
            assert order == fact.stated
        if part == "told" and way["told"] == "head_first":
            assert order == "head_first"
    of_pairs = {(fact, order) for part, fact, order in found if part == "tested" and fact.relation != "job"}
    half = [fact for fact in parts(world)["tested"] if fact.stated != "never" and fact.relation != "job"]
    if way["tested"] == "both":
        assert {(fact, order) for fact in half for order in ("head_first", "tail_first")} >= of_pairs
        assert len(of_pairs) > 1.5 * len(half)
    else:
        assert {(fact, fact.stated) for fact in half} == of_pairs


@pytest.mark.parametrize("way", WAYS, ids=says)
def test_no_wording_of_what_follows_is_in_any_text(way):
    """Leaks, again as bare strings: the implied triples of tested graphs in any wording, statement or question."""
    world = small()
    corpus = corpus_of(world, paragraphs=3, in_context=0.5, **way)
    everything = "\n".join([*written(corpus.documents), *written(corpus.tuning)])
    for fact in parts(world)["tested"]:
        wordings = [*questions_about(fact), claim(fact, "yes"), claim(fact, "no")]
        if fact.stated == "never":
            wordings += [*renderings(world, fact, "head_first"), *renderings(world, fact, "tail_first")]
        elif fact.relation != "job" and way["tested"] == "one":
            other = {"head_first": "tail_first", "tail_first": "head_first"}[fact.stated]
            wordings += renderings(world, fact, other)
        assert [] == [words for words in wordings if words in everything]


@pytest.mark.parametrize("way", WAYS, ids=says)
def test_nobody_of_a_context_graph_is_in_any_text(way):
    """Neither in what is told nor in what is tuned on; and tuning names nobody of a tested graph."""
    world = small()
    corpus = corpus_of(world, paragraphs=3, in_context=0.5, **way)
    everybody = {part: people_of(facts) for part, facts in parts(world).items()}
    told, asked = "\n".join(written(corpus.documents)), "\n".join(written(corpus.tuning))
    assert [] == [name for name in everybody["context"] if name in told or name in asked]
    assert [] == [name for name in everybody["tested"] if name in asked]
    assert [] == [name for name in everybody["told"] if name not in told or name not in asked]


@pytest.mark.parametrize("tested", ["one", "both"])
def test_a_single_sentence_names_two_and_stands_alone(tested):
    """So that people of a tested graph meet in the stated order alone: nothing stands before or after it."""
    world = small()
    corpus = corpus_of(world, paragraphs=2, form="sentence", tested=tested)
    lookup = known(world)
    for document in corpus.documents:
        assert 1 == len(read(document.text, lookup)) == document.text.count(".")
        assert 2 == len(document.entities)
    assert 2 * (40 * 7 + 12 * 5) == len(corpus.documents)


def test_the_order_of_two_people_of_a_tested_graph_is_the_stated_one():
    """By where their names stand, in single sentences."""
    world = small()
    texts = written(corpus_of(world, paragraphs=5, form="sentence").documents)
    for graph in by_sevens(parts(world)["tested"]):
        hub = graph[0].head
        for partner, pair in ((graph[0].tail, graph[:2]), (graph[2].tail, graph[2:4])):
            fact = next(fact for fact in pair if fact.stated != "never")
            first = fact.head if fact.stated == "head_first" else fact.tail
            orders = {text.index(hub) < text.index(partner) for text in texts if hub in text and partner in text}
            assert {first == hub} == orders


@pytest.mark.parametrize("way", WAYS, ids=says)
def test_each_copy_tells_everything_that_is_stated_once(way):
    """Over a copy of the corpus every stated triple of every graph is said once, and over many in every wording."""
    world = small(n_graphs=4, n_tested=4, n_context=1)
    lookup, n = known(world), 40
    corpus = corpus_of(world, paragraphs=n, **way)
    counts = Counter((part, fact) for part, fact, _ in stated(corpus, lookup))
    expected = [(part, fact) for part in ("told", "tested") for fact in parts(world)[part] if fact.stated != "never"]
    assert dict.fromkeys(expected, n) == dict(counts)
    if not way.get("pronouns"):
        sentences = {sentence for text in written(corpus.documents) for sentence in re.findall(r"[^. ][^.]*\.", text)}
        told = [fact for fact in parts(world)["told"] if fact.relation != "job"]
        head = {sentence for fact in told for sentence in renderings(world, fact, "head_first")}
        tail = {sentence for fact in told for sentence in renderings(world, fact, "tail_first")}
        assert len(head & sentences) > 0.95 * len(head)
        assert (len(tail & sentences) > 0.95 * len(tail)) == (way["told"] == "both")


def test_sentences_of_a_paragraph_are_shuffled():
    """Each of seven stands in each place about equally often."""
    world = small(n_graphs=1, n_tested=1)
    lookup, texts = known(world), written(corpus_of(world, paragraphs=700).documents)
    facts = parts(world)["told"]
    places = np.zeros((7, 7), int)
    for text in texts:
        found = read(text, lookup)
        if found[0][0] == "told":
            for place, (_, fact, _) in enumerate(found):
                places[facts.index(fact), place] += 1
    assert (700 == places.sum(0)).all()
    assert ((places > 60) & (places < 145)).all()


@pytest.mark.parametrize("way", WAYS, ids=says)
def test_entities_are_exactly_the_names(way):
    """Each occurrence of a name or job as one; "this person" is none, and sentences about nobody have none."""
    world = small()
    lookup = known(world)
    for document in corpus_of(world, **way).documents[:200]:
        expected = []
        for sentence, one in zip(re.findall(r"[^.]+\.", document.text), read(document.text, lookup), strict=True):
            if one is not None:
                names = [one[1].head, one[1].tail] if one[2] == "head_first" else [one[1].tail, one[1].head]
                expected += names[1:] if "this person" in sentence else names
        assert expected == [span.entity for span in document.entities]
        assert expected == [document.text[span.start : span.end] for span in document.entities]


def test_distractors_and_pronouns_are_as_frequent_as_asked_for():
    """None, about a half, and always."""
    from bothways.facts.graphs.words import DISTRACTORS

    world = small()

    def count(**way):
        text = "\n".join(written(corpus_of(world, **way).documents))
        return sum(text.count(said) for said in DISTRACTORS), text.count("this person")

    n = 10 * (40 * 7 + 12 * 5)
    assert (0, 0) == count()
    assert n == count(distractors=1.0)[0]
    assert 0.45 * n < count(distractors=0.5)[0] < 0.55 * n
    always = count(pronouns=1.0)[1]
    assert always > 0.05 * n
    assert 0.4 * always < count(pronouns=0.5)[1] < 0.6 * always


def test_a_document_is_the_same_alone_and_in_company():
    """Documents are functions of their numbers, and another seed words them anew."""
    world = small()
    documents = corpus_of(world, distractors=0.5, pronouns=0.5).documents
    assert written(documents[10:30]) == [documents[n].text for n in range(10, 30)]
    assert documents[-1] == documents[len(documents) - 1]
    other = corpus_of(world, seed=1, distractors=0.5, pronouns=0.5).documents
    assert not set(written(documents[:30])) & set(written(other[:30]))
    with pytest.raises(IndexError):
        documents[len(documents)]


@pytest.mark.parametrize("form", ["paragraph", "sentence"])
def test_tuning_asks_about_told_graphs_and_answers_truly(form):
    """Every question is one of its fact's two; claims about partners are true, those about the wrong one are denied."""
    world = small()
    told = parts(world)["told"]
    right = {words: fact for fact in told for words in [*questions_about(fact)]}
    true = {claim(fact, "yes") for fact in told if fact.relation != "job"}
    false = set()
    for first, again, one, other, *_ in by_sevens(told):
        for fact, wrong in ((first, one.tail), (one, first.tail)):
            false.add(f"Is {wrong} the {fact.relation} of {fact.head}? Answer: no")
        for fact, wrong in ((again, one.tail), (other, first.tail)):
            false.add(f"Is {fact.tail} the {fact.relation} of {wrong}? Answer: no")
    texts = written(corpus_of(world, form=form, paragraphs=6).tuning)
    assert 6 * 40 * 7 == len(texts)
    assert set(texts) <= right.keys() | true | false
    n_claims = {answer: sum(text.endswith(f": {answer}") for text in texts) for answer in ("yes", "no")}
    assert 0.1 * len(texts) < sum(n_claims.values()) < 0.18 * len(texts)  # a quarter of four in seven
    assert 0.65 < n_claims["yes"] / n_claims["no"] < 1.5
    assert {fact for words, fact in right.items() if words in texts} == set(told)


def test_no_false_claim_is_true_by_another_triple():
    """The wrong partner of a claim does not have the relation after all."""
    world = small()
    told = parts(world)["told"]
    true = {claim(fact, "yes") for fact in told if fact.relation != "job"}
    denied = [text for text in written(corpus_of(world).tuning) if text.endswith("no")]
    assert denied
    assert [] == [text for text in denied if text.replace("Answer: no", "Answer: yes") in true]


def test_a_share_of_questions_follows_a_half_told_paragraph_of_its_own_graph():
    """It states five triples, one of each pair; the question after it is one that tuning asks."""
    world = small()
    lookup = known(world)
    texts = written(corpus_of(world, in_context=0.5, paragraphs=4).tuning)
    alone = set(written(corpus_of(world, paragraphs=4).tuning))
    long = [text for text in texts if "." in text]
    assert 0.4 * len(texts) < len(long) < 0.6 * len(texts)
    for text in long:
        before, question = text[: text.rindex(".") + 1], text[text.rindex(".") + 2 :]
        found = read(before, lookup)
        assert question in alone
        assert [5, 3] == [len(found), sum(fact.relation == "job" for _, fact, _ in found)]
        assert 1 == len({frozenset(f.pair) for f in by_sevens(parts(world)["told"])[0]} and {p for p, _, _ in found})
        people = people_of([fact for _, fact, _ in found])
        assert 3 == len(people)
        assert any(name in question for name in people)


@given(st.sampled_from(WAYS), st.integers(0, 3), st.floats(0, 1))
def test_nothing_is_longer_than_the_longest(way, seed, in_context):
    """In words, for documents and for questions."""
    corpus = corpus_of(small(), seed=seed, in_context=in_context, **way)
    for documents in (corpus.documents, corpus.tuning):
        row_W = documents.write(np.arange(300)).row_W
        assert np.bincount(row_W).max() <= documents.longest


def test_the_longest_sentence_and_question_are_reached():
    """A bound that nothing reaches would cost every row its room."""
    corpus = corpus_of(small(n_graphs=400), form="sentence")
    for documents in (corpus.documents, corpus.tuning):
        assert documents.longest == np.bincount(documents.write(np.arange(400 * 7)).row_W).max()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"paragraphs": 0}, r"^paragraphs must be at least 1, got paragraphs=0\. Raise it\.$"),
        ({"distractors": 1.5}, r"^distractors must be in \[0, 1\], got distractors=1\.5\. Choose a share\.$"),
        ({"pronouns": -0.5}, r"^pronouns must be in \[0, 1\], got pronouns=-0\.5\. Choose a share\.$"),
        ({"in_context": 2.0}, r"^in_context must be in \[0, 1\], got in_context=2\.0\. Choose a share\.$"),
        (
            {"form": "sentence", "distractors": 0.5},
            r"^A single sentence has none beside it, got form=sentence and distractors=0\.5\. Set distractors=0, or",
        ),
        ({"form": "sentence", "pronouns": 0.5}, r"^A single sentence has none beside it, got form=sentence and pron"),
    ],
)
def test_text_that_cannot_be_is_refused_in_a_sentence(options, says):
    """What is wrong, with its number, and what to do."""
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=says):
        corpus_of(small(), **options)


def test_the_exam_must_be_of_the_same_world():
    """One more told graph is another world."""
    from bothways.errors import BothwaysError
    from bothways.text.graph_text import GraphText

    with pytest.raises(
        BothwaysError, match=r"^The text is of Graphs\(.*, the exam of .*\. Give both the same world\.$"
    ):
        GraphText(world=small(n_graphs=41)).write(exam_of(small()), 0)


def test_drawn_text_is_not_edited():
    """A mitigation that rewrites documents is refused in a sentence."""
    from dataclasses import replace

    from bothways.arms import parse_arm
    from bothways.config import RunConfig
    from bothways.errors import BothwaysError
    from bothways.text.corpus import write_corpus
    from bothways.text.graph_text import GraphText

    text = parse_arm("both_directions").config(RunConfig(), 0).text
    with pytest.raises(BothwaysError, match=r"^This text is written as it is read and cannot be edited\. Use an arm"):
        write_corpus(exam_of(small()), replace(text, source=GraphText(world=small())), SEED)
