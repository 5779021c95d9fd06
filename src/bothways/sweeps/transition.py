"""Is the rise of a measure along an axis sharp, and where is it?

For claims of phase transitions along the number of training graphs, depth or epochs. Two curves compete for the means
over seeds: a logistic curve that makes most of its rise within half of what was swept, and a straight line over all of
it. Whoever fits a logistic curve alone finds a transition in everything that rises.

The measure matters more than the fit. An answer of several tokens is an exact match only where every token is right: if
each is right with probability p, the match is p to the power of their number, which stays near 0 for long and then
jumps, though p rises evenly. So exact match sharpens a transition, or makes one where there is none. Fit the mean
log-probability of the answer (nats) as well, and call sharp what is sharp in both.

Axis letters of this file: R runs, S seeds, K levels of x, G curves that are tried, N bootstrap draws or places to draw.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from bothways.errors import BothwaysError
from bothways.evaluation.statistics import Interval, check_level
from bothways.sweeps.over_seeds import Numbers, student
from bothways.sweeps.rising_curves import STRETCH, Curves, every_curve, fit, nearly_best, plateaus

Status = Literal["sharp", "smooth", "undecided", "flat", "beyond"]

MIN_LEVELS = 4
"""Levels of x; a logistic curve with floor and ceiling has as many parameters."""
EXTRA = 2
"""Parameters that a logistic curve has beyond those of a straight line."""
BLOCK = 64
"""Draws that are fitted at once; each is compared with some ten thousand curves."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A rise along x: how sharp, and where."""

    status: Status
    """`sharp`: the sharp logistic curve explains more than the straight line (gain above 0), and the midpoint's
    interval lies within the levels. `smooth`: it explains less. `flat`: no rise that is distinguishable from 0.
    `beyond`: the fitted rise does not begin and end within the levels. `undecided`: none of these."""
    x: float | None
    """Midpoint of the rise, in the unit of x, to a two-hundredth of the levels' span; None where flat or beyond."""
    low: float
    high: float
    """Ends of the midpoint's interval, infinite where they would lie beyond the levels."""
    width: Interval
    """From 10 to 90 % of the rise, in decades of x where `log`, else in the unit of x. Low is 0 where a step fits
    too, high infinite beyond twice the levels' span. It is the width of the mean over seeds: seeds that rise
    at different places make it wider."""
    floor: float
    ceiling: float
    """Of the fitted logistic curve, in the unit of y; extrapolated where beyond."""
    climb: Interval
    """What the straight line rises from the first to the last level, in the unit of y; it decides what is flat."""
    gain: Interval
    """Squared error of the straight line at the level means, less that of the best logistic curve whose width is at
    most half of the levels' span, less what two more parameters explain by chance (Mallows), as a share of the
    variance between the level means."""
    smooth: str
    """What the logistic curve is compared with."""
    log: bool
    """Whether both curves run along log10 x."""
    midpoint: float
    """Of the fitted curve, on the axis of the fit: log10 x or x; given whatever the status."""
    line: tuple[float, float]
    """The straight line: its height at 0 of the axis of the fit, and its slope."""
    ends: tuple[float, float]
    """The least and the largest mean of a level, to which the line is clipped."""

    @property
    def rise(self) -> float:
        """Ceiling minus floor, in the unit of y."""
        return self.ceiling - self.floor

    def logistic(self, x_N: Numbers) -> np.ndarray:
        """Return the height of the fitted logistic curve."""
        return self.floor + self.rise * special.expit((self._z(x_N) - self.midpoint) * STRETCH / self.width.mean)

    def straight(self, x_N: Numbers) -> np.ndarray:
        """Return the height of the smooth alternative."""
        return np.clip(self.line[0] + self.line[1] * self._z(x_N), *self.ends)

    def _z(self, x_N: Numbers) -> np.ndarray:
        x = np.asarray(x_N, dtype=np.float64)
        return np.log10(x) if self.log else x


