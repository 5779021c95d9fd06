"""Known answers: quantities whose value is clear without running anything."""

import itertools
import math

import pytest
from tests.worlds import random_batch, uniform_model

from bothways.registry import names

OBJECTIVES = names("objectives")


def make(objective: str, **options):
    from bothways.registry import lookup

    return lookup("objectives", objective)(**options)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_uniform_model_costs_log_vocabulary(name):
    """Whatever is predicted from what, a model that knows nothing pays log V nats for each token."""
    import torch

    from bothways.cross_entropy import weighted_cross_entropy

    batch = random_batch(2000)
    loss = weighted_cross_entropy(uniform_model(20), make(name).prepare(batch, torch.Generator().manual_seed(0)))
    assert float(loss.unweighted_ce) == pytest.approx(math.log(20), abs=1e-5)
    assert float(loss.mean.detach()) == pytest.approx(math.log(20), rel=0.03)  # weights of any_order average to one


@pytest.mark.parametrize("normalisation", ["row", "hidden", "tokens"])
@pytest.mark.parametrize("weighting", ["mean", "inverse_rate"])
def test_diffusion_weightings_agree_on_a_uniform_model(weighting, normalisation):
    """1/t over all tokens is an unbiased bound, and every normalised mean is a mean of the same nats."""
    import torch

    from bothways.cross_entropy import weighted_cross_entropy

    half = (weighting, normalisation) == ("mean", "tokens")  # half of the tokens are hidden, all are divided by
    expected = math.log(20) / (2 if half else 1)
    objective = make("masked_diffusion", weighting=weighting, normalisation=normalisation)
    prepared = objective.prepare(random_batch(20_000), torch.Generator().manual_seed(1))
    assert float(weighted_cross_entropy(uniform_model(20), prepared).mean.detach()) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_filling_never_counts(name):
    """What follows the first end token is read, and never predicted."""
    import torch

    from bothways.tensors import SPECIAL

    batch = random_batch()
    prepared = make(name).prepare(batch, torch.Generator().manual_seed(0))
    counts_BL = prepared.weight_BL > 0
    ends_BL = prepared.target_BL == SPECIAL.end
    assert not bool((counts_BL & ends_BL & (ends_BL.cumsum(1) > 1)).any())
    assert bool((counts_BL.sum(1) <= batch.target_BL.sum(1)).all())


@pytest.mark.parametrize("name", ["masked_diffusion", "masked_lm", "any_order"])
def test_whole_entities_are_masked_together(name):
    """With unit entity, all tokens of an entity are hidden or none is."""
    import torch

    from bothways.tensors import SPECIAL

    prepared = make(name, mask="entity").prepare(random_batch(500), torch.Generator().manual_seed(0))
    hidden_BL = prepared.input_BL == SPECIAL.mask
    assert bool((hidden_BL[:, 2] == hidden_BL[:, 3]).all())
    assert 0 < float(hidden_BL[:, 2].float().mean()) < 1


def tiny_model(seed: int = 0, positions: str = "learned", n_tokens: int = 9, **options):
    import torch

    from bothways.models.transformer import TransformerConfig

    config = TransformerConfig(d_model=16, n_heads=2, d_mlp=32, max_length=8, positions=positions, **options)
    model = config.build(n_tokens, seed).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2.0)  # far from uniform
    return model


@pytest.mark.parametrize("name", OBJECTIVES)
def test_probabilities_of_all_answers_sum_to_one(name):
    """Brute force over every answer that fits the row, with its end token, and every one that fills the row."""
    import torch

    from bothways.evaluation.scoring import answer_log_probs
    from bothways.tensors import SPECIAL

    model, length, prompt = tiny_model(), 4, [SPECIAL.begin, 7]
    words = [token for token in range(9) if token != SPECIAL.end]
    finished = [[*w, SPECIAL.end] for n in (0, 1) for w in itertools.product(words, repeat=n)]
    unfinished = [list(w) for w in itertools.product(words, repeat=2)]
    pairs = [(prompt, answer) for answer in (*finished, *unfinished)]
    with torch.inference_mode():
        total = answer_log_probs(model, make(name), pairs, length).exp().sum()
    assert float(total) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_completion_is_the_greedy_path_of_log_prob(name):
    """What a model writes is what its own probabilities choose, token by token, whatever the batch."""
    import torch

    from bothways.objectives.answering import complete
    from bothways.tensors import SPECIAL

    model, objective = tiny_model(3), make(name)
    prompts = torch.tensor([[SPECIAL.begin, 6, 7], [SPECIAL.begin, 8, 6]])
    rows = torch.cat([prompts, torch.full((2, 4), SPECIAL.end)], 1)
    with torch.inference_mode():
        both = complete(lambda t, n: objective.next_log_prob(model, t, n), rows, torch.tensor([3, 3]))
        alone = complete(lambda t, n: objective.next_log_prob(model, t, n), rows[1:], torch.tensor([3]))
        assert both[1].tolist() == alone[0].tolist()
        first = objective.next_log_prob(model, rows, torch.tensor([3, 3])).argmax(-1)
    assert both[:, 3].tolist() == first.tolist()


