"""Intervals and tests over seeds and queries.

Axis letters of this file: S seeds (runs of one arm), Q queries, G clusters of queries, N bootstrap draws.

A number of a comparison is the mean of a seeds x queries matrix, and it would have come out otherwise
with other seeds *and* with other entities. So both are resampled, and the queries of one cluster
(one component of the graph of facts) stay together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from bothways.errors import BothwaysError

BLOCK = 2**22
"""Most weights drawn at once: draws x clusters."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the interval that should cover the true one; infinite where nothing can be said."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one arm is from another on the same queries, with the same seeds."""

    mean: float
    """First arm minus second."""
    low: float
    high: float
    p: float
    """Two-sided, against no difference, in (0, 1]; not corrected for other comparisons (`holm`)."""
    equivalent: bool
    """Whether two one-sided tests at 5 % show that the arms differ by less than the margin."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How the mean of a matrix varies under crossed resampling."""

    mean: float
    error: float
    """Standard error, corrected for the small numbers of seeds and clusters."""
    freedom: float
    """Degrees of freedom of that error; 0 with one seed and one cluster."""
    means_N: np.ndarray
    """The mean in each bootstrap draw."""
    n_clusters: int

    def around(self, level: float) -> tuple[float, float]:
        """Return the Student interval."""
        if self.freedom == 0:
            return -np.inf, np.inf
        reach = stats.t.ppf((1 + level) / 2, self.freedom) * self.error
        return float(self.mean - reach), float(self.mean + reach)

    def around_share(self, level: float) -> tuple[float, float]:
        """Return the Student interval of a share strictly between 0 and 1, made on the scale of log-odds."""
        if self.freedom == 0:
            return 0.0, 1.0
        error = self.error / (self.mean * (1 - self.mean))
        reach = stats.t.ppf((1 + level) / 2, self.freedom) * error
        centre = special.logit(self.mean)
        return float(special.expit(centre - reach)), float(special.expit(centre + reach))