@dataclass(frozen=True, slots=True)
class Levels:
    """What was measured by seed and level, and how sure the means over seeds are."""

    z_K: np.ndarray
    y_SK: np.ndarray
    noise: float
    """Variance of a level's mean, averaged over levels; 0 where nothing is known of it."""
    missing_K: np.ndarray
    """How much less variance of a level's mean the seeds show than is known to be there."""

    @property
    def mean_K(self) -> np.ndarray:
        """Means over seeds."""
        return self.y_SK.mean(axis=0)

    @property
    def span(self) -> float:
        """How far the levels reach."""
        return float(self.z_K[-1] - self.z_K[0])


@dataclass(frozen=True, slots=True)
class Estimate:
    """The best curve, and its numbers on the axis of the fit."""

    best: int
    place: Interval
    width: Interval
    gain: Interval


def find_transition(
    x_R: Numbers,
    y_R: Numbers,
    seeds_R: Numbers,
    *,
    log: bool,
    spread: float | None = None,
    level: float = 0.95,
    resamples: int = 400,
    seed: int = 0,
) -> Transition:
    """Say whether a measure rises sharply along x, and where, with intervals that let seeds differ.

    Curves are least squares on the level means. Seeds are drawn with replacement, all levels of a seed together; the
    standard deviation over the draws times sqrt(S / (S - 1)) is the standard error, and intervals are Student's with
    one seed less. Those of midpoint and width are the wider of that and of the profile: all curves whose squared error
    exceeds the least by at most Student's t squared times the noise. The bootstrap alone misses that between two levels
    every midpoint may fit alike, the profile alone that a seed may move all its runs (tools/transitions.py simulates
    both; LOG.md has the coverage).

    With one seed, or with seeds that agree at every level, nothing is known of the spread: intervals are open, and the
    status is never `sharp` or `smooth`. Then give `spread`; a share of n questions has 0.5 / sqrt(n) at most.

    Args:
        x_R: place of each run on the axis, at least four different ones; above 0 where `log`.
        y_R: measure of each run: a share, or nats.
        seeds_R: seed of each run; every seed must have every level. Runs of a seed at the same x are averaged.
        log: whether the curves run along log10 x.
        spread: standard deviation that a run's measure is known to have at least, in the unit of y, above 0; levels
            where the seeds show less count as having it.
        level: confidence, in (0, 1).
        resamples: number of bootstrap draws, at least 2.
        seed: the only source of chance.

    Raises:
        BothwaysError: lengths differ, a number is not finite or out of range, there are fewer than four levels, or a
            seed lacks one.

    Source: the penalty by Mallows, Technometrics 15 (1973), 661-675. Differs from it by: the noise is measured over
    seeds. Errors at levels that are left out were tried instead (LOG.md): steps pass unseen.

    >>> y = [0.02, 0.03, 0.05, 0.9, 0.97, 0.01, 0.04, 0.08, 0.94, 0.98, 0.0, 0.02, 0.03, 0.91, 0.97]
    >>> found = find_transition([100, 300, 1000, 3000, 10000] * 3, y, [0] * 5 + [1] * 5 + [2] * 5, log=True)
    >>> found.status, 1000 <= found.low < found.x < found.high <= 3000
    ('sharp', True)
    """
    check_level(level)
    check_options(spread, resamples)
    levels = as_levels(x_R, y_R, seeds_R, log, spread)
    curves = every_curve(levels.z_K)
    climb = climbed(levels, level, spread)
    found = estimate(levels, curves, level, resamples, seed)
    status = judge(levels, climb, found)
    x, low, high = (10.0**z if log and np.isfinite(z) else z for z in (found.place.mean, *ends_of(found.place)))
    floor, ceiling = plateaus(levels.mean_K, curves.share_GK[found.best])
    slope = climb.mean / levels.span
    return Transition(
        status=status,
        x=None if status in ("flat", "beyond") else x,
        low=low,
        high=high,
        width=found.width,
        floor=floor,
        ceiling=ceiling,
        climb=climb,
        gain=found.gain,
        smooth=f"straight line in {'log ' * log}x, clipped to the observed range",
        log=log,
        midpoint=found.place.mean,
        line=(float(levels.mean_K.mean()) - slope * float(levels.z_K.mean()), slope),
        ends=(float(levels.mean_K.min()), float(levels.mean_K.max())),
    )


