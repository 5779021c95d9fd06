"""Intervals and tests: known answers, coverage by simulation, and what must never be claimed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special, stats

NATS = hnp.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(2, 12)), elements=st.floats(0, 8, width=32))
SEED = 7


def interval(values, clusters=None, **settings):
    """The crossed bootstrap with one cluster per query unless told otherwise."""
    from bothways.evaluation.statistics import crossed_bootstrap

    values = np.asarray(values, dtype=float)
    clusters = np.arange(values.shape[1]) if clusters is None else clusters
    return crossed_bootstrap(values, clusters, seed=SEED, **settings)


def difference(a, b, clusters=None, **settings):
    """The paired difference with one cluster per query unless told otherwise."""
    from bothways.evaluation.statistics import paired_difference

    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    return paired_difference(a, b, np.arange(a.shape[1]) if clusters is None else clusters, seed=SEED, **settings)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (1, 10), (37, 200), (0, 1), (1, 1)])
def test_wilson_equals_scipy(successes, n, level):
    """Wilson's interval is that of scipy, at the edges too."""
    from bothways.evaluation.statistics import wilson

    expected = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert wilson(successes, n, level) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_all_zero_and_all_one_use_wilson_over_clusters():
    """Six queries in three clusters count as three trials, whatever the seeds."""
    from bothways.evaluation.statistics import wilson

    clusters = [0, 0, 1, 1, 2, 2]
    zero, one = interval(np.zeros((5, 6)), clusters), interval(np.ones((5, 6)), clusters)
    assert (zero.mean, zero.low, zero.high) == (0.0, *wilson(0, 3))
    assert (one.mean, one.low, one.high) == (1.0, *wilson(3, 3))


def test_weights_give_the_means_of_a_plain_bootstrap():
    """The weighted sums have the mean and spread of resampling rows and whole clusters one by one."""
    from bothways.evaluation.statistics import resample

    random = np.random.default_rng(0)
    values, clusters = random.normal(size=(4, 9)), np.array([0, 0, 0, 1, 2, 2, 3, 4, 4])
    plain = []
    for _ in range(4000):
        columns = np.concatenate([np.flatnonzero(clusters == g) for g in random.integers(0, 5, 5)])
        plain.append(values[random.integers(0, 4, 4)][:, columns].mean())
    means = resample(values, clusters, seed=1, n_boot=4000).means_N
    assert means.mean() == pytest.approx(np.mean(plain), abs=0.02)
    assert means.std() == pytest.approx(np.std(plain), rel=0.06)


def test_blocks_of_draws_do_not_change_the_result(monkeypatch):
    """Memory is bounded without touching a number."""
    from bothways.evaluation import statistics

    values = np.random.default_rng(0).random((3, 50))
    whole = interval(values)
    monkeypatch.setattr(statistics, "BLOCK", 1000)
    assert interval(values) == whole


def test_one_seed_gives_students_interval_of_the_cluster_means():
    """With one seed and equal clusters the interval is the textbook one, up to bootstrap noise."""
    values = np.random.default_rng(0).normal(size=(1, 40))
    low, high = stats.t.interval(0.95, 39, values.mean(), stats.sem(values[0]))
    found = interval(values, n_boot=20000)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)


def test_one_cluster_gives_students_interval_of_the_seeds():
    """With one cluster the seeds are all there is to resample."""
    values = np.random.default_rng(0).normal(size=(6, 3))
    low, high = stats.t.interval(0.95, 5, values.mean(), stats.sem(values.mean(1)))
    found = interval(values, [0, 0, 0], n_boot=20000)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.03)


def test_one_seed_and_one_cluster_say_nothing():
    """A single independent measurement has no interval but everything."""
    assert interval([[1, 0, 1]], [0, 0, 0]) == interval([[1, 0, 1]], [5, 5, 5])
    assert (interval([[1, 0, 1]], [0, 0, 0]).low, interval([[1, 0, 1]], [0, 0, 0]).high) == (0.0, 1.0)
    assert interval([[1.5, 0.2]], [0, 0]).high == np.inf
    nothing = difference([[0.2, 0.9]], [[0.1, 0.2]], [0, 0])
    assert (nothing.p, nothing.equivalent, nothing.high) == (1.0, False, np.inf)


def test_a_share_stays_between_0_and_1():
    """However few successes, an interval of a share is one."""
    values = np.zeros((3, 12))
    values[0, 0] = 1
    found = interval(values)
    assert 0 < found.low < found.mean < found.high < 1


def test_queries_of_one_cluster_count_once():
    """Repeating every query inside its cluster changes nothing."""
    values = (np.random.default_rng(0).random((3, 20)) < 0.4).astype(float)
    once, thrice = interval(values), interval(np.repeat(values, 3, axis=1), np.repeat(np.arange(20), 3))
    assert (once.mean, once.low, once.high) == pytest.approx((thrice.mean, thrice.low, thrice.high))


