"""Probes of the training-dynamics study, on models whose weights say what must be found."""

import math
from pathlib import Path
from typing import Any

import pytest


def small_exam(n: int = 12, n_tested: int = 4) -> Any:
    """Return an exam of single-token pairs and its tokenizer."""
    from bothways.batches.tokenizers import TokenizerConfig, fit_tokenizer
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.facts.worlds.pairs import Pairs
    from bothways.text.corpus import TextConfig, write_corpus

    exam = make_exam(Pairs(n=n, n_tested=n_tested).make(0), ExamConfig(dev=0.0, isolated=0.99), 0)
    return exam, fit_tokenizer(write_corpus(exam, TextConfig(), 0), exam, TokenizerConfig())


def pairwise_that_knows(exam: Any, tokenizer: Any, unseen: float = 0.0) -> Any:
    """Return a pairwise model in which every stated order is worth 5, and the unstated ones `unseen`."""
    import torch

    from bothways.models.pairwise import PairwiseConfig

    model = PairwiseConfig().build(tokenizer.n_tokens, 0)
    with torch.no_grad():
        for fact in exam.facts.facts:
            head, tail = (tokenizer.entity_pieces(name)[0][0] for name in (fact.head, fact.tail))
            model.calls[tail, head] = 5.0
            model.calls[head, tail] = 5.0 if fact.stated == "both" else unseen
    return model


@pytest.mark.parametrize("tokens", [None, [6, 9, 11]])
def test_asymmetry_is_that_of_the_whole_map(tokens: list[int] | None) -> None:
    """Made from thin factors or from the map itself: the same number, for every map of a transformer."""
    import torch

    from bothways.models.transformer import TransformerConfig

    model = TransformerConfig(d_model=16, n_heads=2, d_mlp=32).build(40, 0)
    chosen_N = None if tokens is None else torch.tensor(tokens)
    rows = torch.arange(40) if chosen_N is None else chosen_N
    maps = model.token_maps(chosen_N)
    assert ["direct", "value 0", "attention 0", "value 1", "attention 1"] == list(maps)
    for one in maps.values():
        map_NN = one.left_NK @ one.right_NK.T
        assert (len(rows), len(rows)) == map_NN.shape
        expected = (map_NN - map_NN.T).square().sum() / map_NN.square().sum()
        assert torch.allclose(expected, one.asymmetry(), rtol=1e-3)
    heads = model.head_maps(1)
    key, query = heads.key_HKD @ model.embed[rows[0]], heads.query_HKD @ model.embed[rows[2]]
    sought_NN = maps["attention 1"].left_NK @ maps["attention 1"].right_NK.T
    assert torch.allclose((key * query).sum(), sought_NN[2, 0], atol=1e-4)
    read_D = torch.einsum("hdk,hke,e->d", heads.out_HDK, heads.value_HKD, model.embed[rows[0]])
    stored_NN = maps["value 1"].left_NK @ maps["value 1"].right_NK.T
    assert torch.allclose(model.unembedding[rows[2]] @ read_D, stored_NN[0, 2], atol=1e-4)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen2"])
def test_the_maps_of_library_models_are_made_of_their_weights(kind: str, tmp_path: Path) -> None:
    """By their embeddings and heads alone."""
    import torch
    from tests.library_models import opened

    _, model = opened(kind, tmp_path)
    maps = model.token_maps(torch.tensor([7, 9, 8]))
    assert ["direct", "value 0", "attention 0", "value 1", "attention 1"] == list(maps)
    embedding_VD = model.embedding_VD
    output_VD = model.model.get_output_embeddings().weight
    direct_NN = maps["direct"].left_NK @ maps["direct"].right_NK.T
    assert torch.allclose(embedding_VD[7] @ output_VD[8], direct_NN[0, 2], rtol=1e-4)
    heads = model.head_maps(1)
    read_D = torch.einsum("hdk,hke,e->d", heads.out_HDK, heads.value_HKD, embedding_VD[9])
    stored_NN = maps["value 1"].left_NK @ maps["value 1"].right_NK.T
    assert torch.allclose(output_VD[7] @ read_D, stored_NN[1, 0], rtol=1e-3, atol=1e-3)


def test_embeddings_of_another_width_than_the_stream_are_refused() -> None:
    """In one sentence, not a traceback of torch."""
    import torch

    from bothways.errors import BothwaysError
    from bothways.models.gru import Gru, GruConfig

    class Narrow(Gru):
        @property
        def embedding_VD(self) -> torch.Tensor:
            return torch.zeros(20, 50)

    model = Narrow(GruConfig(d_model=16), 20, torch.Generator())
    with pytest.raises(BothwaysError, match="another width than its stream"):
        model.token_maps()


