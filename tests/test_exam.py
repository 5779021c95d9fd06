"""The exam stays honest: nothing leaks, strata are what they say, and one seed means one exam everywhere."""

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import networkx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.exam_worlds import (
    CONFIGS,
    MANY,
    MIXED,
    PLAIN,
    TRICKY,
    WORDS,
    base_texts,
    cue,
    exam_of,
    fact_set,
    leaks,
    reverse,
    rows,
    sentences,
    truths,
)

ANY = st.one_of(rows(), rows(stated=MIXED), rows(names=TRICKY), rows(names=TRICKY, stated=MIXED))
SPARSE = st.one_of(rows(names=MANY, most=24), rows(names=MANY, stated=MIXED, most=24))
SEEDS = st.integers(0, 2**32 - 1)


def examine(drawn, config, seed=0):
    """The facts of drawn rows and their exam; draws with nothing to test are thrown away."""
    facts = fact_set(drawn)
    exam = exam_of(facts, seed, **config)
    assume(exam is not None)
    return facts, exam


def orders(fact):
    """The orders a settled fact is stated in."""
    return ("head_first", "tail_first") if fact.stated == "both" else (fact.stated,)


def triple(fact):
    """What a fact says, without its order."""
    return fact.head, fact.relation, fact.tail


@given(ANY, CONFIGS, SEEDS)
@settings(max_examples=60)
def test_no_sentence_names_a_tested_answer_after_its_cue(drawn, config, seed):
    """Neither in its own words nor in any others, nor inside another name, nor in the words of a template."""
    _, exam = examine(drawn, config, seed)
    assert [] == leaks(exam)
    assert [] == [q for q in reverse(exam) if q.stated]


@given(ANY, CONFIGS)
def test_the_control_states_every_tested_question(drawn, config):
    """The sentence asked for in reverse stands in the text of the control arm."""
    from bothways.arms import parse_arm
    from bothways.config import RunConfig
    from bothways.text.corpus import write_corpus

    _, exam = examine(drawn, config)
    control = parse_arm("both_directions").config(RunConfig(), 0)
    said = {document.text for document in write_corpus(exam, control.text, 0).documents}
    assert {f"{q.prompt} {q.answer}{q.ends}" for q in reverse(exam)} <= said


@given(ANY, CONFIGS)
def test_no_fact_is_lost(drawn, config):
    """Every fact is either trained, and then stated in all its templates, or withheld, and then never stated."""
    facts, exam = examine(drawn, config)
    everything = Counter(map(triple, (*exam.facts.facts, *exam.withheld)))
    assert Counter(map(triple, facts.facts)) == everything
    said = {s for f in exam.facts.facts for o in orders(f) for _, _, s in sentences(f, o)}
    assert said == set(base_texts(exam))
    hidden = {s for f in exam.withheld for o in ("head_first", "tail_first") for _, _, s in sentences(f, o)}
    told_alike = {s for f in exam.facts.facts for o in ("head_first", "tail_first") for _, _, s in sentences(f, o)}
    assert not said & (hidden - told_alike)


@given(ANY, CONFIGS)
def test_orders_that_facts_bring_along_are_kept(drawn, config):
    """A given order is what training states, and a fact given in both is never tested."""
    facts, exam = examine(drawn, config)
    given_orders = {triple(fact): fact.stated for fact in facts.facts}
    for fact in exam.facts.facts:
        assert fact.stated in ("head_first", "tail_first", "both")
        assert given_orders[triple(fact)] in (None, fact.stated)
    assert all(given_orders[triple(exam.facts.facts[q.fact])] != "both" for q in reverse(exam))


@given(ANY, CONFIGS)
def test_facts_are_withheld_only_for_a_tested_pair(drawn, config):
    """Each pair is tested once, nothing else about it is trained, and no other fact is withheld."""
    _, exam = examine(drawn, config)
    on_pair = Counter(fact.pair for fact in exam.facts.facts)
    pairs = [exam.facts.facts[q.fact].pair for q in reverse(exam)]
    assert len(pairs) == len(set(pairs))
    assert all(on_pair[pair] == 1 for pair in pairs)
    assert all(on_pair[fact.pair] == 1 for fact in exam.withheld)


