"""Options of masked diffusion: masks read left to right, and entities that are never hidden."""

from typing import Any

import pytest


def make(**options: Any) -> Any:
    from bothways.objectives.masked_diffusion import MaskedDiffusion

    return MaskedDiffusion(**options)


def two_entities() -> Any:
    """Rows of begin, an entity of two tokens, a word, an entity, a word, end."""
    import torch

    from bothways.tensors import Batch

    tokens_BL = torch.tensor([[1, 7, 8, 9, 10, 11, 2]]).repeat(500, 1)
    entity_BL = torch.tensor([[-1, 0, 0, -1, 1, -1, -1]]).repeat(500, 1)
    return Batch(tokens_BL, tokens_BL > 1, entity_BL, torch.arange(500))


@pytest.mark.parametrize(("keep", "places"), [("none", []), ("first", [1, 2]), ("last", [4])])
@pytest.mark.parametrize("mask", ["token", "entity"])
def test_a_kept_entity_is_never_hidden_and_all_else_is(keep: str, places: list[int], mask: str) -> None:
    import torch

    prepared = make(keep=keep, mask=mask).prepare(two_entities(), torch.Generator().manual_seed(0))
    hidden_L = (prepared.input_BL == 3).any(0)
    assert [0, *places] == (~hidden_L).nonzero()[:, 0].tolist()
    assert (prepared.weight_BL[:, places] == 0).all()


def test_the_first_entity_is_the_first_in_reading_order() -> None:
    """A rewritten text may name its entities in another order than they are numbered; a text may name none."""
    import torch

    from bothways.objectives.masking import kept
    from bothways.tensors import Batch

    tokens_BL = torch.tensor([[1, 7, 9, 8, 2], [1, 7, 9, 8, 2]])
    entity_BL = torch.tensor([[-1, 1, -1, 0, -1], [-1, -1, -1, -1, -1]])
    batch = Batch(tokens_BL, tokens_BL > 1, entity_BL, torch.arange(2))
    assert [[0, 1, 0, 0, 0], [0] * 5] == kept(batch, "first").int().tolist()
    assert [[0, 0, 0, 1, 0], [0] * 5] == kept(batch, "last").int().tolist()


def test_causal_masks_are_trained_and_asked_left_to_right() -> None:
    """What follows a hidden token is not seen: in training, in every way of asking, and in the bound."""
    import torch

    from bothways.models.transformer import TransformerConfig
    from bothways.objectives.branches import masked_tree_log_prob
    from bothways.trees import Branches, grow

    model = (
        TransformerConfig(d_model=16, n_heads=2, d_mlp=32, max_length=8, positions="none")
        .build(20, 0)
        .requires_grad_(False)
    )
    full, causal = make(), make(attention="causal")
    batch = two_entities()
    generator = torch.Generator().manual_seed(0)
    assert causal.prepare(batch, generator).causal and not full.prepare(batch, generator).causal
    rows_BL, length_B = batch.tokens_BL[:2], torch.tensor([2, 3])
    assert causal.reading(model, rows_BL, length_B).causal
    asked_BL = torch.zeros_like(rows_BL, dtype=torch.bool)
    asked_BL[:, 4:6] = True
    first = torch.tensor([[1, 7, 8, 9, 3]])  # what follows the asked place need not be there
    short = model(first, causal=True)[0, -1].log_softmax(-1)[10]
    assert torch.allclose(short, causal.log_prob(model, rows_BL, asked_BL)[0, 4], atol=1e-5)
    assert not torch.allclose(short, full.log_prob(model, rows_BL, asked_BL)[0, 4], atol=1e-2)
    tree, _ = grow([([1, 7, 8, 9], Branches.of([[10, 11], [12, 2]]))])
    by_row_N = super(type(causal), causal).tree_log_prob(model, tree, 7)
    assert by_row_N == pytest.approx(causal.tree_log_prob(model, tree, 7), abs=1e-5)
    assert by_row_N != pytest.approx(masked_tree_log_prob(model, tree, 7), abs=1e-2)
    bounds = [one.log_prob_bound(model, rows_BL[0], range(4, 5)).item() for one in (full, causal)]
    assert bounds[1] == pytest.approx(short.item(), abs=1e-5)
    assert bounds[0] != pytest.approx(bounds[1], abs=1e-2)
