"""What a model shows of its inside is what it computes with."""

import math

import pytest


def shown(**options):
    """Return a small transformer and a few rows."""
    import torch

    from bothways.models.transformer import TransformerConfig

    config = TransformerConfig(d_model=16, n_heads=2, d_mlp=32, max_length=8, **options)
    return config.build(20, seed=0), torch.randint(6, 20, (3, 7), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("positions", ["none", "learned", "rotary", "alibi"])
def test_the_last_stream_through_the_lens_is_the_hidden_vector(positions: str, causal: bool) -> None:
    """Embedding, one stream a block, one matrix of scores a block; blind places score -inf."""
    import torch

    model, tokens_BL = shown(positions=positions)
    trace = model.trace(tokens_BL, causal=causal)
    assert (3, 2) == (len(trace.stream), len(trace.score))
    assert torch.allclose(model.lens(trace.stream[-1]), model.hidden(tokens_BL, causal=causal), atol=1e-5)
    ahead_LL = torch.ones(7, 7).triu(1).bool()
    assert all(bool(score[..., ahead_LL].isinf().all()) == causal for score in trace.score)


def test_scores_and_what_is_read_follow_from_the_head_maps() -> None:
    """Without positions and biases, scores are q.k over the normed stream, and a block adds what its heads read."""
    import torch
    from torch.nn import functional as F

    model, tokens_BL = shown(positions="none", n_layers=1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("norm.weight"):
                parameter.mul_(1.5)
        trace, maps = model.trace(tokens_BL, causal=False), model.head_maps(0)
        normed_BLD = F.layer_norm(trace.stream[0], (16,))
        query, key = (torch.einsum("bld,hkd->bhlk", normed_BLD, m) for m in (maps.query_HKD, maps.key_HKD))
        score_BHLL = query @ key.mT / math.sqrt(8)
        assert torch.allclose(score_BHLL, trace.score[0], atol=1e-5)
        read = torch.einsum("bhlm,bmd,hkd,hek->ble", score_BHLL.softmax(-1), normed_BLD, maps.value_HKD, maps.out_HDK)
        block = model.blocks[0]
        after_BLD = trace.stream[0] + read
        inner = block.activation(F.linear(F.layer_norm(after_BLD, (16,)) * 1.5, block.mlp_in.weight))
        assert torch.allclose(after_BLD + F.linear(inner, block.mlp_out.weight), trace.stream[1], atol=1e-4)


def test_a_gradient_is_cut_into_what_its_weights_are_for() -> None:
    """Nothing is lost or counted twice, and the three thirds of qkv go to where they belong."""
    model, _ = shown()
    roles: dict[str, int] = {"routing": 0, "storage": 0, "other": 0}
    for name, parameter in model.named_parameters():
        for role, part in model.part_of(name, parameter).items():
            roles[role] += part.numel()
    assert sum(roles.values()) == sum(p.numel() for p in model.parameters())
    assert roles["routing"] == 2 * (2 * 16 * 16 + 2 * 16)
    assert roles["storage"] == 2 * (16 * 16 + 16 + 16 * 16 + 16) + 20 * 16


def test_a_model_without_a_look_inside_says_so() -> None:
    """One sentence, not a traceback of torch."""
    from tests.worlds import uniform_model

    from bothways.errors import BothwaysError

    model, (_, tokens_BL) = uniform_model(20), shown()
    with pytest.raises(BothwaysError, match="shows no attention weights"):
        model.trace(tokens_BL, causal=True)