@given(ANY, CONFIGS)
@settings(max_examples=60)
def test_strata_are_what_they_say(drawn, config):
    """Isolated answers end no reverse statement at all; partner answers end one of the same words with another cue."""
    _, exam = examine(drawn, config)
    said = [(f, o, *s) for f in exam.facts.facts for o in orders(f) for s in sentences(f, o)]
    for q in reverse(exam):
        asked = "tail_first" if q.asks == "head" else "head_first"
        words = q.prompt.replace(cue(q), "*", 1)
        ending = [(f, o, prompt) for f, o, prompt, answer, _ in said if answer == q.answer]
        alike = [p for f, o, p in ending if p == words.replace("*", f.tail if o == "tail_first" else f.head, 1)]
        if q.kind == "reverse_partner":
            assert alike and q.prompt not in alike
        else:
            assert not alike
            assert not [f for f, o, _ in ending if o == asked]
            same = {q.relation: (q.asks,)}
            if q.relation in ("friend", "spouse"):
                same = {q.relation: ("head", "tail")}
            if q.relation in ("teacher", "student"):
                other = {"teacher": "student", "student": "teacher"}[q.relation]
                same |= {other: ("tail" if q.asks == "head" else "head",)}
            named = [(f.relation, "tail" if o == "head_first" else "head") for f, o, _ in ending]
            assert not [(r, side) for r, side in named if side in same.get(r, ())]


@given(ANY, CONFIGS, SEEDS)
def test_the_splits_share_no_cluster(drawn, config, seed):
    """A cluster is in one split with all its questions, whatever their kind; what is tested is tested in the test."""
    _, exam = examine(drawn, config, seed)
    splits = {}
    for q in exam.queries:
        assert splits.setdefault(q.cluster, q.split) == q.split
    kinds = Counter((q.kind, q.split) for q in exam.queries)
    assert kinds["reverse_tested", "test"] or not kinds["reverse_tested", "dev"]
    assert kinds["reverse_tested", "test"] + kinds["reverse_partner", "test"]
    assert all(q.split == exam.queries[q.of].split for q in exam.queries if q.kind == "flip")


@given(SPARSE, CONFIGS)
def test_a_bridge_is_the_only_connection(drawn, config):
    """Without the facts of their own pair, cue and answer are apart in the graph of all facts, withheld ones too."""
    facts, exam = examine(drawn, config)
    assume(exam.leak == "bridge")
    for q in reverse(exam):
        pair = {cue(q), q.answer}
        graph = networkx.Graph([(f.head, f.tail) for f in facts.facts if set(f.pair) != pair])
        graph.add_nodes_from(pair)
        assert not networkx.has_path(graph, cue(q), q.answer)


@given(ANY, CONFIGS)
@settings(max_examples=50)
def test_other_truths_are_all_other_true_answers(drawn, config):
    """Of trained and withheld facts, through any template of any relation, symmetry and inverses."""
    facts, exam = examine(drawn, config)
    true = truths(facts.facts)
    for q in exam.queries:
        if q.kind == "flip":
            assert q.answer not in true.get(q.prompt, set())
        else:
            assert tuple(sorted(true[q.prompt] - {q.answer})) == q.other_truths
            assert q.answer in true[q.prompt]


@given(ANY, CONFIGS)
@settings(max_examples=50)
def test_flips_ask_the_same_cue_something_else(drawn, config):
    """A flip fits the answer's type, and takes a question that has a stated answer wherever there is one."""
    _, exam = examine(drawn, config)
    stated = {p for f in exam.facts.facts for o in orders(f) for p, _, _ in sentences(f, o)}
    for q in exam.queries:
        if q.kind == "flip":
            of = exam.queries[q.of]
            assert of.kind in ("reverse_tested", "reverse_partner")
            assert (cue(of), of.answer, of.candidates, of.cluster) == (cue(q), q.answer, q.candidates, q.cluster)
            assert q.prompt != of.prompt
            assert q.stated == (q.prompt in stated)


