"""Is a rise sharp, and where: known answers, coverage by simulation, and data that no curve fits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, special, stats

STRETCH = 2 * np.log(9)


def rise(z, place, width, floor=0.0, ceiling=1.0):
    """A logistic curve by its midpoint and its 10 to 90 % width."""
    return floor + (ceiling - floor) * special.expit((np.asarray(z, float) - place) * STRETCH / width)


def find(y_SK, x_K=None, *, log=False, **settings):
    """The transition of a measure given by seed (rows) and level (columns)."""
    from bothways.sweeps.transition import find_transition

    y_SK = np.atleast_2d(np.asarray(y_SK, float))
    S, K = y_SK.shape
    x_K = np.arange(K) if x_K is None else x_K
    return find_transition(np.tile(x_K, S), y_SK.ravel(), np.repeat(np.arange(S), K), log=log, **settings)


def around(mean_K, size=0.01, S=3, seed=0):
    """Runs of S seeds around the mean of each level."""
    return np.asarray(mean_K, float) + np.random.default_rng(seed).normal(0, size, (S, len(mean_K)))


# --- known answers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("place", "width"), [(2.5, 1.5), (3.1, 2.5)])
def test_a_logistic_curve_is_found_again(place, width):
    """Midpoint, width, floor and ceiling, within the resolution that is promised."""
    found = find(around(rise(np.arange(7), place, width, -6.0, -0.5), 1e-4))
    assert (found.status, found.log) == ("sharp", False)
    assert found.x == pytest.approx(place, abs=6 / 200)
    assert found.width.mean == pytest.approx(width, rel=0.1)
    assert (found.floor, found.ceiling) == pytest.approx((-6.0, -0.5), abs=0.1)
    assert found.rise == found.ceiling - found.floor
    assert found.logistic([place]) == pytest.approx([-3.25], abs=0.1)


def test_along_a_logarithm_widths_are_decades():
    """2,000 to 200,000 graphs: the midpoint is a number of graphs, the width is in decades."""
    x = np.geomspace(2e3, 2e5, 7)
    found = find(around(rise(np.log10(x), 4.2, 0.6), 1e-3), x, log=True)
    assert (found.status, found.smooth) == ("sharp", "straight line in log x, clipped to the observed range")
    assert found.x == pytest.approx(10**4.2, rel=0.03)
    assert found.low < found.x < found.high
    assert found.width.mean == pytest.approx(0.6, rel=0.1)
    assert found.logistic([found.x]) == pytest.approx([(found.floor + found.ceiling) / 2])


def test_of_a_step_only_the_levels_around_it_are_known():
    """Any steep curve fits: the midpoint is between the two levels, and the width begins at 0."""
    found = find(around([0, 0, 0, 1, 1, 1], 1e-5), [10, 20, 40, 80, 160, 320], log=True)
    assert found.status == "sharp"
    assert (found.low, found.high) == pytest.approx((40, 80), rel=0.05)
    assert (found.width.low, found.width.high < 0.4) == (0.0, True)


def test_gain_is_what_the_line_misses_less_what_chance_explains():
    """Of 0 0 0 1 1 1 the clipped line misses 0.3 of the variance, which a step explains whole."""
    y_SK = around([0, 0, 0, 1, 1, 1], 1e-3)
    z, mean = np.arange(6), y_SK.mean(axis=0)
    line = np.clip(np.polyval(np.polyfit(z, mean, 1), z), mean.min(), mean.max())
    total = np.sum((mean - mean.mean()) ** 2)
    noise = y_SK.var(axis=0, ddof=1).mean() / 3
    found = find(y_SK)
    assert found.gain.mean == pytest.approx((np.sum((mean - line) ** 2) - 4 * noise) / total, abs=1e-5)
    assert found.straight(z) == pytest.approx(line)
    told = find(y_SK, spread=0.1)
    assert told.gain.mean == pytest.approx((np.sum((mean - line) ** 2) - 4 * 0.1**2 / 3) / total, abs=1e-4)


@pytest.mark.parametrize(
    ("means", "status"),
    [
        (np.linspace(0.1, 0.9, 6), "smooth"),
        (np.linspace(-7, -1, 5), "smooth"),
        (rise(np.arange(6), 2.5, 0.85 * 5), "undecided"),
        (rise(np.arange(6), 2.5, 1.0), "sharp"),
        ([0.02, 0.03, 0.02, 0.96], "beyond"),
        (rise(np.arange(6), 5.5, 1.0), "beyond"),
        (rise(np.arange(6), -0.2, 2.0), "beyond"),
        (np.sqrt(np.linspace(0, 1, 6)), "beyond"),
        ([0.5] * 6, "flat"),
        (rise(np.arange(6), 2.5, -1.0), "flat"),
    ],
)
def test_every_status_is_given_where_it_is_due(means, status):
    """Lines are smooth, gentle curves undecided, rises that the levels do not hold beyond, falls no rise at all."""
    found = find(around(means, 0.008 * (1 + np.ptp(means)), S=5, seed=3))
    assert status == found.status
    assert (found.x is None) == (status in ("flat", "beyond"))


def test_a_fall_is_no_rise():
    """However sharp it is, no rising curve explains it."""
    found = find(around([1, 1, 1, 0, 0, 0]))
    assert (found.status, found.x, found.rise) == ("flat", None, pytest.approx(0, abs=0.05))
    assert found.gain.high < -0.5


def test_a_tail_does_not_say_where_the_rise_is():
    """What rises at the last level has a midpoint after the level before, and no upper end."""
    found = find(around([0, 0, 0, 0, 0.4], 0.005))
    assert found.low > 2.3
    assert found.high == np.inf


def test_exact_match_of_several_tokens_sharpens():
    """A token's share that rises evenly is smooth; that five of them are right is not, though nothing else changed."""
    token = around(np.linspace(0.1, 0.95, 7), 0.01, S=5)
    one, five = find(token), find(np.clip(token, 0, 1) ** 5)
    assert one.status == "smooth"
    assert five.gain.mean > 0 > one.gain.mean
    assert five.status != "smooth"


