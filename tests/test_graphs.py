"""The world of graphs: chance by address, words, who is in a graph, and what is stated of it."""

import re
from collections import Counter
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.graph_texts import SEED, by_sevens, parts, people_of, small

SEEDS = st.integers(0, 2**64 - 1)
DRAWN = ["0x353f4d8e055496c8", "0x89f307e98aeb49fd", "0xcc611e919d5d7aee"]
BELOW = [24, 49, 1, 24, 7, 90]
SHUFFLED = [596276, 606244, 292830, 199394, 155441, 317306]


@given(st.integers(1, 400), SEEDS)
def test_a_shuffle_is_a_permutation(n, seed):
    """Every place goes to another one, whatever n."""
    from bothways.facts.graphs.chance import shuffle

    assert list(range(n)) == sorted(shuffle(np.arange(n), n, seed, "order").tolist())


@given(st.integers(2, 10**9), SEEDS, st.data())
def test_a_place_of_a_shuffle_is_the_same_alone_and_in_company(n, seed, data):
    """No place depends on which others are asked for."""
    from bothways.facts.graphs.chance import shuffle

    places = np.array(data.draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=20)))
    together = shuffle(places, n, seed, "order")
    assert together.tolist() == [int(shuffle(place[None], n, seed, "order")[0]) for place in places]
    assert ((together >= 0) & (together < n)).all()


def test_a_shuffle_looks_random():
    """Over many seeds the first place goes everywhere, and few places stay where they are."""
    from bothways.facts.graphs.chance import shuffle

    counts = np.bincount([int(shuffle(np.zeros(1, int), 10, seed, "s")[0]) for seed in range(2000)], minlength=10)
    assert ((counts > 140) & (counts < 260)).all()
    assert np.mean(shuffle(np.arange(10_000), 10_000, 0, "s") == np.arange(10_000)) < 0.002
    assert abs(np.corrcoef(np.arange(10_000), shuffle(np.arange(10_000), 10_000, 0, "s"))[0, 1]) < 0.05


@given(st.integers(1, 2**31), SEEDS)
def test_numbers_below_n_are_below_n(n, seed):
    """No draw is negative or n itself."""
    from bothways.facts.graphs.chance import below

    drawn = below(n, seed, "numbers", np.arange(50))
    assert ((drawn >= 0) & (drawn < n)).all()


def test_draws_are_uniform():
    """Chi-square of sixty thousand throws, and the mean and spread of as many chances."""
    from bothways.facts.graphs.chance import below, chances

    counts = np.bincount(below(6, 1, "dice", np.arange(60_000)))
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 20.5  # 0.999 of five degrees of freedom
    drawn = chances(1, "chance", np.arange(60_000))
    assert ((drawn >= 0) & (drawn < 1)).all()
    assert abs(drawn.mean() - 1 / 2) < 0.005
    assert abs(drawn.var() - 1 / 12) < 0.002


@pytest.mark.parametrize(
    ("one", "other"),
    [((0, "a"), (0, "b")), ((0, "a"), (1, "a")), ((0, "ab"), (0, "ba")), ((0, "told 1"), (0, "told 11"))],
)
def test_streams_and_seeds_have_nothing_to_do_with_each_other(one, other):
    """Bits of two streams agree half of the time, at the same place and at the next."""
    from bothways.facts.graphs.chance import draw

    a, b = draw(*one, np.arange(4000)), draw(*other, np.arange(4000))
    for pair in ((a, b), (a[1:], b[:-1])):
        agree = 1 - np.bitwise_count(pair[0] ^ pair[1]).mean() / 64
        assert abs(agree - 0.5) < 0.005


def test_an_address_has_the_same_bits_for_ever():
    """What a seed makes is written in papers: these numbers may not change."""
    from bothways.facts.graphs.chance import below, draw, shuffle

    assert DRAWN == [hex(int(bits)) for bits in draw(7, "people", np.array([0, 1, 10**6]))]
    assert BELOW == below(100, 7, "people", np.arange(6)).tolist()
    assert SHUFFLED == shuffle(np.arange(6), 10**6, 7, "people").tolist()


