"""Where a share crosses one half: known answers, coverage by simulation, and data that no curve fits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

N = 100


def find(x, shares, seeds=None, n=N, **settings):
    """The boundary of shares given by level (rows) and seed (columns)."""
    from bothways.sweeps.boundary import find_boundary

    shares = np.atleast_2d(np.asarray(shares, float))
    x_R = np.repeat(x, shares.shape[1])
    seeds_R = np.tile(np.arange(shares.shape[1]), len(x)) if seeds is None else seeds
    return find_boundary(x_R, shares.ravel() * n, [n] * shares.size, seeds_R, **settings)


def column(*shares):
    """One seed's shares, one level a row."""
    return np.array(shares, float)[:, None]


def test_fit_equals_scipy():
    """The Newton fit has the likelihood and the crossing of a general optimiser."""
    from bothways.sweeps.boundary import as_trials, crossing, regress

    random = np.random.default_rng(0)
    z = np.repeat(np.arange(6.0), 3)
    trials = as_trials(z, random.binomial(N, special.expit(1.7 * (z - 2.4))), [N] * 18, [0, 1, 2] * 6, False)

    def loss(beta):
        log_odds = beta[0] + beta[1] * z
        return float(np.sum(trials.n_R * np.logaddexp(0, log_odds) - trials.right_R * log_odds))

    expected = optimize.minimize(loss, [0.0, 0.0], method="BFGS", options={"gtol": 1e-8})
    fit = regress(np.column_stack((np.ones_like(z), z)), trials)
    assert fit.log_likelihood == pytest.approx(-expected.fun, abs=1e-6)
    assert crossing(fit) == pytest.approx(-expected.x[0] / expected.x[1], abs=1e-4)


def test_profile_ends_have_the_deviance_of_the_limit():
    """At both ends the best curve through them is worse by exactly the limit."""
    from bothways.sweeps.boundary import as_trials, profile, regress

    z = np.arange(5.0)
    trials = as_trials(z, [1, 12, 55, 90, 99], [N] * 5, range(5), False)
    fit = regress(np.column_stack((np.ones_like(z), z)), trials)
    for end in profile(trials, fit, 3.84):
        held = regress((z - end)[:, None], trials)
        assert 2 * (fit.log_likelihood - held.log_likelihood) == pytest.approx(3.84, abs=1e-3)


@pytest.mark.parametrize(("kind", "size"), [("binomial", 0.0), ("each run", 0.5), ("each seed", 0.5)])
@pytest.mark.parametrize("n_seeds", [3, 5])
def test_interval_covers_the_true_boundary(kind, size, n_seeds):
    """Of 60 made-up sweeps at least 87 % cover it, whether runs differ by questions, each by itself, or by seed.

    The nominal 95 % less three standard errors of a simulation of this size is 87 %.
    """
    random = np.random.default_rng(1)
    levels, covered = np.arange(6.0), 0
    for _ in range(60):
        true = random.uniform(2, 3)
        shape = {"binomial": (1, 1), "each run": (6, n_seeds), "each seed": (1, n_seeds)}[kind]
        shift = np.broadcast_to(random.normal(0, size, shape) if size else 0.0, (6, n_seeds))
        found = find(levels, random.binomial(N, special.expit(2 * (levels[:, None] - true - shift))) / N)
        covered += found.status in ("crosses", "bracketed") and found.low <= true <= found.high
    assert covered / 60 >= 0.87


def test_more_spread_makes_a_wider_interval():
    """Seeds that differ say less than seeds that agree, at the same mean."""
    levels = np.arange(5.0)
    means = special.expit(1.5 * (levels - 2))[:, None]
    calm, wild = (find(levels, np.clip(means + size * np.array([-1, 0, 1]), 0, 1)) for size in (0.01, 0.2))
    assert wild.high - wild.low > 3 * (calm.high - calm.low)


@given(st.floats(1e-4, 1e3), st.floats(1.5, 4), st.integers(0, 1000))
def test_scaling_x_scales_the_boundary(unit, ratio, seed):
    """On a logarithmic axis the unit of x is of no consequence."""
    random = np.random.default_rng(seed)
    shares = random.binomial(N, special.expit(2 * (np.arange(5)[:, None] - random.uniform(1.5, 2.5)) + np.zeros(3))) / N
    x = ratio ** np.arange(5)
    one, other = find(x, shares, log=True), find(x * unit, shares, log=True)
    assert one.status == other.status
    if one.x is not None and other.x is not None:
        assert other.x == pytest.approx(one.x * unit, rel=1e-5)
        assert other.low == pytest.approx(one.low * unit, rel=1e-3)


