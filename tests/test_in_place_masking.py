"""Masks in what is read, and every next token predicted all the same."""

from typing import Any

import pytest
from tests.test_masked_finetuning import batch_of
from tests.worlds import random_batch


def prepare(batch: Any, seed: int = 0, **options: Any) -> Any:
    import torch

    from bothways.objectives.in_place_masking import InPlaceMasking

    return InPlaceMasking(**options).prepare(batch, torch.Generator().manual_seed(seed))


def test_what_is_predicted_and_counted_is_that_of_next_token_prediction() -> None:
    """Only what is read differs, by masks in the text at the given share."""
    import torch

    from bothways.objectives.causal import Causal
    from bothways.tensors import SPECIAL

    batch = random_batch(3000)
    ours, plain = prepare(batch), Causal().prepare(batch, torch.Generator())
    assert torch.equal(plain.target_BL, ours.target_BL)
    assert torch.equal(plain.weight_BL, ours.weight_BL)
    hidden_BL = ours.input_BL == SPECIAL.mask
    assert torch.equal(plain.input_BL[~hidden_BL], ours.input_BL[~hidden_BL])
    assert not bool(hidden_BL[~batch.target_BL[:, :-1]].any())
    assert 0.15 == pytest.approx(float(hidden_BL.sum() / batch.target_BL[:, :-1].sum()), abs=0.01)


def test_rate_0_is_next_token_prediction() -> None:
    import torch

    from bothways.objectives.causal import Causal

    batch = random_batch()
    assert torch.equal(Causal().prepare(batch, torch.Generator()).input_BL, prepare(batch, rate=0.0).input_BL)


def test_plain_rows_and_what_is_given_are_read_as_they_stand() -> None:
    batch = batch_of([7, 8], [9, 9, 9], given=([17], []), plain=[False, True])
    rows = prepare(batch, rate=1.0).input_BL.tolist()
    assert [[1, 17, 3, 3], [1, 9, 9, 9]] == rows


def test_whole_entities_are_masked_together() -> None:
    from bothways.tensors import SPECIAL

    hidden_BL = prepare(random_batch(500), mask="entity", rate=0.5).input_BL == SPECIAL.mask
    assert bool((hidden_BL[:, 2] == hidden_BL[:, 3]).all())
    assert 0 < float(hidden_BL[:, 2].float().mean()) < 1


def test_a_rate_outside_0_to_1_is_refused() -> None:
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=r"^rate must be between 0 and 1, got rate=-0\.1"):
        prepare(random_batch(), rate=-0.1)