@pytest.mark.parametrize(
    ("n_seeds", "n_clusters", "seed_sd", "query_sd"),
    [(5, 40, 1.5, 0.0), (5, 40, 0.5, 1.5), (3, 40, 1.5, 1.5), (1, 40, 0.0, 1.5), (5, 40, 0.0, 0.0)],
)
@pytest.mark.parametrize("log_odds", [0.0, -2.5])
def test_the_interval_covers_the_truth(n_seeds, n_clusters, seed_sd, query_sd, log_odds):
    """Over simulated arms the 95 % interval holds the true share in at least 90 % of them."""
    random = np.random.default_rng(0)
    scale = np.hypot(seed_sd, query_sd)
    truth = special.expit(log_odds + scale * random.normal(size=200_000)).mean()
    hits = []
    for _ in range(200):
        log_odds_SQ = log_odds + seed_sd * random.normal(size=(n_seeds, 1))
        log_odds_SQ = log_odds_SQ + query_sd * random.normal(size=n_clusters)
        found = interval(random.random(log_odds_SQ.shape) < special.expit(log_odds_SQ), n_boot=300)
        hits.append(found.low <= truth <= found.high)
    assert np.mean(hits) >= 0.90


def test_p_is_below_5_percent_in_at_most_5_percent_of_equal_arms():
    """Two arms of the same accuracy, with seeds that differ, are told apart no more often than promised."""
    random = np.random.default_rng(1)
    shift_S = random.normal(size=(300, 2, 5, 1))
    draws = random.random((300, 2, 5, 40)) < special.expit(shift_S)
    false = [difference(a, b, n_boot=300).p < 0.05 for a, b in draws.astype(float)]
    assert np.mean(false) <= 0.07


def test_a_real_difference_is_found():
    """0.9 against 0.5 over five seeds and sixty queries is significant and not equivalent."""
    random = np.random.default_rng(0)
    found = difference(random.random((5, 60)) < 0.9, random.random((5, 60)) < 0.5)
    assert found.p < 0.01 and found.low > 0.2 and not found.equivalent
    assert found.low < found.mean < found.high <= 1


def test_pairing_removes_what_the_arms_share():
    """Queries that are hard for both arms do not widen the difference."""
    random = np.random.default_rng(0)
    hard_Q = 3 * random.normal(size=50)
    a, b = hard_Q + 0.1 * random.normal(size=(5, 50)), hard_Q + 0.1 * random.normal(size=(5, 50))
    paired, apart = difference(a, b), difference(a, b[:, ::-1])
    assert (paired.high - paired.low) < 0.1 * (apart.high - apart.low)


def test_equal_arms_with_enough_clusters_are_equivalent():
    """Two hundred clusters with rare and balanced disagreement lie within 5 points."""
    random = np.random.default_rng(0)
    a = (random.random((5, 200)) < 0.97).astype(float)
    b = (random.random((5, 200)) < 0.97).astype(float)
    found = difference(a, b)
    assert found.equivalent and found.p > 0.05
    assert not difference(a, b, margin=0.005).equivalent


@given(
    hnp.arrays(np.float64, (3, 3), elements=st.floats(0, 1)), hnp.arrays(np.float64, (3, 3), elements=st.floats(0, 1))
)
@settings(max_examples=50, deadline=None)
def test_three_clusters_never_show_equivalence(a, b):
    """With three clusters no arm can be called equal to another, not even to itself."""
    assert not difference(a, b, n_boot=200).equivalent
    assert not difference(a, a, n_boot=200).equivalent


def test_three_noisy_points_of_any_size_show_nothing():
    """The guard does not hang on values in [0, 1]: noise alone makes the interval of three points wide."""
    random = np.random.default_rng(0)
    noisy = [difference(*random.normal(3, 0.2, size=(2, 1, 3))).equivalent for _ in range(50)]
    assert sum(noisy) <= 2


@pytest.mark.parametrize(("n", "equivalent"), [(40, False), (60, True)])
def test_identical_arms_have_an_interval_as_wide_as_what_was_not_seen(n, equivalent):
    """All differences 0: the interval is plus and minus the Wilson limit of 0 of n clusters."""
    from bothways.evaluation.statistics import wilson

    found = difference(np.ones((5, n)), np.ones((5, n)))
    unseen = wilson(0, n)[1]
    assert (found.mean, found.low, found.high, found.p) == (0.0, -unseen, unseen, 1.0)
    assert found.equivalent is equivalent


def test_everything_against_nothing():
    """All differences 1: an upper end of 1, a lower end from Wilson, and the sign test's p."""
    from bothways.evaluation.statistics import wilson

    found = difference(np.ones((2, 3)), np.zeros((2, 3)))
    assert (found.mean, found.high, found.p) == (1.0, 1.0, 0.25)
    assert found.low == pytest.approx(1 - 2 * wilson(0, 3)[1])
    assert difference(np.zeros((2, 30)), np.ones((2, 30))).low == -1.0


