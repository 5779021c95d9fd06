"""Logistic curves with a free floor and ceiling, and a straight line, fitted to the means of a few levels.

Of a logistic curve only midpoint and width are tried one by one; floor and ceiling then follow by linear least squares.
So the best of all is found, not one near a start, and all bootstrap draws are fitted by one product of two matrices.

Axis letters of this file: K levels, G curves that are tried, N draws.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

HALF = 0.5
"""Most of the levels' span that the 10 to 90 % of a sharp rise may take; a straight line takes 0.8 of it."""
SEEN = 0.25
"""Least share of a rise that must lie between the levels: of curves that show less, any end of a tail fits."""
STRETCH = float(2 * np.log(9))
"""Distance of the 10 and 90 % points of a logistic curve, in its scale."""
PLACES, WIDTHS = 401, 40
"""How many midpoints, over the levels' span and half of it at both sides, and how many widths are tried."""
EVEN = 1e-6
"""Share of the variance up to which two curves explain the same; the wider of them is taken."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Every logistic curve that is tried."""

    place_G: np.ndarray
    """Midpoints."""
    width_G: np.ndarray
    """Distances of the 10 and 90 % points."""
    share_GK: np.ndarray
    """Share of the rise at each level."""
    shape_GK: np.ndarray
    """The same around its mean, and of length 1; so the square of its product with the means is what it explains."""
    step: float
    """From one midpoint to the next."""


def every_curve(z_K: np.ndarray) -> Curves:
    """Return the curves that are tried: midpoints beyond the levels too, widths from a tenth of a gap, and a step.

    Args:
        z_K: the levels on the axis of the fit, ascending.
    """
    span = z_K[-1] - z_K[0]
    places = np.linspace(z_K[0] - span / 2, z_K[-1] + span / 2, PLACES)
    gap = np.diff(z_K).min()
    widths = np.append(np.geomspace(2 * span, gap / 10, WIDTHS), gap / 1000)
    width_G, place_G = np.repeat(widths, PLACES), np.tile(places, len(widths))
    share_GK = special.expit((z_K - place_G[:, None]) * STRETCH / width_G[:, None])
    seen_G = np.ptp(share_GK, axis=1) >= SEEN
    share_GK = share_GK[seen_G]
    shape_GK = share_GK - share_GK.mean(axis=1, keepdims=True)
    shape_GK /= np.linalg.norm(shape_GK, axis=1, keepdims=True)
    return Curves(place_G[seen_G], width_G[seen_G], share_GK, shape_GK, float(places[1] - places[0]))


def fit(means_NK: np.ndarray, z_K: np.ndarray, curves: Curves) -> tuple[np.ndarray, np.ndarray]:
    """Return the best curve of each draw, and what the best sharp one gains over the straight line.

    The ceiling is never below the floor. The gain is the line's squared error less the sharp curve's, as a share of the
    variance between the levels; 0 where there is none.
    """
    around_NK = means_NK - means_NK.mean(axis=1, keepdims=True)
    total_N = np.sum(around_NK**2, axis=1)
    explained_NG = np.maximum(around_NK @ curves.shape_GK.T, 0) ** 2
    sharp_G = curves.width_G <= HALF * (z_K[-1] - z_K[0])
    gain_N = line_error(means_NK, z_K) - (total_N - explained_NG[:, sharp_G].max(axis=1))
    narrow_G = 1 - curves.width_G / curves.width_G.max()
    best_N = np.argmax(explained_NG - EVEN * total_N[:, None] * narrow_G, axis=1)
    return best_N, gain_N / np.where(total_N > 0, total_N, 1)


def line_error(means_NK: np.ndarray, z_K: np.ndarray) -> np.ndarray:
    """Return the squared error of each draw's straight line, clipped to the range of its level means."""
    away_K = z_K - z_K.mean()
    slope_N = means_NK @ away_K / np.sum(away_K**2)
    line_NK = means_NK.mean(axis=1, keepdims=True) + slope_N[:, None] * away_K
    ends = (means_NK.min(axis=1, keepdims=True), means_NK.max(axis=1, keepdims=True))
    return np.sum((means_NK - np.clip(line_NK, *ends)) ** 2, axis=1)


def nearly_best(mean_K: np.ndarray, curves: Curves, limit: float) -> np.ndarray:
    """Say of each curve whether its squared error exceeds the least by at most `limit`: the profile of all numbers."""
    explained_G = np.maximum(curves.shape_GK @ (mean_K - mean_K.mean()), 0) ** 2
    return explained_G >= explained_G.max() - limit


def plateaus(mean_K: np.ndarray, share_K: np.ndarray) -> tuple[float, float]:
    """Return floor and ceiling of one curve by least squares; the same where it does not rise."""
    away_K = share_K - share_K.mean()
    rise = max(0.0, float(away_K @ mean_K / (away_K @ away_K)))
    floor = float(mean_K.mean() - rise * share_K.mean())
    return floor, floor + rise