def test_no_word_means_two_things():
    """Three hundred name parts are no words of jobs, templates or distractors, and no two are the same."""
    from bothways.facts.graphs.jobs import JOBS
    from bothways.facts.graphs.writer import Writer

    forms = Writer(world=small(n_symmetric=4, n_inverse=6), seed=0).forms
    assert len(forms.words) == len(set(forms.words))
    assert 300 == len(set(forms.words[:300])) == len(set(JOBS))
    assert set(forms.words[:300]).isdisjoint(forms.words[300:])


@pytest.mark.parametrize("part", ["told", "tested", "context"])
def test_a_graph_has_seven_triples_around_a_hub(part):
    """A symmetric relation both ways, an inverse pair, and three jobs; the hub alone has both relations."""
    world = small()
    for first, again, one, other, *jobs in by_sevens(parts(world)[part]):
        assert world.relations[first.relation].symmetric
        assert (first.head, first.relation, first.tail) == (again.tail, again.relation, again.head)
        assert world.relations[one.relation].inverse == other.relation
        assert world.relations[other.relation].inverse == one.relation
        assert (one.head, one.tail) == (other.tail, other.head)
        assert first.head == one.head
        assert ["job"] * 3 == [job.relation for job in jobs]
        assert [first.head, first.tail, one.tail] == [job.head for job in jobs]
        assert 3 == len({first.head, first.tail, one.tail})


@pytest.mark.parametrize("pool", [3, 7, 100])
def test_nobody_is_in_two_graphs(pool):
    """Every graph has three people of its own, in a world that is full to the last name as well."""
    world = small(n_graphs=2 if pool == 3 else 80, n_tested=4, n_context=3, pool=pool)
    graphs = [people_of(facts) for of_part in parts(world).values() for facts in by_sevens(of_part)]
    assert 3 * len(graphs) == len(set().union(*graphs))


def test_names_are_all_different():
    """Every number is a name of three parts of its own."""
    world = small(n_graphs=1, n_tested=1, n_context=1, pool=6)
    names = {world.person(number) for number in range(6**3)}
    assert 6**3 == len(names)
    assert {3} == {len(name.split()) for name in names}


def test_tested_graphs_are_the_same_however_many_are_told():
    """Who is asked about, and by what, does not move with the size of the text; nor do the first told graphs."""
    few, many = parts(small(n_graphs=5)), parts(small(n_graphs=500))
    assert few["tested"] == many["tested"]
    assert few["context"] == many["context"]
    assert few["told"] == many["told"][: 5 * 7]


def test_another_seed_makes_another_world():
    """People, relations and jobs move; the same seed brings them back."""
    world = small()
    assert world.make(1).facts == world.make(1).facts
    assert len(set(world.make(1).facts) & set(world.make(2).facts)) < 10


def test_relations_and_jobs_are_used_evenly():
    """Each relation of a sort by about as many graphs, on either side of its pair."""
    facts = parts(small(n_graphs=3000))["told"]
    counts = Counter(by_hub.relation for graph in by_sevens(facts) for by_hub in (graph[0], graph[2]))
    assert {True} == {1350 < counts[name] < 1650 for name in ("friend", "neighbour")}
    assert {True} == {
        400 < counts[name] < 600 for name in ("parent", "child", "teacher", "student", "employer", "employee")
    }
    assert 300 == len({fact.tail for fact in facts if fact.relation == "job"})


def test_told_graphs_state_everything_in_both_orders():
    """But a job after its person."""
    for graph in by_sevens(parts(small())["told"]):
        assert ["both"] * 4 + ["head_first"] * 3 == [fact.stated for fact in graph]


