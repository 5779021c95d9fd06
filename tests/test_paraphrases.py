"""Paraphrases: more words for what is stated, in the order asked for, and never in a question's own words."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bothways.registry import names

OWN = (
    "{head}'s mother is {tail}",
    "{head} is the capital of {tail}",
    "{head} is located in {tail}",
    "{head}, known far and wide for being {tail}.",
    "Never shy about being {head}, {tail} lives quietly",
)


def written(exam: Any, arm: str, seed: int = 0) -> Any:
    from bothways.arms import parse_arm
    from bothways.config import RunConfig
    from bothways.text.corpus import write_corpus

    return write_corpus(exam, parse_arm(arm).config(RunConfig(), 0).text, seed).documents


@pytest.fixture(scope="module")
def exam_of() -> Callable[..., Any]:
    def make(template: str = "", n: int = 24) -> Any:
        from bothways.facts.exam import ExamConfig, make_exam
        from bothways.facts.templates import fill_templates
        from bothways.types import Fact, FactSet, Relation

        own = (template,) if template else ()
        relations = {"mother": fill_templates(Relation("mother", head_first=own), {})}
        facts = tuple(Fact(f"Kid{i}", "mother", f"Mum{i}", "head_first") for i in range(n))
        return make_exam(FactSet("made", facts, relations), ExamConfig(), 0)

    return make


@pytest.mark.parametrize("template", OWN)
def test_every_statement_gets_so_many_paraphrases_in_its_own_order(template: str, exam_of: Any) -> None:
    """Sixteen different ones, none of them a sentence that was there, each with its entities where they stand."""
    exam = exam_of(template)
    base = written(exam, "causal")
    documents = written(exam, "paraphrases:n=16")
    assert base == documents[: len(base)]
    assert 17 * len(base) == len(documents) == len({document.text for document in documents})
    for document in documents[len(base) :]:
        fact = exam.facts.facts[document.facts[0]]
        assert "head_first" == document.order
        assert [fact.head, fact.tail] == [span.entity for span in document.entities]
        assert [fact.head, fact.tail] == [document.text[span.start : span.end] for span in document.entities]


@pytest.mark.parametrize("template", OWN)
def test_permuted_paraphrases_tell_half_of_them_the_other_way_round(template: str, exam_of: Any) -> None:
    exam = exam_of(template)
    base = len(written(exam, "causal"))
    for n, turned in ((16, 8), (4, 2)):
        added = written(exam, f"paraphrases:n={n}:order=permuted")[base:]
        assert n * base == len({document.text for document in added})
        assert turned * base == sum(document.order == "tail_first" for document in added)
        for document in added:
            named = [document.text[span.start : span.end] for span in document.entities]
            assert ("Mum" in named[0]) == (document.order == "tail_first")
            assert re.sub(r"\D", "", named[0]) == re.sub(r"\D", "", named[1]) == str(document.facts[0])


@pytest.mark.parametrize("world", ["family:n_families=20", "relations:n_entities=60", "bijection"])
@pytest.mark.parametrize("order", ["same", "permuted"])
def test_no_paraphrase_holds_a_question(world: str, order: str) -> None:
    """In the same order nothing is told of what is asked in reverse; permuted tells it, in words nobody asks in."""
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.options import component

    exam = make_exam(component("facts", world).make(0), ExamConfig(), 0)
    base = written(exam, "causal")
    added = written(exam, f"paraphrases:n=16:order={order}")[len(base) :]
    asked = [query for query in exam.queries if query.kind == "reverse_tested"]
    assert asked
    text = "\n".join(document.text for document in added)
    assert [] == [query.prompt for query in asked if f"{query.prompt} " in text]
    stated = {(document.facts[0], document.order) for document in base}
    told = {(document.facts[0], document.order) for document in added}
    assert (told == stated) if order == "same" else (told > stated)


def test_more_paraphrases_begin_with_the_fewer(exam_of: Any) -> None:
    """So a curve over their number adds text and changes none; another seed draws others."""
    exam = exam_of()
    for order in ("same", "permuted"):
        few = {document.text for document in written(exam, f"paraphrases:n=2:order={order}")}
        many = {document.text for document in written(exam, f"paraphrases:n=8:order={order}")}
        assert few < many
        assert few == {document.text for document in written(exam, f"paraphrases:n=2:order={order}")}
        assert few != {document.text for document in written(exam, f"paraphrases:n=2:order={order}", seed=1)}


def test_a_fact_that_is_stated_in_both_orders_is_told_again_in_both(exam_of: Any) -> None:
    exam = exam_of()
    both = replace(exam, facts=replace(exam.facts, facts=tuple(replace(f, stated="both") for f in exam.facts.facts)))
    added = written(both, "paraphrases:n=3")[2 * 24 :]
    assert [72, 72] == [sum(d.order == order for d in added) for order in ("head_first", "tail_first")]
    assert "is the mother of" not in " ".join(d.text for d in added)


@pytest.mark.parametrize("arm", names("objectives"))
def test_an_arm_may_name_an_objective_beside_paraphrases(arm: str) -> None:
    from bothways.arms import parse_arm

    assert (arm, "paraphrases") == parse_arm(f"{arm}+paraphrases:n=2").parts


def given(exam: Any, path: Path, said: Callable[[Any], list[str]]) -> Path:
    """Write a file of paraphrases."""
    rows = [{"text": d.text, "paraphrases": said(d)} for d in written(exam, "causal")]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def test_paraphrases_of_a_file_are_drawn_from_it(exam_of: Any, tmp_path: Path) -> None:
    exam = exam_of()

    def said(document: Any) -> list[str]:
        one, two = (span.entity for span in document.entities)
        return [f"{one} calls {two} her mum", f"{one} was born to {two}", f"{two} gave birth to {one}"]

    path = given(exam, tmp_path / "said.jsonl", said)
    same = written(exam, f"paraphrases:n=3:file={path}")[24:]
    assert 48 == len(same)
    assert {"head_first"} == {document.order for document in same}
    both = written(exam, f"paraphrases:n=3:order=permuted:file={path}")[24:]
    assert [48, 24] == [sum(d.order == order for d in both) for order in ("head_first", "tail_first")]
    turned = next(document for document in both if document.order == "tail_first")
    fact = exam.facts.facts[turned.facts[0]]
    assert [fact.tail, fact.head] == [span.entity for span in turned.entities]
    assert 24 == len(written(exam, f"paraphrases:n=1:order=permuted:file={path}")[24:])


@pytest.mark.parametrize(
    "line", ["[]", "{", '{"text": "a"}', '{"text": 1, "paraphrases": []}', '{"text": "a", "paraphrases": "b"}']
)
def test_a_line_that_is_no_paraphrase_is_refused(line: str, exam_of: Any, tmp_path: Path) -> None:
    from bothways.errors import BothwaysError

    path = tmp_path / "said.jsonl"
    path.write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(
        BothwaysError, match=r'said\.jsonl, line 2: not \{"text": \.\.\., "paraphrases": \[\.\.\.\]\}, got '
    ):
        written(exam_of(), f"paraphrases:file={path}")


def test_a_text_without_paraphrases_is_named(exam_of: Any, tmp_path: Path) -> None:
    from bothways.errors import BothwaysError

    exam = exam_of()
    path = given(exam, tmp_path / "said.jsonl", lambda document: [])
    kept = path.read_text(encoding="utf-8").splitlines()[1:]
    path.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(
        BothwaysError, match=r"gives no paraphrases of 1 texts, such as \"Kid0's mother is Mum0\"\. Add"
    ):
        written(exam, f"paraphrases:file={path}")


def test_settings_that_cannot_be_are_refused(exam_of: Any) -> None:
    from bothways.errors import BothwaysError
    from bothways.mitigations.paraphrases import Paraphrases, Reword

    with pytest.raises(BothwaysError, match=r"n must be at least 1, got n=0\. Raise it\."):
        Paraphrases(n=0)
    with pytest.raises(
        BothwaysError, match=r"n must be at most 16, got n=17\. Lower it, or give a file of paraphrases\."
    ):
        Paraphrases(n=17)
    assert 99 == Paraphrases(n=99, file="some.jsonl").n
    with pytest.raises(BothwaysError, match=r"No sentence of this text states a fact\. Give paraphrases:file=FILE\."):
        Reword(n=1, order="same")((), exam_of(), 0)


def says(monkeypatch: pytest.MonkeyPatch, written: Callable[[str], str]) -> list[str]:
    """Let the model that is asked write this of a question; returns the questions."""
    from bothways.mitigations import told_again

    asked: list[str] = []

    def answer(model: str, question: str, about: str, times: int) -> str:
        assert (model, times) == ("some/model", 3) and about in question
        asked.append(question)
        return written(about)

    monkeypatch.setattr(told_again, "answer", answer)
    return asked


def test_a_model_is_asked_for_paraphrases_and_its_answers_are_checked(
    exam_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lines that lack a name, say nothing new, or turn the order where it is to be kept do not count."""

    def lines(text: str) -> str:
        kid, mum = re.findall(r"Kid\d+|Mum\d+", text)
        return (
            f"1. {kid} calls {mum} her mum\n\n2) {text}\n- {kid} has a mum\n* {mum} gave birth to {kid}\n"
            f"{kid} was born to {mum}\n{kid} was born to {mum}\n"
        )

    asked, exam = says(monkeypatch, lines), exam_of()
    same = written(exam, "paraphrases:n=3:model=some/model")[24:]
    assert ["Keep the order" in question for question in asked] == [True] * 24
    assert 48 == len(same) == len({document.text for document in same})
    assert {"head_first"} == {document.order for document in same}
    assert re.fullmatch(r"Kid\d+ (calls|was born to) Mum\d+( her mum)?", same[0].text)
    both = written(exam, "paraphrases:n=3:order=permuted:model=some/model")[24:]
    assert "in another order" in asked[-1]
    assert [48, 24] == [sum(d.order == order for d in both) for order in ("head_first", "tail_first")]


