"""The data of the training-dynamics study: exact sizes, no leak, and exams that ask what they say they ask."""

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SEEDS = st.integers(0, 2**32)
OPTIONS = st.tuples(st.integers(8, 400), st.integers(1, 3))
WORLDS = ("arrows", "chain", "chain_related", "in_context")


def examined(text: str, seed: int = 0, **config):
    """The exam of a world, and the training sentences that every arm reads."""
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.facts.find import find_facts
    from bothways.text.corpus import TextConfig, write_corpus

    exam = make_exam(find_facts(text, seed), ExamConfig(**config), seed)
    return exam, [document.text for document in write_corpus(exam, TextConfig(), 0).documents]


def asked(exam, *kinds: str):
    """The questions of some kinds, development and test."""
    return [query for query in exam.queries if query.kind in kinds]


@pytest.mark.parametrize(
    ("world", "kind", "n_trained", "n_asked"),
    [
        ("arrows:vocabulary=20", "reverse_tested", 9, 1),
        ("arrows:vocabulary=50", "reverse_tested", 20, 4),
        ("arrows:vocabulary=200", "reverse_tested", 85, 15),
        ("arrows", "reverse_tested", 340, 60),
        ("arrows:vocabulary=2000", "reverse_tested", 850, 150),
        ("arrows:length=2", "reverse_tested", 680, 120),
        ("arrows:length=3", "reverse_tested", 250, 50),
        ("chain", "implied", 540, 60),
        ("chain:length=3", "implied", 400, 50),
        ("chain_related", "implied", 700, 50),
        ("chain_related:n_train=10", "implied", 130, 50),
        ("chain_related:n_train=500", "implied", 1600, 50),
        ("in_context", "implied", 700, 300),
    ],
)
def test_sizes_are_those_of_the_study(world: str, kind: str, n_trained: int, n_asked: int) -> None:
    """Training sentences and tested questions, whatever share of these is for development."""
    for dev in (0.0, 0.25):
        exam, texts = examined(world, dev=dev)
        assert [n_trained, n_asked] == [len(texts), len(asked(exam, "reverse_tested", "reverse_partner", "implied"))]
        assert n_asked == len(asked(exam, kind))
        assert n_trained == len(set(texts))
        assert () == exam.withheld


def test_without_development_every_tested_pair_is_a_test_question() -> None:
    exam, _ = examined("arrows", dev=0.0)
    assert {"test"} == {query.split for query in exam.queries}
    for world in ("arrows", "chain"):
        exam, _ = examined(world)
        assert {"dev": 15, "test": 45} == Counter(query.split for query in asked(exam, "reverse_tested", "implied"))


@pytest.mark.parametrize("world", WORLDS)
@given(seed=SEEDS)
@settings(max_examples=5, deadline=None)
def test_no_tested_sentence_is_read(world: str, seed: int) -> None:
    """Neither with its answer nor with another: the cue never stands where the question puts it."""
    exam, texts = examined({"arrows": "arrows:vocabulary=80", "chain": "chain:vocabulary=80"}.get(world, world), seed)
    for query in asked(exam, "reverse_tested", "implied"):
        assert not [text for text in texts if text.startswith(query.prompt + " ")]


