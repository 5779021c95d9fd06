"""Pairs of triples that follow from each other: what is told, what is never said, and what is asked of it."""

import json
import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.exam_worlds import MANY, TRICKY, base_texts, cue, fact_set, places, relations, rows

PEOPLE = [(f"A{i}", f"B{i}") for i in range(20)]


def symmetric(pairs: Any = PEOPLE) -> Any:
    """Friends, each listed both ways, that nobody declared to be symmetric."""
    return plain([(a, "friend", b) for a, b in pairs] + [(b, "friend", a) for a, b in pairs])


def inverse(pairs: Any = PEOPLE) -> Any:
    """Teachers with a declared inverse that no fact has."""
    from bothways.types import Relation

    teacher = Relation("teacher", inverse="student")
    return plain([(a, "teacher", b) for a, b in pairs], {"teacher": teacher})


def plain(triples: Any, known: Any = None) -> Any:
    """Facts of some triples."""
    from bothways.types import Fact, FactSet, Relation

    facts = tuple(Fact(*row) for row in triples)
    return FactSet("made", facts, known or {f.relation: Relation(f.relation) for f in facts})


def exam_of(facts: Any, seed: int = 0, **options: Any) -> Any:
    """The exam of these facts, or None where nothing can be tested."""
    from bothways.errors import FactsError
    from bothways.facts.semantics import Semantics, semantics_exam

    try:
        return semantics_exam(facts, seed, Semantics(**options))
    except FactsError as error:
        assert "no pair of triples can be tested" in str(error)
        return None


def by_pair(exam: Any) -> dict[int, dict[str, Any]]:
    """The questions about each tested pair, by kind without its sort, under the place of the implied fact."""
    facts = exam.facts.facts
    found: dict[int, dict[str, Any]] = {}
    for query in exam.queries:
        head, _, rest = query.kind.partition("_")
        if head == "logic":
            found.setdefault(query.fact, {})[rest.partition("_")[2]] = query
    for implied, asked in found.items():
        pair = facts[implied].pair
        for query in exam.queries:
            if query.kind.startswith(("stated_", "flipped_")) and facts[query.fact].pair == pair:
                asked[query.kind.partition("_")[0]] = query
    return found


# --- known answers ------------------------------------------------------------------------------------------------


def test_a_symmetric_relation_is_told_by_four_sentences_or_by_one() -> None:
    """Twenty pairs of friends: fourteen in both triples and both orders, six by one triple in one order."""
    exam = exam_of(symmetric())
    texts = base_texts(exam)
    counts = {(a, b): sum(bool(places(a, text) and places(b, text)) for text in texts) for a, b in PEOPLE}
    assert Counter(counts.values()) == {4: 14, 1: 6}
    for (a, b), n in counts.items():
        possible = {f"{a}'s friend is {b}", f"{b} is the friend of {a}", f"{b}'s friend is {a}",
                    f"{a} is the friend of {b}"}  # fmt: skip
        said = possible & set(texts)
        assert n == len(said)
    assert len(texts) == 14 * 4 + 6


def test_an_inverse_that_no_file_lists_is_added_and_told() -> None:
    """A declared inverse is told of all but the tested pairs, under its own word."""
    exam = exam_of(inverse())
    texts = set(base_texts(exam))
    full = [(a, b) for a, b in PEOPLE if {f"{a}'s teacher is {b}", f"{b} is the teacher of {a}",
                                          f"{b}'s student is {a}", f"{a} is the student of {b}"} <= texts]  # fmt: skip
    assert (len(full), len(texts)) == (14, 14 * 4 + 6)
    assert "20 of their triples added; 6 tested, 14 told in full." in " ".join(exam.facts.notices)


@pytest.mark.parametrize("make", [symmetric, inverse])
def test_what_is_stated_takes_turns_of_triple_and_order(make: Any) -> None:
    """Over the tested pairs the text names either entity first, by either triple."""
    exam = exam_of(make(), tested=0.4)
    asked = by_pair(exam)
    said = Counter((q["stated"].relation, q["stated"].asks) for q in asked.values())
    orders = Counter(q["stated"].asks for q in asked.values())
    assert orders == {"head": 4, "tail": 4}
    assert len(said) == (2 if make is symmetric else 4)