@given(st.lists(st.lists(st.integers(0, N), min_size=3, max_size=3), min_size=2, max_size=7))
def test_any_shares_give_a_sensible_answer(counts):
    """Nothing blows up: what crosses does so within the sweep and within its interval, and a mirror image mirrors."""
    shares = np.array(counts) / N
    x = np.arange(len(shares), dtype=float)
    found, mirrored = find(x, shares), find(-x[::-1], shares[::-1])
    if found.status == "crosses":
        assert x[0] <= found.x <= x[-1]
        assert found.low <= found.x <= found.high
        assert mirrored.x == pytest.approx(-found.x, abs=1e-4)
        assert mirrored.rising != found.rising
    if found.status == "bracketed":
        assert {found.low, found.high} <= set(x)
    if found.status.startswith("all"):
        assert (shares.mean(axis=1) >= 0.5).all() or (shares.mean(axis=1) < 0.5).all()


@pytest.mark.parametrize(
    ("shares", "bracket", "rising"),
    [
        ((0, 0, 1, 1), (2, 3), True),
        ((1, 1, 0, 0), (2, 3), False),
        ((0, 0, 0.4, 1), (2, 4), True),
        ((0.4, 1, 1, 1), (1, 2), True),
        ((0, 1), (1, 2), True),
        ((0.1, 0.9), (1, 2), True),
    ],
)
def test_a_jump_gives_the_levels_around_it(shares, bracket, rising):
    """Where any steep curve fits, or two levels were tried, the bracket is all there is to say."""
    found = find(np.arange(len(shares)) + 1.0, column(*shares))
    assert (found.status, found.x, found.low, found.high, found.rising) == ("bracketed", None, *bracket, rising)


@pytest.mark.parametrize(
    ("shares", "status"),
    [
        ((0, 0, 0.1), "all below"),
        ((0.5, 0.9, 1), "all above"),
        ((0, 1, 0, 0), "several"),
        ((0, 0.9, 1, 0.1), "several"),
        ((0.6, 0.4, 0.4, 0.6), "unclear"),
    ],
)
def test_what_does_not_cross_once_is_said(shares, status):
    """No number is given where there is not one crossing."""
    found = find(np.arange(len(shares)) + 1.0, column(*shares))
    assert (found.status, found.x) == (status, None)


def test_one_seed_has_a_place_but_no_interval():
    """Nothing is known of the spread between seeds."""
    found = find([1, 2, 3, 4], column(0.02, 0.2, 0.8, 0.98))
    assert found.x == pytest.approx(2.5, abs=0.01)
    assert (found.low, found.high) == (-np.inf, np.inf)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (([1, 2], [1], [9, 9], [0, 0]), "Every run needs x, right, n and seed"),
        (([1, np.nan], [1, 1], [9, 9], [0, 0]), "x must be finite"),
        (([1, 2], [1, 10], [9, 9], [0, 0]), "right must lie in 0 to n"),
    ],
)
def test_unusable_runs_are_refused(values, message):
    """One sentence says what is wrong."""
    from bothways.errors import BothwaysError
    from bothways.sweeps.boundary import find_boundary

    with pytest.raises(BothwaysError, match=message):
        find_boundary(*values)
    with pytest.raises(BothwaysError, match="above 0"):
        find_boundary([0, 1], [1, 1], [9, 9], [0, 0], log=True)


# --- the interval of one cell ----------------------------------------------------------------------------------------


def over(values, n=None):
    from bothways.sweeps.over_seeds import over_seeds

    return over_seeds(values, n)


def test_values_that_are_no_shares_have_students_interval():
    """It is the textbook one."""
    values = [1.2, 1.9, 2.4, 1.1]
    assert (over(values).low, over(values).high) == pytest.approx(
        stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    )


def test_shares_have_the_interval_of_a_comparison_with_one_cluster():
    """It is the Student interval of `evaluation/statistics.py` on log-odds, seeds being all that varies."""
    from bothways.evaluation.statistics import Spread

    values = np.array([0.2, 0.35, 0.3])
    expected = Spread(values.mean(), stats.sem(values), 2.0, values, 1).around_share(0.95)
    assert (over(values, 50).low, over(values, 50).high) == pytest.approx(expected)


def test_seeds_that_agree_have_wilsons_interval():
    """Their agreement does not make them certain."""
    from bothways.evaluation.statistics import wilson

    assert (over([1, 1, 1], 40).low, over([1, 1, 1], 40).high) == wilson(40, 40)
    assert not np.isfinite(over([7, 7]).low)


def test_one_seed_has_no_interval():
    """Its value stands alone."""
    assert (over([0.4], 50).mean, over([0.4], 50).low, over([0.4], 50).high) == (0.4, -np.inf, np.inf)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.integers(1, 500))
def test_an_interval_of_shares_holds_its_mean_and_stays_inside(values, n):
    """Whatever the shares are."""
    found = over(values, n)
    assert found.low - 0.5 / n - 1e-9 <= found.mean <= found.high + 0.5 / n + 1e-9
    assert len(values) == 1 or (found.low >= 0 and found.high <= 1)


@pytest.mark.parametrize("values", [[], [np.nan], [1.2]])
def test_what_is_no_share_is_refused(values):
    """One sentence says what is wrong."""
    from bothways.errors import BothwaysError

    with pytest.raises(BothwaysError, match=r"one finite value per seed|Shares must lie"):
        over(values, 10)
