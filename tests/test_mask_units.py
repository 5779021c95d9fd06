"""Tokens are hidden one by one, an entity's all together, or either, as each row draws."""

from typing import Any

import pytest
from tests.worlds import random_batch

MASKED = ("masked_diffusion", "masked_lm", "any_order")
N = 4000


def scores(unit: str, seed: int = 0) -> Any:
    """The draws of some rows, whose third and fourth tokens are one entity."""
    import torch

    from bothways.objectives.masking import draw_scores

    return draw_scores(random_batch(N), unit, torch.Generator().manual_seed(seed))  # type: ignore[arg-type]


def test_each_row_draws_whether_names_are_hidden_whole() -> None:
    """A row is wholly of one unit: half of the rows as `entity` draws them, the others as `token` does."""
    token, entity, either = (scores(unit) for unit in ("token", "entity", "either"))
    whole = (either == entity).all(1)
    single = (either == token).all(1)
    assert bool((whole ^ single).all())
    assert 0.46 < float(whole.float().mean()) < 0.54
    assert bool((either[whole, 2] == either[whole, 3]).all())
    assert bool((either[single, 2] != either[single, 3]).any())


def test_the_unit_of_a_row_has_nothing_to_do_with_its_draws() -> None:
    """Else one unit would be trained at other rates than the other."""
    token, entity, either = (scores(unit) for unit in ("token", "entity", "either"))
    whole = (either == entity).all(1)
    for rows in (whole, ~whole):
        assert 0.47 < float(token[rows, 2].mean()) < 0.53


def test_units_are_drawn_from_the_seed_alone() -> None:
    assert bool((scores("either", 1) == scores("either", 1)).all())
    assert bool((scores("either", 1) != scores("either", 2)).any())


@pytest.mark.parametrize("name", MASKED)
def test_an_objective_hides_names_whole_or_in_part(name: str) -> None:
    """With `either` some rows hide half a name, fewer than with `token`; with `entity` none does."""
    import torch

    from bothways.registry import lookup
    from bothways.tensors import SPECIAL

    def torn(unit: str) -> float:
        objective = lookup("objectives", name)(mask=unit)
        prepared = objective.prepare(random_batch(N), torch.Generator().manual_seed(0))
        hidden_BL = prepared.input_BL == SPECIAL.mask
        return float((hidden_BL[:, 2] != hidden_BL[:, 3]).float().mean())

    assert 0 == torn("entity") < torn("either") < torn("token")
    assert 0.5 == pytest.approx(torn("either") / torn("token"), abs=0.15)


@pytest.mark.parametrize("name", MASKED)
def test_an_arm_may_name_the_unit(name: str) -> None:
    from bothways.arms import parse_arm
    from bothways.config import RunConfig

    assert "either" == parse_arm(f"{name}:mask=either").config(RunConfig(), 0).objective.mask
