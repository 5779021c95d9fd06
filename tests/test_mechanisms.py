"""Probes of reversal on models whose answer is known, or against the same quantity computed another way."""

from typing import Any

import pytest

SHAPE = {"d_model": 48, "n_heads": 2, "d_mlp": 32, "n_layers": 2, "positions": "rotary"}


def world(n: int = 60, words: int = 1, symmetric: bool = False) -> Any:
    """Pairs of people, A before B in all texts that are tested; names of so many words."""
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.types import Fact, FactSet, Relation

    def name(kind: str, i: int) -> str:
        return " ".join(f"{kind}{w}x{i}" for w in range(words))

    texts = ("{head} knows {tail}", "{tail} knows {head}" if symmetric else "{tail} of {head}")
    relation = Relation("r", symmetric=symmetric, head_first=texts[:1], tail_first=texts[1:])
    facts = tuple(Fact(name("a", i), "r", name("b", i)) for i in range(n))
    return make_exam(FactSet("pairs", facts, {"r": relation}), ExamConfig(isolated=0.6, dev=0.1), 0)


def fresh(exam: Any, objective: str = "masked_diffusion", kind: str = "entity", **shape: Any) -> tuple[Any, ...]:
    """An untrained model and how it is asked: what every probe is given, before the exam."""
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer
    from bothways.models.transformer import TransformerConfig
    from bothways.options import component
    from bothways.text.corpus import TextConfig, write_corpus

    tokenizer = fit_tokenizer(write_corpus(exam, TextConfig(), 0), exam, TokenizerConfig(kind=kind))
    config = TransformerConfig(**{**SHAPE, "max_length": 16, **shape})
    return config.build(tokenizer.n_tokens, 0), component("objectives", objective), tokenizer


def read_back(tokenizer: Any, ids: Any) -> str:
    """Return a row as words, with the mask and the end as signs."""
    signs = {1: "<", 2: ">", 3: "?"}
    return " ".join(signs.get(i) or tokenizer.decode([i]) for i in ids)


@pytest.mark.parametrize("words", [1, 2])
def test_both_contexts_of_a_fact(words: int) -> None:
    """A mask stands for the first-named entity in both; a left-to-right reader is given a prompt."""
    from bothways.mechanisms.contexts import Asker, tested_pairs

    exam = world(words=words)
    pair = next(p for p in tested_pairs(exam, 99) if p.fact.stated == "head_first")
    expected = {
        "masked_diffusion": (f"< {'? ' * words}knows B", f"< B of {'? ' * words}>", "A"),
        "causal": ("< A knows", "< B of", "B"),
        "masked_diffusion:attention=causal": (f"< A knows {'? ' * words}>", f"< B of {'? ' * words}>", "B"),
    }
    for objective, (forward, reverse, asked) in expected.items():
        model, made, tokenizer = fresh(exam, objective, kind="word")
        asker = Asker.of(model, made, tokenizer, exam)
        for text, context, name in (
            (forward, asker.forward([pair]), asked), (reverse, asker.reverse([pair]), "A")
        ):  # fmt: skip
            names = {"A": pair.first, "B": pair.last}
            spelled = " ".join(names.get(word, word) for word in text.split())
            assert read_back(tokenizer, context.prepared.input_BL[0].tolist()).startswith(spelled)
            counted_L = context.prepared.weight_BL[0] > 0
            assert tokenizer.decode(context.prepared.target_BL[0][counted_L].tolist()) == names[name]
            cue = tokenizer.decode(context.prepared.input_BL[0][context.cue_NL[0]].tolist())
            assert cue == names["B" if name == "A" else "A"]
            assert context.answer_N[0] == context.prepared.target_BL[0][counted_L][0]
            assert counted_L.nonzero()[0] == context.query_N


def test_the_given_entity_stands_as_far_from_the_mask_on_either_side() -> None:
    from bothways.mechanisms.contexts import Asker, tested_pairs

    exam = world()
    model, objective, tokenizer = fresh(exam)
    asker, pairs = Asker.of(model, objective, tokenizer, exam), tested_pairs(exam, 9)
    assert {2.0} == set(asker.forward(pairs).offset_N.tolist())
    assert {-2.0} == set(asker.reverse(pairs).offset_N.tolist())


