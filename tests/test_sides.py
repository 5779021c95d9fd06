"""Models whose attention has weights of its own for each side of the reader, and models without an MLP."""

import math
from typing import Any

import pytest

CUTS = pytest.mark.parametrize(
    ("routing", "storage"), [("by_side", "shared"), ("shared", "by_side"), ("by_side", "by_side")]
)
POSITIONS = pytest.mark.parametrize("positions", ["none", "learned", "rotary", "alibi"])


def config(**options: Any) -> Any:
    """A shape of width 48, too wide to be computed as a pack when alone."""
    from bothways.models.transformer import TransformerConfig

    return TransformerConfig(**{"d_model": 48, "n_heads": 2, "d_mlp": 32, "max_length": 8, **options})


def rows() -> Any:
    import torch

    return torch.randint(6, 20, (4, 7), generator=torch.Generator().manual_seed(0))


def stripe(parameter: Any, n: int) -> Any:
    return parameter.data[48 * n : 48 * (n + 1)]


def give_both_sides_the_weights_of(model: Any, shared: Any) -> None:
    """Copy a shared model into one with sides, each side getting the same."""
    import torch

    sided = dict(model.named_parameters())
    for name, parameter in shared.named_parameters():
        if ".qkv." in name:
            routes, stores = ((1 + (one == "by_side")) for one in (model.config.routing, model.config.storage))
            thirds = [stripe(parameter, n) for n in range(3)]
            sided[name].data.copy_(torch.cat([*(thirds[:2] * routes), *(thirds[2:] * stores)]))
        elif name.endswith("attention_out.weight"):
            sided[name].data.copy_(parameter.data.repeat(1, sided[name].shape[1] // 48))
        else:
            sided[name].data.copy_(parameter.data)


@CUTS
@POSITIONS
def test_two_sides_of_equal_weights_are_a_shared_model(routing: Any, storage: Any, positions: str) -> None:
    """And a causal reader never needs the right side, whatever it holds."""
    import torch

    shared = config(positions=positions).build(20, 0)
    sided = config(positions=positions, routing=routing, storage=storage).build(20, 1)
    give_both_sides_the_weights_of(sided, shared)
    for causal in (False, True):
        expected = shared.hidden(rows(), causal=causal)
        assert torch.allclose(expected, sided.hidden(rows(), causal=causal), atol=1e-5)
    with torch.no_grad():
        for block in sided.blocks:
            for n in {*block.thirds(1)} - {*block.thirds(0)}:
                stripe(block.qkv.weight, n).normal_()
            block.attention_out.weight[:, 48:].normal_()
    assert torch.allclose(shared.hidden(rows(), causal=True), sided.hidden(rows(), causal=True), atol=1e-5)
    assert not torch.allclose(shared.hidden(rows(), causal=False), sided.hidden(rows(), causal=False), atol=1e-2)


@CUTS
@POSITIONS
def test_what_such_a_model_shows_is_what_it_computes_with(routing: Any, storage: Any, positions: str) -> None:
    import torch

    model = config(positions=positions, routing=routing, storage=storage).build(20, 0)
    for causal in (False, True):
        trace = model.trace(rows(), causal=causal)
        assert torch.allclose(model.lens(trace.stream[-1]), model.hidden(rows(), causal=causal), atol=1e-5)


@CUTS
def test_scores_and_what_is_read_follow_from_the_maps_of_each_side(routing: Any, storage: Any) -> None:
    """One block of attention alone, biases 0: scores and the stream after it, by hand from the two sides' maps."""
    import torch
    from torch.nn import functional as F

    model = config(positions="none", routing=routing, storage=storage, n_layers=1, d_mlp=0).build(20, 0)
    with torch.no_grad():
        model.blocks[0].attention_norm.weight.mul_(1.5)
        trace = model.trace(rows(), causal=False)
        normed_BLD = F.layer_norm(trace.stream[0], (48,))
        right_LL = torch.ones(7, 7).triu(1).bool()
        maps = model.head_maps(0), model.head_maps(0, "right")
        score_2 = [
            torch.einsum("bld,hkd,hke,bme->bhlm", normed_BLD, m.query_HKD, m.key_HKD, normed_BLD) / math.sqrt(24)
            for m in maps
        ]
        score_BHLL = torch.where(right_LL, score_2[1], score_2[0])
        assert torch.allclose(score_BHLL, trace.score[0], atol=1e-4)
        weight_BHLL = score_BHLL.softmax(-1)
        read = [
            torch.einsum("bhlm,bmd,hkd,hek->ble", weight_BHLL * seen_LL, normed_BLD, m.value_HKD, m.out_HDK)
            for m, seen_LL in zip(maps, (~right_LL, right_LL), strict=True)
        ]
        assert torch.allclose(trace.stream[0] + read[0] + read[1], trace.stream[1], atol=1e-4)


def test_the_maps_tell_a_query_with_its_bias_and_how_places_turn_it() -> None:
    """With the norm's shift, the layer's bias and rotary angles, the score of any pair follows from the maps."""
    import torch
    from torch.nn import functional as F

    model = config(positions="rotary", n_layers=1).build(20, 0)
    with torch.no_grad():
        model.blocks[0].attention_norm.bias.normal_()
        model.blocks[0].qkv.bias[:48].normal_()
        trace, maps = model.trace(rows(), causal=False), model.head_maps(0)
        normed_BLD = F.layer_norm(trace.stream[0], (48,))
        query_BHLK = torch.einsum("bld,hkd->bhlk", normed_BLD, maps.query_HKD) + maps.query_bias_HK[:, None]
        bias_HK = (model.blocks[0].qkv.weight @ model.blocks[0].attention_norm.bias).view(3, 2, 24)[1]
        key_BHLK = torch.einsum("bld,hkd->bhlk", normed_BLD, maps.key_HKD) + bias_HK[:, None]
        q_BHI2, k_BHI2 = (x[:, :, at].unflatten(-1, (2, 12)).mT for x, at in ((query_BHLK, 5), (key_BHLK, 2)))
        cos_I, sin_I = (3 * maps.turn_I).cos(), (3 * maps.turn_I).sin()
        turned_BHI2 = torch.stack(
            [q_BHI2[..., 0] * cos_I - q_BHI2[..., 1] * sin_I, q_BHI2[..., 0] * sin_I + q_BHI2[..., 1] * cos_I], -1
        )
        score_BH = (turned_BHI2 * k_BHI2).sum((-1, -2)) / math.sqrt(24)
        assert torch.allclose(score_BH, trace.score[0][:, :, 5, 2], atol=1e-4)


@CUTS
def test_every_weight_has_its_part(routing: Any, storage: Any) -> None:
    model = config(routing=routing, storage=storage).build(20, 0)
    found = {"routing": 0, "storage": 0, "other": 0}
    for name, parameter in model.named_parameters():
        for role, part in model.part_of(name, parameter).items():
            found[role] += part.numel()
    assert sum(found.values()) == sum(p.numel() for p in model.parameters())
    routes, stores = 1 + (routing == "by_side"), 1 + (storage == "by_side")
    assert found["routing"] == 2 * routes * (2 * 48 * 48 + 2 * 48)
    assert found["storage"] == 2 * (stores * (2 * 48 * 48 + 48) + 48) + 20 * 48


@CUTS
@pytest.mark.parametrize("d_mlp", [32, 0])
def test_a_pack_of_them_computes_what_its_models_compute(routing: Any, storage: Any, d_mlp: int) -> None:
    import torch
    from tests.worlds import random_batch

    from bothways.objectives.masked_diffusion import MaskedDiffusion
    from bothways.training.learner import Learner

    shape = config(positions="rotary", routing=routing, storage=storage, d_mlp=d_mlp)
    prepared = [MaskedDiffusion().prepare(random_batch(8), torch.Generator().manual_seed(s)) for s in range(3)]
    packed = Learner([shape.build(20, s) for s in range(3)], [(1e-3, 0.01)] * 3)
    loss = packed.loss(prepared)
    for s in range(3):
        lone = Learner([shape.build(20, s)], [(1e-3, 0.01)])
        assert torch.allclose(lone.loss(prepared[s : s + 1]).mean, loss.mean[s], rtol=1e-5)
        assert torch.allclose(lone.gradient_PW[0], packed.gradient_PW[s], rtol=1e-4, atol=1e-6)


def test_without_an_mlp_a_block_has_none() -> None:
    from bothways.errors import BothwaysError

    assert not [name for name, _ in config(d_mlp=0).build(20, 0).named_parameters() if "mlp" in name]
    with pytest.raises(BothwaysError, match="d_mlp must be at least 0, got d_mlp=-1"):
        config(d_mlp=-1)
