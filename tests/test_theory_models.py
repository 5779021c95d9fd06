"""The models of theory and the recurrent one: what they compute, alone and in packs, and how they learn."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

SHAPES = {
    "bilinear": {"d_model": 24, "std": 0.3},
    "pairwise": {"attention_rate": 0.5},
    "gru": {"d_model": 48, "n_layers": 2},
}


def build(name: str, n_tokens: int = 20, seed: int = 0, **options: Any) -> Any:
    """Return a small model; the tables of a pairwise one are filled, for it starts from zero."""
    import torch

    from bothways.registry import lookup

    model = lookup("models", name)(**{**SHAPES[name], **options}).build(n_tokens, seed)
    if name == "pairwise":
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.normal_(generator=torch.Generator().manual_seed(seed))
    return model


@pytest.mark.parametrize("name", SHAPES)
def test_a_pack_of_models_computes_what_they_compute_alone(name: str) -> None:
    """Loss and gradient of every member, whose fixed embeddings are its own too."""
    import torch
    from tests.worlds import random_batch

    from bothways.objectives.causal import Causal
    from bothways.training.learner import Learner

    prepared = [Causal().prepare(random_batch(8, seed=s), torch.Generator()) for s in range(3)]
    packed = Learner([build(name, seed=s) for s in range(3)], [(1e-3, 0.01)] * 3)
    loss = packed.loss(prepared)
    assert len(set(loss.mean.tolist())) == 3
    for s in range(3):
        lone = Learner([build(name, seed=s)], [(1e-3, 0.01)])
        assert torch.allclose(lone.loss(prepared[s : s + 1]).mean, loss.mean[s], rtol=1e-5)
        assert torch.allclose(lone.gradient_PW[0], packed.gradient_PW[s], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", SHAPES)
def test_a_model_reads_no_later_token(name: str) -> None:
    """Logits do not change with what follows, and a call that is not causal is refused in one sentence."""
    import torch

    from bothways.errors import BothwaysError

    model, tokens_BL = build(name), torch.randint(6, 20, (3, 5), generator=torch.Generator().manual_seed(0))
    assert torch.allclose(model(tokens_BL, causal=True)[:, :3], model(tokens_BL[:, :3], causal=True), atol=1e-6)
    with pytest.raises(BothwaysError, match=r"left to right\. Train it with objective causal"):
        model(tokens_BL, causal=False)


@pytest.mark.parametrize("name", SHAPES)
def test_a_saved_model_is_the_same_model(name: str, tmp_path: Path) -> None:
    """Fixed embeddings are saved with it, and what is built anew from the seed takes them over."""
    import torch

    from bothways.models.store import load_model, save_model
    from bothways.registry import lookup

    model, tokens_BL = build(name, seed=5), torch.arange(6, 20)[None]
    save_model(model, lookup("models", name)(**SHAPES[name]), tmp_path, {})
    loaded, _ = load_model(tmp_path)
    assert torch.equal(loaded(tokens_BL, causal=True), model(tokens_BL, causal=True))


def test_a_bilinear_logit_is_x_theta_y() -> None:
    """Of single tokens, whatever stood before; and the map that is looked at is Θ itself."""
    import torch

    model = build("bilinear")
    expected_VV = torch.einsum("vd,de,we->vw", model.embed, model.theta, model.embed)
    tokens_BL = torch.tensor([[1, 7, 9], [1, 9, 9]])
    logits_BLV = model(tokens_BL, causal=True)
    assert torch.allclose(logits_BLV[:, -1], expected_VV[[9, 9]], atol=1e-5)
    assert torch.equal(model.token_maps()["theta"].left_NK, model.theta)
    assert ["theta"] == [name for name, _ in model.named_parameters()]


def test_bilinear_embeddings_are_nearly_of_length_one() -> None:
    """Their numbers are drawn from N(0, 1/d), so that different ones are nearly orthogonal."""
    model = build("bilinear", 50, d_model=1000)
    gram_VV = model.embed @ model.embed.T
    assert float((gram_VV.diagonal() - 1).abs().max()) < 0.2
    assert float(gram_VV.fill_diagonal_(0.0).abs().max()) < 0.2


@pytest.mark.parametrize("reads_query", [True, False])
def test_a_pairwise_model_computes_its_formula(reads_query: bool) -> None:
    """Logits are Yᵀ LN(Xᵀ b), the begin token left out; b is the softmax of the query's row of Z."""
    import torch

    model = build("pairwise", reads_query=reads_query)
    logits_V = model(torch.tensor([[1, 7, 8, 9]]), causal=True)[0, -1]
    seen = [7, 8, 9] if reads_query else [7, 8]
    share = model.looks[9, seen].softmax(-1)
    expected_V = (share / share.norm()) @ model.calls.T[seen]
    assert torch.allclose(logits_V, expected_V, atol=1e-5)
    maps = model.token_maps(torch.tensor([7, 9]))
    assert torch.equal((maps["Y"].left_NK @ maps["Y"].right_NK.T)[0, 1], model.calls[9, 7])
    assert torch.equal((maps["Z"].left_NK @ maps["Z"].right_NK.T)[0, 1], model.looks[7, 9])


