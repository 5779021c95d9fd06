"""One budget for every method: so many steps that all read as many tokens, what is asked before a step included."""

from typing import Any

import pytest
from tests.small_base import write_base

ARMS = (
    "causal",
    "in_place_masking",
    "masked_finetuning",
    "masked_finetuning:mask=entity",
    "masked_finetuning:mask=adaptive",
)


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """The steps that each arm has."""
    from bothways.arms import parse_arm
    from bothways.facts.exam import ExamConfig, make_exam
    from bothways.facts.worlds.relations import Relations
    from bothways.injection.recipe import equal_cost, injection_recipe

    facts = Relations(n_entities=12, n_relations=1).make(0)
    base = write_base(tmp_path_factory.mktemp("base"), [f"{name}'s mentor is {name}" for name in facts.entities])
    exam: Any = make_exam(facts, ExamConfig(max_candidates=4), 0)
    recipe = injection_recipe(base, exam, n_weights=1000, chat=False)
    arms = [parse_arm(arm) for arm in ARMS]
    settings = equal_cost(arms, recipe, exam)
    return {arm.name: settings(arm).training.steps for arm in arms}


def test_rows_twice_as_long_have_half_the_steps(steps: dict[str, int]) -> None:
    """Next-token prediction keeps the recipe's steps, and masks in place cost nothing more."""
    from bothways.injection.recipe import FEWEST_STEPS

    assert FEWEST_STEPS == steps["causal"] == steps["in_place_masking"]
    assert 0.4 * FEWEST_STEPS < steps["masked_finetuning"] < 0.6 * FEWEST_STEPS
    assert steps["masked_finetuning"] == steps["masked_finetuning:mask=entity"]


def test_asking_the_model_before_a_step_is_paid_for(steps: dict[str, int]) -> None:
    adaptive, entity = steps["masked_finetuning:mask=adaptive"], steps["masked_finetuning:mask=entity"]
    assert adaptive == pytest.approx(0.75 * entity, abs=1)
