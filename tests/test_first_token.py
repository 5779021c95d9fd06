"""Causal rows that begin with one token: a wide model reads it once for many rows, and nothing else changes."""

import pytest


def build(**options):
    from bothways.models.transformer import TransformerConfig

    return TransformerConfig(n_layers=2, d_model=256, n_heads=4, d_mlp=64, max_length=8, **options).build(9, 0)


def rows(first=(1,)):
    """Return eight rows of five tokens, which begin with these in turn."""
    import torch

    tokens_BL = torch.randint(2, 9, (8, 5), generator=torch.Generator().manual_seed(0))
    tokens_BL[:, 0] = torch.tensor(first).repeat(8 // len(first))
    return tokens_BL


def read(model, tokens_BL, causal=True):
    """Return the hidden vectors, the gradient of their squares, and how many tokens the first block saw."""
    import torch

    seen = []
    handle = model.blocks[0].register_forward_pre_hook(lambda _, given: seen.append(given[0][..., 0].numel()))
    hidden_BLD = model.hidden(tokens_BL, causal=causal)
    handle.remove()
    weight = torch.linspace(-1, 1, hidden_BLD.numel()).view(hidden_BLD.shape)
    return (
        hidden_BLD,
        torch.autograd.grad((weight * hidden_BLD).sum(), list(model.parameters()), materialize_grads=True),
        seen[0],
    )


OPTIONS = [
    {},
    *({"positions": p} for p in ("none", "rotary", "alibi")),
    {"attention": "linear"},
    {"storage": "by_side"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: str(*options.values()) or "learned")
def test_a_shared_first_token_is_read_once(options, monkeypatch):
    """One token and eight times four instead of forty: the same vectors and gradients."""
    import torch

    from bothways.models import transformer

    model = build(**options)
    hidden_BLD, gradients, seen = read(model, rows())
    monkeypatch.setattr(transformer, "WIDE", 512)
    plain_BLD, plain_gradients, plain_seen = read(model, rows())
    assert (1 + 8 * 4, 40) == (seen, plain_seen)
    torch.testing.assert_close(hidden_BLD, plain_BLD, rtol=1e-4, atol=1e-5)
    for gradient, plain in zip(gradients, plain_gradients, strict=True):
        torch.testing.assert_close(gradient, plain, rtol=1e-3, atol=1e-4)


def test_only_what_all_rows_share_is_read_once():
    """Not where first tokens differ, nor where a first token sees what follows it."""
    model = build()
    assert [40, 40] == [read(model, rows((1, 2)))[2], read(model, rows(), causal=False)[2]]


def test_models_of_a_pack_share_among_their_own_rows():
    """Each with its own weights: what a model by itself makes of its rows."""
    import torch

    from bothways.models.transformer import TransformerConfig
    from bothways.objectives.causal import Causal
    from bothways.tensors import Batch
    from bothways.training.learner import Learner

    config = TransformerConfig(n_layers=2, d_model=256, n_heads=4, d_mlp=64, max_length=8)
    batches = [
        Batch(tokens_BL, tokens_BL > 1, torch.full_like(tokens_BL, -1), torch.arange(8))
        for tokens_BL in (rows(), rows().flip(0))
    ]
    prepared = [Causal().prepare(batch, torch.Generator()) for batch in batches]
    pack = Learner([config.build(9, seed) for seed in (0, 1)], [(0.01, 0.0)] * 2)
    pack.loss(prepared)
    for n, one in enumerate(prepared):
        alone = Learner([config.build(9, n)], [(0.01, 0.0)])
        alone.loss([one])
        torch.testing.assert_close(pack.gradient_PW[n], alone.gradient_PW[0], rtol=1e-3, atol=1e-5)