def test_identical_nats_reach_as_far_as_the_values():
    """Where values are not shares, the unseen clusters may differ by the observed range."""
    from bothways.evaluation.statistics import wilson

    values = np.array([[2.0, 4.0, 6.0]])
    assert difference(values, values).high == pytest.approx(4 * wilson(0, 3)[1])


def test_sparse_disagreement_is_no_licence():
    """One disagreement in 25 clusters must not show equivalence where none in 25 does not."""
    a, b = np.ones((5, 25)), np.ones((5, 25))
    assert not difference(a, b).equivalent
    b[0, 0] = 0
    assert not difference(a, b).equivalent


@given(NATS, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_the_order_of_queries_does_not_matter(values, seed):
    """Permuting queries together with their clusters leaves the interval alone."""
    order = np.random.default_rng(seed).permutation(values.shape[1])
    clusters = np.arange(values.shape[1]) // 2
    one, other = interval(values, clusters, n_boot=50), interval(values[:, order], clusters[order], n_boot=50)
    assert (one.mean, one.low, one.high) == pytest.approx((other.mean, other.low, other.high), abs=1e-6)


@given(NATS, st.floats(1, 5))
@settings(max_examples=40, deadline=None)
def test_adding_a_constant_moves_the_interval_by_it(values, shift):
    """Values that are no shares have an interval that moves with them."""
    values = values + 2  # neither all 0 or 1
    one, other = interval(values, n_boot=50), interval(values + shift, n_boot=50)
    assert (one.mean + shift, one.low + shift, one.high + shift) == pytest.approx(
        (other.mean, other.low, other.high), abs=1e-6
    )


@given(NATS)
@settings(max_examples=40, deadline=None)
def test_swapping_the_arms_turns_the_sign(values):
    """a - b and b - a mirror each other, with the same p."""
    other = values[:, ::-1]
    one, two = difference(values, other, n_boot=50), difference(other, values, n_boot=50)
    assert (one.mean, one.low, one.high) == pytest.approx((-two.mean, -two.high, -two.low), abs=1e-9)
    assert one.p == pytest.approx(two.p) and one.equivalent == two.equivalent
    assert 0 < one.p <= 1


def test_the_same_seed_gives_the_same_interval():
    """Nothing but the seed decides the draws."""
    values = np.random.default_rng(0).random((3, 20))
    assert interval(values) == interval(values)
    assert difference(values, values[:, ::-1]) == difference(values, values[:, ::-1])


def test_holm_by_hand():
    """Four p-values: times 4, 3, 2, 1 in rising order, never falling, never above 1."""
    from bothways.evaluation.statistics import holm

    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_the_order_and_never_helps(p_values):
    """Corrected p-values are no smaller, no larger than Bonferroni's, and in the same order."""
    from bothways.evaluation.statistics import holm

    adjusted = holm(p_values)
    assert all(p <= q <= min(1, len(p_values) * p) for p, q in zip(p_values, adjusted, strict=True))
    ranked = [q for _, q in sorted(zip(p_values, adjusted, strict=True))]
    assert ranked == sorted(ranked)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.wilson(3, 2), r"got successes=3 and n=2\. Count again"),
        (lambda s: s.wilson(0, 0), r"n at least 1, got successes=0 and n=0"),
        (lambda s: s.wilson(0, 2, level=1.0), r"level must lie in \(0, 1\), got level=1\.0"),
        (lambda s: s.crossed_bootstrap(np.ones(3), [0, 1, 2], 0), r"seeds x queries matrix .* got shape \(3,\)"),
        (lambda s: s.crossed_bootstrap(np.ones((2, 0)), [], 0), r"not empty, got shape \(2, 0\)"),
        (lambda s: s.crossed_bootstrap(np.ones((2, 3)), [0, 1], 0), r"got 3 queries and labels of shape \(2,\)"),
        (lambda s: s.crossed_bootstrap(np.array([[1, np.nan]]), [0, 1], 0), r"finite, got 1 that are not"),
        (lambda s: s.crossed_bootstrap(np.eye(2), [0, 1], 0, n_boot=1), r"n_boot must be at least 2, got n_boot=1"),
        (lambda s: s.paired_difference(np.eye(2), np.ones((1, 2)), [0, 1], 0), r"got shapes \(2, 2\) and \(1, 2\)"),
        (lambda s: s.paired_difference(np.eye(2), np.eye(2), [0, 1], 0, margin=0.0), r"above 0, got margin=0\.0"),
        (lambda s: s.holm([0.5, 1.5]), r"\[0, 1\], got p=1\.5"),
    ],
)
def test_what_cannot_be_computed_is_refused(call, message):
    """Every bad input is named with its value."""
    from bothways.errors import BothwaysError
    from bothways.evaluation import statistics

    with pytest.raises(BothwaysError, match=message):
        call(statistics)