def judge(levels: Levels, climb: Interval, found: Estimate) -> Status:
    """Return the status, which `Transition` explains."""
    if np.ptp(levels.mean_K) == 0 or climb.mean <= 0 or -np.inf < climb.low <= 0:
        return "flat"
    if found.gain.high < 0:
        return "smooth"
    begins, ends = (found.place.mean + side * found.width.mean / 2 for side in (-1, 1))
    if begins < levels.z_K[0] or ends > levels.z_K[-1]:
        return "beyond"
    return "sharp" if found.gain.low > 0 and np.isfinite(ends_of(found.place)).all() else "undecided"


def estimate(levels: Levels, curves: Curves, level: float, resamples: int, seed: int) -> Estimate:
    """Return the best curve, with the intervals of midpoint, width and gain."""
    mean_K, (S, K) = levels.mean_K, levels.y_SK.shape
    (best,), (gain,) = fit(mean_K[None], levels.z_K, curves)
    gain -= 2 * EXTRA * levels.noise / (np.sum((mean_K - mean_K.mean()) ** 2) or 1.0)
    numbers = float(curves.place_G[best]), float(curves.width_G[best]), float(gain)
    if levels.noise == 0:
        return Estimate(int(best), *(Interval(number, -np.inf, np.inf) for number in numbers))
    reach = student(S - 1, level) * errors(levels, curves, resamples, seed)
    place, width, gained = (
        Interval(number, number - float(by), number + float(by)) for number, by in zip(numbers, reach, strict=True)
    )
    near_G = nearly_best(mean_K, curves, student(K * (S - 1), level) ** 2 * levels.noise)
    places, widths = curves.place_G[near_G], curves.width_G[near_G]
    place = wider(place, places.min() - curves.step, places.max() + curves.step)
    width = wider(width, widths.min(), widths.max())
    place = opened(place, levels.z_K[0], levels.z_K[-1], -np.inf)
    return Estimate(int(best), place, opened(width, curves.width_G.min(), curves.width_G.max(), 0.0), gained)


