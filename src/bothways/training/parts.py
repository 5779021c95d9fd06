"""A batch cut into rows that are computed one after another, or by several processes: losses and gradients add up.

Every part is divided by what the whole batch is divided by, so nothing is averaged afterwards. What comes out differs
from the whole batch only in the order in which numbers are added.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from bothways.cross_entropy import parts as slices
from bothways.tensors import Prepared


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of a batch, of each run that trains."""

    prepared: Sequence[Prepared]
    share_P: Float[Tensor, " P"]
    """Which share of each run's predicted tokens they hold: their weight in a mean over tokens."""


def cut_batch(prepared: Sequence[Prepared], rows: slice, size: int) -> list[Part]:
    """Return the given rows in parts of at most `size`, 0 for all at once; no rows are no parts.

    Args:
        prepared: the whole batch of each run, of one shape.
        rows: which rows are wanted, such as those of one process.
        size: most rows in a part.
    """
    counted_P = counted(prepared)
    if rows == slice(0, len(prepared[0].input_BL)) and (not size or size >= rows.stop):
        return [Part(prepared, torch.ones(len(prepared)))]
    whole = [replace(one, normaliser=normaliser(one)) for one in prepared]
    wanted = rows.stop - rows.start
    places = [slice(rows.start + some.start, rows.start + some.stop) for some in slices(wanted, size or wanted)]
    found = [[take(one, place) for one in whole] for place in places]
    return [Part(some, counted(some) / counted_P.clamp(min=1)) for some in found]


def take(prepared: Prepared, rows: slice) -> Prepared:
    """Return some rows of a prepared batch."""
    return replace(
        prepared,
        input_BL=prepared.input_BL[rows],
        target_BL=prepared.target_BL[rows],
        weight_BL=prepared.weight_BL[rows],
    )


def normaliser(prepared: Prepared) -> float:
    """Return what a batch's weighted sum is divided by."""
    given = prepared.normaliser
    return given if given is not None else max(float(prepared.weight_BL.sum()), 1e-30)


def counted(prepared: Sequence[Prepared]) -> Float[Tensor, " P"]:
    """Return how many tokens of each run are predicted."""
    return torch.tensor([float((one.weight_BL != 0).sum()) for one in prepared])
