"""What the training-dynamics paper leaves open: attention without a softmax, and blocks without a residual."""

from typing import Any

import pytest

FORMS: list[dict[str, Any]] = [{"attention": "linear"}, {"residual": False}, {"attention": "linear", "residual": False}]


def model_of(seed: int = 0, **options: Any) -> Any:
    from bothways.models.transformer import TransformerConfig

    return TransformerConfig(d_model=16, n_heads=2, d_mlp=32, max_length=300, **options).build(20, seed)


@pytest.mark.parametrize("options", FORMS)
def test_the_form_changes_what_is_computed_and_not_what_is_seen(options: dict[str, Any]) -> None:
    """Other hidden vectors from the same weights; what stands later is still not read, and a long row is no other."""
    import torch

    tokens_BL = torch.randint(6, 20, (2, 280), generator=torch.Generator().manual_seed(0))
    plain, other = model_of(), model_of(**options)
    other.load_state_dict(plain.state_dict())
    short_BLD = other.hidden(tokens_BL[:, :7], causal=True)
    assert not torch.allclose(short_BLD, plain.hidden(tokens_BL[:, :7], causal=True), atol=1e-2)
    assert torch.allclose(short_BLD, other.hidden(tokens_BL, causal=True)[:, :7], atol=1e-4)
    last = other.trace(tokens_BL[:, :7], causal=True).stream[-1]
    assert torch.allclose(other.lens(last), short_BLD, atol=1e-5)


@pytest.mark.parametrize("options", FORMS)
def test_a_pack_knows_the_forms(options: dict[str, Any]) -> None:
    """Loss and gradient of every member are those it has alone."""
    import torch
    from tests.worlds import random_batch

    from bothways.objectives.causal import Causal
    from bothways.training.learner import Learner

    prepared = [Causal().prepare(random_batch(8, seed=s), torch.Generator()) for s in range(2)]
    packed = Learner([model_of(s, **options) for s in range(2)], [(1e-3, 0.0)] * 2)
    loss = packed.loss(prepared)
    for s in range(2):
        model = model_of(s, **options)
        logits = model(prepared[s].input_BL, causal=True)
        mean = torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), prepared[s].target_BL.flatten(), reduction="none"
        )
        expected = (mean * prepared[s].weight_BL.flatten()).sum() / prepared[s].weight_BL.sum()
        assert torch.allclose(expected, loss.mean[s], rtol=1e-5)
