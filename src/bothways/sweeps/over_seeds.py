"""The mean of one cell of a sweep, and its interval over seeds.

Axis letters of this file: S seeds.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import special, stats

from bothways.errors import BothwaysError
from bothways.evaluation.statistics import Interval, check_level, wilson

Numbers = Sequence[float] | Sequence[int] | np.ndarray


def over_seeds(values_S: Numbers, n: int | None = None, level: float = 0.95) -> Interval:
    """Return the mean over seeds and Student's interval, made as `evaluation/statistics.py` makes its own.

    - A share (`n` is given): on the scale of log-odds, so that it stays inside [0, 1].
    - Shares that are the same in every seed: Wilson's interval of one seed's questions. Seeds that agree show
      no spread, yet other seeds and other questions might.
    - Anything else: on the scale of the values; none where they are all the same.
    - One seed: none, for nothing is known of the spread.

    An interval that cannot be given reaches from minus to plus infinity.

    Args:
        values_S: one value per seed; shares in [0, 1] where `n` is given.
        n: questions behind each share, at least 1; None for values that are no shares.
        level: confidence, in (0, 1).

    Raises:
        BothwaysError: there is no value, one is not finite, or a share is outside [0, 1].

    Source: Student, Biometrika 6 (1908), 1-25; the log-odds' standard error by the delta method.

    >>> found = over_seeds([0.2, 0.3, 0.4], n=100)
    >>> round(found.mean, 2), round(found.low, 2), round(found.high, 2)
    (0.3, 0.12, 0.58)
    """
    values = np.asarray(values_S, dtype=np.float64)
    check_values(values, n is not None)
    check_level(level)
    mean = float(values.mean())
    if len(values) < 2:
        return Interval(mean, -np.inf, np.inf)
    error = float(values.std(ddof=1)) / np.sqrt(len(values))
    if np.ptp(values) == 0:
        return Interval(mean, *((-np.inf, np.inf) if n is None else wilson(round(mean * n), n, level)))
    reach = student(len(values) - 1, level) * error
    if n is None:
        return Interval(mean, mean - reach, mean + reach)
    centre, reach = special.logit(mean), reach / (mean * (1 - mean))
    return Interval(mean, float(special.expit(centre - reach)), float(special.expit(centre + reach)))


def difference_over_seeds(first_S: Numbers, second_S: Numbers, n: int, level: float = 0.95) -> Interval:
    """Return the mean difference of two shares over seeds, and Student's interval of the differences, seed by seed.

    Where the difference is the same in every seed nothing is known of its spread: the interval is then that of two
    shares of n questions each.

    Args:
        first_S: one share per seed.
        second_S: what is subtracted from it.
        n: questions behind each share, of all seeds together.
        level: confidence, in (0, 1).

    Source: Newcombe, Statistics in Medicine 17 (1998), 873-890, method 10, for differences that are the same.

    >>> found = difference_over_seeds([1.0, 1.0], [1.0, 1.0], n=100)
    >>> round(found.low, 3), round(found.high, 3)
    (-0.037, 0.037)
    """
    first, second = np.asarray(first_S, dtype=np.float64), np.asarray(second_S, dtype=np.float64)
    check_values(first, True)
    check_values(second, True)
    difference = first - second
    if np.ptp(difference) > 0:
        return over_seeds(difference, None, level)
    one, other = float(first.mean()), float(second.mean())
    (low, high), (low2, high2) = (wilson(round(share * n), n, level) for share in (one, other))
    down = float(np.hypot(one - low, high2 - other))
    up = float(np.hypot(high - one, other - low2))
    return Interval(one - other, one - other - down, one - other + up)


@lru_cache(maxsize=256)
def student(freedom: int, level: float) -> float:
    """Return how many standard errors a two-sided interval reaches to each side."""
    return float(stats.t.ppf((1 + level) / 2, freedom))


def check_values(values: np.ndarray, shares: bool) -> None:
    """Refuse values that no mean can be taken of, and shares that are none."""
    if values.ndim != 1 or len(values) == 0 or not np.isfinite(values).all():
        raise BothwaysError(
            f"A cell needs one finite value per seed, got {values.tolist()}. Leave out what was not measured."
        )
    if shares and not ((values >= 0) & (values <= 1)).all():
        raise BothwaysError(f"Shares must lie in [0, 1], got {values.tolist()}. Give no n for values that are none.")