@pytest.mark.parametrize("make", [symmetric, inverse])
def test_forward_and_reverse_are_the_order_of_the_stated_text(make: Any) -> None:
    """Forward gives what the text names first; the triple that follows is in neither."""
    exam = exam_of(make())
    texts = base_texts(exam)
    asked = by_pair(exam)
    assert len(asked) == 6
    for implied, q in asked.items():
        assert set(q) == {"stated", "flipped", "forward", "reverse"}
        fact = exam.facts.facts[implied]
        (text,) = [t for t in texts if places(fact.head, t) and places(fact.tail, t)]
        assert text == f"{q['stated'].prompt} {q['stated'].answer}"
        first, last = sorted(fact.pair, key=text.index)
        assert [(cue(q[k]), q[k].answer) for k in ("stated", "forward")] == [(first, last)] * 2
        assert [(cue(q[k]), q[k].answer) for k in ("flipped", "reverse")] == [(last, first)] * 2
        assert [q[k].stated for k in ("stated", "flipped", "forward", "reverse")] == [True, False, False, False]
        assert fact.stated == "never"
        assert exam.facts.facts[q["stated"].fact].stated in ("head_first", "tail_first")


def test_kinds_are_those_of_the_world_of_graphs() -> None:
    """One claim can read both exams."""
    kinds = {q.kind for q in exam_of(symmetric()).queries} | {q.kind for q in exam_of(inverse()).queries}
    from bothways.facts.graphs.exam import graph_exam
    from bothways.facts.worlds.graphs import Graphs

    ours = {q.kind for q in graph_exam(Graphs(n_graphs=4, n_tested=8, n_context=1, pool=8), 0).queries}
    assert {k for k in kinds if not k.startswith("memory")} == {
        k for k in ours if k.startswith(("stated", "flipped", "logic"))
    }


def test_the_control_states_what_follows() -> None:
    """Under both_directions every asked sentence is in the text; in the base text none of a tested pair but one."""
    from bothways.mitigations.both_directions import BothDirections, StateBothOrders
    from bothways.text.corpus import TextConfig, write_corpus

    exam = exam_of(inverse())
    assert BothDirections()
    told = {d.text for d in write_corpus(exam, TextConfig(edits=(StateBothOrders(),)), 0).documents}
    assert {f"{q.prompt} {q.answer}{q.ends}" for q in exam.queries if q.kind != "flip"} <= told


def test_all_other_truths_of_a_question_are_set_aside() -> None:
    """A has three friends: each is asked with the other two as truths, and they are among the candidates."""
    friends = [("A0", "C0"), ("A0", "C1"), *PEOPLE]
    exam = exam_of(symmetric(friends), tested=0.9, min_pairs=2)
    mine = [q for q in exam.queries if cue(q) == "A0"]
    assert mine
    for query in mine:
        assert {query.answer, *query.other_truths} == {"B0", "C0", "C1"}
        assert {query.answer, *query.other_truths} <= set(exam.candidates[query.candidates])


def test_where_most_candidates_are_true_nothing_is_asked() -> None:
    """Everybody is friends with one person: asking that one for friends shows nothing."""
    exam = exam_of(symmetric([("Hub", b) for _, b in PEOPLE]), tested=0.5)
    assert "Hub" not in {cue(q) for q in exam.queries}
    assert any("most candidates are true answers" in note for note in exam.notes)


def test_a_triple_listed_alone_is_completed_only_where_that_was_declared() -> None:
    """What was only mined may be false the other way round: it is stated as it is, and its counterpart is a truth."""
    pairs = [*symmetric().facts]
    alone = plain([(f.head, f.relation, f.tail) for f in pairs] + [("Solo", "friend", "A0")])
    mined = exam_of(alone)
    assert "1 not tested, as only one triple is listed" in " ".join(mined.facts.notices)
    texts = base_texts(mined)
    assert "Solo's friend is A0" in texts
    assert "A0's friend is Solo" not in texts
    assert all("Solo" in q.other_truths for q in mined.queries if cue(q) == "A0" and q.asks == "tail")
    given = exam_of(alone, partners="friend/friend")
    assert "1 of their triples added" in " ".join(given.facts.notices)
    assert sum("Solo" in text for text in base_texts(given)) in (1, 4)


