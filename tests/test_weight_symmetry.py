"""A penalty on asymmetric weights: its gradient, in packs too, and that it leaves everything else as it is."""

from pathlib import Path
from typing import Any

import pytest


def prepared_batches(n: int) -> list[Any]:
    import torch
    from tests.worlds import random_batch

    from bothways.objectives.causal import Causal

    return [Causal().prepare(random_batch(8, seed=s), torch.Generator()) for s in range(n)]


def build(name: str, seed: int) -> Any:
    from bothways.registry import lookup

    options = {"transformer": {"d_model": 48, "n_heads": 2, "d_mlp": 32}, "bilinear": {"d_model": 24, "std": 0.3}}
    return lookup("models", name)(**options[name]).build(20, seed)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", ["transformer", "bilinear"])
def test_the_gradient_is_that_of_the_loss_and_of_the_asymmetry(name: str, precision: Any) -> None:
    """Of every member of a pack its own; the loss that is written down stays that of the text."""
    import torch

    from bothways.training.learner import Learner

    models, given = [build(name, s) for s in range(3)], prepared_batches(3)
    pulled = Learner(models, [(1e-3, 0.0)] * 3, precision, symmetry=0.7)
    plain = Learner([build(name, s) for s in range(3)], [(1e-3, 0.0)] * 3, precision)
    assert torch.equal(plain.loss(given).mean, pulled.loss(given).mean)
    for s in range(3):
        model = build(name, s)
        added = torch.autograd.grad(0.7 * model.asymmetry(), list(model.parameters()), materialize_grads=True)
        flat_W = torch.cat([part.flatten() for part in added])
        assert flat_W.abs().max() > 1e-3
        assert torch.allclose(pulled.gradient_PW[s] - plain.gradient_PW[s], flat_W, atol=1e-6, rtol=1e-3)


def test_theta_becomes_symmetric() -> None:
    """A strong pull wins over the text; without one Θ stays what it was drawn as."""
    from bothways.training.learner import Learner

    left = []
    for symmetry in (0.0, 20.0):
        model = build("bilinear", 0)
        learner = Learner([model], [(1e-2, 0.0)], symmetry=symmetry)
        for _ in range(150):
            learner.loss(prepared_batches(1))
            learner.step(1.0, 1e9)
        left.append(model.asymmetry().item())
    assert left[1] < 0.05 < 0.5 < left[0]


def test_the_mitigation_sets_the_pull_and_runs_of_two_strengths_share_no_pack() -> None:
    """Everything else of the configuration stays; arms are written by name."""
    from dataclasses import replace

    from bothways.arms import parse_arm
    from bothways.config import RunConfig
    from bothways.errors import BothwaysError
    from bothways.runs import Planned
    from bothways.sweeps.packs import shape

    base = RunConfig()
    plain, weak, strong = (
        parse_arm(arm).config(base, 0) for arm in ("causal", "weight_symmetry:strength=0.5", "weight_symmetry")
    )
    assert (0.0, 0.5, 1.0) == tuple(config.training.symmetry for config in (plain, weak, strong))
    assert plain == replace(weak, training=replace(weak.training, symmetry=0.0))
    planned = [Planned("r", "a", 0, c, Path("r"), {}, Path("e"), (1, 1)) for c in (plain, weak, strong)]
    assert 3 == len({shape(one) for one in planned})
    with pytest.raises(BothwaysError, match="strength must be above 0"):
        parse_arm("weight_symmetry:strength=0")
    with pytest.raises(BothwaysError, match="symmetry must be at least 0"):
        replace(base.training, symmetry=-1.0)


def test_a_tiny_run_under_the_pull_is_the_same_alone_and_in_company() -> None:
    """To the byte: the penalty is made member by member."""
    import torch

    from bothways.models.transformer import TransformerConfig
    from bothways.training.learner import Learner

    def trained(seeds: list[int]) -> Any:
        models = [TransformerConfig(d_model=16, n_heads=2, d_mlp=32).build(20, s) for s in seeds]
        learner = Learner(models, [(1e-2, 0.0)] * len(seeds), symmetry=1.0)
        for _ in range(5):
            learner.loss([prepared_batches(3)[s] for s in seeds])
            learner.step(1.0, 1.0)
        return learner.weights_PW

    together = trained([0, 1, 2])
    assert all(torch.equal(trained([s])[0], together[s]) for s in range(3))