def test_a_token_with_nothing_to_read_calls_for_nothing() -> None:
    """After the begin token alone every token is equally likely, and no gradient is lost to a division by zero."""
    import torch

    model = build("pairwise")
    logits_BLV = model(torch.tensor([[1, 7]]), causal=True)
    logits_BLV.sum().backward()
    assert not logits_BLV[0, 0].any()
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters())


def test_attention_learns_at_a_share_of_the_rate() -> None:
    """The gradient of Z is scaled, Y's is not, and the logits are the same."""
    import torch

    tokens_BL, grads = torch.tensor([[1, 7, 8], [1, 9, 8]]), []
    for rate in (1.0, 0.25):
        model = build("pairwise", attention_rate=rate)
        logits_BLV = model(tokens_BL, causal=True)
        logits_BLV[:, -1].square().sum().backward()
        grads.append((model.looks.grad, model.calls.grad, logits_BLV.detach()))
    (looks, calls, logits), (slow_looks, same_calls, same_logits) = grads
    assert looks.abs().max() > 0
    assert torch.allclose(slow_looks, 0.25 * looks)
    assert torch.allclose(same_calls, calls)
    assert torch.allclose(same_logits, logits)


def test_the_recurrent_layer_is_that_of_torch() -> None:
    """After its norm, with the weights copied over."""
    import torch

    from bothways.models.gru import Layer

    torch.manual_seed(0)
    layer, theirs, x_BLD = Layer(12), torch.nn.GRU(12, 12, batch_first=True), torch.randn(3, 5, 12)
    weights = {"weight_ih_l0": layer.read.weight, "weight_hh_l0": layer.recall.weight}
    biases = {"bias_ih_l0": layer.read.bias, "bias_hh_l0": layer.recall.bias}
    theirs.load_state_dict({**weights, **biases})
    assert torch.allclose(layer(x_BLD), theirs(torch.nn.functional.layer_norm(x_BLD, (12,)))[0], atol=1e-5)