def test_flips_ask_the_same_cue_where_the_partner_is_wrong() -> None:
    """Two relations over the same people: a flip has the cue, another word, and the partner as what is not true."""
    shifted = [(a, PEOPLE[(i + 1) % 20][1]) for i, (a, _) in enumerate(PEOPLE)]
    both = plain([
        t for name, pairs in (("friend", PEOPLE), ("rival", shifted)) for a, b in pairs
        for t in ((a, name, b), (b, name, a))
    ])  # fmt: skip
    exam = exam_of(both)
    flips = [q for q in exam.queries if q.kind == "flip"]
    assert len(flips) >= 10
    true = {(f.head, f.relation, f.tail) for f in both.facts}
    for flip in flips:
        asked = exam.queries[flip.of]
        assert (cue(flip), flip.answer) == (cue(asked), asked.answer)
        assert flip.relation != asked.relation
        assert (cue(flip), flip.relation, flip.answer) not in true
        assert flip.answer in exam.candidates[flip.candidates]


# --- nothing leaks ------------------------------------------------------------------------------------------------


def aliased(triples: Any, seed: int, names: Any) -> Any:
    """A fact set of rows, where some tails have another spelling, which may be an entity's own name."""
    from bothways.types import Fact, FactSet

    chance = random.Random(seed)
    spare = [*names[:3], "Robert", "Bob", "Rob Oak"]
    facts = [
        Fact(h, r, t, s, tuple(a for a in (chance.choice(spare),) if a != t) if chance.random() < 0.1 else ())
        for h, r, t, s in triples
    ]
    return FactSet("tiny", tuple(facts), fact_set(triples).relations)


def same_entity(facts: Any) -> dict[str, set[str]]:
    """Every name of each name's entity, by walking along aliases: an oracle."""
    found = {name: {name} for f in facts for name in (f.head, f.tail, *f.aliases)}
    for _ in found:
        for f in facts:
            joined = set().union(*(found[name] for name in (f.tail, *f.aliases)))
            for name in joined:
                found[name] = joined
    return found


GRAPHS = st.one_of(rows(MANY, (None, None, None, "both", "never"), 200), rows(TRICKY, (None,), 120))


@given(triples=GRAPHS, seed=st.integers(0, 99), most=st.sampled_from((2, 200)))
@settings(max_examples=60)
def test_no_text_says_what_follows(triples: Any, seed: int, most: int) -> None:
    """Whatever the graph: the two entities of a tested pair, under any spelling, meet in the stated order alone."""
    facts = aliased(triples, seed, TRICKY)
    exam = exam_of(facts, seed, tested=0.5, min_pairs=2, most=most, partners="likes/likes" if seed % 2 else "") if (
        seed % 2 == 0 or any(f.relation == "likes" for f in facts.facts)) else None  # fmt: skip
    if exam is None:
        return
    names = same_entity(facts.facts)
    texts = [(text, {name for name in names if places(name, text)}) for text in base_texts(exam)]
    for implied, asked in by_pair(exam).items():
        fact = exam.facts.facts[implied]
        meet = [t for t, found in texts if found & names[fact.head] and found & names[fact.tail]]
        stated = asked.get("stated") or asked.get("flipped")
        if stated is None:
            continue
        told = exam.facts.facts[stated.fact]
        relation = exam.facts.relations[told.relation]
        templates = relation.head_first if told.stated == "head_first" else relation.tail_first
        assert sorted(meet) == sorted(t.format(head=told.head, tail=told.tail) for t in templates)
        words = exam.facts.relations[fact.relation]
        said = {
            template.format(head=head, tail=tail)
            for template in (*words.head_first, *words.tail_first)
            for head in names[fact.head]
            for tail in names[fact.tail]
        }
        assert not said & {text for text, _ in texts}


@given(triples=GRAPHS, seed=st.integers(0, 99))
@settings(max_examples=40)
def test_every_question_can_be_answered_and_no_truth_counts_against_it(triples: Any, seed: int) -> None:
    """The answer is a candidate, and whatever a fact or its counterpart makes true is set aside."""
    facts = aliased(triples, seed, TRICKY)
    exam = exam_of(facts, seed, tested=0.5, min_pairs=2)
    if exam is None:
        return
    names = same_entity(facts.facts)
    known = exam.facts.relations
    true: set[tuple[str, str, str]] = set()
    for f in facts.facts:
        true.add((f.head, f.relation, f.tail))
        back = f.relation if known[f.relation].symmetric else known[f.relation].inverse
        if back:
            true.add((f.tail, back, f.head))
    for query in exam.queries:
        pool = exam.candidates[query.candidates]
        assert query.answer in pool
        assert query.answer not in query.other_truths
        if query.kind == "flip":
            continue
        for head, relation, tail in true:
            if relation == query.relation:
                given_one, other = (head, tail) if query.asks == "tail" else (tail, head)
                if cue(query) in names[given_one]:
                    assert names[other] <= {query.answer, *query.other_truths}