@pytest.mark.parametrize(("sign", "expected"), [(1.0, 0.0), (-1.0, 4.0)])
@pytest.mark.parametrize("width", [3, 30])
def test_asymmetry_of_known_maps(sign: float, expected: float, width: int) -> None:
    """A symmetric map has 0, one that turns its signs round has 4, in both ways of counting; nothing has 0."""
    import torch

    from bothways.tensors import TokenMap

    a, b = (torch.randn(20, width, generator=torch.Generator().manual_seed(s)) for s in range(2))
    both = TokenMap("storage", torch.cat([a, sign * b], 1), torch.cat([b, a], 1))
    assert both.asymmetry().item() == pytest.approx(expected, abs=1e-4)
    nothing = torch.zeros(20, width, requires_grad=True)
    TokenMap("storage", nothing, b).asymmetry().backward()
    assert nothing.grad is not None
    assert bool(nothing.grad.isfinite().all())


def test_asymmetry_tells_who_was_stated_one_way() -> None:
    """Weights that know every pair both ways are symmetric; each pair that they know one way adds its share."""
    from bothways.mechanisms.weight_asymmetry import WeightAsymmetry
    from bothways.objectives.causal import Causal

    exam, tokenizer = small_exam()
    n_one = sum(fact.stated != "both" for fact in exam.facts.facts)
    assert 4 == n_one
    for unseen, apart in ((5.0, 0.0), (0.0, 2 * n_one)):
        model = pairwise_that_knows(exam, tokenizer, unseen)
        found = WeightAsymmetry()(model, Causal(), tokenizer, exam)
        stated = 2 * len(exam.facts.facts) - (n_one if unseen == 0 else 0)
        assert math.sqrt(apart / stated) == pytest.approx(found.numbers["Y"], abs=1e-6)
        assert {"Y", "Z"} == set(found.numbers)


def test_a_bilinear_model_shows_theta() -> None:
    """The asymmetry is that of Θ, whatever the entities."""
    from bothways.mechanisms.weight_asymmetry import WeightAsymmetry
    from bothways.models.bilinear import BilinearConfig
    from bothways.objectives.causal import Causal

    exam, tokenizer = small_exam()
    model = BilinearConfig(d_model=16, std=1.0).build(tokenizer.n_tokens, 0)
    expected = ((model.theta - model.theta.T).norm() / model.theta.norm()).item()
    found = WeightAsymmetry()(model, Causal(), tokenizer, exam)
    assert {"theta": pytest.approx(expected, rel=1e-5)} == dict(found.numbers)


def test_the_weight_map_has_its_diagonals_where_they_were_put() -> None:
    """Train both ways and seen stand out, unseen does not; rows name their entity and partner."""
    from bothways.mechanisms.weight_map import WeightMap
    from bothways.objectives.causal import Causal

    exam, tokenizer = small_exam()
    found = WeightMap(max_pairs=6)(pairwise_that_knows(exam, tokenizer, unseen=-2.0), Causal(), tokenizer, exam)
    diagonals = {name: found.numbers[f"{name}_diagonal"] for name in ("train_forward", "train_backward", "seen")}
    assert {"train_forward": 5.0, "train_backward": 5.0, "seen": 5.0} == pytest.approx(diagonals)
    assert found.numbers["unseen_diagonal"] == pytest.approx(-2.0)
    assert found.numbers["unseen_z"] < 0 < found.numbers["seen_z"]
    sizes = {name: [len(r["logits"]) for r in found.table if r["map"] == name] for name in ("train_forward", "unseen")}
    assert {"train_forward": [6] * 6, "unseen": [4] * 4} == sizes
    unseen = next(row for row in found.table if row["map"] == "unseen")
    assert ("y00", "x00") == (unseen["input"], unseen["partner"])


@pytest.mark.parametrize("objective", ["causal", "masked_diffusion"])
def test_a_weight_map_holds_what_the_model_says_after_one_entity(objective: str) -> None:
    """Raw logits at the place an objective answers at, with nothing else in the row."""
    import torch

    from bothways.mechanisms.weight_map import WeightMap
    from bothways.models.transformer import TransformerConfig
    from bothways.registry import lookup

    exam, tokenizer = small_exam()
    model, made = (
        TransformerConfig(d_model=16, n_heads=2).build(tokenizer.n_tokens, 0),
        lookup("objectives", objective)(),
    )
    found = WeightMap()(model, made, tokenizer, exam)
    row = next(row for row in found.table if row["map"] == "train_forward")
    tokens = [[1, tokenizer.entity_pieces(row["input"])[0][0], 3]]
    causal = objective == "causal"
    logits_V = model(torch.tensor(tokens)[:, : 2 if causal else 3], causal=causal)[0, -1]
    assert row["logits"][0] == pytest.approx(logits_V[tokenizer.entity_pieces(row["partner"])[0][0]].item(), abs=1e-3)


