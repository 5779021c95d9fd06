"""Questions of our own on the runs of the knowledge-injection study, their regions written before the first of them.

BW-4  Is the reverse learned by how often training asks exactly that, whatever the objective?
BW-6  Which cures give a pre-trained model the relation, and which only association, for the same FLOPs?
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bothways.studies.claims import Claim, Region
from bothways.studies.evidence import Evidence
from bothways.studies.injection_arms import (
    BARE_CAUSAL,
    BARE_ENTITY,
    BICO,
    CONTROL,
    DIFFUSION,
    DIFFUSION_ENTITY,
    ENTITY,
    MASKED,
    TEXT_CURES,
    ratio,
)
from bothways.studies.injection_parts import HERE, NONE, SOME, gap
from bothways.studies.injection_readings import REVERSE, reverse, specific
from bothways.studies.readings import Values, asked, at_best, minus, part

EVENTS = "clean events"
"""The computation that counts them."""
FAMILIES: Mapping[str, tuple[str, ...]] = {
    "diffusion, tokens": (DIFFUSION,),
    "diffusion, names": (DIFFUSION_ENTITY,),
    "masked lm": ("masked lm",),
    "masked fine-tuning, tokens": (MASKED, ratio(0.25), ratio(0.5), ratio(0.75)),
    "masked fine-tuning, names": (ENTITY, "masked either"),
}
"""What is left out in turn, and predicted from the others."""
CURES = (*(name for name in TEXT_CURES if name != CONTROL), MASKED, ENTITY, "masked either", "in place", BICO)
"""What is compared at equal FLOPs; telling both orders is no cure but what a cure must match."""
BETTER = 0.05
"""By how much a cure must be better in both to count as better."""
STEEP = np.geomspace(0.5, 8, 25)
"""Exponents that are tried."""
HALVES = 81
"""Places half way up that are tried, over the places there are and three times as far to both ends."""


def own_questions() -> Sequence[Claim]:
    """Return BW-4 and BW-6."""
    return (
        Claim(
            id="BW-4",
            sentence=(
                "The reverse rises along one curve in the number of clean reverse events, across masked diffusion, "
                "masked language modelling and masked fine-tuning, whether tokens or whole names are hidden."
            ),
            paper=(
                "a guess of ours; a quick try on other data before: whole names hidden 1.00 where tokens gave "
                "0.59 to 0.80"
            ),
            sure="ours",
            scale="smaller",
            parts=(
                part("variance explained in what was left out of the fit, by events", Region(low=0.7),
                     explained("events")),
                part("the same minus what steps explain", SOME, minus(explained("events"), explained("steps"))),
            ),
            why=f"{HERE} An event is a row in which all tokens of the answer are predicted, none of them being seen, "
            "and the whole cue is. Five families are left out in turn; every measurement while training is a point.",
        ),
        Claim(
            id="BW-6",
            sentence=(
                "For the same FLOPs masked fine-tuning with whole names hidden gives the relation, and no cure is "
                "better; identity sentences and masks in place give at most association."
            ),
            paper="a guess of ours; no comparison at equal FLOPs that tells relation from association is known to us",
            sure="ours",
            scale="smaller",
            parts=(
                part("masked, whole names: specific", Region(low=0.5), specific(ENTITY), asked(ENTITY, REVERSE)),
                part("cures that are better both in reverse and in specific answers", Region(high=0.0), better_than,
                     exact=True),
                part("the better of identity sentences and masks in place: specific", NONE,
                     at_best(specific("identity"), specific("in place")), asked("in place", REVERSE)),
                gap("a base that never recovered a passage: masked, whole names, minus next-token", SOME, BARE_ENTITY,
                    BARE_CAUSAL),
            ),
            why=f"{HERE} Specific: right, and the cue does not call for the answer under another relation. "
            "Better means by more than 0.05 in the mean of seeds. All cures are drawn on the page.",
        ),
    )  # fmt: skip


def better_than(evidence: Evidence) -> list[float]:
    """Return how many cures are better than hiding whole names, in both means."""
    own = [float(np.mean(read(ENTITY)(evidence))) for read in (reverse, specific)]
    found = [[float(np.mean(read(name)(evidence))) for read in (reverse, specific)] for name in CURES if name != ENTITY]
    return [float(sum(all(theirs > mine + BETTER for theirs, mine in zip(row, own, strict=True)) for row in found))]


Points = tuple[np.ndarray, np.ndarray]
"""Places, and shares of right answers, of a family."""


def points(evidence: Evidence, group: str, by: str) -> tuple[np.ndarray, np.ndarray]:
    """Return what a group answers in reverse while it trains: places (S, T) by events or steps, and shares (S, T)."""
    steps_T, values_ST = evidence.curve(group, "tasks", f"{REVERSE}_exact")
    per_step_S = np.array(evidence.computation(EVENTS, group)) if by == "events" else np.ones(len(values_ST))
    return per_step_S[: len(values_ST), None] * steps_T, values_ST


def explained(by: str) -> Values:
    """Return what reads the share of variance that a curve explains in families it was not fitted to, seed by seed."""

    def read(evidence: Evidence) -> list[float]:
        found = {name: [points(evidence, group, by) for group in groups] for name, groups in FAMILIES.items()}
        n = min(len(values) for family in found.values() for _, values in family)
        return [
            held_out_share([joined([(x[seed], y[seed]) for x, y in family]) for family in found.values()])
            for seed in range(n)
        ]

    return read


def joined(rows: Sequence[Points]) -> Points:
    """Return several rows of points as one."""
    return np.concatenate([x for x, _ in rows]), np.concatenate([y for _, y in rows])


def held_out_share(families: Sequence[Points]) -> float:
    """Return the share of variance of all points that curves fitted to the other families explain, at most 1.

    0 where there is no variance to explain.
    """
    missed = sum(
        float(np.sum((y - fit_rise(*joined([f for m, f in enumerate(families) if m != n]))(x)) ** 2))
        for n, (x, y) in enumerate(families)
    )
    all_y = np.concatenate([y for _, y in families])
    total = float(np.sum((all_y - all_y.mean()) ** 2))
    return 1 - missed / total if total > 0 else 0.0


def fit_rise(x_R: np.ndarray, y_R: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Return the curve A x^g / (x^g + h^g) with the least squared error, A in [0, 1]; it is 0 where x is.

    >>> x = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    >>> curve = fit_rise(x, 0.8 * x**2 / (x**2 + 16))
    >>> curve(np.array([0.0, 4.0])).round(2).tolist()
    [0.0, 0.4]
    """
    here = x_R[x_R > 0]
    if not len(here):
        return lambda x_R: np.zeros(len(x_R))
    halves = np.geomspace(here.min() / 3, here.max() * 3, HALVES)
    g_G, h_G = (grid.reshape(-1) for grid in np.meshgrid(STEEP, halves))
    shape_GR = rise(x_R, g_G[:, None], h_G[:, None])
    height_G = np.clip(shape_GR @ y_R / np.maximum(np.sum(shape_GR**2, axis=1), 1e-12), 0, 1)
    best = int(np.argmin(np.sum((y_R - height_G[:, None] * shape_GR) ** 2, axis=1)))
    return lambda x_R: float(height_G[best]) * rise(x_R, float(g_G[best]), float(h_G[best]))


def rise(x: np.ndarray, g: np.ndarray | float, h: np.ndarray | float) -> np.ndarray:
    """Return x^g / (x^g + h^g), by logarithms, so that nothing overflows."""
    with np.errstate(divide="ignore"):
        return 1 / (1 + np.exp(np.clip(g * (np.log(h) - np.log(x)), -500, 500)))
