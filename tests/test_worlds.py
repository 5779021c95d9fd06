"""The synthetic worlds: same seed, same facts; and each has the structure it promises."""

import hashlib
from collections import Counter

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32)


def small_worlds():
    """One quick instance of each world."""
    from bothways.facts.worlds.bijection import Bijection
    from bothways.facts.worlds.family import Family
    from bothways.facts.worlds.relations import Relations

    return {
        "bijection": Bijection(n=20),
        "relations": Relations(n_entities=20, n_relations=3),
        "family": Family(n_families=3),
    }


def graph(facts):
    """The undirected graph of entities."""
    return networkx.Graph((fact.head, fact.tail) for fact in facts.facts)


def partners(facts, name):
    """What one relation maps each head to."""
    return {fact.head: fact.tail for fact in facts.facts if fact.relation == name}


@pytest.mark.parametrize("name", ["bijection", "relations", "family"])
def test_facts_depend_on_the_seed_and_on_nothing_else(name):
    """The same seed gives the same facts, another seed gives others."""
    world = small_worlds()[name]
    assert world.make(3) == world.make(3)
    assert world.make(3).hash != world.make(4).hash


@pytest.mark.parametrize(
    ("name", "expected"),
    [("bijection", "5c3e55e030851ff9"), ("relations", "0e1101423b2870cc"), ("family", "ec880cd258b692d2")],
)
def test_facts_are_the_same_on_every_platform(name, expected):
    """The bytes of one seed are pinned, so a change of the random stream is noticed."""
    facts = small_worlds()[name].make(0).facts
    text = "\n".join("\t".join((fact.head, fact.relation, fact.tail)) for fact in facts)
    assert expected == hashlib.sha256(text.encode()).hexdigest()[:16]


@pytest.mark.parametrize("name", ["bijection", "relations", "family"])
@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_every_world_is_well_formed(name, seed):
    """No pair of people twice, nobody paired with themselves, no stated order, every relation with templates."""
    facts = small_worlds()[name].make(seed)
    assert len(facts.facts) == len({fact.pair for fact in facts.facts})
    assert all(len(fact.pair) == 2 and fact.stated is None for fact in facts.facts)
    assert {fact.relation for fact in facts.facts} <= set(facts.relations)
    for relation in facts.relations.values():
        assert all(template.endswith("{tail}") for template in relation.head_first)
        assert all(template.endswith("{head}") for template in relation.tail_first)
        assert relation.head_first and relation.tail_first


@pytest.mark.parametrize("name", ["bijection", "relations", "family"])
def test_facts_say_which_world_and_seed_made_them(name):
    """The source names the class, its fields and the seed."""
    world = small_worlds()[name]
    assert f"{world!r}, seed 7" == world.make(7).source


def test_default_sizes():
    """The default worlds are as large as their documentation says."""
    from bothways.facts.worlds.bijection import Bijection
    from bothways.facts.worlds.family import Family
    from bothways.facts.worlds.relations import Relations

    assert (len(Bijection().make(0).facts), len(Bijection().make(0).entities)) == (200, 400)
    assert (len(Relations().make(0).facts), len(Relations().make(0).entities)) == (600, 300)
    assert all(350 <= len(Family().make(seed).facts) <= 480 for seed in range(5))


def test_bijection_joins_two_disjoint_sets():
    """Heads and tails are different people, each in one fact."""
    facts = small_worlds()["bijection"].make(0).facts
    assert len({name for fact in facts for name in (fact.head, fact.tail)}) == 40