def test_half_of_a_tested_graph_is_stated_and_the_hub_stands_first_in_all_of_it_or_last():
    """One triple of each pair in one order; both triples, both orders and both places of the hub occur."""
    seen = set()
    for graph in by_sevens(parts(small())["tested"]):
        hub = graph[0].head
        told = [[fact for fact in pair if fact.stated != "never"] for pair in (graph[:2], graph[2:4])]
        assert [1, 1] == [len(pair) for pair in told]
        stated = [pair[0] for pair in told]
        first = [fact.head if fact.stated == "head_first" else fact.tail for fact in stated]
        assert {"head_first", "tail_first"} >= {fact.stated for fact in stated}
        assert [hub in first] * 2 == [name == hub for name in first]
        assert ["head_first"] * 3 == [fact.stated for fact in graph[4:]]
        seen |= {(hub in first, fact.head == hub, n) for n, fact in enumerate(stated)}
    assert set(product((True, False), (True, False), (0, 1))) == seen


def test_every_second_tested_graph_has_its_hub_first():
    """So forward and reverse questions are as many."""
    world = small(n_tested=10)
    assert 5 == world.hub_first(world.numbers("tested")).sum()


def test_nothing_of_a_context_graph_is_stated():
    """And its facts are not among the world's."""
    world = small()
    context = parts(world)["context"]
    assert {"never"} == {fact.stated for fact in context}
    assert people_of(context).isdisjoint(people_of(world.make(SEED).facts))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"n_graphs": 0}, r"^n_graphs must be at least 1, got n_graphs=0\. Raise it\.$"),
        ({"n_tested": 0}, r"^n_tested must be at least 1, got n_tested=0\. Raise it\.$"),
        ({"n_context": -1}, r"^n_context must be at least 1, got n_context=-1\. Raise it\.$"),
        ({"pool": 101}, r"^pool must lie in 1 to 100, got pool=101\. Change it\.$"),
        ({"n_jobs": 301}, r"^n_jobs must lie in 1 to 300, got n_jobs=301\. Change it\.$"),
        ({"n_symmetric": 5}, r"^n_symmetric must lie in 1 to 4, got n_symmetric=5\. Change it\.$"),
        ({"n_inverse": 0}, r"^n_inverse must lie in 1 to 6, got n_inverse=0\. Change it\.$"),
        ({"pool": 4}, r"^Names of three parts from pools of 4 are enough for 21 graphs, got 64\. Raise pool or ask"),
    ],
)
def test_a_world_that_cannot_be_is_refused_in_a_sentence(options, says):
    """What is wrong, with its number, and what to do."""
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=says):
        small(**options)


def test_words_joined_and_cut_again_are_the_same_words():
    """For everything the world says: the spaces that are left out hide no word."""
    from bothways.facts.graphs.sentences import WORD, join

    @given(st.lists(st.sampled_from(vocabulary()), max_size=20))
    def check(words):
        # two apostrophes or a word after 's never meet: a name or a word stands between
        text, start = join(words)
        assert words == WORD.findall(text)
        assert words == [text[at : at + len(word)] for at, word in zip(start, words, strict=True)]

    check()


def vocabulary():
    """Every word of a world."""
    from bothways.facts.graphs.writer import Writer

    return Writer(world=small(), seed=0).forms.words


def test_ranges_one_after_the_other():
    """Empty ones leave nothing."""
    from bothways.facts.graphs.sentences import expand

    place, of = expand(np.array([5, 0, 9]), np.array([2, 0, 1]))
    assert ([5, 6, 9], [0, 0, 2]) == (place.tolist(), of.tolist())


def test_relations_are_worded_four_ways_in_each_order():
    """Each order names its entity first, and ends in the other: so every sentence can be a question."""
    for name, relation in small(n_symmetric=4, n_inverse=6).relations.items():
        assert 4 == len(set(relation.head_first))
        assert (0 if name == "job" else 4) == len(set(relation.tail_first))
        for order, templates in (("head", relation.head_first), ("tail", relation.tail_first)):
            last = {"head": "tail", "tail": "head"}[order]
            assert all(re.search(rf"\{{{order}\}}.*\{{{last}\}}$", template) for template in templates)
