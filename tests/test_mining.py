"""Mining relation patterns: inverses are not duplicates, and real graphs give known answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

PAIRS = [(f"a{i}", f"b{i}") for i in range(20)]


def mine(triples, **thresholds):
    """The patterns of a list of triples, as (kind, relation, other)."""
    return [(p.kind, p.relation, p.other) for p in patterns(triples, **thresholds)]


def patterns(triples, **thresholds):
    """The patterns of a list of triples."""
    from bothways.facts.mining import mine_relations
    from bothways.types import Fact, FactSet

    facts = tuple(Fact(head, relation, tail) for head, relation, tail in triples)
    return mine_relations(FactSet(name="test", facts=facts, relations={}), **thresholds)


def read(folder):
    """All triples of one data folder."""
    text = "".join((folder / f"{part}.txt").read_text(encoding="utf-8") for part in ("train", "valid", "test"))
    return [tuple(line.split("\t")) for line in text.splitlines()]


def test_an_inverse_pair_is_an_inverse_and_no_duplicate():
    """Pairs that match only when one side is reversed are an inverse."""
    triples = [(a, "teacher", b) for a, b in PAIRS] + [(b, "student", a) for a, b in PAIRS]
    assert mine(triples) == [("inverse", "student", "teacher")]


def test_duplicates_are_duplicates_and_no_inverse():
    """Pairs that match as they stand are a duplicate."""
    triples = [(a, "boss", b) for a, b in PAIRS] + [(a, "chief", b) for a, b in PAIRS]
    assert mine(triples) == [("duplicate", "boss", "chief")]


def test_a_symmetric_relation_is_found_where_both_orders_are_stated():
    """Symmetry shows in the reversed pairs of the same relation."""
    triples = [(a, "spouse", b) for a, b in PAIRS] + [(b, "spouse", a) for a, b in PAIRS]
    assert mine(triples) == [("symmetric", "spouse", "spouse")]
    assert patterns(triples)[0].support == 40
    assert mine(triples[:20]) == []


def test_confidence_is_the_smaller_share():
    """A relation inside one twice its size is an inverse of confidence one half."""
    mothers, fathers = PAIRS[:10], PAIRS[10:]
    triples = [(a, "mother", b) for a, b in mothers] + [(a, "father", b) for a, b in fathers]
    triples += [(b, "child", a) for a, b in PAIRS]
    assert mine(triples) == []
    found = patterns(triples, confidence=0.5)
    assert [(p.relation, p.other, p.confidence, p.support) for p in found] == [
        ("child", "father", 0.5, 10),
        ("child", "mother", 0.5, 10),
    ]


def test_loops_and_repeats_say_nothing():
    """A fact about one entity only equals its reverse, and a repeated fact counts once."""
    assert mine([("a", "like", "a"), ("b", "like", "b"), ("c", "like", "c")]) == []
    assert mine([("a", "r", "b"), ("b", "s", "a")] * 5, support=2) == []


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("rst"), st.sampled_from("abcd")), max_size=40))
def test_counts_equal_those_of_plain_pair_sets(triples):
    """The shared index gives what comparing every two sets of pairs gives."""
    pairs = {r: {(a, b) for a, name, b in triples if name == r and a != b} for r in "rst"}
    flipped = {r: {(b, a) for a, b in pairs[r]} for r in pairs}
    expected = {("symmetric", r, r): len(pairs[r] & flipped[r]) for r in "rst"}
    for r, s in ("rs", "rt", "st"):
        expected["inverse", r, s] = len(pairs[r] & flipped[s])
        expected["duplicate", r, s] = len(pairs[r] & pairs[s])
    found = {(p.kind, p.relation, p.other): p for p in patterns(triples, support=1, confidence=1e-9)}
    assert {key: p.support for key, p in found.items()} == {key: n for key, n in expected.items() if n}
    for (_, r, s), p in found.items():
        assert p.confidence == p.support / max(len(pairs[r]), len(pairs[s]))


@given(st.permutations([(a, "r", b) for a, b in PAIRS[:6]] + [(b, "s", a) for a, b in PAIRS[:6]]))
def test_the_order_of_facts_does_not_matter(triples):
    """The same facts give the same list."""
    assert mine(triples) == [("inverse", "r", "s")]


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({"support": 0}, r"support must be at least 1, got support=0\. Raise it\."),
        ({"confidence": 0.0}, r"confidence must lie in \(0, 1\], got confidence=0\.0\."),
        ({"confidence": 1.5}, r"got confidence=1\.5\. Choose a share\."),
    ],
)
def test_thresholds_out_of_range_are_refused(thresholds, message):
    """The message names the threshold and its value."""
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=message):
        patterns([("a", "r", "b")], **thresholds)


def test_kinships_has_five_clearly_symmetric_relations_and_no_clear_inverse(shared_data):
    """The kin terms overlap, but none is the inverse of a single other one."""
    expected = [("symmetric", name, name) for name in ("term18", "term0", "term22", "term4", "term20")]
    assert mine(read(shared_data / "kinships")) == expected


def test_umls_has_two_symmetric_relations(shared_data):
    """Most relations of the medical network have a direction."""
    assert mine(read(shared_data / "umls")) == [("symmetric", name, name) for name in ("degree_of", "precedes")]


def test_a_reversed_copy_of_a_real_relation_is_found(shared_data):
    """One made-up inverse among 46 real relations comes up, with every loop left out."""
    triples = read(shared_data / "umls")
    copies = [(b, "location_of_inverse", a) for a, r, b in triples if r == "location_of"]
    found = [p for p in patterns(triples + copies) if p.kind == "inverse"]
    n = len({(b, a) for b, _, a in copies if a != b})
    assert [(p.relation, p.other, p.confidence, p.support) for p in found] == [
        ("location_of", "location_of_inverse", 1.0, n)
    ]


def test_wordnet_is_mined_whole(shared_data):
    """93,003 facts; its four two-way relations are symmetric, three of them without exception."""
    found = patterns(read(shared_data / "wn18rr_text"), confidence=0.5)
    assert {p.kind for p in found} == {"symmetric"}
    assert [p.confidence for p in found] == pytest.approx([1.0, 1.0, 1.0, 0.6777], abs=1e-4)