@given(options=OPTIONS, seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_arrows_follow_the_rule_at_every_size(options: tuple[int, int], seed: int) -> None:
    """A quarter of the vocabulary each, disjoint; 70 % both ways; no answer of a question is a target of its order."""
    from bothways.facts.worlds.arrows import Arrows

    vocabulary, length = options
    facts = Arrows(vocabulary=vocabulary, length=length).make(seed).facts
    size = vocabulary // 4
    pairs = min(size**length, 2 * size)
    both, one = round(0.7 * pairs), pairs - round(0.7 * pairs)
    expected = (min(both, 100), min(one, 50)) if length == 3 else (both, one)
    stated = Counter(fact.stated for fact in facts)
    assert expected == (stated["both"], stated["head_first"] + stated["tail_first"])
    words = [
        {word[1:] for fact in facts for word in name(fact).split()} for name in (lambda f: f.head, lambda f: f.tail)
    ]
    assert not words[0] & words[1]
    assert all(len(found) <= size and all(0 <= int(word) < vocabulary for word in found) for found in words)
    assert len({fact.head for fact in facts}) == len({fact.tail for fact in facts}) == len(facts)
    assert {length} == {len(name.split()) for fact in facts for name in (fact.head, fact.tail)}


@given(options=OPTIONS, seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_every_pair_told_one_way_is_asked_in_reverse_and_isolated(options: tuple[int, int], seed: int) -> None:
    """No answer is ever the last entity of a sentence of the order in which it is asked for."""
    exam, texts = examined("arrows:vocabulary={}:length={}".format(*options), seed)
    one_way = {i for i, fact in enumerate(exam.facts.facts) if fact.stated != "both"}
    reverse = asked(exam, "reverse_tested")
    assert one_way == {query.fact for query in reverse} and not asked(exam, "reverse_partner")
    for query in reverse:
        arrow = query.prompt.split()[-1]
        assert not [text for text in texts if f" {arrow} " in text and text.endswith(query.answer)]


def test_a_fair_coin_decides_the_order() -> None:
    """Of 150 pairs told one way, neither order has nearly all."""
    from bothways.facts.worlds.arrows import Arrows

    stated = Counter(fact.stated for fact in Arrows(vocabulary=2000).make(0).facts)
    assert min(stated["head_first"], stated["tail_first"]) > 45


@given(options=OPTIONS, seed=SEEDS)
@settings(max_examples=20, deadline=None)
def test_chains_state_two_steps_and_ask_the_third(options: tuple[int, int], seed: int) -> None:
    from bothways.facts.worlds.chain import Chain

    vocabulary, length = options
    facts = Chain(vocabulary=vocabulary, length=length).make(seed).facts
    after = {fact.head: fact.tail for fact in facts if fact.relation == "next"}
    indirect = [fact for fact in facts if fact.relation == "indirect"]
    assert len(facts) == 3 * len(indirect)
    assert [after[after[fact.head]] for fact in indirect] == [fact.tail for fact in indirect]
    assert {"head_first"} == {fact.stated for fact in facts if fact.relation == "next"}
    size = vocabulary // 4
    triples = min(size**length, 2 * size)
    full = round(0.7 * triples)
    expected = (min(full, 100), min(triples - full, 50)) if length == 3 else (full, triples - full)
    assert expected == tuple(sum(fact.stated == order for fact in indirect) for order in ("head_first", "never"))


@pytest.mark.parametrize("world", ["chain", "chain:vocabulary=80:length=2", "chain_related"])
def test_every_implied_question_can_be_written_out(world: str) -> None:
    """Two stated questions of the same split lead from its cue to its answer; they are asked before others."""
    from bothways.facts.chains import find_chains

    exam, _ = examined(world)
    chains = find_chains(exam)
    assert [n for n, query in enumerate(exam.queries) if query.kind == "implied"] == [chain.implied for chain in chains]
    for chain in chains:
        implied, first, second = (exam.queries[n] for n in (chain.implied, chain.first, chain.second))
        assert [implied.cue.entity, first.answer] == [first.cue.entity, second.cue.entity]
        assert implied.answer == second.answer != first.answer
        assert {"forward"} == {first.kind, second.kind}
        assert implied.split == first.split == second.split
        assert (implied.stated, first.stated, second.stated) == (False, True, True)


def test_an_in_context_question_holds_its_answer() -> None:
    """The whole row stands in the prompt, its pair is in no sentence, and copying words is always right."""
    from bothways.evaluation.baselines import shallow_baselines
    from bothways.facts.chains import find_chains

    exam, texts = examined("in_context")
    for query in asked(exam, "implied"):
        x, _, y, _, again, arrow = query.prompt.split()
        assert (x, y, "←") == (query.answer, again, arrow)
        assert f"{query.prompt} {x}" not in texts
    per_x = Counter(text.split()[0] for text in texts)
    assert {7} == set(per_x.values()) and 100 == len(per_x)
    copied = {b.kind: b.accuracy for b in shallow_baselines(exam) if b.baseline == "copied_words"}
    assert 1.0 == copied["implied"]
    assert [] == find_chains(exam)


@pytest.mark.parametrize("world", WORLDS)
def test_every_arrow_and_name_is_a_token_and_the_last_entity_is_learned(world: str) -> None:
    """Under the word tokenizer a row is its words between begin and end; the loss counts the last entity alone."""
    import torch

    from bothways.batches.batches import BatchConfig, make_batches
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer
    from bothways.objectives.causal import Causal
    from bothways.text.corpus import TextConfig, write_corpus

    exam, texts = examined(world)
    corpus = write_corpus(exam, TextConfig(), 0)
    tokenizer = fit_tokenizer(corpus, exam, TokenizerConfig(kind="word"))
    assert [len(text.split()) for text in texts] == [len(tokenizer.encode(text).ids) for text in texts]
    batch = make_batches(corpus, tokenizer, BatchConfig(batch_size=8), 0).at(0)
    prepared = Causal(count="last_entity").prepare(batch, torch.Generator())
    counted = [row[weight > 0].tolist() for row, weight in zip(prepared.target_BL, prepared.weight_BL, strict=True)]
    last = [corpus.documents[n].entities[-1].entity for n in batch.document_B.tolist()]
    assert last == [tokenizer.decode(ids) for ids in counted]


@pytest.mark.parametrize("world", WORLDS)
def test_facts_depend_on_the_seed_alone_and_exams_survive_json(world: str) -> None:
    from bothways.facts.find import find_facts
    from bothways.types import Exam

    assert find_facts(world, 3) == find_facts(world, 3)
    assert find_facts(world, 3).hash != find_facts(world, 4).hash
    exam, _ = examined(world)
    again = Exam.from_json(exam.to_json())
    assert exam.hash == again.hash and exam.queries == again.queries


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".nt"])
@pytest.mark.parametrize("world", WORLDS)
def test_a_written_world_gives_the_same_questions(world: str, suffix: str, tmp_path) -> None:
    """`data make` writes what is never stated as well; asked from its file, the exam has the same questions."""
    from bothways.commands.data import make
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.facts.read import read_facts

    facts = make(world, tmp_path / f"facts{suffix}")
    again = read_facts(tmp_path / f"facts{suffix}")
    assert Counter(facts.facts) == Counter(again.facts)
    kinds = [Counter(query.kind for query in make_exam(f, ExamConfig(), 0).queries) for f in (facts, again)]
    assert kinds[0] == kinds[1]