@given(ANY, CONFIGS)
def test_flips_prefer_what_has_a_stated_answer(drawn, config):
    """Where some question of the cue is answered in the text by another partner of the right type, it is taken."""
    facts, exam = examine(drawn, config)
    true = truths(facts.facts)
    flips = {q.of: q for q in exam.queries if q.kind == "flip"}
    for n, q in enumerate(exam.queries):
        if q.kind not in ("reverse_tested", "reverse_partner"):
            continue
        pool = set(exam.candidates[q.candidates])
        better = {
            prompt
            for f in exam.facts.facts
            for o in orders(f)
            for prompt, answer, sentence in sentences(f, o)[-1:]
            if (f.head if o == "head_first" else f.tail) == cue(q)
            and answer in pool
            and prompt != q.prompt
            and q.answer not in true[prompt]
        }
        assert not better or flips[n].stated


@given(ANY, CONFIGS, st.sampled_from((0, 1, 3)))
def test_candidates_hold_the_answer_and_only_its_type(drawn, config, most):
    """Capped or not, a pool holds every answer asked of it, nothing but entities the base text names, each once."""
    _, exam = examine(drawn, {**config, "max_candidates": most})
    read = {name for fact in exam.facts.facts for name in (fact.head, fact.tail)}
    for q in exam.queries:
        pool = exam.candidates[q.candidates]
        assert q.answer in pool
        assert len(set(pool)) == len(pool) and set(pool) <= read
        assert cue(q) in read
    if most:
        answers = Counter(q.candidates for q in {(q.candidates, q.answer): q for q in exam.queries}.values())
        assert all(len(pool) <= most + answers[name] for name, pool in exam.candidates.items())


def test_pools_keep_kinds_of_entities_apart():
    """Places never answer a question about people, though both are tails of something."""
    people = [(f"person{i}", "born_in", f"town{i % 9}", None) for i in range(30)]
    towns = [(f"town{i}", "part_of", f"land{i % 3}", None) for i in range(9)]
    from bothways.types import Fact, FactSet

    exam = exam_of(FactSet(name="x", facts=tuple(Fact(*row) for row in (*people, *towns)), relations={}))
    assert {frozenset(name[:4] for name in pool) for pool in exam.candidates.values()} == {
        frozenset({"pers"}),
        frozenset({"town"}),
        frozenset({"land"}),
    }


@given(ANY, CONFIGS)
def test_questions_are_worth_asking(drawn, config):
    """At most half of the candidates are true answers, and each prompt ends where its answer starts in the text."""
    _, exam = examine(drawn, config)
    for q in exam.queries:
        if q.kind != "flip":
            assert len(q.other_truths) + 1 <= len(exam.candidates[q.candidates]) / 2
            asked = "tail_first" if q.asks == "head" else "head_first"
            said = {sentence for _, _, sentence in sentences(exam.facts.facts[q.fact], asked)}
            assert f"{q.prompt} {q.answer}{q.ends}" in said
            assert q.stated == (asked in orders(exam.facts.facts[q.fact]))


def mirrored(facts):
    """The same facts told by relations whose head and tail have changed places."""
    turned = {"head_first": "tail_first", "tail_first": "head_first", "both": "both"}

    def turn(templates):
        swap = {"{head}": "{tail}", "{tail}": "{head}"}
        return tuple("".join(swap.get(part, part) for part in split(t)) for t in templates)

    def split(template):
        import re

        return re.split(r"(\{head\}|\{tail\})", template)

    return replace(
        facts,
        facts=tuple(replace(f, head=f.tail, tail=f.head, stated=turned[f.stated]) for f in facts.facts),
        relations={
            name: replace(r, head_first=turn(r.tail_first), tail_first=turn(r.head_first))
            for name, r in facts.relations.items()
        },
    )


@given(rows(stated=("head_first", "head_first", "tail_first", "tail_first", "both")), CONFIGS, SEEDS)
def test_facts_stated_tail_first_are_treated_alike(drawn, config, seed):
    """Turning every fact, order and template round gives the same exam: the same is tested, flipped and withheld."""
    facts, exam = examine(drawn, config, seed)
    mirror = exam_of(mirrored(facts), seed, **config)
    kinds = ("reverse_tested", "reverse_partner", "flip")
    one, other = (
        [(q.prompt, q.answer, q.kind, q.split, q.other_truths, q.stated) for q in e.queries if q.kind in kinds]
        for e in (exam, mirror)
    )
    assert one == other
    assert [(f.head, f.tail) for f in exam.withheld] == [(f.tail, f.head) for f in mirror.withheld]
    assert sorted(base_texts(exam)) == sorted(base_texts(mirror))
    assert exam.leak == mirror.leak