# --- against other computations --------------------------------------------------------------------------------------


@given(st.integers(0, 1000))
def test_no_optimiser_finds_a_better_curve(seed):
    """The curve that is best of all that are tried has, up to their resolution, the least error there is."""
    from bothways.sweeps.rising_curves import every_curve, fit, plateaus

    random = np.random.default_rng(seed)
    z = np.arange(6.0)
    mean = rise(z, random.uniform(1.5, 3.5), random.uniform(1.5, 4)) + random.normal(0, 0.03, 6)
    curves = every_curve(z)
    share = curves.share_GK[fit(mean[None], z, curves)[0][0]]
    floor, ceiling = plateaus(mean, share)
    ours = np.sum((mean - floor - (ceiling - floor) * share) ** 2)

    def residual(p):
        return p[2] + p[3] * special.expit((z - p[0]) * STRETCH / p[1]) - mean

    start = [2.5, 2.0, 0.0, 1.0]
    box = ([-2.5, 0.1, -9, 0], [7.5, 10, 9, 9])
    theirs = 2 * optimize.least_squares(residual, start, bounds=box).cost
    assert ours <= theirs + 1e-3


def test_interval_is_students_where_seeds_move_all_their_runs():
    """With smooth curves and nothing else that varies it is the textbook interval of the seeds' own midpoints."""
    shifts = np.array([-0.3, 0.05, 0.25])
    found = find([rise(np.arange(8), 3.5 + shift, 2.5) for shift in shifts], resamples=4000)
    low, high = stats.t.interval(0.95, 2, 3.5, stats.sem(shifts))
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.1 * (high - low) / 2)


def test_climb_is_students_over_the_lines_of_the_seeds():
    """Each seed has a line of its own."""
    y_SK = around(np.linspace(0, 1, 5), 0.1, S=4)
    climbs = [4 * np.polyfit(np.arange(5), y, 1)[0] for y in y_SK]
    found = find(y_SK)
    assert (found.climb.low, found.climb.high) == pytest.approx(
        stats.t.interval(0.95, 3, np.mean(climbs), stats.sem(climbs))
    )


@pytest.mark.parametrize("moved", ["questions", "seeds", "runs"])
@pytest.mark.parametrize("S", [3, 5])
def test_interval_holds_the_true_midpoint(moved, S):
    """Of 60 made-up sweeps at least 87 % hold it, and most intervals are closed.

    The nominal 95 % less three standard errors of a simulation of this size is 87 %.
    """
    random, held, closed = np.random.default_rng(1), 0, 0
    shape = {"questions": (1, 1), "seeds": (S, 1), "runs": (S, 6)}[moved]
    for _ in range(60):
        true = random.uniform(1.5, 3.5)
        shift = random.normal(0, 0 if moved == "questions" else 0.3, shape)
        found = find(
            random.binomial(100, rise(np.arange(6), true + shift, 1.0) + np.zeros((S, 6))) / 100, resamples=100
        )
        held += found.low <= true <= found.high
        closed += np.isfinite([found.low, found.high]).all()
    assert held / 60 >= 0.87
    assert closed / 60 >= 0.5