def test_a_probe_of_reversal_needs_two_facts() -> None:
    from bothways.errors import BothwaysError
    from bothways.mechanisms.contexts import tested_pairs

    with pytest.raises(BothwaysError, match="at least 2 facts of the test questions, got 1"):
        tested_pairs(world(), 1)


@pytest.mark.parametrize("positions", ["none", "alibi", "rotary"])
def test_routes_are_equal_in_mirrored_texts_without_signed_places(positions: str) -> None:
    """A symmetric relation's two texts mirror each other: scores and, without places, weights are the same."""
    from bothways.mechanisms.attention_routes import AttentionRoutes

    exam = world(symmetric=True)
    found = AttentionRoutes()(*fresh(exam, positions=positions), exam)
    first = [row for row in found.table if row["block"] == 0]
    assert 4 == len(found.table)
    if positions == "rotary":
        assert all(row["correlation"] < 0.999 for row in first)
    else:
        assert [1.0, 1.0] == pytest.approx([row["correlation"] for row in first], abs=1e-5)
        assert abs(found.numbers["other_pairs"]) < 0.5
        assert "own_query" not in found.numbers
    if positions == "none":
        assert [r["forward_weight"] for r in found.table] == pytest.approx([r["reverse_weight"] for r in found.table])


def test_at_first_scores_correlate_as_the_models_own_query_predicts() -> None:
    """Head by head; heads whose query turns fast correlate less, which the mean formula does not know."""
    from bothways.mechanisms.attention_routes import AttentionRoutes

    exam = world(300)
    found = AttentionRoutes()(*fresh(exam, n_layers=1, d_model=128, n_heads=4), exam)
    for row in found.table:
        assert row["correlation"] == pytest.approx(row["own_query"], abs=0.15)
    left_to_right = AttentionRoutes()(*fresh(exam, "causal"), exam)
    assert "random_query" not in left_to_right.numbers and left_to_right.numbers["forward_weight"] > 0


def plant_storage(model: Any, tokenizer: Any, pairs: Any, side: str) -> None:
    """Make one side's value map copy what is read, and write A's row of the output matrix as B's normed embedding."""
    import torch
    from torch.nn import functional as F

    with torch.no_grad():
        maps = {name: getattr(model.head_maps(0, side), name) for name in ("value_HKD", "out_HDK")}
        store_DD = torch.einsum("hek,hkd->ed", maps["out_HDK"], maps["value_HKD"])
        for pair in pairs:
            a, b = (tokenizer.entity_pieces(name)[0][0] for name in (pair.first, pair.last))
            model.unembedding[a] = store_DD @ F.layer_norm(model.embed[b], (48,))


def test_planted_storage_is_found_in_its_direction_and_on_its_side() -> None:
    from bothways.mechanisms.contexts import tested_pairs
    from bothways.mechanisms.storage_evidence import StorageEvidence

    exam = world()
    model, objective, tokenizer = fresh(exam, n_layers=1, storage="by_side")
    plant_storage(model, tokenizer, tested_pairs(exam, 99), "right")
    numbers = StorageEvidence()(model, objective, tokenizer, exam).numbers
    assert numbers["first_from_last_on_the_right_best"] == 1.0
    assert numbers["first_from_last_on_the_right"] > 10 * abs(numbers["first_from_last"])
    for other in ("first_from_last_best", "last_from_first_best", "last_from_first_on_the_right_best"):
        assert numbers[other] <= 5 * numbers["chance"]