@given(ANY, CONFIGS, SEEDS)
def test_an_exam_survives_its_file(drawn, config, seed):
    """What is written and read back is the same exam with the same hash, and the same facts make it again."""
    import json

    from bothways.types import Exam

    facts, exam = examine(drawn, config, seed)
    again = Exam.from_json(json.loads(json.dumps(exam.to_json())))
    assert exam == again
    assert exam.hash == again.hash == exam_of(facts, seed, **config).hash


def test_another_seed_makes_another_exam():
    """The split is drawn by the seed."""
    from bothways.facts.worlds.family import Family

    facts = Family(n_families=6).make(0)
    assert 5 == len({exam_of(facts, seed).hash for seed in range(5)})
    picked = [{q.prompt for q in reverse(exam_of(facts, seed))} for seed in range(2)]
    assert picked[0] != picked[1]


HASHES = """
from tests.exam_worlds import exam_of, fact_set, base_texts, PLAIN, WORDS
from bothways.facts.worlds.family import Family
from bothways.facts.worlds.relations import Relations
from bothways.types import digest
names = list(WORDS)
dense = [(PLAIN[i % 12], names[i % len(names)], PLAIN[(i * 7 + i // 12) % 12], None) for i in range(90)]
dense = list(dict.fromkeys(dense))
for facts in (Family(n_families=5).make(0), Relations(n_entities=40).make(0), fact_set(dense)):
    exam = exam_of(facts, 3, max_candidates=7)
    print(exam.hash, digest(base_texts(exam)))
"""


def test_no_process_makes_another_exam(repository):
    """The exam and its text do not hang on the order in which Python happens to walk through sets."""
    found = set()
    for seed in ("0", "1", "2"):
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(("src", "."))}
        run = subprocess.run(
            [sys.executable, "-c", HASHES], cwd=repository, env=env, capture_output=True, text=True, check=True
        )
        found.add(run.stdout)
    assert 1 == len(found)
    assert 3 == len(found.pop().splitlines())


def pairs(n, relation="likes", stated=None):
    """A one-to-one relation of n facts."""
    return [(f"a{i}", relation, f"b{i}", stated) for i in range(n)]


@pytest.mark.parametrize("n", [6, 7, 8, 12, 20])
@pytest.mark.parametrize("seed", range(4))
def test_small_fact_sets_leave_something_in_the_test(n, seed):
    """Six facts are enough: some are tested, most are support, and questions of every kind are in the test."""
    exam = exam_of(fact_set(pairs(n)), seed, min_facts=6)
    kinds = Counter(q.kind for q in exam.queries if q.split == "test")
    assert kinds["reverse_tested"] >= 1
    assert kinds["reverse_stated"] >= n // 2
    assert kinds["forward"] >= n // 2


@pytest.mark.parametrize("dev", [0.5, 0.9, 0.99])
def test_development_never_takes_the_whole_test(dev):
    """However large its share, one cluster of each stratum is left."""
    for n in (6, 9, 30):
        exam = exam_of(fact_set(pairs(n)), dev=dev)
        assert any(q.kind == "reverse_tested" and q.split == "test" for q in exam.queries)


def test_a_symmetric_relation_can_be_isolated():
    """An isolated answer is never the friend of anybody in the text, whichever way round its facts were given."""
    ring = [(PLAIN[i], "friend", PLAIN[(i + 1) % 12], None) for i in range(12)]
    exam = exam_of(fact_set(ring), isolated=0.3, partner=0.0)
    isolated = [q for q in exam.queries if q.kind == "reverse_tested"]
    assert {q.asks for q in isolated} == {"head", "tail"}
    for q in isolated:
        assert not [t for t in base_texts(exam) if t.endswith(f"'s friend is {q.answer}")]


def test_a_statement_of_the_inverse_relation_is_a_reverse_statement():
    """ "B's student is A" makes A a target, though it states a fact of another relation head first."""
    taught = [(f"a{i}", "teacher", f"b{i}", "head_first") for i in range(6)]
    told = [(f"c{i}", "student", f"a{i}", "head_first") for i in range(6)]
    exam = exam_of(fact_set([*taught, *told, *pairs(6)]))
    assert not [q for q in reverse(exam) if q.relation == "teacher" and q.answer.startswith("a")]


