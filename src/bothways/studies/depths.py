"""At which depth something is known, how steadily, and how models that succeed differ from those that fail.

A probe that looks after every block names its numbers `kind_blocks_name`; here they become arrays over depths.
Axis letters of this file: S models, T checkpoints, A depths, from none of the blocks to all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from bothways.errors import BothwaysError
from bothways.studies.evidence import Evidence, NothingMeasured


@dataclass(frozen=True, slots=True)
class Profile:
    """A signal by depth, over some models and their last checkpoints."""

    n_models: int
    each_SA: Float[np.ndarray, "S A"]
    """Mean of each model over its last checkpoints."""
    unsteady_SA: Float[np.ndarray, "S A"]
    """Standard deviation of each model over its last checkpoints; NaN where there is one only."""

    @property
    def mean_A(self) -> Float[np.ndarray, " A"]:
        """Mean over models and checkpoints."""
        return self.each_SA.mean(0)

    @property
    def between_A(self) -> Float[np.ndarray, " A"]:
        """Standard deviation over models, of their means over checkpoints; NaN for one model."""
        return deviation(self.each_SA, 0)

    @property
    def within_A(self) -> Float[np.ndarray, " A"]:
        """Standard deviation over checkpoints, averaged over models."""
        return self.unsteady_SA.mean(0)


def profile(values_STA: Float[np.ndarray, "S T A"], last: int) -> Profile:
    """Return the mean and the spread of each depth over the last checkpoints of some models.

    >>> found = profile(np.array([[[9.0, 9.0], [0.0, 1.0], [0.0, 3.0]]]), last=2)
    >>> found.mean_A.tolist(), found.within_A.round(2).tolist()
    ([0.0, 2.0], [0.0, 1.41])

    Raises:
        BothwaysError: there is no model, no checkpoint, or a value that is no number.
    """
    if values_STA.size == 0 or last < 1 or not np.isfinite(values_STA).all():
        raise BothwaysError(
            f"A profile needs finite values of at least one model and checkpoint, got shape {values_STA.shape} and "
            f"last={last}. Leave out what was not measured."
        )
    late_STA = values_STA[:, -last:]
    return Profile(len(values_STA), late_STA.mean(1), deviation(late_STA, 1))


def deviation(values: np.ndarray, axis: int) -> np.ndarray:
    """Return the standard deviation along an axis, the mean being estimated; NaN for a single value."""
    if values.shape[axis] < 2:
        return np.full_like(values.mean(axis), np.nan)
    return values.std(axis, ddof=1)


def by_success(
    values_STA: Float[np.ndarray, "S T A"], final_S: Sequence[float], threshold: float, last: int
) -> Mapping[str, Profile]:
    """Return the profiles of the models that end at a threshold or above, and of those that end below it.

    Args:
        values_STA: the signal.
        final_S: how each model ends: its final share of exact answers.
        threshold: what counts as success.
        last: checkpoints that count, from the end.

    Returns:
        Under `successful` and `failing`; a side without models is not there.
    """
    wins_S = np.asarray(final_S, float) >= threshold
    if len(wins_S) != len(values_STA):
        raise BothwaysError(
            f"Each model needs its final accuracy, got {len(wins_S)} for {len(values_STA)} models. Give one for each."
        )
    sides = {"successful": wins_S, "failing": ~wins_S}
    return {name: profile(values_STA[side_S], last) for name, side_S in sides.items() if side_S.any()}


def known_from(signal_A: Float[np.ndarray, " A"], least: float) -> float:
    """Return after how many blocks a signal reaches a value and falls below it no more; NaN if it ends below.

    >>> known_from(np.array([0.0, 0.9, 0.4, 0.8, 0.9]), 0.5)
    3.0
    """
    below_I = np.flatnonzero(~(signal_A >= least))
    first = int(below_I[-1]) + 1 if len(below_I) else 0
    return float(first) if first < len(signal_A) else float("nan")


def thirds(values_A: Float[np.ndarray, " A"]) -> tuple[float, float, float]:
    """Return the means after the early, the middle and the late third of the blocks: of 12, 1-4, 5-8 and 9-12.

    >>> thirds(np.array([7.0, 1.0, 2.0, 3.0]))
    (1.0, 2.0, 3.0)

    Raises:
        NothingMeasured: there are fewer than three blocks.
    """
    if len(values_A) < 4:
        raise NothingMeasured(f"a model of {len(values_A) - 1} blocks has no early, middle and late ones")
    early, middle, late = (float(part.mean()) for part in np.array_split(values_A[1:], 3))
    return early, middle, late


def depth_curves(
    evidence: Evidence, group: str, probe: str, kind: str, name: str
) -> tuple[np.ndarray, Float[np.ndarray, "S T A"]]:
    """Return a watched number of every depth over training: steps (T), and values.

    Args:
        evidence: the runs.
        group: whose runs, all of one depth.
        probe: which probe watched.
        kind: of question, as the probe's numbers begin.
        name: of the number, as they end.

    Raises:
        NothingMeasured: the group was not watched, or not for this number in all its measurements.
    """
    found = list[np.ndarray]()
    while True:
        steps_T, values_ST = evidence.curve(group, probe, f"{kind}_{len(found)}_{name}")
        if not np.isfinite(values_ST).all():
            break
        found.append(values_ST)
    if not found:
        raise NothingMeasured(f"'{group}' does not show '{name}' of '{kind}' by depth in '{probe}'")
    return steps_T, np.stack(found, -1)


def together(groups: Sequence[Float[np.ndarray, "_ _ _"]], last: int) -> Float[np.ndarray, "S T A"]:
    """Return the last checkpoints of models of several groups as those of one; all have as many blocks.

    Raises:
        BothwaysError: they have not.
    """
    if len({values_STA.shape[2] for values_STA in groups}) != 1:
        raise BothwaysError("Depths are compared between models of as many blocks. Give groups of one depth.")
    least = min(last, *(values_STA.shape[1] for values_STA in groups))
    return np.concatenate([values_STA[:, -least:] for values_STA in groups])
