"""Where along an axis of a sweep a share of right answers crosses one half, and how sure that is.

Axis letters of this file: R runs, P coefficients of a fit.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy import optimize, special

from bothways.errors import BothwaysError
from bothways.evaluation.statistics import check_level
from bothways.sweeps.over_seeds import Numbers, student

Status = Literal["crosses", "bracketed", "several", "all above", "all below", "unclear"]

MIN_LEVELS = 3
"""Levels of x that a curve is fitted to; two show between which values the crossing lies, and no more."""
CLEAR = 0.25
"""How far from one half a level's share must be to count as clearly above or below it."""
STEPS = 100
"""Most Newton steps of a fit; it needs around ten."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """Where a share crosses one half along x."""

    status: Status
    """`crosses`: once, at `x`. `bracketed`: somewhere between `low` and `high`, which are levels of x.
    `several`: it goes to the other side and comes back. `unclear`: about one half, and no side is left for good."""
    x: float | None = None
    """In the unit of x; None unless it crosses."""
    low: float = -np.inf
    high: float = np.inf
    """Ends of the interval, infinite where it is open; or of the bracket."""
    rising: bool = True
    """Whether the share is above one half beyond the boundary."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Runs as a fit sees them: so many right of so many questions, at a place z."""

    z_R: np.ndarray
    right_R: np.ndarray
    n_R: np.ndarray
    seeds_R: np.ndarray

    def levels(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the distinct places in ascending order, and the mean share of the runs at each."""
        places, level_R = np.unique(self.z_R, return_inverse=True)
        return places, np.bincount(level_R, self.right_R / self.n_R) / np.bincount(level_R)


@dataclass(frozen=True, slots=True)
class Fit:
    """A logistic regression: its coefficients, log-likelihood and information."""

    beta_P: np.ndarray
    log_likelihood: float
    information_PP: np.ndarray


def find_boundary(
    x_R: Numbers,
    right_R: Numbers,
    n_R: Numbers,
    seeds_R: Numbers,
    *,
    log: bool = False,
    level: float = 0.95,
) -> Boundary:
    """Find where the share of right answers crosses one half, with an interval that lets seeds differ.

    The share is fitted by a logistic curve in x, or in log x: the binomial maximum likelihood over runs. Runs vary
    by more than their questions explain, so the interval is the wider of two:

    - the profile likelihood of the crossing, its deviance divided by the dispersion of the runs at the same x
      (`dispersion`) and compared with Student's t squared: every run is a draw of its own;
    - the delta method with a sandwich over seeds and Student's t of one seed less: a seed may move all its runs.

    With one seed nothing is known of the spread and the interval is open at both ends. Where 0 and 1 stand side by
    side a curve of any steepness fits: the levels at both sides are given instead (`bracketed`).

    Args:
        x_R: place of each run on the axis; above 0 where `log` is set.
        right_R: questions answered right, in 0 to n; need not be whole.
        n_R: questions asked, at least 1.
        seeds_R: seed of each run.
        log: whether the curve is logistic in log x.
        level: confidence, in (0, 1).

    Raises:
        BothwaysError: lengths differ, x is not finite or not above 0 for a logarithm, or right is not in 0 to n.

    Source: profile likelihood, Venzon and Moolgavkar, Appl. Statist. 37 (1988), 87-94, scaled by a dispersion as in
    McCullagh and Nelder, Generalized Linear Models (1989), 4.5; sandwich over clusters, Liang and Zeger, Biometrika 73
    (1986), 13-22. Differs from them by: the wider of the two, and the dispersion is that within levels.

    >>> found = find_boundary([1, 1, 2, 2, 3, 3], [1, 3, 40, 55, 98, 97], [100] * 6, [0, 1, 0, 1, 0, 1])
    >>> found.status, round(found.x, 1), found.low < 2 < found.high
    ('crosses', 2.0, True)
    """
    check_level(level)
    trials = as_trials(x_R, right_R, n_R, seeds_R, log)
    found = locate(trials, level)
    if not log:
        return found
    x = None if found.x is None else float(np.exp(found.x))
    low, high = (float(np.exp(z)) if np.isfinite(z) else float(z) for z in (found.low, found.high))
    return Boundary(found.status, x, low, high, found.rising)


def locate(trials: Trials, level: float) -> Boundary:
    """Find the boundary on the axis z, on which the curve is logistic."""
    places, shares = trials.levels()
    if not shares.min() < 0.5 <= shares.max():
        return Boundary("all above" if shares.min() >= 0.5 else "all below")
    if turns(shares) > 1:
        return Boundary("several")
    rising = bool(np.cov(places, shares)[0, 1] > 0)
    bracket = separated(trials, rising)
    if bracket is None and len(places) < MIN_LEVELS:
        bracket = float(places[0]), float(places[-1])
    if bracket is not None:
        return Boundary("bracketed", None, *bracket, rising)
    fit = regress(np.column_stack((np.ones_like(trials.z_R), trials.z_R)), trials)
    if fit.beta_P[1] == 0 or not places[0] <= crossing(fit) <= places[-1]:
        return Boundary("unclear")
    return Boundary("crosses", crossing(fit), *interval(trials, fit, level), bool(fit.beta_P[1] > 0))


def crossing(fit: Fit) -> float:
    """Return where a fitted line of log-odds is zero."""
    return float(-fit.beta_P[0] / fit.beta_P[1])


def turns(shares: np.ndarray) -> int:
    """Count how often the shares go from clearly below one half to clearly above it or back."""
    sides = [bool(share > 0.5) for share in shares if abs(share - 0.5) >= CLEAR]
    return sum(one != other for one, other in pairwise(sides))


def separated(trials: Trials, rising: bool) -> tuple[float, float] | None:
    """Return the levels around a jump from nothing right to everything right; None where there is an overlap.

    Without an overlap a logistic curve has no best steepness (Albert and Anderson, Biometrika 71 (1984), 1-10).
    """
    z_R = trials.z_R if rising else -trials.z_R
    none, every = trials.right_R == 0, trials.right_R == trials.n_R
    last_wrong, first_right = z_R[~every].max(), z_R[~none].min()
    if last_wrong > first_right:
        return None
    below, above = z_R[z_R < first_right], z_R[z_R > last_wrong]
    low = below.max() if len(below) else first_right
    high = above.min() if len(above) else last_wrong
    return (float(low), float(high)) if rising else (float(-high), float(-low))


def regress(design_RP: np.ndarray, trials: Trials) -> Fit:
    """Fit a logistic regression by Newton's method, a step halved for as long as it makes things worse."""
    beta_P = np.zeros(design_RP.shape[1])
    value = log_likelihood(design_RP @ beta_P, trials)
    for _ in range(STEPS):
        score_P, information_PP = slopes(design_RP, beta_P, trials)
        step_P = np.linalg.lstsq(information_PP, score_P, rcond=None)[0]
        while (new := log_likelihood(design_RP @ (beta_P + step_P), trials)) < value:
            step_P /= 2
            if np.abs(step_P).max() < 1e-12:
                break
        beta_P, gain, value = beta_P + step_P, new - value, new
        if abs(gain) < 1e-10 * (1 + abs(value)):
            break
    return Fit(beta_P, value, slopes(design_RP, beta_P, trials)[1])


def log_likelihood(log_odds_R: np.ndarray, trials: Trials) -> float:
    """Return the binomial log-likelihood in nats, without its constant."""
    return float(np.sum(trials.right_R * log_odds_R - trials.n_R * np.logaddexp(0, log_odds_R)))


def slopes(design_RP: np.ndarray, beta_P: np.ndarray, trials: Trials) -> tuple[np.ndarray, np.ndarray]:
    """Return the score and the information of the binomial likelihood."""
    share_R = special.expit(design_RP @ beta_P)
    weight_R = trials.n_R * share_R * (1 - share_R)
    return design_RP.T @ (trials.right_R - trials.n_R * share_R), (design_RP.T * weight_R) @ design_RP


def interval(trials: Trials, fit: Fit, level: float) -> tuple[float, float]:
    """Return the wider of the two intervals at each end; open with one seed."""
    n_seeds = len(np.unique(trials.seeds_R))
    if n_seeds < 2:
        return -np.inf, np.inf
    phi, freedom = dispersion(trials)
    low, high = profile(trials, fit, phi * student(freedom, level) ** 2)
    reach = student(n_seeds - 1, level) * seed_error(trials, fit)
    return min(low, crossing(fit) - reach), max(high, crossing(fit) + reach)


def dispersion(trials: Trials) -> tuple[float, int]:
    """Return by how much the variance of runs at the same place exceeds the binomial one, and its degrees of freedom.

    Pearson's statistic within levels, over those that are neither all right nor all wrong. It is 1 at least. A
    statistic against the fitted curve would blow up where a curve that nears 1 meets a single wrong answer.
    """
    total, freedom = 0.0, 0
    for place in np.unique(trials.z_R):
        here = trials.z_R == place
        n, right = trials.n_R[here], trials.right_R[here]
        share = right.sum() / n.sum()
        if here.sum() > 1 and 0 < share < 1:
            total += float(np.sum((right - n * share) ** 2 / (n * share * (1 - share))))
            freedom += int(here.sum()) - 1
    return (max(1.0, total / freedom), freedom) if freedom else (1.0, max(1, len(trials.z_R) - 2))


def profile(trials: Trials, fit: Fit, limit: float) -> tuple[float, float]:
    """Return the crossings whose deviance reaches `limit`, infinite where it is not reached near the sweep."""
    centre, span = crossing(fit), float(np.ptp(trials.z_R))

    def excess(place: float) -> float:
        held = regress((trials.z_R - place)[:, None], trials)
        return 2 * (fit.log_likelihood - held.log_likelihood) - limit

    ends = trials.z_R.min() - span, trials.z_R.max() + span
    low, high = (root(excess, centre, float(end)) for end in ends)
    return -np.inf if low is None else low, np.inf if high is None else high


def root(excess: Callable[[float], float], start: float, end: float) -> float | None:
    """Return where a function that is negative at `start` becomes positive on the way to `end`; None if nowhere."""
    if excess(end) < 0:
        return None
    return float(optimize.brentq(excess, start, end, xtol=1e-6 * abs(end - start)))  # type: ignore[arg-type]


def seed_error(trials: Trials, fit: Fit) -> float:
    """Return the standard error of the crossing by the delta method, with a sandwich over seeds."""
    slope = fit.beta_P[1]
    design_RP = np.column_stack((np.ones_like(trials.z_R), trials.z_R))
    residual_R = trials.right_R - trials.n_R * special.expit(design_RP @ fit.beta_P)
    gradient_P = np.array([-1 / slope, fit.beta_P[0] / slope**2])
    influence_R = (design_RP * residual_R[:, None]) @ np.linalg.lstsq(fit.information_PP, gradient_P, rcond=None)[0]
    _, seed_R = np.unique(trials.seeds_R, return_inverse=True)
    influence_S = np.bincount(seed_R, influence_R)
    return float(np.sqrt(len(influence_S) / (len(influence_S) - 1) * np.sum(influence_S**2)))


def as_trials(x_R: Numbers, right_R: Numbers, n_R: Numbers, seeds_R: Numbers, log: bool) -> Trials:
    """Return the runs as arrays, or say what is wrong with them."""
    x, right, n = (np.asarray(values, dtype=np.float64) for values in (x_R, right_R, n_R))
    seeds = np.asarray(seeds_R)
    if not x.shape == right.shape == n.shape == seeds.shape or x.ndim != 1 or len(x) == 0:
        raise BothwaysError(
            f"Every run needs x, right, n and seed, got {x.size}, {right.size}, {n.size} and {seeds.size} values. "
            f"Give one of each per run."
        )
    if not np.isfinite(x).all() or (log and x.min() <= 0):
        raise BothwaysError(f"x must be finite{' and above 0' * log}, got {x.tolist()}. Leave out other levels.")
    if not ((n >= 1) & (right >= 0) & (right <= n)).all():
        raise BothwaysError("right must lie in 0 to n with n at least 1, got others. Leave out runs without questions.")
    return Trials(np.log(x) if log else x, right, n, seeds)
