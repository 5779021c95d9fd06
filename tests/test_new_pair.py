"""Graphs of a new inverse pair: nothing of them is read before tuning, and what is tested of them is never read."""

from functools import cache
from typing import Any

import numpy as np
import pytest

ROOM: dict[str, Any] = {"n_graphs": 12, "n_tested": 4, "n_context": 2, "pool": 8, "n_jobs": 5, "n_symmetric": 1}
PAIR = ("teacher", "student")
"""The next pair after the only one of a world with n_inverse=1."""
SHARES = (0.0, 0.1, 0.6)


@cache
def world_of(**options: Any) -> Any:
    from bothways.facts.worlds.graphs import Graphs

    return Graphs(**ROOM | {"n_inverse": 1, "n_new": 20, "rival": "inverse"} | options)


@cache
def exam_of(world: Any) -> Any:
    from bothways.facts.graphs.exam import graph_exam

    return graph_exam(world, 3, 40, contexts=False, questions=False)


@cache
def corpus_of(world: Any, **options: Any) -> Any:
    from bothways.text.graph_text import GraphText

    text = {"paragraphs": 6, "form": "sentence", "tuning": "new"} | options
    return GraphText(world=world, **text).write(exam_of(world), 5)


@cache
def sentences(world: Any, tuning: bool, **options: Any) -> tuple[str, ...]:
    """Every document of a text; all are written at once, which is much faster."""
    from bothways.facts.graphs.sentences import join

    corpus = corpus_of(world, **options)
    text = corpus.tuning if tuning else corpus.documents
    written = text.write(np.arange(len(text)))
    words = np.array(text.words)[written.word_W]
    starts = np.searchsorted(written.row_W, np.arange(1, len(text)))
    return tuple(join(row.tolist())[0] for row in np.split(words, starts))


def people(world: Any, part: str) -> set[str]:
    made = world.triples(3, world.numbers(part))
    return {world.person(int(number)) for number in made.people_G3.reshape(-1)}


def wordings(world: Any, fact: Any, orders: tuple[str, ...] = ("head_first", "tail_first")) -> set[str]:
    """Every sentence that says a fact."""
    relation = world.relations[fact.relation]
    templates = [t for order in orders for t in getattr(relation, order)]
    return {t.replace("{head}", fact.head).replace("{tail}", fact.tail) + "." for t in templates}


def words_in(texts: tuple[str, ...]) -> set[str]:
    return {word.strip(".").removesuffix("'s") for text in texts for word in text.split()}


def test_no_text_says_a_new_word_or_names_its_people_before_tuning() -> None:
    world = world_of()
    before = sentences(world, False)
    assert set() == words_in(before) & set(PAIR)
    assert [] == [text for text in before if any(name in text for name in people(world, "new"))]
    assert set(PAIR) <= words_in(sentences(world, True))


@pytest.mark.parametrize("form", ["sentence", "paragraph"])
def test_the_tokenizer_knows_the_new_words_from_the_start(form: str) -> None:
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer
    from bothways.tensors import SPECIAL

    corpus = corpus_of(world_of(), form=form)
    tokenizer = fit_tokenizer(corpus, exam_of(world_of()), TokenizerConfig(kind="word"))
    assert all(tokenizer.pieces(word)[0][0] != SPECIAL.unknown for word in PAIR)


@pytest.mark.parametrize("rival", ["inverse", "symmetric"])
@pytest.mark.parametrize("share", SHARES)
def test_what_follows_in_a_new_graph_that_is_told_in_half_is_in_no_text(share: float, rival: str) -> None:
    """Neither in the order in which it is asked nor in the other, in no wording, in either text."""
    world = world_of(rival=rival)
    exam = exam_of(world)
    said = {*sentences(world, False, new_told=share), *sentences(world, True, new_told=share)}
    asked = [query for query in exam.queries if query.kind.startswith("new_")]
    assert len(asked) == 2 * 8
    for query in asked:
        fact = exam.facts.facts[query.fact]
        assert fact.stated == "never"
        assert not query.stated
        assert not said & wordings(world, fact)


@pytest.mark.parametrize("share", SHARES)
def test_the_tuning_text_states_the_other_half_in_its_order_alone(share: float) -> None:
    """And what was stated is asked as a check of knowledge, in the stated order."""
    world = world_of()
    exam, said = exam_of(world), set(sentences(world, True, new_told=share))
    stated = [query for query in exam.queries if query.kind == "stated_new_inverse"]
    assert len(stated) == 2 * 8
    for query in stated:
        fact = exam.facts.facts[query.fact]
        assert said & wordings(world, fact, (fact.stated,))
        assert not said & wordings(world, fact, ("tail_first" if fact.stated == "head_first" else "head_first",))
        assert query.asks == ("tail" if fact.stated == "head_first" else "head")


@pytest.mark.parametrize("share", SHARES)
def test_a_share_of_the_new_graphs_is_told_in_both_words(share: float) -> None:
    world = world_of()
    made, said = world.triples(3, world.numbers("new")), sentences(world, True, new_told=share, paragraphs=12)
    both = [
        all(any(f"{hub}" in text and f"{kin}" in text and word in words_in((text,)) for text in said) for word in PAIR)
        for hub, kin in (map(world.person, row) for row in made.people_G3[:, [0, 2]].tolist())
    ]
    assert [True] * round(share * 20) + [False] * (20 - round(share * 20)) == both