def wilson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's score interval of a share, which is of use for 0 of n and n of n too.

    Args:
        successes: how many of the n, in 0 to n.
        n: number of independent trials, at least 1.
        level: confidence, in (0, 1).

    Raises:
        BothwaysError: successes, n or level is out of range.

    Source: Wilson, J. Am. Stat. Assoc. 22 (1927), 209-212.

    >>> low, high = wilson(0, 10)
    >>> low, round(high, 4)
    (0.0, 0.2775)
    """
    check_level(level)
    if not 0 <= successes <= n or n < 1:
        raise BothwaysError(
            f"successes must lie in 0 to n with n at least 1, got successes={successes} and n={n}. Count again."
        )
    z2 = stats.norm.ppf((1 + level) / 2) ** 2
    share = successes / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = np.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    low = 0.0 if successes == 0 else float(centre - reach)
    high = 1.0 if successes == n else float(centre + reach)
    return low, high


def crossed_bootstrap(
    values_SQ: np.ndarray,
    clusters_Q: Sequence[int] | np.ndarray,
    seed: int,
    n_boot: int = 2000,
    level: float = 0.95,
) -> Interval:
    """Return the mean of seeds x queries and its interval over both.

    Seeds and clusters are drawn with replacement, each independently of the other. The standard
    deviation of the mean over the draws is the standard error, and the interval is Student's: a
    plain percentile interval is far too short for the handful of seeds one can pay for (simulated
    with 3 seeds that differ, it covers 72 to 94 % instead of 95 %; this one 92 to 99 %). Where all
    values are 0 or 1 it is made on the scale of log-odds, so it stays inside [0, 1].

    - All values 0, or all 1: Wilson's interval with n the number of clusters. That is conservative,
      for it counts the queries of a cluster, and all seeds, once; but of seeds that were not run it says nothing.
    - One seed: only clusters are resampled, and the interval speaks of that seed's model.
    - One cluster: only seeds are resampled. One of each: the interval is everything.

    Args:
        values_SQ: one value per seed and query: correct or not, a score, or nats.
        clusters_Q: label of each query's cluster.
        seed: the only source of chance.
        n_boot: number of draws, at least 2.
        level: confidence, in (0, 1).

    Raises:
        BothwaysError: the matrix is empty, not finite or not two-dimensional, its width is not the
            number of labels, or n_boot or level is out of range.

    Source: the pigeonhole bootstrap (Owen, Ann. Appl. Stat. 1 (2007), 386-411; arXiv 0712.1111). Differs
    from it by: main effects are scaled by n / (n - 1), and the interval is Student's with Satterthwaite's degrees of
    freedom (Biometrics Bull. 2 (1946), 110-114). It counts what is particular to one seed and one
    query up to three times, so it errs on the wide side.

    >>> values = np.array([[1.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0]])
    >>> interval = crossed_bootstrap(values, [0, 1, 2, 3], seed=0)
    >>> interval.mean, interval.low < 0.3, interval.high > 0.9
    (0.625, True, True)
    """
    values_SQ, clusters_Q = check_matrix(values_SQ, clusters_Q)
    check_level(level)
    if np.all(values_SQ == values_SQ.flat[0]) and is_binary(values_SQ):
        n = len(np.unique(clusters_Q))
        mean = float(values_SQ.flat[0])
        return Interval(mean, *wilson(n if mean else 0, n, level))
    spread = resample(values_SQ, clusters_Q, seed, n_boot)
    return Interval(spread.mean, *(spread.around_share if is_binary(values_SQ) else spread.around)(level))


def paired_difference(
    a_SQ: np.ndarray,
    b_SQ: np.ndarray,
    clusters_Q: Sequence[int] | np.ndarray,
    seed: int,
    margin: float = 0.05,
    n_boot: int = 2000,
) -> Difference:
    """Compare two arms whose rows are the same seeds and whose columns are the same queries.

    The interval is the 95 % one of `crossed_bootstrap` for the differences (not on log-odds; cut to
    [-1, 1] where both arms hold only 0 and 1). p is the larger of the bootstrap's (twice the share of
    draws on the far side of 0, one added to both counts) and Student's, so that it never contradicts
    the interval. Equivalence is two one-sided tests at 5 %: the 90 % interval lies inside the margin.
    For values in [0, 1] there must also be clusters enough: were a share `margin` of all clusters
    different, some would be expected among those seen (0 of n by Wilson).

    All differences identical (two arms that know everything, say): resampling would give an interval of no width.
    Instead, a share u of clusters might differ unseen, u the Wilson limit of 0 of n clusters, and by as
    much as the values allow: the interval is d - u (R + d) to d + u (R - d), with R = 1 for values in [0, 1]
    and else the range of the values of both arms. p is then 1 for d = 0, else that of a sign test over clusters.

    Args:
        a_SQ: first arm.
        b_SQ: second arm, of the same shape.
        clusters_Q: label of each query's cluster.
        seed: the only source of chance.
        margin: what counts as equal, in the unit of the values, above 0.
        n_boot: number of draws, at least 2.

    Raises:
        BothwaysError: the shapes differ, margin is not positive, or as for `crossed_bootstrap`.

    Source: two one-sided tests by Schuirmann, J. Pharmacokinet. Biopharm. 15 (1987), 657-680; added counts
    by Phipson and Smyth, arXiv 1603.05766. Differs from them by: as said above.

    >>> a, b = np.ones((5, 40)), np.zeros((5, 40))
    >>> difference = paired_difference(a, b, np.arange(40), seed=0)
    >>> difference.mean, round(difference.low, 2), difference.p < 0.01, difference.equivalent
    (1.0, 0.82, True, False)
    """
    a_SQ, b_SQ, labels_Q = check_pair(a_SQ, b_SQ, clusters_Q, margin)
    values = np.stack((a_SQ, b_SQ))
    spread = resample(a_SQ - b_SQ, labels_Q, seed, n_boot)
    bounded = bool(values.min() >= 0 and values.max() <= 1)
    if np.ptp(a_SQ - b_SQ) == 0:
        reach = 1.0 if bounded else float(np.ptp(values))
        (low, high), (low_90, high_90) = (around_constant(spread, reach, level) for level in (0.95, 0.90))
        p = sign_test(spread.mean, spread.n_clusters)
    else:
        (low, high), (low_90, high_90) = spread.around(0.95), spread.around(0.90)
        p = two_sided(spread)
    if is_binary(values):
        low, high = max(low, -1.0), min(high, 1.0)
    enough = not bounded or wilson(0, spread.n_clusters, 0.90)[1] < margin
    return Difference(spread.mean, low, high, p, bool(enough and -margin < low_90 and high_90 < margin))


def check_pair(
    a_SQ: np.ndarray, b_SQ: np.ndarray, clusters_Q: Sequence[int] | np.ndarray, margin: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return two arms' values and the numbers of their clusters, ready to be compared.

    Raises:
        BothwaysError: as `paired_difference`.
    """
    a_SQ, labels_Q = check_matrix(a_SQ, clusters_Q)
    b_SQ, _ = check_matrix(b_SQ, clusters_Q)
    if a_SQ.shape != b_SQ.shape:
        raise BothwaysError(
            f"Paired arms must have the same seeds and queries, got shapes {a_SQ.shape} and {b_SQ.shape}. "
            f"Keep only what both have."
        )
    if not margin > 0:
        raise BothwaysError(f"margin must be above 0, got margin={margin}. Say what counts as equal.")
    return a_SQ, b_SQ, labels_Q


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for being several, in the order given.

    Raises:
        BothwaysError: a p-value is outside [0, 1].

    Source: Holm, Scand. J. Statist. 6 (1979), 65-70.

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    for p in p_values:
        if not 0 <= p <= 1:
            raise BothwaysError(f"A p-value must lie in [0, 1], got p={p}. Leave out what was not tested.")
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * float(p_values[index])))
        adjusted[index] = largest
    return adjusted


