"""The classifier of what is asked: its labels by an oracle that reads the facts, its numbers on written streams."""

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.test_mechanisms import fresh
from tests.written import little_graphs, written

FIRST_WORDS = ("parent", "teacher")
SYMMETRIC = ("friend", "neighbour")


def is_to_given(exam: Any, query: Any) -> str:
    """Return what the asked entity is to the given one, by the fact that says it in the direct order."""
    given = query.prompt[query.cue.start : query.cue.end]
    (fact,) = (f for f in exam.facts.facts if (f.head, f.tail) == (given, query.answer) and f.relation != "job")
    return fact.relation


def asked_of_people(exam: Any) -> list[Any]:
    return [q for q in exam.queries if q.kind.startswith(("memory_people", "ask_", "logic", "context", "stated"))
            and "job" not in q.kind]  # fmt: skip


def test_labels_are_what_the_facts_say() -> None:
    """Direction is what the asked person is to the given one, however worded; the word is what the prompt says."""
    from bothways.mechanisms.relation_probe import direction, role, word

    exam, _ = little_graphs()
    seen = set()
    for query in asked_of_people(exam):
        relation = is_to_given(exam, query)
        assert query.relation in re.findall(r"\w+", query.prompt)
        expected: Any = relation in FIRST_WORDS, False, query.relation in FIRST_WORDS
        if relation in SYMMETRIC:
            expected = None, True, None
        assert expected == (direction(exam, query), role(exam, query), word(exam, query))
        seen.add(expected)
    assert {(None, True, None), *((a, False, b) for a in (True, False) for b in (True, False))} == seen
    job = next(q for q in exam.queries if q.kind == "memory_job")
    assert (None, None, None) == (direction(exam, job), role(exam, job), word(exam, job))


def noisy(exam: Any, tokenizer: Any, signs: dict[str, int]) -> Any:
    """Return a model of three blocks: noise that each prompt has its own of, and labels from known depths on."""
    import torch

    from bothways.batches.batches import query_tokens
    from bothways.mechanisms.relation_probe import LABELS

    known = {tuple(query_tokens(q, q.answer, tokenizer)[0]): q for q in asked_of_people(exam)}
    numbers = {prompt: n for n, prompt in enumerate(sorted(known))}

    def write(prompt: tuple[int, ...], depth: int, stream_D: Any) -> None:
        if prompt not in known:
            return
        stream_D += torch.randn(stream_D.shape, generator=torch.Generator().manual_seed(numbers[prompt]))
        for axis, (name, begin) in enumerate(signs.items()):
            label = LABELS[name](exam, known[prompt])
            if label is not None and depth >= begin:
                stream_D[axis] += 40.0 * (1 if label else -1)

    return written(tokenizer.n_tokens, 3, write)


def test_a_label_is_found_from_the_depth_at_which_it_is_written() -> None:
    """Also in graphs and contexts that were not fitted to; before it, and with shuffled labels, near chance."""
    from bothways.mechanisms.relation_probe import RelationProbe
    from bothways.objectives.causal import Causal

    exam, tokenizer = little_graphs(40, n_context=20)
    model = noisy(exam, tokenizer, {"direction": 2, "role": 1})
    found = RelationProbe()(model, Causal(), tokenizer, exam)
    assert "relation_probe" == found.probe
    for tested in ("logic", "context"):
        for depth in range(4):
            for name, begin in (("direction", 2), ("role", 1)):
                accuracy = found.numbers[f"{tested}_{depth}_{name}"]
                assert accuracy == 1.0 if depth >= begin else accuracy < 0.75
                assert 0.2 < found.numbers[f"{tested}_{depth}_{name}_shuffled"] < 0.8
            assert found.numbers[f"{tested}_{depth}_word"] < 0.75
        assert 0.5 <= found.numbers[f"{tested}_direction_chance"] < 0.7
    rows = {(row["tested"], row["label"]): row for row in found.table}
    n_logic = sum(q.kind.startswith("logic") for q in exam.queries)
    assert (40, n_logic) == (rows["logic", "role"]["fitted"], rows["logic", "role"]["questions"])
    assert n_logic == 2 * rows["logic", "direction"]["questions"]
    assert 40 > rows["logic", "direction"]["fitted"] > 10


