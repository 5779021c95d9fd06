"""What stands before a question: two solved ones, the fact itself; and what a model makes of general text."""

import re
from pathlib import Path
from typing import Any

import pytest
import torch


@pytest.fixture(scope="module")
def asked() -> Any:
    """An exam of few facts, all told head first, and a tokenizer with a token for every word."""
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer
    from bothways.facts.both_ways import both_ways_exam
    from bothways.facts.worlds.relations import Relations
    from bothways.text.corpus import TextConfig, write_corpus

    exam = both_ways_exam(Relations(n_entities=12).make(0), 0)
    return exam, fit_tokenizer(write_corpus(exam, TextConfig(), 0), exam, TokenizerConfig(kind="word"))


def writes(tokenizer: Any, answer: Any) -> Any:
    """A model that writes what a function says after a row of tokens."""
    from bothways.tensors import LanguageModel

    class Writes(LanguageModel):
        def __init__(self) -> None:
            super().__init__()
            self.n_tokens = tokenizer.n_tokens
            self.zero = torch.nn.Parameter(torch.zeros(()))

        def hidden(self, tokens_BL: Any, *, causal: bool) -> Any:
            out_BLV = torch.zeros(*tokens_BL.shape, self.n_tokens)
            for b, row in enumerate(tokens_BL.tolist()):
                for n in range(len(row)):
                    out_BLV[b, n, answer(row[: n + 1])] = 30.0
            return out_BLV + self.zero

        @property
        def output_VD(self) -> Any:
            return torch.eye(self.n_tokens)

    return Writes()


def found(asked: Any, answer: Any, **options: Any) -> dict[str, float]:
    from bothways.mechanisms.prompted import Prompted
    from bothways.objectives.causal import Causal

    exam, tokenizer = asked
    return dict(Prompted(**options)(writes(tokenizer, answer), Causal(), tokenizer, exam).numbers)


def reader(tokenizer: Any) -> Any:
    """Answers with the other name of a sentence before the question that names what it asks about."""
    from bothways.tensors import SPECIAL

    def answer(row: list[int]) -> int:
        told, _, written = tokenizer.decode(row).rpartition(" is")
        cue = " ".join(told.split()[-3:-1]).removesuffix("'s")
        other = {}
        for first, second in re.findall(r"(\w+ \w+)'s \w+ is (\w+ \w+)", told):
            other |= {first: second, second: first}
        words, done = other.get(cue, "").split(), written.split()
        if done == words[: len(done)] and len(done) < len(words):
            return int(tokenizer.word_ids[words[len(done)]])
        return int(SPECIAL.end)

    return answer


def test_who_reads_the_fact_off_is_right_after_it_alone(asked: Any) -> None:
    numbers = found(asked, reader(asked[1]))
    assert (0.0, 0.0) == (numbers["forward_nothing"], numbers["reverse_tested_nothing"])
    assert (1.0, 1.0) == (numbers["forward_fact"], numbers["reverse_tested_fact"])


def test_who_knows_the_questions_alone_is_lost_after_others(asked: Any) -> None:
    """It answers by the whole row, so the first shot is already too much."""
    from bothways.evaluation.scoring import ask
    from bothways.tensors import SPECIAL

    exam, tokenizer = asked
    known = {tuple(one.prompt): one.answer for one in ask(exam, tokenizer, range(len(exam.queries)))
             if one.query.kind != "flip"}  # fmt: skip
    begun = {(*prompt, *answer[:n]): answer[n] for prompt, answer in known.items() for n in range(len(answer))}
    numbers = found(asked, lambda row: begun.get(tuple(row), SPECIAL.end))
    assert (1.0, 1.0) == (numbers["forward_nothing"], numbers["reverse_tested_nothing"])
    assert (0.0, 0.0) == (numbers["forward_two_shot"], numbers["reverse_tested_two_shot"])


@pytest.mark.parametrize("shots", [1, 2])
def test_examples_are_other_questions_of_the_kind_with_their_answers(asked: Any, shots: int) -> None:
    from bothways.evaluation.scoring import ask
    from bothways.mechanisms.prompted import Prompted, solved

    exam, tokenizer = asked
    for one in ask(exam, tokenizer, range(0, len(exam.queries), 3)):
        if one.query.kind == "flip":
            continue
        longer = Prompted(shots=shots).after_examples(one, exam, tokenizer)
        same = [q for q in exam.queries if (q.kind, q.relation) == (one.query.kind, one.query.relation)]
        turns = [solved(q, tokenizer) for q in same if q.fact != one.query.fact]
        rest = longer.prompt[1 : len(longer.prompt) - len(one.prompt) + 1]
        used = [turn for turn in turns if any(rest[n : n + len(turn)] == turn for n in range(len(rest)))]
        assert shots == len(used)
        assert sum(map(len, used)) == len(rest)
        assert [*one.prompt[:1], *rest, *one.prompt[1:]] == longer.prompt
        assert one.answer == longer.answer


def test_general_text_tells_how_far_a_model_has_moved(tmp_path: Path) -> None:
    """From itself it has not moved at all, and NLL is that of every place of the text."""
    from tests.small_base import write_base

    from bothways.batches.huggingface import open_tokenizer
    from bothways.mechanisms.general_text import GeneralText
    from bothways.models.open import open_model
    from bothways.objectives.causal import Causal

    texts = ["The lamp is on the table", "A kettle stands on the stove"]
    folder = write_base(tmp_path / "base", texts)
    (tmp_path / "general.txt").write_text("\n".join(texts), encoding="utf-8")
    tokenizer = open_tokenizer(folder)
    model = open_model(folder, tokenizer.special)
    probe = GeneralText(original=str(folder), file=str(tmp_path / "general.txt"))
    exam: Any = small_exam()
    still = probe(model, Causal(), tokenizer, exam).numbers
    assert still["kl"] == pytest.approx(0.0, abs=1e-6)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.5)
    moved = probe(model, Causal(), tokenizer, exam).numbers
    assert moved["kl"] > 0.001
    assert still["nll"] != moved["nll"]
    assert {"nll"} == set(GeneralText()(model, Causal(), tokenizer, exam).numbers)


def small_exam() -> Any:
    """Any exam: general text has none."""
    from bothways.facts.both_ways import both_ways_exam
    from bothways.facts.worlds.relations import Relations

    return both_ways_exam(Relations(n_entities=12).make(0), 0)