@pytest.mark.parametrize("objective", ["masked_diffusion", "causal"])
@pytest.mark.parametrize("shape", [{}, {"tied": True}, {"routing": "by_side", "storage": "by_side"}])
def test_products_of_gradients_are_those_of_whole_gradients(objective: str, shape: dict[str, Any]) -> None:
    """Also a step taken is the step a copy of the model would take, and the model is left as it was, bit by bit."""
    import copy

    import torch

    from bothways.cross_entropy import weighted_cross_entropy
    from bothways.mechanisms.contexts import Asker, tested_pairs
    from bothways.mechanisms.gradient_alignment import GradientAlignment

    exam = world()
    model, made, tokenizer = fresh(exam, objective, **shape)
    model.requires_grad_(False)
    model.norm.bias.requires_grad_(True)
    before = copy.deepcopy(model.state_dict())
    finding = GradientAlignment(max_pairs=2, rates=(1e-3,))(model, made, tokenizer, exam)
    assert all(torch.equal(before[name], weight) for name, weight in model.state_dict().items())
    assert ["norm.bias"] == [name for name, p in model.named_parameters() if p.requires_grad]
    assert all(p.grad is None for p in model.parameters()) and model.training

    whole = copy.deepcopy(model).requires_grad_(True)
    asker, pairs = Asker.of(whole, made, tokenizer, exam), tested_pairs(exam, 2)

    def gradient(contexts: Any) -> dict[str, Any]:
        loss = weighted_cross_entropy(whole, contexts.prepared).mean.sum()
        found = torch.autograd.grad(loss, list(whole.parameters()))
        return dict(zip([name for name, _ in whole.named_parameters()], found, strict=True))

    expected, changes = {"storage": 0.0, "routing": 0.0, "all": 0.0}, 0.0
    for pair in pairs:
        forward, reverse = gradient(asker.forward([pair])), gradient(asker.reverse([pair]))
        for name in forward:
            other = whole.part_of(name, reverse[name])
            for role, piece in whole.part_of(name, forward[name]).items():
                product = (piece * other[role]).sum().item() / 2
                expected["all"] += product
                expected[role] = expected.get(role, 0.0) + product
        moved, prepared = copy.deepcopy(whole), asker.reverse([pair]).prepared
        with torch.no_grad():
            for name, parameter in moved.named_parameters():
                parameter -= 1e-3 * forward[name]
            losses = [weighted_cross_entropy(one, prepared).mean.item() for one in (moved, whole)]
        changes += (losses[0] - losses[1]) / 2
    for part in ("storage", "routing", "all"):
        assert finding.numbers[f"{part}_product"] == pytest.approx(expected[part], rel=1e-3, abs=1e-4)
        assert -1 <= finding.numbers[f"{part}_cosine"] <= 1
    assert finding.numbers["all_change_at_0.001"] == pytest.approx(changes, rel=1e-3, abs=1e-5)
    steps = [row for row in finding.table if "rate" in row]
    assert {("storage", 1e-3), ("all", 1e-3)} == {(row["part"], row["rate"]) for row in steps}
    assert steps[0]["predicted"] == pytest.approx(-1e-3 * expected["storage"], rel=1e-3, abs=1e-6)


def test_mismatched_pairs_share_one_entity_or_none() -> None:
    from bothways.mechanisms.contexts import tested_pairs
    from bothways.mechanisms.gradient_alignment import reversed_pairs

    pairs = tested_pairs(world(), 5)
    found = reversed_pairs(pairs, 4)  # the last is compared with the first
    assert found["matched"] == pairs[4]
    names = {kind: (pair.first, pair.last) for kind, pair in found.items()}
    assert names["other_last"] == (pairs[4].first, pairs[0].last)
    assert names["other_first"] == (pairs[0].first, pairs[4].last)
    assert names["other_both"] == (pairs[0].first, pairs[0].last)


def test_factorisations_are_chains_of_the_models_own_conditionals() -> None:
    """Two-word names, by hand: each word restored after those before it, the other entity masked or given."""
    import torch

    from bothways.mechanisms.factorisation_gap import FactorisationGap, in_order

    exam = world(words=2)
    model, objective, tokenizer = fresh(exam, kind="word")
    model.requires_grad_(False)
    row = [1, 7, 8, 6, 9, 10, 2]
    entity_NL = torch.tensor([[-1, 0, 0, -1, 1, 1, -1]])

    def step(place: int, *masked: int) -> float:
        shown = [3 if i in masked else token for i, token in enumerate(row)]
        return model(torch.tensor([shown]), causal=False)[0, place].log_softmax(-1)[row[place]].item()

    found = in_order(model, torch.tensor([row]), entity_NL, (0, 1))
    assert found[0].item() == pytest.approx(step(1, 1, 2, 4, 5) + step(2, 2, 4, 5), abs=1e-4)
    assert found[1].item() == pytest.approx(step(4, 4, 5) + step(5, 5), abs=1e-4)

    finding = FactorisationGap()(model, objective, tokenizer, exam)
    for asked in finding.table:
        parts = [asked[name] for name in ("first", "last_given_first", "last", "first_given_last")]
        assert asked["signed"] == pytest.approx(parts[0] + parts[1] - parts[2] - parts[3], abs=1e-6)
        assert asked["gap"] >= abs(asked["signed"]) - 1e-9 and max(parts) < 0
    assert ["between_texts", "within_a_text"] == [row["asked"] for row in finding.table]
    left_to_right = FactorisationGap()(*fresh(exam, "causal", kind="word"), exam)
    assert ["between_texts"] == [row["asked"] for row in left_to_right.table]


