"""Print how `sweeps/transition.py` fares on made-up sweeps: how often intervals hold the midpoint, and what is sharp.

    python tools/transitions.py [N]     # sweeps for each row, 200 by default; a few minutes on one core

Runs differ by their questions, by seed or each by itself. A width is in gaps between levels, a deviation too.
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping

import numpy as np
from scipy import special

from bothways.sweeps.over_seeds import student
from bothways.sweeps.rising_curves import STRETCH, every_curve, fit, nearly_best
from bothways.sweeps.transition import Levels, as_levels, errors, find_transition

Ends = tuple[float, float]
RULES = ("percentile", "Student", "profile", "wider")
QUESTIONS = 100
DEVIATIONS = {"questions only": (0.0, 0.0), "seeds move": (0.3, 0.0), "runs move": (0.0, 0.3)}
"""Standard deviations of a seed's midpoint and of a run's."""
SHAPES: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "straight line": lambda u: u,
    "square root": np.sqrt,
    "square": np.square,
    "logistic, 0.8 of the span": lambda u: special.expit((u - 0.5) * STRETCH / 0.8),
    "logistic, 0.5 of the span": lambda u: special.expit((u - 0.5) * STRETCH / 0.5),
    "logistic, 0.3 of the span": lambda u: special.expit((u - 0.5) * STRETCH / 0.3),
    "step": lambda u: (u > 0.45).astype(float),
    "nothing": np.zeros_like,
}


def columns(levels: Levels) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and seed of each run."""
    S, K = levels.y_SK.shape
    return np.tile(levels.z_K, S), levels.y_SK.ravel(), np.repeat(np.arange(S), K)


def sweep(random: np.random.Generator, S: int, y_of: Callable[[np.ndarray], np.ndarray], K: int) -> Levels:
    """Return a made-up sweep of K levels, one apart."""
    z_SK = np.broadcast_to(np.arange(float(K)), (S, K))
    return as_levels(z_SK.ravel(), y_of(z_SK).ravel(), np.repeat(np.arange(S), K), False, None)


def percentiles(levels: Levels) -> Ends:
    """Return the plain percentile interval of the midpoint, for comparison."""
    S = len(levels.y_SK)
    curves = every_curve(levels.z_K)
    means_NK = np.random.default_rng(0).multinomial(S, np.full(S, 1 / S), size=400) @ levels.y_SK / S
    draws_NK, draw_N = np.unique(means_NK, axis=0, return_inverse=True)
    low, high = np.quantile(curves.place_G[fit(draws_NK, levels.z_K, curves)[0]][draw_N], (0.025, 0.975))
    return float(low), float(high)


def intervals(levels: Levels) -> dict[str, Ends]:
    """Return the midpoint's interval by every rule, of the sweep's runs."""
    S, K = levels.y_SK.shape
    curves = every_curve(levels.z_K)
    found = find_transition(*columns(levels), log=False)
    reach = student(S - 1, 0.95) * errors(levels, curves, 400, 0)[0]
    near_G = nearly_best(levels.mean_K, curves, student(K * (S - 1), 0.95) ** 2 * levels.noise)
    profile = curves.place_G[near_G]
    return {
        "percentile": percentiles(levels),
        "Student": (found.midpoint - reach, found.midpoint + reach),
        "profile": (profile.min() - curves.step, profile.max() + curves.step),
        "wider": (found.low, found.high),
    }


def coverage(n: int) -> None:
    """Print the share of sweeps whose interval holds the true midpoint, and how long the chosen one is."""
    print(f"\n| seeds | levels | width | runs differ by | {' | '.join(RULES)} | open | median length |\n|{'--:|' * 10}")
    every: dict[tuple[int, str], list[float]] = {}
    for S, K, width, (name, (by_seed, by_run)) in (
        (S, K, width, deviation)
        for S in (3, 5)
        for K in (5, 6, 7)
        for width in (0.3, 1.5, 3.0)
        for deviation in DEVIATIONS.items()
    ):
        random, covered, lengths = np.random.default_rng(1), Counter(), []
        for _ in range(n):
            true = random.uniform(1, K - 2)
            moved_SK = true + random.normal(0, by_seed, (S, 1)) + random.normal(0, by_run, (S, K))

            def y_of(z_SK, moved_SK=moved_SK, random=random, width=width):
                share_SK = 0.02 + 0.9 * special.expit((z_SK - moved_SK) * STRETCH / width)
                return random.binomial(QUESTIONS, share_SK) / QUESTIONS

            found = intervals(sweep(random, S, y_of, K))
            covered.update(rule for rule, (low, high) in found.items() if low <= true <= high)
            lengths.append(found["wider"][1] - found["wider"][0])
        shares = [covered[rule] / n for rule in RULES]
        for rule, share in zip(RULES, shares, strict=True):
            every.setdefault((S, rule), []).append(share)
        numbers = " | ".join(f"{share:.2f}" for share in (*shares, np.mean(np.isinf(lengths)), np.median(lengths)))
        print(f"| {S} | {K} | {width} | {name} | {numbers} |", flush=True)
    for (S, rule), shares in every.items():
        print(f"{S} seeds, {rule}: mean {np.mean(shares):.3f}, least {min(shares):.2f}")


def verdicts(n: int) -> None:
    """Print what becomes of shapes whose answer is known."""
    statuses = ("sharp", "smooth", "undecided", "beyond", "flat")
    print(f"\n| shape | deviation of a run | seeds | levels | {' | '.join(statuses)} |\n|---|{'--:|' * 8}")
    for name, shape in SHAPES.items():
        for S, K, deviation in ((S, K, d) for S in (3, 5) for K in (5, 7) for d in (0.02, 0.1)):
            random, seen = np.random.default_rng(2), Counter()
            for _ in range(n):

                def y_of(z_SK, shape=shape, deviation=deviation, random=random):
                    return 0.05 + 0.9 * shape(z_SK / z_SK.max()) + random.normal(0, deviation, z_SK.shape)

                seen[find_transition(*columns(sweep(random, S, y_of, K)), log=False).status] += 1
            shares = " | ".join(f"{seen[status] / n:.2f}" for status in statuses)
            print(f"| {name} | {deviation} | {S} | {K} | {shares} |", flush=True)


if __name__ == "__main__":
    N = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    coverage(N)
    verdicts(N)