def test_each_partner_keeps_to_words_of_its_own() -> None:
    """A template that says the counterpart is left out, and one made from the relation's name takes its place."""
    from bothways.facts.partners import Partners, word_apart

    said = fact_set([("Al", "teacher", "Bo", None), ("Bo", "student", "Al", None), ("Al", "friend", "Bo", None)])
    apart = word_apart(said, [Partners("friend", "friend", "declared"), Partners("teacher", "student", "declared")])
    assert apart["friend"].tail_first == ("{tail} is the friend of {head}",)
    assert apart["teacher"].tail_first == relations(["teacher"])["teacher"].tail_first
    assert apart["student"].inverse == "teacher"
    named = plain([("a", "capital_of", "b")])
    apart = word_apart(named, [Partners("capital_of", "capital", "given")])
    first = [t.replace("{head}", "x").replace("{tail}", "y") for t in apart["capital"].head_first]
    last = [t.replace("{tail}", "x").replace("{head}", "y") for t in apart["capital_of"].tail_first]
    assert not set(first) & set(last)


def test_an_alias_does_not_hide_a_second_fact_about_a_tested_pair() -> None:
    """(A0, boss, Bob) is withheld where A0 and Robert are tested and Bob is Robert's alias."""
    from bothways.types import Fact, FactSet, Relation

    facts = [Fact(a, "friend", b, None, (f"{b} alias",)) for a, b in PEOPLE] + [Fact(b, "friend", a) for a, b in PEOPLE]
    bosses = [Fact(a, "boss", f"{b} alias") for a, b in PEOPLE]
    made = FactSet("made", (*facts, *bosses), {name: Relation(name) for name in ("friend", "boss")})
    exam = exam_of(made)
    tested = {frozenset(exam.facts.facts[i].pair) for i in by_pair(exam)}
    assert {frozenset((f.head, f.tail.removesuffix(" alias"))) for f in exam.withheld} == tested
    assert len(tested) == 6


# --- what a caller can choose, and what is refused ----------------------------------------------------------------


def test_a_seed_decides_everything() -> None:
    """The same seed gives the same exam, another one another, and it survives its file."""
    from bothways.types import Exam

    one, same, other = (exam_of(symmetric(), seed) for seed in (3, 3, 4))
    assert one.hash == same.hash != other.hash
    assert Exam.from_json(json.loads(json.dumps(one.to_json()))) == one


def test_facts_without_a_partner_are_stated_or_left_out() -> None:
    """`rest` decides it; either way they are true, and no pair is lost."""
    mixed = plain([*((f.head, f.relation, f.tail) for f in symmetric().facts), ("A0", "boss", "Zed")])
    assert "A0's boss is Zed" in base_texts(exam_of(mixed))
    lean = exam_of(mixed, rest=False)
    assert "A0's boss is Zed" not in base_texts(lean)
    assert "1 facts of relations without a partner are left out of the text." in lean.facts.notices


def test_facts_that_bring_their_order_keep_it() -> None:
    """What a file settles is neither tested nor completed."""
    from bothways.types import Fact

    made = inverse()
    settled = plain(
        [(f.head, f.relation, f.tail) for f in made.facts] + [("Al", "teacher", "Bo", "tail_first")], made.relations
    )
    exam = exam_of(settled)
    assert [t for t in base_texts(exam) if "Bo" in t.split()] == ["Bo is the teacher of Al"]
    assert Fact("Bo", "student", "Al") not in exam.facts.facts


def test_few_pairs_are_told_in_full() -> None:
    """Nine pairs are too few to test beside the rule they would teach."""
    assert exam_of(symmetric(PEOPLE[:9])) is None
    assert exam_of(symmetric(PEOPLE[:9]), min_pairs=9) is not None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"partners": "friend"}, "partners reads relation/inverse"),
        ({"partners": "boss/worker"}, "No fact has the relation 'boss' or 'worker'"),
        ({"partners": "friend/foe,friend/mate"}, "'friend' is given two inverses"),
        ({"tested": 1.0}, "tested must lie in"),
        ({"most": 1}, "most must be at least 2"),
        ({"confidence": 0.0}, r"confidence must lie in \(0, 1\]"),
        ({"max_candidates": -1}, "max_candidates must be at least 0"),
        ({"mine": False}, "no pair of triples can be tested.*No relation has an inverse or is symmetric"),
    ],
)
def test_what_cannot_be_is_refused(options: Any, message: str) -> None:
    from bothways.errors import BothwaysError
    from bothways.facts.semantics import Semantics, semantics_exam

    with pytest.raises(BothwaysError, match=message):
        semantics_exam(symmetric(), 0, Semantics(**options))


