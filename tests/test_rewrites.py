"""Rewrites lose no token, keep what they promise to keep whole, and hang on the generator alone."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32 - 1)
KINDS = ("entity", "token", "word", "segment")


@st.composite
def documents(draw):
    """The sizes, in tokens, of the words of each entity or plain word, and how many of these form each unit."""
    entity_words = draw(st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=3), min_size=1, max_size=6))
    cuts = draw(st.lists(st.booleans(), min_size=len(entity_words), max_size=len(entity_words)))
    return entity_words, cuts


def layout(document):
    """The layout of such a document: an entity is one unit, a run of plain words may be."""
    from bothways.types import Layout

    position, words, whole, units = 0, [], [], []
    for sizes, cut in zip(*document, strict=True):
        here = []
        for size in sizes:
            here.append(list(range(position, position + size)))
            position += size
        words += here
        whole.append([token for word in here for token in word])
        if cut or not units or len(sizes) > 1:
            units.append(list(whole[-1]))
        else:
            units[-1] += whole[-1]
    return Layout(units=units, words=words, entity_words=whole)


def rewrites(delimiter=True):
    """One of each kind."""
    from bothways.text.rewrites import Permute, Reverse

    return [Permute(delimiter=delimiter), *(Reverse(unit=kind, delimiter=delimiter) for kind in KINDS)]


def tokens(order):
    """An order without its delimiters."""
    return [position for position in order if position >= 0]


def pieces(order):
    """What stands between delimiters."""
    found = [[]]
    for position in order:
        if position < 0:
            found.append([])
        else:
            found[-1].append(position)
    return found


@given(documents(), SEEDS)
def test_no_token_is_lost_or_doubled(document, seed):
    """Every rewrite gives every position once, and delimiters only between tokens."""
    made = layout(document)
    for rewrite in rewrites():
        order = rewrite.order(made, np.random.default_rng(seed))
        assert sorted(tokens(order)) == list(range(made.n_tokens))
        assert all(pieces(order))


@given(documents(), SEEDS)
def test_the_same_generator_gives_the_same_order(document, seed):
    """Chance comes from the generator alone."""
    made = layout(document)
    for rewrite in rewrites():
        orders = [rewrite.order(made, np.random.default_rng(seed)) for _ in range(2)]
        assert orders[0] == orders[1]


@given(documents(), SEEDS)
def test_a_rewrite_leaves_the_layout_alone(document, seed):
    """The layout is read only: the next visit starts from the same document."""
    made = layout(document)
    for rewrite in rewrites():
        rewrite.order(made, np.random.default_rng(seed))
    assert made == layout(document)


@given(documents(), st.sampled_from(["entity", "word", "token"]))
def test_reversing_twice_is_the_identity(document, kind):
    """A reversed text, reversed again by the same pieces, is the text."""
    from bothways.text.rewrites import Reverse
    from bothways.types import Layout

    made, reverse = layout(document), Reverse(unit=kind, delimiter=False)
    once = reverse.order(made, np.random.default_rng(0))
    groups = {"entity": made.entity_words, "word": made.words, "token": [[i] for i in range(made.n_tokens)]}[kind]
    place = {position: i for i, position in enumerate(once)}
    again = [[place[position] for position in group] for group in groups[::-1]]
    twice = reverse.order(Layout(units=again, words=again, entity_words=again), np.random.default_rng(0))
    assert [once[i] for i in twice] == list(range(made.n_tokens))


@given(documents(), SEEDS)
def test_an_entity_stays_whole(document, seed):
    """Its tokens stay adjacent and in order under entity reversal and permutation."""
    from bothways.text.rewrites import Permute, Reverse

    made = layout(document)
    for rewrite in (Reverse(), Reverse(delimiter=False), Permute(), Permute(delimiter=False)):
        order = rewrite.order(made, np.random.default_rng(seed))
        for entity in made.entity_words:
            start = order.index(entity[0])
            assert order[start : start + len(entity)] == entity


@given(documents(), SEEDS)
def test_delimiters_stand_between_moved_pieces_only(document, seed):
    """Entity reversal sets apart words and entities; permutation its units, unless nothing moved."""
    from bothways.text.rewrites import Permute, Reverse

    made = layout(document)
    assert pieces(Reverse().order(made, np.random.default_rng(seed))) == made.entity_words[::-1]
    moved = Permute(original=0.0).order(made, np.random.default_rng(seed))
    assert sorted(pieces(moved)) == sorted(made.units)
    plain = Permute(reversed=0.0, permuted=0.0).order(made, np.random.default_rng(seed))
    assert plain == list(range(made.n_tokens))
    for rewrite in [*rewrites(delimiter=False), Reverse(unit="token"), Reverse(unit="word")]:
        assert -1 not in rewrite.order(made, np.random.default_rng(seed))


@given(documents(), SEEDS, st.integers(1, 5))
def test_segments_have_a_bounded_length_and_stay_in_order(document, seed, longest):
    """Segments are runs of neighbours, from last to first."""
    from bothways.text.rewrites import Reverse

    made = layout(document)
    found = pieces(Reverse(unit="segment", max_segment=longest).order(made, np.random.default_rng(seed)))
    assert all(1 <= len(piece) <= longest for piece in found)
    assert [position for piece in found[::-1] for position in piece] == list(range(made.n_tokens))


def test_known_orders():
    """The sentence "Mia Kent 's mother is Ana Ruiz", read backwards in each way."""
    from bothways.text.rewrites import Reverse
    from bothways.types import Layout

    whole = [[0, 1], [2], [3], [4], [5, 6]]
    made = Layout(units=[[0, 1], [2, 3, 4], [5, 6]], words=[[0], [1], [2], [3], [4], [5], [6]], entity_words=whole)
    orders = {kind: Reverse(unit=kind).order(made, np.random.default_rng(0)) for kind in KINDS}
    assert orders["token"] == orders["word"] == [6, 5, 4, 3, 2, 1, 0]
    assert orders["entity"] == [5, 6, -1, 4, -1, 3, -1, 2, -1, 0, 1]
    assert tokens(orders["segment"]) != [6, 5, 4, 3, 2, 1, 0]


def test_segments_are_cut_anew_and_lengths_are_even():
    """Over many visits every length comes up about equally often."""
    from bothways.text.rewrites import segments

    random = np.random.default_rng(0)
    lengths = Counter(len(piece) for _ in range(300) for piece in segments(60, 3, random)[:-1])
    assert set(lengths) == {1, 2, 3}
    assert max(lengths.values()) < 1.1 * min(lengths.values())


def test_the_three_orders_come_up_by_weight():
    """Weights 1, 2, 1 over three units; a random order is also the original or reversed one in a sixth of cases."""
    from bothways.text.rewrites import Permute
    from bothways.types import Layout

    made = Layout(units=[[0], [1], [2]], words=[[0], [1], [2]], entity_words=[[0], [1], [2]])
    random = np.random.default_rng(0)
    counts = Counter(tuple(Permute(reversed=2.0).order(made, random)) for _ in range(4000))
    assert counts[0, 1, 2] == pytest.approx(1000, rel=0.15)
    assert counts[2, -1, 1, -1, 0] == pytest.approx(2000 + 167, rel=0.1)
    assert counts[1, -1, 0, -1, 2] == pytest.approx(167, rel=0.3)


def test_an_empty_document_has_an_empty_order():
    """Nothing to move, nothing to delimit."""
    from bothways.types import Layout

    empty = Layout(units=[], words=[], entity_words=[])
    assert all(rewrite.order(empty, np.random.default_rng(0)) == [] for rewrite in rewrites())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda r: r.Reverse(max_segment=0), r"max_segment must be at least 1, got max_segment=0\. Raise it\."),
        (lambda r: r.Permute(reversed=-1.0), r"reversed must be a weight of at least 0, got reversed=-1\.0\."),
        (lambda r: r.Permute(original=float("nan")), r"got original=nan\."),
        (lambda r: r.Permute(original=0.0, reversed=0.0, permuted=0.0), r"must not all be 0, .* Raise one\."),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    """The message names the field and its value."""
    from bothways.errors import BothwaysError
    from bothways.text import rewrites

    with pytest.raises(BothwaysError, match=message):
        make(rewrites)


def test_an_unknown_unit_is_refused_with_the_nearest_name():
    """A YAML file may hold any word."""
    from bothways.errors import BothwaysError
    from bothways.text.rewrites import Reverse

    reverse = Reverse()
    object.__setattr__(reverse, "unit", "entitty")  # the type checks of the tests would stop it earlier
    with pytest.raises(BothwaysError, match=r"Unknown unit 'entitty'\. Did you mean 'entity'\?"):
        reverse.__post_init__()