def test_the_words_of_a_reverse_question_are_stated_by_somebody():
    """However much is isolated, some fact of each wording is left to state it."""
    for seed in range(5):
        exam = exam_of(fact_set([*pairs(6), *((b, "boss", a, None) for a, _, b, _ in pairs(6))]), seed, isolated=0.95)
        words = {f.relation for f in exam.facts.facts if f.stated == "both"}
        assert {"likes", "boss"} == words


def test_words_that_nobody_uses_are_not_asked_about():
    """A relation stated head first only has a reverse wording that nobody can understand; a note says so."""
    fixed = [(f"c{i}", "boss", f"d{i}", "head_first") for i in range(6)]
    exam = exam_of(fact_set([*fixed, *pairs(12)]), isolated=0.9)
    assert {"likes"} == {q.relation for q in reverse(exam)}
    assert [note for note in exam.notes if note.startswith("boss: its reverse wording is never stated")]
    assert 6 == sum(q.kind == "forward" and q.relation == "boss" for q in exam.queries)


def test_words_that_nobody_uses_are_asked_about_if_there_are_no_others():
    """Facts that are all stated head first are still asked, with a note on what an error shows."""
    exam = exam_of(fact_set(pairs(12, stated="head_first")))
    assert len(reverse(exam)) >= 2
    assert [note for note in exam.notes if "show no more than that" in note]


def test_a_given_order_can_rule_a_pair_out():
    """A pair that the given orders state both ways is not tested; a pair stated twice the same way is tested once."""
    both = [(f"a{i}", "likes", f"b{i}", "head_first") for i in range(8)]
    both += [(f"a{i}", "boss", f"b{i}", "tail_first") for i in range(8)]
    assert exam_of(fact_set(both)) is None
    same = [(a, r, b, "head_first") for a, r, b, _ in both]
    exam = exam_of(fact_set(same), isolated=0.5, withheld=0.9)
    assert len(exam.withheld) == len(reverse(exam)) == 4


def test_names_inside_names_are_no_fair_test():
    """ "b's friend is Ann Lee" also spells "Ann": Ann and b are not tested on each other."""
    from bothways.facts.mentions import named_together

    facts = fact_set([("Ann", "likes", "Bo", None), ("Ann Lee", "boss", "Bo", None), ("fond of", "likes", "Cy", None)])
    found = named_together(facts)
    assert frozenset(("Ann", "Bo")) in found
    assert frozenset(("Bo", "fond of")) in found
    assert frozenset(("Ann Lee", "Bo")) not in found
    assert frozenset(("Cy", "fond of")) not in found


def test_dense_graphs_lose_no_more_than_the_limit():
    """Facts about tested pairs are withheld up to a share of all facts, and one fact is tested at any rate."""
    names = [name for name in WORDS if name not in ("friend", "spouse", "teacher", "student")]
    dense = [(PLAIN[i], r, PLAIN[j], None) for i in range(8) for j in range(i) for r in names]
    for limit in (0.0, 0.1, 0.3, 0.9):
        exam = exam_of(fact_set(dense), withheld=limit)
        cost = len(names) - 1
        assert cost <= len(exam.withheld) <= max(2 * cost, limit * len(dense))
        assert any(q.kind == "forward" and q.split == "test" for q in exam.queries)


def test_no_more_is_tested_than_is_asked():
    """Nothing is withheld for questions beyond the limit of their kind."""
    from bothways.facts.worlds.relations import Relations

    exam = exam_of(Relations(n_entities=200).make(0), max_queries=12)
    assert 10 <= len([q for q in exam.queries if q.kind == "reverse_tested"]) <= 16
    kinds = Counter((q.kind, q.split) for q in exam.queries if q.kind != "flip")
    assert max(kinds.values()) <= 12
    asked_forward = {q.fact for q in exam.queries if q.kind == "forward"}
    assert len({q.fact for q in reverse(exam)} & asked_forward) >= 6


def test_questions_with_mostly_true_answers_are_not_asked():
    """Where more than half of all candidates are right, naming one of them shows nothing."""
    facts = [(f"a{i}", "likes", "everybody", None) for i in range(20)] + [
        (f"a{i}", "boss", f"b{i}", None) for i in range(20)
    ]
    exam = exam_of(fact_set(facts))
    assert not [q for q in exam.queries if q.relation == "likes" and q.asks == "head"]
    assert "20 facts are not tested: most candidates are true answers." in exam.notes