def test_diffusion_bound_equals_the_mean_over_all_orders():
    """The bound is what the chain rule gives on average over every order of the answer's tokens."""
    import torch

    from bothways.objectives.masked_diffusion import MaskedDiffusion
    from bothways.tensors import SPECIAL

    model, row = tiny_model(5), torch.tensor([SPECIAL.begin, 6, 7, 8, SPECIAL.end])
    places, nats = range(1, 4), []
    with torch.inference_mode():
        for order in itertools.permutations(places):
            total = 0.0
            for i, place in enumerate(order):
                seen = row.clone()
                seen[list(order[i:])] = SPECIAL.mask
                total += float(model(seen[None], causal=False)[0].log_softmax(-1)[place, row[place]])
            nats.append(total)
        bound = float(MaskedDiffusion().log_prob_bound(model, row, places))
    assert bound == pytest.approx(sum(nats) / len(nats), abs=1e-5)


@pytest.mark.parametrize("positions", ["none", "learned", "rotary", "alibi"])
@pytest.mark.parametrize("causal", [True, False])
def test_causal_is_an_argument_of_the_call(positions, causal):
    """A later token changes what stands before it only when the call is not causal."""
    import torch

    model = tiny_model(1, positions)
    one, other = torch.tensor([[1, 6, 7, 8]]), torch.tensor([[1, 6, 7, 6]])
    with torch.inference_mode():
        same = torch.equal(model(one, causal=causal)[0, :3], model(other, causal=causal)[0, :3])
    assert same == causal


@pytest.mark.parametrize("positions", ["none", "alibi"])
def test_mirrored_rows_mirror_the_logits(positions):
    """Without positions, or with a symmetric bias, reading a row backwards gives the same logits backwards."""
    import torch

    model, row = tiny_model(2, positions), torch.tensor([[6, 7, 8, 6, 7]])
    with torch.inference_mode():
        there, back = model(row, causal=False), model(row.flip(1), causal=False).flip(1)
    assert torch.allclose(there, back, atol=1e-5)


def test_ours_equals_hugging_face_gpt2():
    """With GPT-2's settings and weights our transformer is GPT-2, but for the exact GELU, to 1e-5."""
    import torch
    import transformers

    from bothways.models.transformer import TransformerConfig

    config = TransformerConfig(d_model=32, n_heads=4, d_mlp=128, tied=True, activation="gelu", max_length=16)
    ours = config.build(50, 0).eval()
    theirs = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=50,
            n_positions=16,
            n_embd=32,
            n_layer=2,
            n_head=4,
            n_inner=128,
            bos_token_id=1,
            eos_token_id=2,
            activation_function="gelu",
        )
    ).eval()
    state = {
        "transformer.wte.weight": ours.embed,
        "transformer.wpe.weight": ours.position,
        "lm_head.weight": ours.embed,
    }
    state |= {f"transformer.ln_f.{part}": getattr(ours.norm, part) for part in ("weight", "bias")}
    homes = {"ln_1": "attention_norm", "attn.c_attn": "qkv", "attn.c_proj": "attention_out"}
    homes |= {"ln_2": "mlp_norm", "mlp.c_fc": "mlp_in", "mlp.c_proj": "mlp_out"}
    for n, block in enumerate(ours.blocks):
        for home, name in homes.items():
            module = getattr(block, name)
            weight = module.weight if "ln" in home else module.weight.T
            state |= {f"transformer.h.{n}.{home}.weight": weight, f"transformer.h.{n}.{home}.bias": module.bias}
    theirs.load_state_dict({name: value.detach() for name, value in state.items()}, strict=True)
    tokens = torch.randint(0, 50, (3, 12), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.allclose(ours(tokens, causal=True), theirs(tokens).logits, atol=1e-5)