@pytest.mark.parametrize("world", WORLDS)
def test_data_check_says_what_is_asked(world: str) -> None:
    from dataclasses import asdict

    from bothways.commands.data import check
    from bothways.reports.check import check_text

    found = check(world)
    assert found.testable
    asked = (sum(row.isolated for row in found.relations), sum(row.implied for row in found.relations))
    expected = {"arrows": (60, 0), "chain": (0, 60), "chain_related": (0, 50), "in_context": (0, 300)}
    assert expected[world] == asked
    assert ("implied facts" in check_text(asdict(found))) == (world != "arrows")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arrows:vocabulary=7", r"^vocabulary must be at least 8, got vocabulary=7\. "),
        ("chain:length=4", r"^length must be 1, 2 or 3, got length=4\. Choose one of them\.$"),
        ("chain_related:n_train=580", r"^Every triple needs a word of its own: 580 \+ 50 triples, got n_words=600\. "),
        ("in_context:trained=0.99", r"^Each x must have a row to train on and one to ask, got trained=0\.99 of n_y=10"),
    ],
)
def test_options_that_leave_nothing_to_ask_are_refused(text: str, message: str) -> None:
    from bothways.errors import BothwaysError
    from bothways.facts.find import find_facts

    with pytest.raises(BothwaysError, match=message):
        find_facts(text)


def test_a_statement_outweighs_the_word_that_there_is_none() -> None:
    """Read twice, once as never stated, a fact is stated as the other row says."""
    from bothways.facts.clean import Row, merge
    from bothways.types import Fact, Relation

    for orders, expected in (
        (("never", "head_first"), "head_first"), (("tail_first", "never"), "tail_first"), (("never", None), "never"),
        (("never", "never"), "never"), (("head_first", "tail_first"), "both"),
    ):  # fmt: skip
        rows = [Row(Fact("a", "r", "b", order), "f.csv", n) for n, order in enumerate(orders, start=2)]
        assert expected == merge(rows, {"r": Relation("r")})[0][0].stated


def test_no_arm_but_the_control_states_what_is_implied() -> None:
    """The control reads every fact; association without relation is taught of what is stated only."""
    from bothways.arms import parse_arm
    from bothways.config import RunConfig
    from bothways.text.corpus import write_corpus

    exam, _ = examined("chain:vocabulary=80")
    never = {i for i, fact in enumerate(exam.facts.facts) if fact.stated == "never"}
    assert never
    for arm in (
        "causal",
        "reverse_training",
        "semantic_permutation",
        "relation_blind",
        "shuffled_pairs",
        "both_directions",
    ):
        corpus = write_corpus(exam, parse_arm(arm).config(RunConfig(), 0).text, 0)
        told = never & {i for document in corpus.documents for i in document.facts}
        assert told == (never if arm == "both_directions" else set()), arm


def test_a_model_that_learned_no_ends_is_not_asked_for_them() -> None:
    """Where only the last entity is learned, answers are scored by its tokens alone, ranks and completions too."""
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer
    from bothways.evaluation.scoring import ask, evaluate, room_needed
    from bothways.objectives.causal import Causal
    from bothways.text.corpus import TextConfig, write_corpus
    from worlds import uniform_model

    exam, _ = examined("arrows:vocabulary=20:length=2")
    tokenizer = fit_tokenizer(write_corpus(exam, TextConfig(), 0), exam, TokenizerConfig(kind="word"))
    model, length = uniform_model(tokenizer.n_tokens), room_needed(exam, tokenizer)
    for objective, n in ((Causal(), 3), (Causal(count="last_entity"), 2)):
        scores = evaluate(model, objective, exam=exam, tokenizer=tokenizer, length=length)
        assert [pytest.approx(-n * math.log(tokenizer.n_tokens), rel=1e-5)] * len(scores) == [
            s.log_prob for s in scores
        ]
    assert {3} == {len(one.answer) for one in ask(exam, tokenizer, range(len(exam.queries)))}