def errors(levels: Levels, curves: Curves, resamples: int, seed: int) -> np.ndarray:
    """Return the standard errors of midpoint, width and gain over draws of seeds."""
    S, K = levels.y_SK.shape
    random = np.random.default_rng(seed)
    means_NK = random.multinomial(S, np.full(S, 1 / S), size=resamples) @ levels.y_SK / S
    means_NK += random.normal(size=(resamples, K)) * np.sqrt(levels.missing_K)
    draws_NK, draw_N = np.unique(means_NK, axis=0, return_inverse=True)  # a handful of seeds has few different draws
    parts = [fit(part_NK, levels.z_K, curves) for part_NK in np.array_split(draws_NK, -(-len(draws_NK) // BLOCK))]
    best_N, gain_N = (np.concatenate(found)[draw_N] for found in zip(*parts, strict=True))
    found = np.column_stack((curves.place_G[best_N], curves.width_G[best_N], gain_N))
    return found.std(axis=0, ddof=1) * np.sqrt(S / (S - 1))


def wider(interval: Interval, low: float, high: float) -> Interval:
    """Return an interval that reaches to these ends too."""
    return Interval(interval.mean, min(interval.low, float(low)), max(interval.high, float(high)))


def opened(interval: Interval, first: float, last: float, below: float) -> Interval:
    """Return an interval whose ends are open where they reach the first or the last of what was tried."""
    low = interval.low if interval.low > first else below
    return Interval(interval.mean, low, interval.high if interval.high < last else np.inf)


def ends_of(interval: Interval) -> tuple[float, float]:
    """Return both ends."""
    return interval.low, interval.high


def climbed(levels: Levels, level: float, spread: float | None) -> Interval:
    """Return what a straight line rises over the levels, with Student's interval over the seeds' own lines."""
    S = len(levels.y_SK)
    away_K = levels.z_K - levels.z_K.mean()
    weight_K = away_K / np.sum(away_K**2) * levels.span
    climb_S = levels.y_SK @ weight_K
    mean = float(climb_S.mean())
    if levels.noise == 0:
        return Interval(mean, -np.inf, np.inf)
    deviation = max(float(climb_S.std(ddof=1)), (spread or 0.0) * float(np.linalg.norm(weight_K)))
    reach = student(S - 1, level) * deviation / np.sqrt(S)
    return Interval(mean, float(mean - reach), float(mean + reach))


def as_levels(x_R: Numbers, y_R: Numbers, seeds_R: Numbers, log: bool, spread: float | None) -> Levels:
    """Return the measure by seed and level, or say what is wrong with the runs."""
    x, y, seeds = np.asarray(x_R, dtype=np.float64), np.asarray(y_R, dtype=np.float64), np.asarray(seeds_R)
    check_runs(x, y, seeds, log)
    z_K, level_R = np.unique(np.log10(x) if log else x, return_inverse=True)
    names_S, seed_R = np.unique(seeds, return_inverse=True)
    S, K = len(names_S), len(z_K)
    if K < MIN_LEVELS:
        raise BothwaysError(f"A transition needs at least {MIN_LEVELS} levels of x, got {K}. Run more of them.")
    cell_R = seed_R * K + level_R
    n_SK = np.bincount(cell_R, minlength=S * K).reshape(S, K)
    if not n_SK.all():
        lacks = np.argmin(n_SK.min(axis=1))
        raise BothwaysError(
            f"Every seed needs all {K} levels of x, got {np.count_nonzero(n_SK[lacks])} of seed {names_S[lacks]}. "
            f"Run the others, or leave out that seed."
        )
    y_SK = np.bincount(cell_R, y, minlength=S * K).reshape(S, K) / n_SK
    if S == 1:
        return Levels(z_K, y_SK, 0.0, np.zeros(K))
    shown_K = np.where(np.ptp(y_SK, axis=0) == 0, 0, y_SK.var(axis=0, ddof=1))  # rounding is no spread
    known_K = np.maximum(shown_K, (spread or 0.0) ** 2)
    return Levels(z_K, y_SK, float(known_K.mean()) / S, (known_K - shown_K) / S)


def check_runs(x_R: np.ndarray, y_R: np.ndarray, seeds_R: np.ndarray, log: bool) -> None:
    """Refuse runs that cannot be fitted."""
    if not x_R.shape == y_R.shape == seeds_R.shape or x_R.ndim != 1 or len(x_R) == 0:
        raise BothwaysError(
            f"Every run needs x, y and seed, got {x_R.size}, {y_R.size} and {seeds_R.size} values. "
            f"Give one of each per run."
        )
    if not np.isfinite(x_R).all() or (log and x_R.min() <= 0):
        raise BothwaysError(f"x must be finite{' and above 0' * log}, got {x_R.tolist()}. Leave out other levels.")
    if not np.isfinite(y_R).all():
        raise BothwaysError(f"y must be finite, got {y_R.tolist()}. Leave out what was not measured.")


def check_options(spread: float | None, resamples: int) -> None:
    """Refuse a spread that is none, and too few draws."""
    if spread is not None and not 0 < spread < np.inf:
        raise BothwaysError(f"spread must be above 0 and finite, got spread={spread}. Leave it out if it is not known.")
    if resamples < 2:
        raise BothwaysError(f"resamples must be at least 2, got resamples={resamples}. Around 400 is usual.")