def test_noise_is_seldom_sharp():
    """Straight lines with much noise, and nothing but noise: of 40 made-up sweeps each at most two are called sharp."""
    random = np.random.default_rng(2)
    for climb in (0.0, 0.9):
        statuses = [find(climb * np.linspace(0, 1, 6) + random.normal(0, 0.1, (3, 6))).status for _ in range(40)]
        assert statuses.count("sharp") <= 2


# --- what must not matter --------------------------------------------------------------------------------------------


@given(st.floats(1e-3, 1e3), st.floats(0.01, 100), st.floats(-50, 50), st.integers(0, 1000))
def test_units_are_of_no_consequence(unit, scale, shift, seed):
    """Neither that of x on a logarithmic axis, nor that of y."""
    y_SK = around(rise(np.arange(6), 2.4, 1.0), 0.05, seed=seed)
    x = 3.0 ** np.arange(6)
    one = find(y_SK, x, log=True, spread=0.02, resamples=30)
    other = find(y_SK * scale + shift, x * unit, log=True, spread=0.02 * scale, resamples=30)
    assert one.status == other.status
    assert other.x == pytest.approx(one.x * unit, rel=0.02)
    assert other.rise == pytest.approx(one.rise * scale, rel=0.02)
    assert (other.gain.mean, other.gain.low) == pytest.approx((one.gain.mean, one.gain.low), abs=0.02)


def test_the_order_of_runs_is_of_no_consequence_and_chance_comes_from_the_seed():
    """Same runs, same seed: the same transition; runs of a seed at one level are averaged."""
    from bothways.sweeps.transition import find_transition

    y = around(rise(np.arange(5), 2.2, 1.0), 0.05, S=4).ravel()
    x, seeds = np.tile(np.arange(5), 4), np.repeat(np.arange(4), 5)
    order = np.random.default_rng(0).permutation(20)
    first = find_transition(x, y, seeds, log=False)
    assert first == find_transition(x[order], y[order], seeds[order], log=False)
    assert first.low != find_transition(x, y, seeds, log=False, seed=1, resamples=50).low
    twice = find_transition(np.tile(x, 2), np.concatenate((y - 0.5, y + 0.5)), np.tile(seeds, 2), log=False)
    assert twice.x == first.x
    assert twice.gain.mean == pytest.approx(first.gain.mean)


@given(st.integers(1, 4).flatmap(lambda s: st.lists(st.lists(st.floats(0, 1), min_size=s, max_size=s), min_size=4,
                                                    max_size=7)))  # fmt: skip
def test_any_values_give_a_sensible_answer(shares):
    """Nothing blows up: numbers are finite, intervals hold their means, and a midpoint lies within the levels."""
    y_SK = np.array(shares).T
    found = find(y_SK, resamples=50)
    for interval in (found.width, found.climb, found.gain):
        assert np.isfinite(interval.mean)
        assert interval.low <= interval.mean <= interval.high
    assert found.low <= found.midpoint <= found.high
    assert found.rise >= 0
    if found.status == "sharp":
        assert 0 < found.low and found.high < y_SK.shape[1] - 1
        assert found.gain.low > 0
    if found.x is not None:
        assert 0 <= found.x <= y_SK.shape[1] - 1 or found.status == "smooth"


# --- what is not known -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("S", [1, 3])
def test_seeds_that_agree_show_no_spread(S):
    """Neither does a single one: intervals are open, unless the spread is known and there are several."""
    y_SK = np.tile([0.1, 0.1, 0.1, 0.9, 0.9, 0.9], (S, 1))
    silent = find(y_SK)
    assert silent.status == "undecided"
    assert (silent.low, silent.high, silent.gain.low, silent.width.high) == (-np.inf, np.inf, -np.inf, np.inf)
    told = find(y_SK, spread=0.02)
    assert told.status == ("sharp" if S > 1 else "undecided")
    assert find([[0.3] * 5] * 3).status == "flat"


def test_a_known_spread_widens_what_seeds_leave_narrow():
    """It counts where they show less, and not where they show more."""
    y_SK = around(rise(np.arange(6), 2.5, 2.0), 0.005, S=4)
    bare, told, small = find(y_SK), find(y_SK, spread=0.1), find(y_SK, spread=1e-6)
    assert told.high - told.low > 2 * (bare.high - bare.low)
    assert told.climb.high - told.climb.low > 2 * (bare.climb.high - bare.climb.low)
    assert told.gain.high - told.gain.low > 2 * (bare.gain.high - bare.gain.low)
    assert (small.low, small.high) == pytest.approx((bare.low, bare.high))


