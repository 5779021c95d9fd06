"""What the claims of the relational-semantics study read of its runs.

Kinds of question are those of `facts/graphs/exam.py`; answers are exact and greedy unless said otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from bothways.facts.graphs.exam import SORTS
from bothways.studies.depths import depth_curves, profile, thirds
from bothways.studies.evidence import Evidence, NothingMeasured
from bothways.studies.readings import Values, final, mean, total
from bothways.studies.semantics_runs import WATCHED
from bothways.sweeps.transition import Transition, find_transition

DIRECTIONS = ("forward", "reverse")
Rises = Callable[[Evidence], Sequence[Transition]]
"""Finds a rise for each seed."""
FOLLOWS = tuple(f"context_{sort}_{direction}" for sort in SORTS for direction in DIRECTIONS)
"""Kinds that ask, of people in no text, what follows from a paragraph in the prompt."""


def exact(group: str, *kinds: str, number: str = "exact") -> Values:
    """Return what reads the mean of one number of `tasks` over some kinds, in each of a group's runs.

    Questions and claims are read at the end, statements to be completed before tuning: it teaches only to answer.
    """
    return mean(*(_at_their_time(group, kind, number) for kind in kinds))


def _at_their_time(group: str, kind: str, number: str) -> Values:
    name = f"{kind}_{number}"
    if kind.startswith(("ask_", "claim_")):
        return final(group, "tasks", name)

    def read(evidence: Evidence) -> list[float]:
        values_S = evidence.curve(group, "tasks", name)[1][:, WATCHED - 2]
        if not np.isfinite(values_S).all():
            raise NothingMeasured(f"'{group}' is not asked '{kind}'")
        return values_S.tolist()

    return read


def in_context(group: str, number: str = "exact") -> Values:
    """Return what reads completions in context: the mean over what follows, of each run."""
    return exact(group, *FOLLOWS, number=number)


def questions(group: str, *kinds: str) -> Values:
    """Return what reads how many questions of some kinds there are in each run."""
    return total(*(_questions(group, kind) for kind in kinds))


def _questions(group: str, kind: str) -> Values:
    def read(evidence: Evidence) -> list[float]:
        tables = evidence.table(group, "tasks")
        return [sum(float(row["questions"]) for row in rows if row["kind"] == kind) for rows in tables]

    return read


def learning(evidence: Evidence, group: str, number: str = "exact") -> tuple[np.ndarray, np.ndarray]:
    """Return completions in context while pre-training: steps (T), and the mean over what follows (S, T)."""
    curves = [evidence.curve(group, "tasks", f"{kind}_{number}") for kind in FOLLOWS]
    values_ST = np.mean([values for _, values in curves], axis=0)
    return curves[0][0][: WATCHED - 1], values_ST[:, : WATCHED - 1]


def over_graphs(groups: Mapping[float, str], read: Callable[[str], Values], *, falls: bool = False) -> Rises:
    """Return what finds each seed's rise over numbers of graphs.

    Args:
        groups: by number of told graphs, the group that has as many.
        read: reads a group's measure.
        falls: whether less is better, as of nats.
    """

    def find(evidence: Evidence) -> list[Transition]:
        values_KS = np.array([read(group)(evidence) for group in groups.values()]) * (-1 if falls else 1)
        places = list(groups)
        return [find_transition(places, values_K, [0] * len(places), log=True) for values_K in values_KS.T]

    return find


def over_steps(group: str, per_epoch: float, number: str = "exact") -> Rises:
    """Return what finds each seed's rise of completions in context over epochs, of so many steps each."""

    def find(evidence: Evidence) -> list[Transition]:
        steps_T, values_ST = learning(evidence, group, number)
        values_ST = -values_ST if number == "nll" else values_ST
        epochs = (steps_T / per_epoch).tolist()
        return [find_transition(epochs, values_T, [0] * len(epochs), log=False) for values_T in values_ST]

    return find


def gain(rises: Rises) -> Values:
    """Return how much better a sharp rise explains each seed than an even one, as a share of the variance."""
    return lambda evidence: [found.gain.mean for found in rises(evidence)]


def midpoint(rises: Rises) -> Values:
    """Return where each seed's rise is half way, in the unit of the axis, within the levels or at their end."""
    return lambda evidence: [10**found.midpoint if found.log else found.midpoint for found in rises(evidence)]


LAST = 4
"""Checkpoints of pre-training that count for what is steady."""
THIRDS = ("early", "middle", "late")


def last_checkpoints(group: str, third: str, name: Literal["mean", "deviation"]) -> Values:
    """Return the mean, or the standard deviation, of a signal over the last checkpoints of pre-training.

    The signal is the share of questions in context whose answer leads its rival, read off the stream; the mean over
    kinds and over a third of the blocks.
    """

    def read(evidence: Evidence) -> list[float]:
        found = [depth_curves(evidence, group, "partner_lens", kind, "ahead")[1] for kind in FOLLOWS]
        signal_STA = np.mean(found, axis=0)[:, : WATCHED - 1]
        each = profile(signal_STA, LAST)
        values_SA = each.each_SA if name == "mean" else each.unsteady_SA
        return [thirds(values_A)[THIRDS.index(third)] for values_A in values_SA]

    return read