@given(seed=SEEDS, n_relations=st.integers(1, 9), extra=st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_relations_are_permutations_with_different_partners(seed, n_relations, extra):
    """Everybody is head and tail of every relation, and has two new partners in each."""
    from bothways.facts.worlds.relations import Relations

    n = 4 * n_relations + 1 + extra
    facts = Relations(n_entities=n, n_relations=n_relations).make(seed)
    for name in facts.relations:
        assert set(facts.entities) == set(partners(facts, name)) == set(partners(facts, name).values())
    assert {2 * n_relations} == set(dict(graph(facts).degree).values())


def test_relations_have_words_of_their_own():
    """No two relations share a template in either order, however many there are."""
    from bothways.facts.worlds.relations import Relations

    relations = Relations(n_entities=60, n_relations=12).make(0).relations
    templates = [t for relation in relations.values() for t in relation.head_first + relation.tail_first]
    assert len(set(templates)) == 24
    assert "relation 9" in relations and "relation 12" in relations


def test_relations_mix_people_at_random():
    """Partners are spread evenly: over many seeds each of the other people comes up about equally often."""
    import random

    from bothways.facts.worlds.relations import draw_partners

    counts = Counter(draw_partners(9, set(), random.Random(seed))[0] for seed in range(4000))
    assert set(range(1, 9)) == set(counts)
    assert all(400 <= count <= 600 for count in counts.values())


@given(seed=SEEDS)
@settings(max_examples=25, deadline=None)
def test_every_family_fact_is_a_bridge(seed):
    """Without a fact nothing else joins its two people."""
    from bothways.facts.worlds.family import Family

    facts = Family(n_families=5).make(seed)
    bridges = {frozenset(edge) for edge in networkx.bridges(graph(facts))}
    assert {fact.pair for fact in facts.facts} == bridges
    assert networkx.number_connected_components(graph(facts)) == 5


def test_family_has_inverse_symmetric_and_one_to_many_relations():
    """Every child has both parents, some parents have two children, couples and pupils are stated once."""
    from bothways.facts.worlds.family import Family

    facts = Family().make(0)
    assert set(partners(facts, "mother")) == set(partners(facts, "father"))
    children = Counter(fact.tail for fact in facts.facts if fact.relation in ("mother", "father"))
    assert {1, 2} == set(children.values())
    assert facts.relations["mother"].tail_first == facts.relations["father"].tail_first
    assert facts.relations["spouse"].symmetric
    assert (facts.relations["teacher"].inverse, facts.relations["student"].inverse) == ("student", "teacher")
    counts = Counter(fact.relation for fact in facts.facts)
    assert min(counts.values()) >= 30 and set(facts.relations) == set(counts)


def test_family_has_three_generations_at_most():
    """No chain of parents is longer than two."""
    from bothways.facts.worlds.family import Family

    facts = Family().make(1)
    parents = networkx.DiGraph((f.head, f.tail) for f in facts.facts if f.relation in ("mother", "father"))
    assert networkx.dag_longest_path_length(parents) == 2


def test_surnames_do_not_give_a_parent_away():
    """Parent and child share a surname no more often than two random people (1 in 1,200)."""
    from bothways.facts.worlds.family import Family

    facts = Family(n_families=500).make(0)
    parental = [f for f in facts.facts if f.relation in ("mother", "father")]
    same = sum(f.head.split()[1] == f.tail.split()[1] for f in parental)
    assert same <= 0.005 * len(parental)


def test_names_are_unique_plain_and_plenty():
    """A million names, none twice, each two words of letters."""
    from bothways.facts.names import people

    names = people(1_000_000, seed=1)
    assert len(set(names)) == 1_000_000
    assert all(len(parts) == 2 and all(map(str.isalpha, parts)) for parts in map(str.split, names[:5000]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda w: w["bijection"](n=0), r"n must be at least 1, got n=0\. Ask"),
        (lambda w: w["relations"](n_relations=0), r"n_relations must be at least 1, got n_relations=0\. Ask"),
        (lambda w: w["relations"](n_entities=8), r"at least 9 people, got n_entities=8\. Raise"),
        (lambda w: w["family"](n_families=0), r"n_families must be at least 1, got n_families=0\. Ask"),
    ],
)
def test_impossible_sizes_are_refused(make, message):
    """A world that cannot exist says which setting to change."""
    from bothways.errors import BothwaysError

    worlds = {name: type(world) for name, world in small_worlds().items()}
    with pytest.raises(BothwaysError, match=message):
        make(worlds)


def test_too_many_names_are_refused():
    """The message says how many names there are."""
    from bothways.errors import BothwaysError
    from bothways.facts.names import people

    with pytest.raises(BothwaysError, match=r"in 0 to \d+, got n=100000000\. Choose"):
        people(100_000_000, seed=0)


def test_partners_that_cannot_exist_are_refused():
    """A search without a solution ends with a message, not in a loop."""
    import random

    from bothways.errors import BothwaysError
    from bothways.facts.worlds.relations import draw_partners

    with pytest.raises(BothwaysError, match="got n_entities=2"):
        draw_partners(2, set(), random.Random(0))


def test_names_out_of_a_pool_have_as_many_parts_as_asked_for() -> None:
    from bothways.errors import BothwaysError
    from bothways.facts.worlds.relations import Relations

    two, four = (Relations(n_entities=20, pool=60, parts=parts).make(0) for parts in (2, 4))
    assert {2} == {len(name.split()) for name in two.entities}
    assert {4} == {len(name.split()) for name in four.entities}
    assert two.hash != four.hash and "4 parts" in str(four.source)
    with pytest.raises(BothwaysError, match=r"2 where names come out of no pool, got parts=3 and pool=0\."):
        Relations(parts=3)
