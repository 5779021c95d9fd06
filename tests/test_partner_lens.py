"""The lens on partners: on a model into which answers are written by hand, and against models with blocks left out."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.test_mechanisms import fresh
from tests.written import little_graphs, written

KIND = "logic_inverse_forward"


def looked(model: Any, exam: Any, tokenizer: Any, **options: Any) -> Any:
    """Return what the lens finds in a model that reads left to right."""
    from bothways.mechanisms.partner_lens import PartnerLens
    from bothways.objectives.causal import Causal

    return PartnerLens(**options)(model, Causal(), tokenizer, exam)


def firsts(exam: Any, tokenizer: Any, kind: str) -> dict[tuple[int, ...], tuple[int, int]]:
    """Return, for each prompt of a kind, the first tokens of its answer and of the answer of its flip."""
    from bothways.batches.batches import query_tokens

    found = {}
    for flip in exam.queries:
        if flip.of is not None and exam.queries[flip.of].kind == kind:
            query = exam.queries[flip.of]
            prompt, answer = query_tokens(query, query.answer, tokenizer)
            other = next(name for name in hub_partners(exam, query) if name != query.answer)
            found[tuple(prompt)] = answer[0], tokenizer.entity_pieces(other)[0][0]
    return found


def hub_partners(exam: Any, query: Any) -> set[str]:
    """Return friend and kin of the graph a question is about: seven facts a graph, the first and third name them."""
    base = query.fact // 7 * 7
    return {exam.facts.facts[base].tail, exam.facts.facts[base + 2].tail}


def test_the_rival_is_the_hubs_other_partner() -> None:
    """That of the flip where there is one, in questions and contexts too; none for jobs, nor for who asks for a hub."""
    from bothways.mechanisms.partner_lens import partners, rivals

    exam, _ = little_graphs()
    partners_of, seen = partners(exam), set()
    for query in exam.queries:
        found = rivals(exam, query, partners_of)
        pair = hub_partners(exam, query)
        people = "job" not in query.kind and not query.kind.startswith("claim")
        expected = pair - {query.answer} if people and query.answer in pair else set()
        assert found == expected
        seen.add((query.kind, len(found)))
    assert {("memory_people", 1), ("ask_memory_people", 1), ("memory_job", 0), ("stated_inverse", 0), (KIND, 1),
            ("context_symmetric_reverse", 1), ("claim_inverse_forward", 0)} <= seen  # fmt: skip
    for flip in exam.queries:
        if flip.of is not None:
            assert rivals(exam, flip, partners_of) == rivals(exam, exam.queries[flip.of], partners_of)


def test_what_is_written_at_a_known_depth_is_found_there() -> None:
    """Nothing at first, the rival after one block, the answer after two; ranks, margins and shares in closed form."""
    exam, tokenizer = little_graphs()
    first, n_tokens = firsts(exam, tokenizer, KIND), tokenizer.n_tokens

    def write(prompt: tuple[int, ...], depth: int, stream_D: Any) -> None:
        if prompt in first:
            answer, rival = first[prompt]
            stream_D[rival] += 1.0 * (depth >= 1)
            stream_D[answer] += 3.0 * (depth >= 2)

    found = looked(written(n_tokens, 3, write), exam, tokenizer, kinds="logic_inverse").numbers
    assert not [name for name in found if not name.startswith("logic_inverse_")]
    size = [n_tokens, math.e + n_tokens - 1, math.e**3 + math.e + n_tokens - 2]
    wanted = {
        0: {"rank": (n_tokens + 1) / 2, "margin": 0.0, "ahead": 0.5, "probability": 1 / size[0]},
        1: {"rank": n_tokens / 2 + 1, "margin": -1.0, "ahead": 0.0, "probability": 1 / size[1]},
        2: {"rank": 1.0, "reciprocal_rank": 1.0, "margin": 2.0, "ahead": 1.0, "probability": math.e**3 / size[2]},
    }
    wanted[3] = wanted[2]
    for depth, numbers in wanted.items():
        for name, value in numbers.items():
            assert found[f"{KIND}_{depth}_{name}"] == pytest.approx(value, rel=1e-5, abs=1e-5)
    assert found["logic_inverse_reverse_3_rank"] == (n_tokens + 1) / 2


def test_the_margin_averages_over_questions_and_shows_their_spread() -> None:
    """Every second question is known, the others are answered with the rival: half ahead, no lead, a spread of one."""
    exam, tokenizer = little_graphs()
    first = firsts(exam, tokenizer, KIND)
    places = {prompt: n for n, prompt in enumerate(sorted(first))}

    def write(prompt: tuple[int, ...], depth: int, stream_D: Any) -> None:
        if prompt in first:
            stream_D[first[prompt][places[prompt] % 2]] += 1.0

    table = looked(written(tokenizer.n_tokens, 1, write), exam, tokenizer, kinds=KIND).table
    assert len(first) % 2 == 0 and {len(first)} == {row["questions"] for row in table}
    assert [0.0, 0.0] == pytest.approx([row["margin"] for row in table], abs=1e-6)
    assert [1.0, 1.0] == pytest.approx([row["margin_sd"] for row in table], abs=1e-6)
    assert [0.5, 0.5] == [row["ahead"] for row in table]


def test_questions_whose_two_partners_begin_alike_are_left_out() -> None:
    """First names are few: what the first token cannot tell is not counted."""
    exam, tokenizer = little_graphs(3, n_context=3, pool=3)
    rows = looked(written(tokenizer.n_tokens, 1, lambda *_: None), exam, tokenizer, kinds="memory_people logic").table
    asked = [q for q in exam.queries if q.kind.startswith(("memory_people", "logic"))]
    apart = [q for q in asked if len({name.split()[0] for name in hub_partners(exam, q)}) == 2]
    assert 0 < len(apart) < len(asked)
    assert sum(row["questions"] for row in rows if row["blocks"] == 0) == len(apart)


def test_kinds_without_a_rival_have_ranks_and_no_margin() -> None:
    exam, tokenizer = little_graphs()
    found = looked(written(tokenizer.n_tokens, 1, lambda *_: None), exam, tokenizer, kinds="memory_job").numbers
    assert found["memory_job_1_rank"] > 1
    assert not [name for name in found if name.endswith(("margin", "ahead"))]


def test_flips_are_looked_at_only_when_they_are_named() -> None:
    exam, tokenizer = little_graphs()
    model = written(tokenizer.n_tokens, 1, lambda *_: None)
    kinds = {row["kind"] for row in looked(model, exam, tokenizer, max_queries=9).table}
    assert {query.kind for query in exam.queries} - {"flip"} == kinds
    named = {row["kind"] for row in looked(model, exam, tokenizer, max_queries=1, kinds="flip").table}
    assert {"flip", "flipped_inverse", "flipped_symmetric"} == named


def test_a_word_that_begins_no_kind_is_refused() -> None:
    from bothways.errors import BothwaysError

    exam, tokenizer = little_graphs()
    with pytest.raises(BothwaysError, match=r"No kind of question begins with 'logik'\. Choose among ask_context_"):
        looked(written(tokenizer.n_tokens, 1, lambda *_: None), exam, tokenizer, kinds="logik")


@pytest.mark.parametrize("objective", ["causal", "masked_diffusion", "masked_diffusion:attention=causal"])
def test_every_depth_is_a_model_with_its_last_blocks_left_out(objective: str) -> None:
    """Also when the rest of the row is not read: probability, rank and lead are those of the shorter model's answer."""
    import torch

    from bothways.batches.batches import query_tokens
    from bothways.evaluation.scoring import make_rows, room_needed
    from bothways.mechanisms.partner_lens import PartnerLens

    exam, _ = little_graphs(8)
    model, made, tokenizer = fresh(exam, objective, kind="word", max_length=100)
    finding = PartnerLens(kinds="logic_inverse")(model, made, tokenizer, exam)
    whole = model.blocks
    assert {(kind, depth) for kind in (KIND, "logic_inverse_reverse") for depth in range(3)} == {
        (row["kind"], row["blocks"]) for row in finding.table
    }
    for row in finding.table:
        queries = [q for q in exam.queries if q.kind == row["kind"]]
        rows = make_rows([(query_tokens(q, q.answer, tokenizer)[0], []) for q in queries], room_needed(exam, tokenizer))
        model.blocks = torch.nn.ModuleList(list(whole)[: row["blocks"]])
        with torch.inference_mode():
            log_prob_BV = made.next_log_prob(model, rows[0], rows[2])
        first = [
            [tokenizer.entity_pieces(name)[0][0] for name in (q.answer, *(hub_partners(exam, q) - {q.answer}))]
            for q in queries
        ]
        kept = [n for n, (own, rival) in enumerate(first) if own != rival]
        own_N = torch.tensor([log_prob_BV[n, first[n][0]] for n in kept])
        lead = [(log_prob_BV[n, first[n][0]] - log_prob_BV[n, first[n][1]]).item() for n in kept]
        rank_N = torch.tensor([1.0 + (log_prob_BV[n] > own).sum() for n, own in zip(kept, own_N, strict=True)])
        assert row["probability"] == pytest.approx(own_N.exp().mean().item(), rel=1e-4)
        assert row["margin"] == pytest.approx(sum(lead) / len(lead), abs=1e-4)
        assert row["rank"] == rank_N.double().quantile(0.5).item()
        assert row["reciprocal_rank"] == pytest.approx((1 / rank_N).mean().item(), rel=1e-5)
    model.blocks = whole


@given(
    scores=st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.0]), min_size=2, max_size=8),
    data=st.data(),
)
@settings(max_examples=60, deadline=None)
def test_ranks_are_those_of_a_sorted_list(scores: list[float], data: Any) -> None:
    """With some tokens set aside and ties averaged: the mean place among equals."""
    import torch

    from bothways.mechanisms.partner_lens import ranks

    answer = data.draw(st.integers(0, len(scores) - 1))
    aside = {n for n in range(len(scores)) if n != answer and data.draw(st.booleans())}
    kept = sorted((s for n, s in enumerate(scores) if n not in aside), reverse=True)
    places = [place for place, score in enumerate(kept, 1) if score == scores[answer]]
    mask_1V = torch.tensor([[n in aside for n in range(len(scores))]])
    found = ranks(torch.tensor([scores]), torch.tensor([answer]), mask_1V)
    assert found.tolist() == [sum(places) / len(places)]


def test_a_model_that_gives_no_number_is_never_first() -> None:
    import torch

    from bothways.mechanisms.partner_lens import ranks

    score_NV = torch.full((1, 5), math.nan)
    assert [5.0] == ranks(score_NV, torch.tensor([2]), torch.zeros(1, 5, dtype=torch.bool)).tolist()
