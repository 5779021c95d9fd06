"""A coin for each batch: next-token prediction, or masked tokens restored from both sides, one place early."""

from pathlib import Path
from typing import Any

import pytest
from tests.worlds import random_batch, small_config


def make(**options: Any) -> Any:
    from bothways.objectives.bidirectional_causal import BidirectionalCausal

    return BidirectionalCausal(**options)


def prepare(batch: Any, seed: int = 0, **options: Any) -> Any:
    import torch

    return make(**options).prepare(batch, torch.Generator().manual_seed(seed))


def test_without_restoring_it_is_next_token_prediction() -> None:
    """The same loss to the last digit: the last place of a row is read and counts nowhere."""
    import torch

    from bothways.cross_entropy import weighted_cross_entropy
    from bothways.models.transformer import TransformerConfig
    from bothways.objectives.causal import Causal

    batch, model = random_batch(), TransformerConfig(d_model=16, n_heads=2, d_mlp=16).build(20, 0)
    ours, plain = prepare(batch, restored=0.0), Causal().prepare(batch, torch.Generator())
    assert ours.causal
    losses = [float(weighted_cross_entropy(model, one).mean.detach()) for one in (ours, plain)]
    assert losses[0] == losses[1]


def test_a_masked_token_is_restored_one_place_early() -> None:
    """Only masked tokens count, each where the token before it stands, and all of the row is seen."""
    import torch

    from bothways.tensors import SPECIAL

    batch = random_batch(2000)
    made = prepare(batch, restored=1.0)
    assert not made.causal
    hidden_BL = made.input_BL == SPECIAL.mask
    assert torch.equal(hidden_BL[:, 1:], made.weight_BL[:, :-1] == 1)
    assert 0 == int(made.weight_BL[:, -1].sum())
    assert torch.equal(batch.tokens_BL[:, 1:], made.target_BL[:, :-1])
    assert torch.equal(batch.tokens_BL[~hidden_BL], made.input_BL[~hidden_BL])
    assert not bool((hidden_BL & (batch.tokens_BL == SPECIAL.end)).any())
    n_words = int(batch.target_BL.sum()) - len(batch.tokens_BL)
    assert 0.15 == pytest.approx(float(hidden_BL.sum()) / n_words, abs=0.01)


def test_a_coin_is_thrown_for_each_batch() -> None:
    batch = random_batch()
    kinds = [prepare(batch, seed, restored=0.3).causal for seed in range(400)]
    assert 0.7 == pytest.approx(sum(kinds) / 400, abs=0.06)


def test_whole_entities_are_masked_together() -> None:
    from bothways.tensors import SPECIAL

    hidden_BL = prepare(random_batch(500), restored=1.0, rate=0.5, mask="entity").input_BL == SPECIAL.mask
    assert bool((hidden_BL[:, 2] == hidden_BL[:, 3]).all())
    assert 0 < float(hidden_BL[:, 2].float().mean()) < 1


@pytest.mark.parametrize("option", ["restored", "rate"])
def test_a_share_outside_0_to_1_is_refused(option: str) -> None:
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=f"^{option} must be between 0 and 1, got {option}=2"):
        make(**{option: 2.0})


def test_its_runs_have_no_company_in_a_pack(tmp_path: Path) -> None:
    """Two runs may read their next batches in different ways, and a pack reads them in one."""
    from bothways.arms import parse_arm
    from bothways.runs import Planned
    from bothways.sweeps.packs import make_tasks

    base = small_config("model.d_model=20", "model.n_heads=1")

    def sizes(arm: str) -> list[int]:
        runs = [
            Planned(f"r{n}", arm, n, parse_arm(arm).config(base, n), tmp_path / f"r{n}", {}, tmp_path) for n in range(3)
        ]
        return [len(task.runs) for task in make_tasks(runs)]

    assert [3] == sizes("causal")
    assert [1, 1, 1] == sizes("bidirectional_causal")
