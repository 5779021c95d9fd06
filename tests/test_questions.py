"""The same exam in words: every query keeps its sense, and hashes of what brings no questions stay as they were."""

from pathlib import Path
from typing import Any

import pytest

FACTS = "head,relation,tail,stated\n" + "".join(
    f"Ann{i} Oak{i},{relation},{who}{(i + shift) % 9} Elm{(i + shift) % 9},head_first\n"
    for relation, who, shift in (("mentor", "Bea", 0), ("doctor", "Bea", 4))
    for i in range(9)
)


def exam_of(folder: Path, relations: str = "", facts: str = FACTS) -> Any:
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.facts.read import read_facts

    (folder / "facts.csv").write_text(facts, encoding="utf-8")
    if relations:
        (folder / "relations.yaml").write_text(relations, encoding="utf-8")
    return make_exam(read_facts(folder / "facts.csv"), ExamConfig(dev=0.0), 0)


@pytest.mark.parametrize(
    ("template", "who", "expected"),
    [
        ("{head}'s mother is {tail}", True, "Who is {head}'s mother?"),
        ("{head}'s capital is {tail}", False, "What is {head}'s capital?"),
        ("{tail} is the mother of {head}", True, "Whose mother is {tail}?"),
        ("{tail} is the capital of {head}", False, "What is {tail} the capital of?"),
        ("{head} is located in {tail}", False, "What is {head} located in?"),
        ("The one that is located in {tail} is {head}", False, "What is located in {tail}?"),
        ("The one that wrote {tail} is {head}", True, "Who wrote {tail}?"),
        ("{head} wrote {tail}", False, "{head} wrote what?"),
        ("{head} is {tail}.", True, "Who is {head}?"),
        ("In truth, {head}'s boss is {tail}", True, "In truth, {head}'s boss is who?"),
    ],
)
def test_a_statement_becomes_a_question(template: str, who: bool, expected: str) -> None:
    from bothways.facts.questions import question_from

    assert expected == question_from(template, who=who)


def test_what_a_person_is_is_asked_with_who() -> None:
    from bothways.facts.questions import question_from

    assert "Who is {head}?" == question_from("{head} is {tail}", who=False, of_person=True)


def test_every_query_keeps_all_but_its_words(tmp_path: Path) -> None:
    from dataclasses import replace

    from bothways.facts.questions import in_questions

    exam = exam_of(tmp_path)
    asked = in_questions(exam)
    assert {"forward", "reverse_tested", "flip"} <= {query.kind for query in exam.queries}
    assert exam.candidates == asked.candidates
    for before, after in zip(exam.queries, asked.queries, strict=True):
        assert before == replace(after, prompt=before.prompt, cue=before.cue, ends=before.ends)
        assert after.prompt.endswith("?")
        assert before.cue.entity == after.prompt[after.cue.start : after.cue.end]


def test_a_flip_is_asked_for_its_own_relation(tmp_path: Path) -> None:
    """A flip of the mentor asks for the doctor, in words as in the statement."""
    from bothways.facts.questions import in_questions

    exam = exam_of(tmp_path)
    flips = [
        (before.prompt, after.prompt)
        for before, after in zip(exam.queries, in_questions(exam).queries, strict=True)
        if before.kind == "flip"
    ]
    assert flips
    for before, after in flips:
        assert ("mentor" in before, "doctor" in before) == ("mentor" in after, "doctor" in after)


QUESTIONS = """
mentor:
  questions:
    asks_tail: ["Who mentors {head}?", "By whom is {head} guided?"]
    asks_head: "Whom does {tail} mentor?"
"""


def test_a_relation_brings_its_questions(tmp_path: Path) -> None:
    from bothways.facts.questions import in_questions

    exam = exam_of(tmp_path, QUESTIONS)
    first, second = ({q.prompt for q in in_questions(exam, n).queries} for n in (0, 1))
    assert {"Who mentors Ann0 Oak0?", "Whom does Bea0 Elm0 mentor?", "Who is Ann0 Oak0's doctor?"} <= first
    assert {"By whom is Ann0 Oak0 guided?", "Whom does Bea0 Elm0 mentor?"} <= second