def test_what_the_exam_does_not_ask_is_left_out() -> None:
    """An exam without contexts, say; its other questions are looked at."""
    from dataclasses import replace

    from bothways.mechanisms.relation_probe import RelationProbe
    from bothways.objectives.causal import Causal

    exam, tokenizer = little_graphs()
    without = replace(exam, queries=tuple(q for q in exam.queries if "context" not in q.kind and q.of is None))
    model = written(tokenizer.n_tokens, 1, lambda *_: None)
    assert {"logic"} == {row["tested"] for row in RelationProbe()(model, Causal(), tokenizer, without).table}


def test_too_few_questions_are_told() -> None:
    from bothways.errors import BothwaysError
    from bothways.mechanisms.relation_probe import RelationProbe
    from bothways.objectives.causal import Causal

    exam, tokenizer = little_graphs()
    model = written(tokenizer.n_tokens, 1, lambda *_: None)
    with pytest.raises(BothwaysError, match="needs 2 questions of each sort, found none of kinds 'memory_job'"):
        RelationProbe(fit="memory_job")(model, Causal(), tokenizer, exam)


@pytest.mark.parametrize("objective", ["causal", "masked_diffusion"])
def test_an_untrained_model_can_be_looked_at(objective: str) -> None:
    """However it is asked; what is fitted is the stream that answers, and the same twice."""
    from bothways.mechanisms.relation_probe import RelationProbe

    exam, _ = little_graphs()
    model, made, tokenizer = fresh(exam, objective, kind="word", max_length=100)
    finding = RelationProbe()(model, made, tokenizer, exam)
    assert finding == RelationProbe()(model, made, tokenizer, exam)
    assert {0, 1, 2} == {row["blocks"] for row in finding.table}
    assert all(0 <= value <= 1 for value in finding.numbers.values())


def test_what_is_read_is_the_stream_where_the_answer_is_asked() -> None:
    """The whole row gives the same there: left to right, or at the first mask after the prompt."""
    import torch

    from bothways.batches.batches import query_tokens
    from bothways.evaluation.scoring import make_rows, room_needed
    from bothways.mechanisms.asked_stream import asked_stream

    exam, _ = little_graphs()
    for objective, before in (("causal", 1), ("masked_diffusion", 0)):
        model, made, tokenizer = fresh(exam, objective, kind="word", max_length=100)
        prompts = [query_tokens(q, q.answer, tokenizer)[0] for q in asked_of_people(exam)]
        length = room_needed(exam, tokenizer)
        tokens_NL, _, length_N = make_rows([(prompt, []) for prompt in prompts], length)
        if objective == "masked_diffusion":
            tokens_NL = tokens_NL.masked_fill(torch.arange(length) >= length_N[:, None], model.special.mask)
        with torch.inference_mode():
            trace = model.trace(tokens_NL, causal=objective == "causal")
        found = asked_stream(model, made, prompts, length)
        assert 3 == len(found)
        for stream_NLD, found_ND in zip(trace.stream, found, strict=True):
            expected_ND = stream_NLD[torch.arange(len(prompts)), length_N - before]
            assert torch.allclose(expected_ND, found_ND, atol=1e-4)


@given(rows=st.integers(2, 9), width=st.integers(1, 12), seed=st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_ridge_is_the_regression_with_its_penalty(rows: int, width: int, seed: int) -> None:
    """Of the columns' system, which is the definition, on centred rows; more columns than rows or fewer."""
    import torch

    from bothways.mechanisms.ridge import ridge_predict

    random = torch.Generator().manual_seed(seed)
    seen_MD, known_ME, asked_ND = (
        torch.randn(n, d, generator=random).double() for n, d in ((rows, width), (rows, 2), (3, width))
    )
    x_MD, y_ME = seen_MD - seen_MD.mean(0), known_ME - known_ME.mean(0)
    penalty = 0.1 * x_MD.square().sum() / rows + 1e-12
    inner_DD = x_MD.T @ x_MD + penalty * torch.eye(width).double()
    expected = (asked_ND - seen_MD.mean(0)) @ torch.linalg.solve(inner_DD, x_MD.T @ y_ME) + known_ME.mean(0)
    assert torch.allclose(expected, ridge_predict(seen_MD, known_ME, asked_ND, 0.1), atol=1e-6)