def resample(values_SQ: np.ndarray, clusters_Q: np.ndarray, seed: int, n_boot: int) -> Spread:
    """Resample seeds and clusters, through the sum of each seed and cluster and the weights of both."""
    if n_boot < 2:
        raise BothwaysError(f"n_boot must be at least 2, got n_boot={n_boot}. Around 2000 is usual.")
    _, cluster_Q, size_G = np.unique(clusters_Q, return_inverse=True, return_counts=True)
    order_Q = np.argsort(cluster_Q, kind="stable")
    starts_G = np.concatenate(([0], np.cumsum(size_G)[:-1]))
    sum_SG = np.add.reduceat(values_SQ[:, order_Q], starts_G, axis=1)
    means_N = draw_means(sum_SG, size_G, np.random.default_rng(seed), n_boot)
    factor, freedom = small_sample(sum_SG, size_G)
    return Spread(
        mean=float(values_SQ.mean()),
        error=float(means_N.std(ddof=1)) * factor,
        freedom=freedom,
        means_N=means_N,
        n_clusters=len(size_G),
    )


def draw_means(sum_SG: np.ndarray, size_G: np.ndarray, random: np.random.Generator, n_boot: int) -> np.ndarray:
    """Return the mean per query in each draw of as many seeds and clusters as there are."""
    S, G = sum_SG.shape
    seeds_NS = random.multinomial(S, np.full(S, 1 / S), size=n_boot)
    means = []
    for part_NS in np.array_split(seeds_NS, max(1, -(-n_boot * G // BLOCK))):
        clusters_NG = random.multinomial(G, np.full(G, 1 / G), size=len(part_NS))
        total_N = ((part_NS @ sum_SG) * clusters_NG).sum(axis=1)
        means.append(total_N / (S * (clusters_NG @ size_G)))
    return np.concatenate(means)


def small_sample(sum_SG: np.ndarray, size_G: np.ndarray) -> tuple[float, float]:
    """Return what the bootstrap's error must be multiplied by, and its degrees of freedom.

    Resampling n things shows (n - 1) / n of their variance. The variances due to seeds and to
    clusters are estimated apart; with weights in proportion to them the factor makes up for the
    loss, and Satterthwaite's formula gives the degrees of freedom of their sum.
    """
    S, G = sum_SG.shape
    seed_S = sum_SG.sum(axis=1) / size_G.sum()
    deviation_G = (sum_SG.mean(axis=0) - seed_S.mean() * size_G) * G / size_G.sum()
    parts = [(float(x.var()) / (n - 1), n) for x, n in ((seed_S, S), (deviation_G, G)) if n > 1]
    if not parts:
        return 1.0, 0.0
    total = sum(variance for variance, _ in parts)
    if total == 0:
        n = min(n for _, n in parts)
        return float(np.sqrt(n / (n - 1))), n - 1.0
    shares = [(variance / total, n) for variance, n in parts]
    factor = 1 / sum(share * (n - 1) / n for share, n in shares)
    return float(np.sqrt(factor)), 1 / sum(share**2 / (n - 1) for share, n in shares)


def around_constant(spread: Spread, reach: float, level: float) -> tuple[float, float]:
    """Return the interval of differences that are all the same and lie in -reach to reach."""
    unseen = wilson(0, spread.n_clusters, level)[1]
    return spread.mean - unseen * (reach + spread.mean), spread.mean + unseen * (reach - spread.mean)


def sign_test(mean: float, n_clusters: int) -> float:
    """Return the two-sided p-value of all of n clusters being on one side of 0."""
    return 1.0 if mean == 0 else 2.0 ** (1 - n_clusters)


def two_sided(spread: Spread) -> float:
    """Return the larger of the bootstrap's and Student's p-value against a mean of 0."""
    if spread.freedom == 0:
        return 1.0
    n_far = min(np.sum(spread.means_N <= 0), np.sum(spread.means_N >= 0))
    by_bootstrap = 2 * (n_far + 1) / (len(spread.means_N) + 1)
    by_student = 2 * stats.t.sf(abs(spread.mean) / spread.error, spread.freedom) if spread.error else 0.0
    return float(min(1.0, max(by_bootstrap, by_student)))


def is_binary(values: np.ndarray) -> bool:
    """Whether every value is 0 or 1."""
    return bool(np.all((values == 0) | (values == 1)))


def check_matrix(values_SQ: np.ndarray, clusters_Q: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return both as arrays, the values as floats, or say what is wrong with them."""
    values_SQ, labels_Q = np.asarray(values_SQ, dtype=np.float64), np.asarray(clusters_Q)
    if values_SQ.ndim != 2 or values_SQ.size == 0:
        raise BothwaysError(
            f"Values must be a seeds x queries matrix that is not empty, got shape {values_SQ.shape}. "
            f"Give one row per seed."
        )
    if labels_Q.shape != values_SQ.shape[1:]:
        raise BothwaysError(
            f"Every query needs one cluster, got {values_SQ.shape[1]} queries and labels of shape {labels_Q.shape}. "
            f"Give one label per column."
        )
    if not np.isfinite(values_SQ).all():
        n = int((~np.isfinite(values_SQ)).sum())
        raise BothwaysError(f"Values must be finite, got {n} that are not. Leave out what was not measured.")
    return values_SQ, labels_Q


def check_level(level: float) -> None:
    """Refuse a confidence outside (0, 1)."""
    if not 0 < level < 1:
        raise BothwaysError(f"level must lie in (0, 1), got level={level}. 0.95 is usual.")