@pytest.mark.parametrize(
    ("runs", "settings", "message"),
    [
        (([1, 2, 3, 4], [1, 2], [0] * 4), {}, "Every run needs x, y and seed, got 4, 2 and 4"),
        (([1, 2, 3], [0.0, 0.1, 0.2], [0] * 3), {}, "at least 4 levels of x, got 3"),
        (([0, 1, 2, 3], [0.0] * 4, [0] * 4), {"log": True}, "x must be finite and above 0"),
        (([0, 1, 2, np.inf], [0.0] * 4, [0] * 4), {}, "x must be finite, got"),
        (([0, 1, 2, 3], [0.0, 1.0, np.nan, 1.0], [0] * 4), {}, "y must be finite"),
        (([0, 1, 2, 3, 0, 1], [0.0] * 6, [0, 0, 0, 0, 7, 7]), {}, "needs all 4 levels of x, got 2 of seed 7"),
        (([0, 1, 2, 3], [0.0] * 4, [0] * 4), {"spread": 0.0}, "spread must be above 0"),
        (([0, 1, 2, 3], [0.0] * 4, [0] * 4), {"resamples": 1}, "resamples must be at least 2"),
        (([0, 1, 2, 3], [0.0] * 4, [0] * 4), {"level": 1.0}, "level must lie in"),
    ],
)
def test_unusable_runs_are_refused(runs, settings, message):
    """One sentence says what is wrong."""
    from bothways.errors import BothwaysError
    from bothways.sweeps.transition import find_transition

    with pytest.raises(BothwaysError, match=message):
        find_transition(*runs, **{"log": False, **settings})


# --- as a picture ----------------------------------------------------------------------------------------------------


def drawn(y_SK, x_K, *, log, n=None):
    """The rows of the picture of one rise, by series."""
    from bothways.studies.drawing import transition_curve

    found = find(y_SK, x_K, log=log)
    runs = np.tile(x_K, len(y_SK)), np.asarray(y_SK).ravel(), found
    picture = transition_curve("rise", "A rise", {"causal": runs}, n, x="graphs", y="accuracy")
    series = {}
    for panel, name, *numbers in picture.rows:
        assert panel == "causal"
        series.setdefault(name, []).append(tuple(numbers))
    return picture, series, found


def test_a_rise_is_drawn_with_both_curves_and_its_midpoint():
    """Measured levels with their intervals, two lines without, and a band from the lowest to the highest level."""
    from bothways.sweeps.over_seeds import over_seeds

    x = np.geomspace(100, 100_000, 6)
    y_SK = np.clip(around(rise(np.arange(6), 2.4, 1.0), 0.02), 0, 1)
    picture, series, found = drawn(y_SK, x, log=True, n=50)
    assert (picture.form, picture.log_x, picture.x) == ("curves", True, "graphs")
    assert list(series) == ["measured", "logistic curve", "straight line", "midpoint"]
    expected = over_seeds(y_SK[:, 2], 50)
    assert series["measured"][2] == pytest.approx((x[2], expected.mean, expected.low, expected.high))
    for name, heights in (("logistic curve", found.logistic), ("straight line", found.straight)):
        at, y, low, high = zip(*series[name], strict=True)
        assert np.diff(np.log10(at)) == pytest.approx(np.full(60, 3 / 60))
        assert y == pytest.approx(heights(at))
        assert {*low, *high} == {None}
    assert [row[0] for row in series["midpoint"]] == [found.low, found.x, found.high]
    assert {row[1:] for row in series["midpoint"]} == {((found.floor + found.ceiling) / 2, *found.ends)}


def test_open_ends_are_drawn_at_the_levels_and_no_midpoint_is_made_up():
    """One seed has a midpoint somewhere between the levels; what is flat has none."""
    _, series, found = drawn(rise(np.arange(6), 2.5, 1.0)[None], np.arange(6), log=False)
    assert found.status == "undecided"
    assert [row[0] for row in series["midpoint"]] == [0.0, found.x, 5.0]
    _, series, found = drawn(around([0.5] * 6), np.arange(6), log=False)
    assert found.status == "flat"
    assert "midpoint" not in series


def test_the_picture_of_a_rise_can_be_drawn():
    """In the form that the pages know, without a warning."""
    from bothways.reports.pictures import plot_of
    from bothways.reports.svg import WIDE, draw_svg

    picture, _, _ = drawn(around(rise(np.arange(6), 2.4, 1.0), 0.02), np.geomspace(100, 100_000, 6), log=True)
    plot = plot_of(picture)
    assert "midpoint ends at" in plot.alt
    assert b"</svg>" in draw_svg(plot.draw, WIDE, plot.title)[0]
