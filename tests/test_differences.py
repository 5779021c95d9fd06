"""Differences of two shares over seeds, and how claims read them."""

import math
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("first", "second", "n", "low", "high"),
    [
        (0.9, 0.3, 10, 0.1705, 0.8090),  # a row of Newcombe's table II
        (0.8, 0.6, 100, 0.0731, 0.3185),
        (1.0, 0.0, 10, 0.6075, 1.0),
        (1.0, 1.0, 100, -0.0370, 0.0370),
        (0.0, 0.0, 10, -0.2775, 0.2775),
    ],
)
def test_differences_that_all_seeds_share_have_newcombes_interval(
    first: float, second: float, n: int, low: float, high: float
) -> None:
    """Computed by hand from Wilson's ends; turning the shares round turns the interval."""
    from bothways.sweeps.over_seeds import difference_over_seeds

    found = difference_over_seeds([first] * 3, [second] * 3, n)
    assert (first - second, low, high) == pytest.approx((found.mean, found.low, found.high), abs=6e-5)
    turned = difference_over_seeds([second] * 3, [first] * 3, n)
    assert (-found.mean, -found.high, -found.low) == pytest.approx((turned.mean, turned.low, turned.high))


def test_differences_of_seeds_have_students_interval() -> None:
    """0.4, 0.2 and 0.6: t = 4.302653 at two degrees of freedom, standard error 0.2 / sqrt(3)."""
    from bothways.sweeps.over_seeds import difference_over_seeds

    found = difference_over_seeds([0.9, 0.7, 0.8], [0.5, 0.5, 0.2], 300)
    reach = 4.302653 * 0.2 / math.sqrt(3)
    assert (0.4, 0.4 - reach, 0.4 + reach) == pytest.approx((found.mean, found.low, found.high), abs=1e-6)


@pytest.mark.parametrize("values", [[0.5, 1.5], [-0.1, 0.0], [math.nan, 0.5], []])
def test_what_is_no_share_is_refused(values: list[float]) -> None:
    from bothways.errors import BothwaysError
    from bothways.sweeps.over_seeds import difference_over_seeds

    fine = [0.5] * len(values)
    for first, second in ((values, fine), (fine, values)):
        with pytest.raises(BothwaysError, match=r"^(Shares must lie|A cell needs one finite value)"):
            difference_over_seeds(first, second, 10)


def evidence(**computed: list[float]) -> Any:
    """Evidence of computations by name."""
    from bothways.studies.evidence import Evidence

    return Evidence({}, {name: [{"value": value} for value in values] for name, values in computed.items()})


def measured(region: Any, n: int = 100, **computed: list[float]) -> Any:
    """What the difference of the computations `first` and `second` is measured to be."""
    from bothways.studies.claims import measure
    from bothways.studies.readings import computed as read
    from bothways.studies.readings import difference

    asked = difference("the gap", region, read("first", "value"), read("second", "value"), n)
    return measure(asked, evidence(**computed))


def test_a_part_may_be_a_difference_of_shares() -> None:
    """Where all seeds agree its interval is as wide as the questions of all seeds leave it."""
    from bothways.studies.claims import Region
    from bothways.sweeps.over_seeds import difference_over_seeds

    equal = Region(-0.05, 0.05)
    same = measured(equal, first=[1.0, 1.0, 1.0], second=[1.0, 1.0, 1.0])
    assert difference_over_seeds([1.0] * 3, [1.0] * 3, 300) == same.interval
    assert ("reproduced", 3) == (same.verdict, same.seeds)
    assert "partly" == measured(equal, n=10, first=[1.0, 1.0, 1.0], second=[1.0, 1.0, 1.0]).verdict
    apart = measured(equal, first=[1.0, 0.9, 1.0], second=[0.0, 0.0, 0.1])
    assert "contradicted" == apart.verdict
    assert apart.interval.mean == pytest.approx((2.9 - 0.1) / 3)


def test_a_difference_without_its_second_half_is_not_decided() -> None:
    """Of a claim that reads two groups, one alone says nothing."""
    from bothways.studies.claims import Region

    half = measured(Region(low=0.0), first=[1.0, 1.0])
    assert ("not_testable", "the computation 'second' was not made") == (half.verdict, half.why)


def test_readings_are_put_together_seed_by_seed() -> None:
    from bothways.studies.readings import computed as read
    from bothways.studies.readings import mean, total

    made = evidence(one=[0.1, 0.2], two=[0.3, 0.6])
    both = read("one", "value"), read("two", "value")
    assert [0.2, 0.4] == pytest.approx(mean(*both)(made))
    assert [0.4, 0.8] == pytest.approx(total(*both)(made))
    with pytest.raises(ValueError, match="shorter"):
        mean(*both)(evidence(one=[0.1, 0.2], two=[0.3]))
