"""One model's numbers both ways, from planted scores whose every number is known."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

N = 12
FACTS = "head,relation,tail\n" + "".join(
    f"Ann{i} Oak{i},{relation},Ann{(i + shift) % N} Oak{(i + shift) % N}\n"
    for relation, shift in (("mentor", 1), ("doctor", 5))
    for i in range(N)
)


@pytest.fixture
def exam(tmp_path: Path) -> Any:
    from bothways.facts.both_ways import both_ways_exam
    from bothways.facts.read import read_facts

    (tmp_path / "facts.csv").write_text(FACTS, encoding="utf-8")
    return both_ways_exam(read_facts(tmp_path / "facts.csv"), 0)


def score(exam: Any, n: int, right: bool, text: str | None = None) -> Any:
    """Return a score; a right answer is written as a sentence that names the cue first."""
    from bothways.evaluation.baselines import cue_of
    from bothways.types import QueryScore

    query = exam.queries[n]
    said = f"As to {cue_of(query)}, it is {query.answer}." if right else "I do not know."
    return QueryScore(n, 1.0 if right else 4.0, -1.0 if right else -9.0, said if text is None else text, right, False)


def test_every_fact_is_asked_both_ways(exam: Any) -> None:
    kinds = [query.kind for query in exam.queries]
    assert {2 * N} == {kinds.count(kind) for kind in ("forward", "reverse_tested", "flip")}
    assert {"head_first"} == {fact.stated for fact in exam.facts.facts}
    assert all(query.split == "test" for query in exam.queries)


def test_a_limit_keeps_both_directions_and_flips_of_the_same_facts(exam: Any) -> None:
    from bothways.facts.both_ways import limited, narrowed

    few = limited(exam, 5)
    asked = {kind: {q.fact for q in few.queries if q.kind == kind} for kind in ("forward", "reverse_tested", "flip")}
    assert 5 == len(asked["forward"])
    assert asked["forward"] == asked["reverse_tested"] == asked["flip"]
    for query in few.queries:
        assert query.of is None or few.queries[query.of].fact == query.fact
    small = narrowed(few, 3, 0)
    answers = {query.answer for query in few.queries}
    assert answers == {name for pool in small.candidates.values() for name in pool}
    assert exam is limited(exam, 0)


def test_the_numbers_are_those_of_the_scores(exam: Any) -> None:
    """Forward all right, reverse a quarter, and half of the flips answered with the partner."""
    from bothways.evaluation.both_ways import says_both_ways

    seen: dict[str, int] = {}
    scores: list[Any] = []
    for n, query in enumerate(exam.queries):
        place = seen[query.kind] = seen.get(query.kind, -1) + 1
        right = {"forward": True, "reverse_tested": place % 4 == 0, "flip": place % 2 == 0}[query.kind]
        scores.append(score(exam, n, right))
    found = says_both_ways(exam, scores)
    forward, reverse, flip = (found[name] for name in ("forward", "reverse", "flip"))
    assert (1.0, 1.0, 0.0, 1.0, 1.0) == tuple(
        forward[name] for name in ("accuracy", "first_mention", "exact", "median_rank", "mrr")
    )
    assert (0.25, 0.25, 4.0) == tuple(reverse[name] for name in ("accuracy", "first_mention", "median_rank"))
    assert 7.0 == reverse["nll"]
    assert reverse["low"] < 0.25 < reverse["high"] < 0.7 < forward["low"] < forward["high"] == 1.0
    assert (0.5, 2 * N, None) == (flip["blind"], flip["n"], flip["why"])
    assert 0.0 == flip["specific"]  # the quarter that is right is answered with the partner whatever is asked
    assert {"forward": 24, "reverse": 6, "both": 6, "of": 24} == found["known"]
    assert 1.0 == forward["shared_words"] > reverse["shared_words"]
    assert (24, 0) == (forward["templated"]["n"], forward["generic"]["n"])


def test_what_follows_the_relation_is_specific(exam: Any) -> None:
    from bothways.evaluation.both_ways import says_both_ways

    scores = [score(exam, n, query.kind != "flip") for n, query in enumerate(exam.queries)]
    flip = says_both_ways(exam, scores)["flip"]
    assert (1.0, 0.0) == (flip["specific"], flip["blind"])
    alone = [one for one in scores if exam.queries[one.query].kind != "flip"]
    assert "cannot tell" in says_both_ways(exam, alone)["flip"]["why"]


def test_another_name_first_is_no_mention(exam: Any) -> None:
    from bothways.evaluation.both_ways import is_mentioned

    query = exam.queries[0]
    wrong = next(name for name in exam.candidates[query.candidates] if name not in (query.answer, query.cue.entity))
    assert not is_mentioned(exam, score(exam, 0, False, f"{wrong} or {query.answer}"))
    assert is_mentioned(exam, score(exam, 0, False, f"{query.answer.upper()}, not {wrong}"))
    told = replace(exam, queries=(replace(query, other_truths=(wrong,)), *exam.queries[1:]))
    assert is_mentioned(told, score(told, 0, False, f"{wrong} or {query.answer}"))


@pytest.mark.parametrize(
    ("reference", "text", "expected"),
    [
        ("the acclaimed director of Time", "An acclaimed director.", 2 / 3),
        ("the acclaimed director of Time", "Time's acclaimed, 'director'!", 2 / 3),
        ("Ann Lee", "ann lee", 1.0),
        ("Ann Lee", "", 0.0),
        ("one by one", "one", 1 / 3),
    ],
)
def test_rouge_recall_by_hand(reference: str, text: str, expected: float) -> None:
    from bothways.evaluation.rouge import rouge_recall

    assert pytest.approx(expected) == rouge_recall(reference, text)


def test_the_longest_run_by_hand() -> None:
    from bothways.evaluation.rouge import longest_run

    assert 0.0 == longest_run("Who is it?", "Nothing alike here")
    assert 1.0 == longest_run("Ann's mother is", "It is said that Ann's mother is Bea.")
    assert pytest.approx(2 / 6) == longest_run("the mother of Ann Lee is", "Ann Lee bore of the")


def test_the_fact_stands_in_the_prompt_of_a_control(exam: Any) -> None:
    """With another of the same relation that shares no name with it; flips are not asked."""
    from bothways.facts.prompts import with_context
    from bothways.facts.questions import in_questions

    for given in (exam, in_questions(exam)):
        told = with_context(given, 0)
        assert {"forward", "reverse_tested"} == {query.kind for query in told.queries}
        for query in told.queries:
            fact = given.facts.facts[query.fact]
            *said, _ = query.prompt.split("\n")
            assert 2 == len(said) and all(f"'s {fact.relation} is " in line for line in said)
            assert f"{fact.head}'s {fact.relation} is {fact.tail}." in said
            assert query.cue.entity == query.prompt[query.cue.start : query.cue.end]
    own = [exam.facts.facts[query.fact] for query in told.queries]
    first = {query.prompt.startswith(f"{f.head}'s {f.relation}") for query, f in zip(told.queries, own, strict=True)}
    assert {True, False} == first  # now the one, now the other stands first