def test_one_question_for_two_relations_has_the_answers_of_both(tmp_path: Path) -> None:
    from bothways.facts.questions import in_questions

    words = "".join(f"{name}: {{questions: {{asks_tail: 'Who helps {{head}}?'}}}}\n" for name in ("mentor", "doctor"))
    asked = in_questions(exam_of(tmp_path, words))
    helped = [q for q in asked.queries if q.prompt == "Who helps Ann0 Oak0?" and q.kind == "forward"]
    assert {("Bea0 Elm0", ("Bea4 Elm4",)), ("Bea4 Elm4", ("Bea0 Elm0",))} == {
        (q.answer, q.other_truths) for q in helped
    }


def test_questions_of_an_inverse_and_of_a_symmetric_relation_are_turned_round() -> None:
    from bothways.facts.questions import questions_of
    from bothways.types import Relation

    teacher = Relation("teacher", "student", asks_head=("Whom does {tail} teach?",))
    student = Relation("student", "teacher")
    spouse = Relation("spouse", symmetric=True, asks_tail=("Who is married to {head}?",))
    known = {"teacher": teacher, "student": student}
    assert ("Whom does {head} teach?",) == questions_of(student, "tail", known)
    assert ("Who is married to {tail}?",) == questions_of(spouse, "head", {})


def test_what_is_no_statement_cannot_be_asked_in_words(tmp_path: Path) -> None:
    from dataclasses import replace

    from bothways.errors import FactsError
    from bothways.facts.questions import in_questions

    exam = exam_of(tmp_path)
    odd = replace(exam.queries[0], prompt=f"Once, {exam.queries[0].prompt}")
    with pytest.raises(FactsError, match="is no statement of a relation"):
        in_questions(replace(exam, queries=(odd,)))


def test_hashes_of_relations_without_questions_are_what_they_were(tmp_path: Path) -> None:
    """No run's name changes because relations may now bring questions."""
    from dataclasses import asdict

    from bothways.types import Exam, Relation, digest, relation_from_json, relation_to_json

    exam = exam_of(tmp_path)
    old = ("name", "inverse", "symmetric", "head_first", "tail_first")
    relations = {name: {key: asdict(r)[key] for key in old} for name, r in exam.facts.relations.items()}
    assert digest({"facts": [asdict(f) for f in exam.facts.facts], "relations": relations}) == exam.facts.hash
    assert relations == exam.to_json()["relations"]
    asks = Relation("mentor", asks_tail=("Who mentors {head}?",))
    assert [*old, "asks_tail"] == list(relation_to_json(asks))
    assert asks == relation_from_json(relation_to_json(asks))
    told = exam_of(tmp_path, QUESTIONS)
    assert told.hash != exam.hash
    assert told == Exam.from_json(told.to_json())


def test_questions_are_written_and_read_back(tmp_path: Path) -> None:
    from bothways.facts.read import read_facts
    from bothways.facts.write import write_facts

    exam_of(tmp_path, QUESTIONS)
    facts = read_facts(tmp_path / "facts.csv")
    (tmp_path / "again").mkdir()
    write_facts(facts, tmp_path / "again" / "facts.csv")
    assert facts.relations == read_facts(tmp_path / "again" / "facts.csv").relations


@pytest.mark.parametrize(
    ("relations", "says"),
    [
        ("mentor: {questions: {asks_tail: 'Who mentors {tail}?'}}", r"asks_tail holds \{head\} once"),
        ("mentor: {questions: {asks_head: 'Who?'}}", r"asks_head holds \{tail\} once"),
        ("mentor: {questions: {asks_tial: 'Who mentors {head}?'}}", "Did you mean 'asks_tail'"),
        ("mentor: {questions: 'Who mentors {head}?'}", "line 1: 'questions of mentor' must hold names and values"),
    ],
)
def test_questions_that_ask_for_nothing_are_refused(relations: str, says: str, tmp_path: Path) -> None:
    from bothways.errors import FactsError

    with pytest.raises(FactsError, match=says):
        exam_of(tmp_path, relations)
