"""What is proved of small models: TD-10 to TD-13, the theorems of Zhu et al., arXiv 2405.04669.

All regions were written down before the first run; what changed later stands at its claim.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from bothways.mechanisms.reversal_bound import least_epsilon
from bothways.studies.claims import Claim, Region
from bothways.studies.dynamics_runs import WIDTHS
from bothways.studies.evidence import Evidence, NothingMeasured
from bothways.studies.readings import answered, part

NARROW, WIDE = WIDTHS[0], WIDTHS[-1]


def theorems() -> Sequence[Claim]:
    """Return what is proved of small models: TD-10 to TD-13."""
    return falls_with_width(), known_one_way_only(), reverse_is_a_guess(), implied_is_a_guess()


def falls_with_width() -> Claim:
    """Return TD-10: the least exponent falls with the dimension."""
    return Claim(
        id="TD-10",
        sentence=(
            "In the bilinear model the reverse loss falls at most as the trained loss to the power ε, with ε small "
            "for wide embeddings."
        ),
        paper="L_rev(t) / L_rev(0) ≥ (L(t) / L(0))^ε (Theorem 1)",
        sure="medium",
        scale="smaller",
        parts=(
            part("slope of log ε over log dimension", Region(high=-0.25), exponent_slope),
            part(f"smallest ε at dimension {WIDE}", Region(high=0.1), partial(exponent, WIDE)),
        ),
        why=(
            "With ε unknown the bound itself cannot fail; what can is that the smallest ε that makes it true falls "
            "with the dimension. After trial runs, before the first whole one, the slope became that of the mean ε "
            "over seeds, because one run's ε is often 0."
        ),
    )


def known_one_way_only() -> Claim:
    """Return TD-11: a time when one direction alone is known."""
    return Claim(
        id="TD-11",
        sentence=(
            "In the bilinear model there is a time when what is trained is known and the reverse loss is still large."
        ),
        paper="L ≤ c and L_rev ≥ C for any c, C below log(m/2) (Theorem 2)",
        sure="low",
        scale="smaller",
        parts=(
            part(
                "largest L_rev once L ≤ 0.1, as a share of log(m/2)", Region(low=0.95), partial(still_large, WIDE, 0.1)
            ),
        ),
        why=(
            f"m is the number of tokens; c is 0.1 nats, C is 0.95 log(m/2). Dimension {WIDE}; narrow ones ({NARROW}) "
            "are drawn beside it."
        ),
    )


def reverse_is_a_guess() -> Claim:
    """Return TD-12: the unseen direction stays uniform."""
    return Claim(
        id="TD-12",
        sentence=(
            "In the one-layer transformer of theory trained sentences become certain while the reverse stays a "
            "uniform guess."
        ),
        paper="p(B | A →) → 1, p(A | B ←) about 1/M (Theorem 3)",
        sure="medium",
        scale="smaller",
        parts=(
            part(
                "M · p of the unseen answer (geometric mean)",
                Region(0.1, 2.0),
                partial(guesses, "pairwise reversal", "reverse_tested_nll"),
            ),
            part("NLL of what was trained, nats", Region(high=0.05), answered("pairwise reversal", "stated_nll")),
        ),
    )


def implied_is_a_guess() -> Claim:
    """Return TD-13: the end of a chain stays uniform."""
    return Claim(
        id="TD-13",
        sentence=(
            "In the one-layer transformer of theory A → B and B → C become certain while A ⇝ C stays a uniform guess."
        ),
        paper="p(B | A), p(C | B) → 1, p(C | A ⇝) about 1/M (Theorem 4)",
        sure="medium",
        scale="smaller",
        parts=(
            part(
                "M · p of the implied answer (geometric mean)",
                Region(0.1, 2.0),
                partial(guesses, "pairwise chain", "implied_nll"),
            ),
            part("NLL of what was trained, nats", Region(high=0.05), answered("pairwise chain", "stated_nll")),
        ),
        why=(
            "Below 1 is less than a guess: the implied answer is not known. It is never a target after A and its "
            "arrow, and what is a target there takes its share. An upper bound of about 1/M would hold; about 1/M was "
            "asked for."
        ),
    )


def curves(width: int, evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Return the trained and the reverse loss of the bilinear model, each (S, T), from before the first step on.

    It starts from Θ = 0, and so from a uniform guess.
    """
    group = f"bilinear {width}"
    start = math.log(evidence.n_tokens(group))
    _, stated_ST = evidence.curve(group, "answers", "stated_nll")
    _, unstated_ST = evidence.curve(group, "answers", "unstated_nll")
    return np.insert(stated_ST, 0, start, axis=1), np.insert(unstated_ST, 0, start, axis=1)


def exponent(width: int, evidence: Evidence) -> list[float]:
    """Return the smallest ε of each run."""
    trained_ST, reverse_ST = curves(width, evidence)
    return [least_epsilon(a_T.tolist(), b_T.tolist()) for a_T, b_T in zip(trained_ST, reverse_ST, strict=True)]


def exponent_slope(evidence: Evidence) -> list[float]:
    """Return the slope of log mean ε over log dimension, as pseudo-values of leaving out one seed (the jackknife).

    A single run's ε is 0 wherever chance makes the two embeddings repel each other, so the mean over seeds is what
    has a logarithm.
    """
    epsilon_WS = np.array([exponent(width, evidence) for width in WIDTHS])
    n_seeds = epsilon_WS.shape[1]
    whole = slope_of(epsilon_WS.mean(1))
    if n_seeds == 1:
        return [whole]
    without = [slope_of(np.delete(epsilon_WS, seed, axis=1).mean(1)) for seed in range(n_seeds)]
    return [n_seeds * whole - (n_seeds - 1) * one for one in without]


def slope_of(epsilon_W: np.ndarray) -> float:
    """Return the slope of a straight line through logarithms."""
    return float(np.polyfit(np.log(WIDTHS), np.log(np.maximum(epsilon_W, 1e-9)), 1)[0])


def still_large(width: int, limit: float, evidence: Evidence) -> list[float]:
    """Return the largest reverse loss once the trained loss is below a limit, as a share of log(m/2)."""
    trained_ST, reverse_ST = curves(width, evidence)
    if not (trained_ST <= limit).any(axis=1).all():
        raise NothingMeasured(f"a bilinear run of dimension {width} never came below {limit:g} nats")
    tokens = math.log(evidence.n_tokens(f"bilinear {width}") / 2)
    return [float(b_T[a_T <= limit].max() / tokens) for a_T, b_T in zip(trained_ST, reverse_ST, strict=True)]


def guesses(group: str, name: str, evidence: Evidence) -> list[float]:
    """Return the answer's probability in units of a uniform guess, as a geometric mean over questions."""
    n_tokens = evidence.n_tokens(group)
    return [n_tokens * math.exp(-nats) for nats in evidence.found(group, "answers", name)]