def test_answers_are_counted_by_kind() -> None:
    """NLL of the answer alone, in nats; the stated side holds forward and stated reverse questions, in the test."""
    from bothways.mechanisms.answers import Answers
    from bothways.objectives.causal import Causal

    exam, tokenizer = small_exam()
    found = Answers()(pairwise_that_knows(exam, tokenizer), Causal(), tokenizer, exam)
    size = tokenizer.n_tokens
    known, guess = math.log(math.exp(5) + size - 1) - 5, math.log(size)
    assert found.numbers["forward_nll"] == pytest.approx(known, rel=1e-5)
    assert found.numbers["stated_nll"] == pytest.approx(known, rel=1e-5)
    assert found.numbers["reverse_tested_nll"] == found.numbers["unstated_nll"] == pytest.approx(guess, rel=1e-5)
    assert (1.0, 1.0) == (found.numbers["forward_rank"], found.numbers["forward_accuracy"])
    assert (12.5, 0.0) == (found.numbers["reverse_tested_rank"], found.numbers["reverse_tested_accuracy"])
    assert 12 == next(row["questions"] for row in found.table if row["kind"] == "forward")
    fewer = Answers(max_queries=5)(pairwise_that_knows(exam, tokenizer), Causal(), tokenizer, exam)
    assert 4 == next(row["questions"] for row in fewer.table if row["kind"] == "forward")


def test_embedding_cosines_of_all_tokens() -> None:
    """Of fixed random embeddings: small and shrinking with the width; of equal ones: 1."""
    import torch

    from bothways.mechanisms.embedding_cosine import EmbeddingCosine, apart
    from bothways.models.bilinear import BilinearConfig
    from bothways.objectives.causal import Causal

    exam, tokenizer = small_exam()
    means = [
        EmbeddingCosine()(BilinearConfig(d_model=d).build(tokenizer.n_tokens, 0), Causal(), tokenizer, exam).numbers
        for d in (16, 1600)
    ]
    assert means[1]["apart_mean"] < 0.03 < 0.1 < means[0]["apart_mean"] < means[0]["apart_max"]
    assert means[0]["apart_mean"] == pytest.approx(0.8 / 4, rel=0.2)
    assert (1.0, 1.0) == pytest.approx(apart(torch.ones(4, 3)))


def test_cosines_are_the_same_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large vocabulary is gone through a few rows at a time."""
    import torch

    from bothways.mechanisms import embedding_cosine

    vectors_ND = torch.randn(10, 4, generator=torch.Generator().manual_seed(0))
    whole = embedding_cosine.apart(vectors_ND)
    monkeypatch.setattr(embedding_cosine, "BLOCK", 3)
    assert whole == pytest.approx(embedding_cosine.apart(vectors_ND))


def test_the_least_epsilon_is_recovered() -> None:
    """Of curves made with one, exactly; of noisy ones, the largest that any moment asks for."""
    from bothways.mechanisms.reversal_bound import least_epsilon

    loss = [4.0, 2.0, 1.0, 0.1]
    assert least_epsilon(loss, [4.0 * (x / 4.0) ** 0.3 for x in loss]) == pytest.approx(0.3)
    asked = [math.log(0.5) / math.log(0.25), math.log(0.9) / math.log(0.025)]
    assert asked[0] > asked[1]
    assert least_epsilon([4.0, 1.0, 0.1], [4.0, 2.0, 3.6]) == pytest.approx(asked[0])


def test_a_reverse_loss_that_only_rises_asks_for_nothing() -> None:
    from bothways.mechanisms.reversal_bound import least_epsilon

    assert least_epsilon([4.0, 2.0, 1.0], [4.0, 5.0, 9.0]) == 0.0


@pytest.mark.parametrize(
    ("loss", "reverse"),
    [
        ([4.0, 4.0], [4.0, 3.9]),  # reversed before anything else was learned
        ([4.0, 4.5], [4.0, 3.9]),  # and while the rest was lost
        ([4.0, 2.0, 4.4], [4.0, 2.0, 4.1]),  # the middle asks for 1, the end allows a quarter
        ([4.0, 2.0], [4.0, 0.0]),
    ],
)
def test_curves_that_no_epsilon_fits(loss: list[float], reverse: list[float]) -> None:
    from bothways.mechanisms.reversal_bound import least_epsilon

    assert least_epsilon(loss, reverse) == math.inf


def test_more_training_loss_allows_what_the_reverse_has_gained() -> None:
    """Above its start the bound is turned round: ε may be at most what the reverse loss has risen by."""
    from bothways.mechanisms.reversal_bound import least_epsilon

    assert least_epsilon([4.0, 2.0, 8.0], [4.0, 4.0 * 0.5**0.2, 8.0]) == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("loss", "reverse"), [([1.0], []), ([], []), ([0.0], [1.0]), ([1.0], [0.0]), ([math.nan], [1.0])]
)
def test_curves_without_a_meaning_are_refused(loss: list[float], reverse: list[float]) -> None:
    from bothways.mechanisms.reversal_bound import least_epsilon

    with pytest.raises(ValueError, match=r"curves|loss"):
        least_epsilon(loss, reverse)
