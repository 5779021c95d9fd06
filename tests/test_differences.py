"""Differences of two shares over seeds, and how claims read them."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("first", "second", "n", "low", "high"),
    [
        (56 / 70, 48 / 80, None, 0.0524, 0.3339),
        (9 / 10, 3 / 10, 10, 0.1705, 0.8090),
        (5 / 56, 0.0, None, -0.0381, 0.1926),
        (10 / 10, 0.0, None, 0.6075, 1.0),
        (1.0, 1.0, 100, -0.0370, 0.0370),
        (0.0, 0.0, 10, -0.2775, 0.2775),
    ],
)
def test_shares_that_are_the_same_in_every_seed_have_newcombes_interval(
    first: float, second: float, n: int | None, low: float, high: float
) -> None:
    """Of method 10 where both shares have as many questions; the paper's own rows have not, and are left to it."""
    from bothways.sweeps.over_seeds import difference_over_seeds

    if n is None:
        pytest.fail("rows of the paper have two numbers of questions")
    found = difference_over_seeds([first] * 3, [second] * 3, n)
    assert (first - second, low, high) == pytest.approx((found.mean, found.low, found.high), abs=6e-5)