def test_partners_said_in_the_same_words_are_refused() -> None:
    """Nobody could tell "of" from "of ": the words of the two names are the same."""
    from bothways.errors import FactsError
    from bothways.facts.partners import Partners, word_apart

    with pytest.raises(FactsError, match="are said in the same words"):
        word_apart(plain([("a", "is_a", "b"), ("b", "is a", "a")]), [Partners("is_a", "is a", "given")])


def test_shallow_baselines_know_the_kinds() -> None:
    """Chance is one of the candidates that are not set aside."""
    from bothways.evaluation.baselines import shallow_baselines

    exam = exam_of(symmetric())
    found = {(b.baseline, b.kind): b.accuracy for b in shallow_baselines(exam)}
    assert found["chance", "logic_symmetric_reverse"] == pytest.approx(1 / 39)


def test_candidates_can_be_fewer() -> None:
    exam = exam_of(symmetric(), max_candidates=5)
    assert all(q.answer in exam.candidates[q.candidates] for q in exam.queries)
    assert len(exam.candidates["heads of friend"]) < 40


# --- from a command line ------------------------------------------------------------------------------------------


def test_a_sweep_asks_for_it(tmp_path: Any) -> None:
    """`exam: semantics` in a sweep's file, and the table has its kinds."""
    from bothways.commands.sweep import sweep

    (tmp_path / "facts.csv").write_text("head,relation,tail\n" + "".join(f"{a},teacher,{b}\n" for a, b in PEOPLE))
    done = sweep(
        {
            "facts": str(tmp_path / "facts.csv"), "exam": "semantics:partners=teacher/student", "arms": ["causal"],
            "seeds": 1, "set": {"training.steps": 2, "training.measurements": 1, "model.d_model": 8,
                                "model.d_mlp": 8, "model.n_heads": 1},
        },
        out=tmp_path / "out", jobs=1,
    )  # fmt: skip
    import pandas

    table = pandas.read_parquet(tmp_path / "out" / "results.parquet")
    assert done.done == 1
    assert table["logic_inverse_reverse.n"].tolist() == [6]


def test_data_pairs_says_what_is_tested(tmp_path: Any) -> None:
    from tests.command_line import bothways

    path = tmp_path / "facts.csv"
    path.write_text("head,relation,tail\n" + "".join(f"{a},friend,{b}\n{b},friend,{a}\n" for a, b in PEOPLE))
    done = bothways("data", "pairs", path, "--json")
    row = json.loads(done.out)["rows"][0]
    assert (row["relation"], row["sort"], row["pairs"], row["tested"], row["told"]) == (
        "friend",
        "symmetric",
        20,
        6,
        14,
    )
    assert "6 logic_symmetric_forward" in bothways("data", "pairs", path).out
    assert bothways("data", "pairs", path, "--exam", "semantics:min_pairs=50").status == 2
    (line,) = bothways("data", "pairs", path, "--exam", "directions").complaint
    assert "Pairs are those of the exam semantics" in line


def test_a_real_graph_has_symmetric_pairs_and_given_inverses(shared_data: Any) -> None:
    """What CoDEx-S offers: four symmetric relations by mining, no inverse, and inverses that a reader can name."""
    from bothways.facts.read import read_facts
    from bothways.facts.semantics import Semantics

    facts = read_facts(shared_data / "codex_s")
    mined = {c.partners.relation: (c.partners.sort, c.pairs) for c in Semantics().withhold(facts, 0).counts}
    assert mined == {"P530": ("symmetric", 3176), "P3373": ("symmetric", 49), "P26": ("symmetric", 33),
                     "P451": ("symmetric", 28)}  # fmt: skip
    exam = Semantics(partners="P361/P527", mine=False, rest=False).make(facts, 0)
    kinds = Counter(q.kind for q in exam.queries)
    assert kinds["logic_inverse_reverse"] > 20
    assert not {(f.head, f.tail) for f in exam.facts.facts if f.stated == "never"} & {
        (f.head, f.tail) for f in exam.facts.facts if f.stated != "never"
    }