@pytest.mark.parametrize("name", ["bilinear", "pairwise"])
def test_reading_trees_gives_the_same_scores(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What branches share is read once, or row by row: the same log-probabilities."""
    import numpy as np

    from bothways.evaluation.scoring import answer_log_probs
    from bothways.objectives.causal import Causal

    model = build(name).requires_grad_(False)
    pairs = [([1, 7, 8], [9, 10]), ([1, 7, 8], [9, 11, 2]), ([1, 8], [9])]
    trees = answer_log_probs(model, Causal(), pairs, 8)
    monkeypatch.setattr(type(model), "reads_trees", lambda self, width: False)
    np.testing.assert_allclose(trees, answer_log_probs(model, Causal(), pairs, 8), rtol=1e-5)


def theory_config(model: Any, **training: Any) -> Any:
    """Return the settings of gradient flow: whole batches, a constant rate, no decay, no clipping."""
    from bothways.batches.batches import BatchConfig
    from bothways.config import RunConfig
    from bothways.objectives.causal import Causal
    from bothways.training.loop import TrainingConfig

    flow = {"optimizer": "sgd", "learning_rate": 4.0, "warmup": 0.0, "final": 1.0, "clip": 1e9, "weight_decay": 0.0}
    return RunConfig(
        objective=Causal(count="last_entity"),
        model=model,
        batches=BatchConfig(batch_size=23),
        training=TrainingConfig(**{**flow, "steps": 200, "measurements": 4, **training}),
    )


@pytest.mark.parametrize("name", ["bilinear", "pairwise"])
def test_what_is_stated_is_learned_and_its_reverse_is_not(name: str, tmp_path: Path) -> None:
    """The theorems in small: pairs of single tokens under gradient descent, in the ordinary pipeline."""
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.facts.worlds.pairs import Pairs
    from bothways.mechanisms.answers import Answers
    from bothways.pipeline import run
    from bothways.registry import lookup

    exam = make_exam(Pairs(n=12, n_tested=1).make(0), ExamConfig(dev=0.0), 0)
    model = lookup("models", name)(**({"d_model": 400} if name == "bilinear" else {}))
    config = replace(theory_config(model), watch=(Answers(),))
    done = run(config, exam, tmp_path / "run", {"run_id": "a", "arm": "causal", "seed": 0})
    last = json.loads((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()[-1])["watched"]["answers"]
    assert last["stated_nll"] < 0.2
    assert last["reverse_tested_nll"] > 2.5
    assert {1.0} == {s.rank for s in done.scores if exam.queries[s.query].kind == "forward"}


@pytest.mark.parametrize("name", ["bilinear", "pairwise"])
def test_symmetric_weights_answer_what_was_never_stated(name: str, tmp_path: Path) -> None:
    """The asymmetry of the map is the curse of these models: under the pull the untold order is the first answer."""
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.facts.worlds.pairs import Pairs
    from bothways.mechanisms.weight_asymmetry import WeightAsymmetry
    from bothways.pipeline import run
    from bothways.registry import lookup

    exam = make_exam(Pairs(n=12, n_tested=1).make(0), ExamConfig(dev=0.0), 0)
    model = lookup("models", name)(**({"d_model": 100} if name == "bilinear" else {}))
    ranks, asymmetry = list[float](), list[float]()
    for strength in (0.0, 0.1):
        config = theory_config(model, optimizer="adamw", learning_rate=0.01, symmetry=strength, measurements=1)
        config = replace(config, probes=(WeightAsymmetry(),))
        done = run(config, exam, tmp_path / str(strength), {"run_id": "a", "arm": "causal", "seed": 0})
        ranks += [s.rank for s in done.scores if exam.queries[s.query].kind == "reverse_tested"]
        found = json.loads((done.folder / "result.json").read_text())["findings"][0]["numbers"]
        asymmetry.append(found["theta" if name == "bilinear" else "Y"])
    assert ranks[1] == 1.0 < 5.0 < ranks[0]
    assert asymmetry[1] < asymmetry[0] / 2


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("bilinear", {"d_model": 0}, "d_model must be at least 1"),
        ("bilinear", {"std": -1.0}, "std must be at least 0"),
        ("pairwise", {"attention_rate": 2.0}, r"attention_rate must be in \[0, 1\]"),
        ("gru", {"n_layers": 0}, "n_layers must be at least 1"),
    ],
)
def test_a_shape_that_cannot_be_is_refused(name: str, options: dict[str, Any], message: str) -> None:
    from bothways.errors import BothwaysError
    from bothways.registry import lookup

    with pytest.raises(BothwaysError, match=message):
        lookup("models", name)(**options)


@pytest.mark.parametrize("n_tested", [0, 9])
def test_a_world_of_pairs_tests_some_of_them(n_tested: int) -> None:
    from bothways.errors import BothwaysError
    from bothways.facts.worlds.pairs import Pairs

    with pytest.raises(BothwaysError, match="n_tested must be between 1 and n"):
        Pairs(n=8, n_tested=n_tested)