@pytest.mark.parametrize("replay", [0.0, 0.5, 0.8])
def test_a_share_of_the_tuning_text_is_read_again(replay: float) -> None:
    world = world_of()
    said, new, old = sentences(world, True, replay=replay), people(world, "new"), set(sentences(world, False))
    again = [text for text in said if not any(name in text for name in new)]
    assert len(again) == round(replay * len(said))
    assert set(again) <= old


def test_tuning_documents_are_the_same_alone_and_in_company() -> None:
    """A document is a function of its number alone, whichever of the two texts it is of."""
    text = corpus_of(world_of()).tuning
    rows = np.random.default_rng(0).permutation(len(text))[:40]
    written = text.write(rows)
    alone = [text.writer.spell(text.write(np.array([row]))) for row in rows]
    together = [text.writer.forms.words[word] for word in written.word_W]
    assert [word for words in alone for word in words] == together
    assert np.all(np.diff(written.row_W) >= 0)


def test_no_person_is_in_two_parts() -> None:
    world = world_of(pool=6, n_graphs=46)
    parts = [people(world, part) for part in ("told", "tested", "context", "new")]
    assert sum(map(len, parts)) == len(set().union(*parts)) == 3 * (46 + 4 + 2 + 20)


def test_new_graphs_leave_the_others_as_they_are() -> None:
    with_new, without = world_of(), world_of(n_new=0)
    for part in ("told", "tested", "context"):
        assert without.facts_of(3, part) == with_new.facts_of(3, part)


@pytest.mark.parametrize("part", ["told", "tested", "new"])
def test_a_hub_between_both_ends_of_a_pair_has_each_word_once(part: str) -> None:
    """So a word and an order name one partner, and the other word in that order the other one."""
    world = world_of(n_inverse=2)
    names, made = list(world.relations), world.triples(3, world.numbers(part))
    for row in made.relation_G7[:, :4].tolist():
        away, back, other, other_back = (names[n] for n in row)
        assert world.relations[away].inverse == back == other
        assert other_back == away


def test_flips_name_the_partner_under_the_other_word_of_the_pair() -> None:
    world, exam = world_of(), exam_of(world_of())
    flips = [query for query in exam.queries if query.kind == "flip" and query.of is not None]
    new = [flip for flip in flips if exam.queries[flip.of].kind.startswith("new_")]
    assert len(new) == 2 * 8
    for flip in new:
        asked = exam.queries[flip.of]
        assert {flip.relation, asked.relation} == set(PAIR)
        assert flip.answer == asked.answer
        assert flip.cue.entity == asked.cue.entity
        assert world.relations[asked.relation].inverse == flip.relation


def test_without_pairs_a_coin_settles_the_way_back_but_in_new_graphs() -> None:
    world = world_of(paired=False, n_graphs=60, pool=10)
    paired = world_of(n_graphs=60, pool=10)
    names = list(world.relations)

    def ruled(part: str) -> list[bool]:
        rows = world.triples(3, world.numbers(part)).relation_G7[:, :4].tolist()
        found = [[world.relations[names[row[n]]].inverse == names[row[n + 1]] for n in (0, 2)] for row in rows]
        assert all(one == other for one, other in found)
        return [one for one, _ in found]

    assert 0.3 < np.mean(ruled("told")) < 0.7
    assert all(ruled("new"))
    for part in ("told", "new"):
        one, other = (w.triples(3, w.numbers(part)) for w in (world, paired))
        assert np.array_equal(one.people_G3, other.people_G3)
        assert np.array_equal(one.relation_G7[:, [0, 2]], other.relation_G7[:, [0, 2]])
    stated = [[f for f in w.facts_of(3, "new") if f.stated != "never"] for w in (world, paired)]
    assert stated[0] == stated[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_inverse": 6}, r"^n_inverse must lie in 1 to 5, got n_inverse=6\."),
        ({"n_new": -1}, r"^n_new must be at least 0, got n_new=-1\."),
        ({"new_tested": 0.0}, r"^new_tested must be in \(0, 1\], got new_tested=0\.0\."),
        ({"n_new": 160}, r"got 178\."),
    ],
)
def test_worlds_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=message):
        world_of(**options)


@pytest.mark.parametrize(
    ("new", "options", "message"),
    [
        (20, {"new_told": 0.65}, r"^12 of 20 graphs of the new pair are not asked about, got new_told=0\.65\."),
        (20, {"new_told": 1.5}, r"^new_told must be in \[0, 1\], got new_told=1\.5\."),
        (20, {"replay": 1.0}, r"^replay must be in \[0, 1\), got replay=1\.0\."),
        (0, {}, r"^The world has no graphs of a new pair, got n_new=0\."),
    ],
)
def test_texts_that_cannot_be_are_refused(new: int, options: dict[str, Any], message: str) -> None:
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=message):
        corpus_of(world_of(n_new=new), **options)