def test_a_model_of_no_opinion_has_no_gap() -> None:
    from tests.worlds import uniform_model

    from bothways.mechanisms.factorisation_gap import FactorisationGap

    exam = world()
    _, objective, tokenizer = fresh(exam)
    numbers = FactorisationGap()(uniform_model(tokenizer.n_tokens), objective, tokenizer, exam).numbers
    assert numbers["within_a_text_gap"] == pytest.approx(0, abs=1e-6)
    assert numbers["between_texts_gap"] == pytest.approx(0, abs=1e-6)


def test_a_linear_relation_is_found_and_no_other() -> None:
    """Partners that are a linear image of what is read, with noise; shuffled partners and unrelated vectors are not."""
    import torch

    from bothways.mechanisms.linear_probe import fit_and_test

    generator = torch.Generator().manual_seed(0)
    read_ND = torch.randn(200, 16, generator=generator)
    partner_ND = read_ND @ torch.randn(16, 24, generator=generator) + 0.1 * torch.randn(200, 24, generator=generator)
    assert fit_and_test(read_ND, partner_ND, 0.01) > 0.9
    assert fit_and_test(read_ND, partner_ND, 0.01, shift=1) < 0.1
    assert fit_and_test(read_ND, torch.randn(200, 24, generator=generator), 0.01) < 0.1


@pytest.mark.parametrize("objective", ["masked_diffusion", "causal"])
def test_the_linear_probe_reads_what_is_given_and_what_is_asked(objective: str) -> None:
    """Where a partner's output row is the given entity's embedding turned, it is read where that entity stands."""
    import torch

    from bothways.mechanisms.linear_probe import LinearProbe

    exam = world(200)
    model, made, tokenizer = fresh(exam, objective)
    turn_DD = torch.linalg.qr(torch.randn(48, 48, generator=torch.Generator().manual_seed(0))).Q
    with torch.no_grad():
        for fact in exam.facts.facts:
            head, tail = (tokenizer.entity_pieces(name)[0][0] for name in (fact.head, fact.tail))
            model.unembedding[tail] = model.embed[head] @ turn_DD
            model.unembedding[head] = model.embed[tail] @ turn_DD
    finding = LinearProbe(ridge=1e-3)(model, made, tokenizer, exam)
    start = {(r["direction"], r["place"]): r["accuracy"] for r in finding.table if r["blocks"] == 0}
    assert start["forward", "given"] > 0.9 and start["reverse", "given"] > 0.9
    assert start["forward", "asked"] < 0.2 and start["reverse", "asked"] < 0.2
    assert all(row["shuffled"] < 0.2 for row in finding.table)