def test_a_dense_graph_is_resampled_by_entity_and_a_sparse_one_by_component():
    """Components are clusters unless one holds too many of the tested facts; then its entities are."""
    sparse = exam_of(fact_set([*pairs(30), *((f"a{i}", "boss", f"c{i}", None) for i in range(30))]))
    by_cluster = {}
    for q in sparse.queries:
        by_cluster.setdefault(q.cluster, set()).add(sparse.facts.facts[q.fact].head)
    assert {1} == {len(names) for names in by_cluster.values()}
    ring = [(PLAIN[i], "likes", PLAIN[(i + 1) % 12], None) for i in range(12)]
    dense = exam_of(fact_set(ring), isolated=0.5)
    assert len({q.cluster for q in reverse(dense)}) == len(reverse(dense))
    assert all(q.cluster == p.cluster for q in reverse(dense) for p in dense.queries if p.fact == q.fact)


def test_relations_without_templates_are_worded():
    """Facts made by hand need no templates, and a template of the wrong order is refused."""
    from bothways.errors import FactsError
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.types import Fact, FactSet, Relation

    facts = FactSet(name="x", facts=tuple(Fact(f"a{i}", "mother", f"b{i}") for i in range(8)), relations={})
    exam = exam_of(facts)
    assert "a0's mother is b0" in base_texts(exam)
    wrong = replace(facts, relations={"mother": Relation("mother", head_first=("{tail} bore {head}",))})
    with pytest.raises(FactsError, match=r"head_first template names \{head\} first"):
        make_exam(wrong, ExamConfig(), 0)


def test_an_exam_without_questions_says_why():
    """Nothing to test is an error with a reason, not an empty exam."""
    from bothways.errors import FactsError
    from bothways.facts.exam import ExamConfig, make_exam

    with pytest.raises(FactsError, match="likes: 4 facts, fewer than 6"):
        make_exam(fact_set(pairs(4)), ExamConfig(), 0)
    with pytest.raises(FactsError, match="no fact can be tested in reverse"):
        make_exam(fact_set(pairs(12, stated="both")), ExamConfig(), 0)


@pytest.mark.parametrize("name", ["isolated", "partner", "dev", "withheld"])
def test_shares_are_shares(name):
    """A share of one or more, or below zero, is refused."""
    from bothways.errors import BothwaysError
    from bothways.facts.exam import ExamConfig

    for value in (-0.1, 1.0):
        with pytest.raises(BothwaysError, match=f"{name} must be in"):
            ExamConfig(**{name: value})


def test_parents_and_children_fill_both_strata(shared_data):
    """Of the real pairs some hundred are isolated, some hundred stand beside the other parent, of either kind."""
    from bothways.facts.read import read_facts

    path = shared_data / "berglund_reversal_curse" / "celebrity_relations" / "parent_child_pairs.csv"
    exam = exam_of(read_facts(path), min_facts=6)
    kinds = Counter((q.kind, q.relation) for q in reverse(exam))
    assert min(kinds["reverse_tested", r] for r in ("mother", "father")) >= 100
    assert min(kinds["reverse_partner", r] for r in ("mother", "father")) >= 40
    assert "bridge" == exam.leak


SLOW = pytest.mark.slow
GRAPHS = [("nations", 20), pytest.param("kinships", 800, marks=SLOW), pytest.param("umls", 800, marks=SLOW)]


@pytest.mark.parametrize(("name", "least"), GRAPHS)
def test_dense_real_graphs_keep_most_facts_and_many_questions(shared_data, name, least):
    """At most 30 % of the facts are withheld, and in one-to-many prompts most candidates are wrong."""
    from bothways.facts.read import read_facts

    facts = read_facts(shared_data / name)
    exam = exam_of(facts, min_facts=6)
    assert "connected" == exam.leak
    assert len(exam.withheld) <= 0.3 * len(facts.facts)
    assert len(reverse(exam)) >= least
    assert all(
        2 * (len(q.other_truths) + 1) <= len(exam.candidates[q.candidates]) for q in exam.queries if q.kind != "flip"
    )