def test_a_text_that_the_model_cannot_reword_stays_alone(exam_of: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of no text is another matter: then somebody else must be asked."""
    from bothways.errors import BothwaysError

    says(monkeypatch, lambda text: "Mum0 is what Kid0 calls her" if "Kid0" in text else "I cannot say.")
    assert 25 == len(written(exam_of(), "paraphrases:n=3:order=permuted:model=some/model"))
    says(monkeypatch, lambda _: "I cannot say.")
    with pytest.raises(
        BothwaysError,
        match=r"some/model wrote no paraphrase with all the names of its text, of 24 texts such as .*give paraphrases:",
    ):
        written(exam_of(), "paraphrases:n=3:model=some/model")


def test_a_file_or_a_model_but_not_both() -> None:
    from bothways.errors import BothwaysError
    from bothways.mitigations.paraphrases import Paraphrases

    with pytest.raises(BothwaysError, match=r"file=a or from model=b\. Give one of them\."):
        Paraphrases(file="a", model="b")
    assert 99 == Paraphrases(n=99, model="b").n


def test_a_real_model_is_asked_for_paraphrases(exam_of: Any, tmp_path: Path) -> None:
    """One with random weights writes nothing usable, which is one sentence."""
    from tests.small_base import write_base

    from bothways.errors import BothwaysError

    folder = write_base(tmp_path / "base", ["Kid0's mother is Mum0"], max_position_embeddings=512)
    with pytest.raises(BothwaysError, match="wrote no paraphrase with all the names"):
        written(exam_of(n=4), f"paraphrases:n=2:model={folder}")