@pytest.mark.parametrize("objective", ["masked_diffusion", "causal", "masked_diffusion:attention=causal"])
def test_the_lens_is_the_model_with_its_last_blocks_left_out(objective: str) -> None:
    """What stands after n blocks, normed and unembedded, is what a model of n blocks answers."""
    import torch

    from bothways.batches.batches import query_tokens
    from bothways.evaluation.scoring import make_rows
    from bothways.mechanisms.logit_lens import LogitLens

    exam = world()
    model, made, tokenizer = fresh(exam, objective)
    finding = LogitLens()(model, made, tokenizer, exam)
    whole = model.blocks
    for row in finding.table:
        queries = [q for q in exam.queries if q.kind == row["kind"] and q.split == "test"]
        pairs = [query_tokens(q, q.answer, tokenizer) for q in queries]
        length = max(len(prompt) + len(answer) for prompt, answer in pairs)
        tokens_BL, _, length_B = make_rows([(prompt, []) for prompt, _ in pairs], length)
        model.blocks = torch.nn.ModuleList(list(whole)[: row["blocks"]])
        with torch.inference_mode():
            log_prob_BV = made.next_log_prob(model, tokens_BL, length_B)
        first_B1 = torch.tensor([[answer[0]] for _, answer in pairs])
        assert row["probability"] == pytest.approx(log_prob_BV.gather(1, first_B1).exp().mean().item(), rel=1e-4)
    assert {"forward", "reverse_tested"} == set(finding.numbers)


@pytest.mark.parametrize("name", ["attention_routes", "gradient_alignment", "storage_evidence", "linear_probe"])
def test_a_model_that_shows_nothing_is_told_so(name: str) -> None:
    from tests.worlds import uniform_model

    from bothways.errors import BothwaysError
    from bothways.options import component

    exam = world()
    _, objective, tokenizer = fresh(exam)
    probe = component("probes", name)
    if name == "gradient_alignment":  # weights are all it needs
        assert probe(uniform_model(tokenizer.n_tokens), objective, tokenizer, exam).numbers["storage_product"] == 0
        return
    with pytest.raises(BothwaysError, match="shows no"):
        probe(uniform_model(tokenizer.n_tokens), objective, tokenizer, exam)


@pytest.mark.parametrize(
    ("kind", "objective", "shift"),
    [("gpt2", "causal", 0), ("llama", "causal", 0), ("llama", "masked_diffusion", 1), ("bert", "masked_diffusion", 0)],
)
def test_library_models_are_looked_into_by_the_same_probes(
    kind: str, objective: str, shift: int, tmp_path: Any
) -> None:
    """Decoders, a decoder that fills in masks and predicts a place early, an encoder with an output bias."""
    import math

    import torch
    from tests.library_models import opened

    from bothways.batches.batches import query_tokens
    from bothways.evaluation.scoring import make_rows
    from bothways.options import component
    from bothways.registry import lookup

    exam = world(24)
    _, made, tokenizer = fresh(exam, objective)
    _, model = opened(kind, tmp_path)
    model.shift = shift
    for name in (
        "attention_routes", "storage_evidence", "gradient_alignment", "factorisation_gap", "linear_probe", "logit_lens"
    ):  # fmt: skip
        finding = lookup("probes", name)()(model, made, tokenizer, exam)
        assert finding.numbers and all(math.isfinite(value) for value in finding.numbers.values())
    lens = component("probes", "logit_lens")(model, made, tokenizer, exam).numbers["reverse_tested"]
    asked = [q for q in exam.queries if q.kind == "reverse_tested" and q.split == "test"]
    pairs = [query_tokens(q, q.answer, tokenizer) for q in asked]
    tokens_BL, _, length_B = make_rows([(prompt, []) for prompt, _ in pairs], max(len(p) + len(a) for p, a in pairs))
    with torch.inference_mode():
        log_prob_BV = made.next_log_prob(model, tokens_BL, length_B)
    first_B1 = torch.tensor([[answer[0]] for _, answer in pairs])
    assert lens == pytest.approx(log_prob_BV.gather(1, first_B1).exp().mean().item(), rel=1e-3)


def test_looking_and_asking_wake_no_dropout(tmp_path: Any) -> None:
    """A library model is opened without dropout, and is so after an exam and after gradients."""
    from tests.library_models import opened

    from bothways.evaluation.scoring import evaluate
    from bothways.mechanisms.gradient_alignment import GradientAlignment

    exam = world(24)
    _, objective, tokenizer = fresh(exam, "causal")
    _, model = opened("gpt2", tmp_path)
    evaluate(model, objective, exam=exam, tokenizer=tokenizer, length=12)
    GradientAlignment(max_pairs=2, rates=())(model, objective, tokenizer, exam)
    assert not [name for name, module in model.named_modules() if module.training]
