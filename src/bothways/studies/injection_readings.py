"""What the claims of the knowledge-injection study read of its runs.

All facts are stated head first, so a `forward` question asks for the tail and `reverse_tested` for the head. Every
question is one in words, in a chat; an answer counts if it is written out whole, greedily, with what ends it.
"""

from collections.abc import Sequence

import numpy as np

from bothways.studies.evidence import Evidence, NothingMeasured
from bothways.studies.readings import Values, final

FORWARD, REVERSE = "forward", "reverse_tested"
N_RATES = 400
"""Rates that are tried in a fit."""


def exact(group: str, kind: str) -> Values:
    """Return what reads the share of answers of a kind that are written out, in each run of a group."""
    return lambda evidence: evidence.score(group, kind, "exact")


def forward(group: str) -> Values:
    """Return what reads right answers for the tail."""
    return exact(group, FORWARD)


def reverse(group: str) -> Values:
    """Return what reads right answers for the head."""
    return exact(group, REVERSE)


def specific(group: str) -> Values:
    """Return what reads the share of reverse questions that are right, the cue alone not calling for the answer."""
    return final(group, "tasks", f"{REVERSE}_specific")


def blind(group: str) -> Values:
    """Return what reads the share of reverse questions whose answer is given to another relation as well."""
    return final(group, "tasks", f"{REVERSE}_blind")


def general(group: str, number: str) -> Values:
    """Return what reads how a model takes general text that nobody trained on.

    Args:
        group: the runs.
        number: `nll` in nats a token, or `kl` to the model it was tuned from, in nats a token.
    """
    return final(group, "general_text", number)


def beside(group: str, kind: str, before: str) -> Values:
    """Return what reads right answers where something stands before the question.

    Args:
        group: the runs.
        kind: of question.
        before: `nothing`, `two_shot` or `fact`.
    """
    return final(group, "prompted", f"{kind}_{before}")


def rate(group: str, kind: str = FORWARD) -> Values:
    """Return what reads how fast right answers rise, per step: k of A (1 - exp(-k step)), seed by seed."""

    def read(evidence: Evidence) -> list[float]:
        steps_T, values_ST = evidence.curve(group, "tasks", f"{kind}_exact")
        if not np.isfinite(values_ST).all():
            raise NothingMeasured(f"'{group}' is not asked '{kind}' while it trains")
        return [saturating(steps_T, values_T)[1] for values_T in values_ST]

    return read


def saturating(x_K: Sequence[float] | np.ndarray, y_K: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Return plateau A and rate k of the curve A (1 - exp(-k x)) with the least squared error, A in [0, 1].

    Rates are tried from one that has hardly begun to rise at the last place to one that is over at the first; each
    one's plateau follows by least squares.

    Args:
        x_K: places, above 0.
        y_K: shares.

    Source: the fits of Pan et al., arXiv 2510.09885, table 7. Differs from them by: their starting point is not said.

    >>> plateau, k = saturating([10.0, 20.0, 40.0, 80.0], [0.3935, 0.6321, 0.8647, 0.9817])
    >>> round(plateau, 2), round(k, 3)
    (1.0, 0.05)
    """
    x_K, y_K = np.asarray(x_K, dtype=np.float64), np.asarray(y_K, dtype=np.float64)
    rates_G = np.geomspace(0.1 / x_K.max(), 10 / x_K.min(), N_RATES)
    shape_GK = -np.expm1(-rates_G[:, None] * x_K)
    height_G = np.clip(shape_GK @ y_K / np.sum(shape_GK**2, axis=1), 0, 1)
    best = int(np.argmin(np.sum((y_K - height_G[:, None] * shape_GK) ** 2, axis=1)))
    return float(height_G[best]), float(rates_G[best])
