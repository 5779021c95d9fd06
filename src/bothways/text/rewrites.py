"""Orders in which a document's tokens can be read: reversals, and permutations of its units."""

from dataclasses import dataclass
from itertools import chain
from typing import Literal, get_args

import numpy as np

from bothways.errors import BothwaysError
from bothways.registry import unknown
from bothways.types import Layout, Rewrite

ReverseUnit = Literal["entity", "token", "word", "segment"]

DELIMITER = -1
"""What stands in an order where a delimiter token goes."""


@dataclass(frozen=True, kw_only=True)
class Reverse(Rewrite):
    """Read a document backwards, piece by piece; inside a piece the tokens keep their order.

    The pieces are single tokens, words, words with each entity kept whole, or segments of random length,
    cut anew at every visit. Entities and segments are set apart by a delimiter: without one a
    model reads "B is the mother of A" where the text said the opposite (wrong inferences 44 %, with it 0 %).

    Source: reverse training (Golovneva et al., arXiv 2403.13799); the delimiter, Kitouni et al.
    (arXiv 2406.05183, table 1). Differs from them by: the delimiter also stands between segments, and
    segments are cut anew at every visit.

    >>> layout = Layout(units=[[0, 1], [2], [3]], words=[[0], [1], [2], [3]], entity_words=[[0, 1], [2], [3]])
    >>> Reverse().order(layout, np.random.default_rng(0))
    [3, -1, 2, -1, 0, 1]
    >>> Reverse(unit="word").order(layout, np.random.default_rng(0))
    [3, 2, 1, 0]
    """

    unit: ReverseUnit = "entity"
    """What keeps its inner order."""
    delimiter: bool = True
    """Whether a delimiter stands between pieces; tokens and words never have one."""
    max_segment: int = 3
    """Longest segment, in tokens; lengths are uniform from 1 to this. For entities to stay whole, at least theirs."""

    def __post_init__(self) -> None:
        if self.unit not in get_args(ReverseUnit):
            raise BothwaysError(unknown("unit", self.unit, get_args(ReverseUnit)))
        if self.max_segment < 1:
            raise BothwaysError(f"max_segment must be at least 1, got max_segment={self.max_segment}. Raise it.")

    def order(self, layout: Layout, random: np.random.Generator) -> list[int]:
        """Return the positions from the last piece to the first."""
        pieces = self._pieces(layout, random)
        return join(pieces[::-1], self.delimiter and self.unit in ("entity", "segment"))

    def _pieces(self, layout: Layout, random: np.random.Generator) -> list[list[int]]:
        if self.unit == "entity":
            return layout.entity_words
        if self.unit == "word":
            return layout.words
        longest = self.max_segment if self.unit == "segment" else 1
        return segments(layout.n_tokens, longest, random)


@dataclass(frozen=True, kw_only=True)
class Permute(Rewrite):
    """Read the units of meaning in their original, the reversed or a random order, drawn at every visit.

    The original order has no delimiter, so plain sentences are also learned as they are asked about.

    Source: semantic-aware permutation training (Guo et al., arXiv 2403.00758). Differs from it by: the
    delimiter of Kitouni et al. (arXiv 2406.05183), and weights the reader can see (the paper says "with a certain
    probability").

    >>> layout = Layout(units=[[0, 1], [2], [3]], words=[[0], [1], [2], [3]], entity_words=[[0, 1], [2], [3]])
    >>> Permute(original=0.0, permuted=0.0).order(layout, np.random.default_rng(0))
    [3, -1, 2, -1, 0, 1]
    """

    original: float = 1.0
    """Weight of the order as written, at least 0."""
    reversed: float = 1.0
    """Weight of the units from last to first, at least 0."""
    permuted: float = 1.0
    """Weight of a uniformly random order, at least 0."""
    delimiter: bool = True
    """Whether a delimiter stands between the units of a reversed or random order."""

    def __post_init__(self) -> None:
        for name, weight in self._weights.items():
            if not 0 <= weight < np.inf:
                raise BothwaysError(
                    f"{name} must be a weight of at least 0, got {name}={weight}. Use 0 to leave it out."
                )
        if not any(self._weights.values()):
            raise BothwaysError(
                "The weights of the orders must not all be 0, got original=0, reversed=0 and permuted=0. Raise one."
            )

    @property
    def _weights(self) -> dict[str, float]:
        return {"original": self.original, "reversed": self.reversed, "permuted": self.permuted}

    def order(self, layout: Layout, random: np.random.Generator) -> list[int]:
        """Return the positions, unit by unit, in one of the three orders."""
        units, weights = layout.units, self._weights
        drawn = random.random() * sum(weights.values())
        if drawn < self.original:
            return join(units, delimiter=False)
        if drawn < self.original + self.reversed:
            return join(units[::-1], self.delimiter)
        return join([units[i] for i in random.permutation(len(units))], self.delimiter)


def segments(n: int, longest: int, random: np.random.Generator) -> list[list[int]]:
    """Cut positions 0 to n - 1 into runs of 1 to `longest`, each length equally likely but for the last.

    >>> segments(4, 1, np.random.default_rng(0))
    [[0], [1], [2], [3]]
    """
    if longest == 1:
        return [[position] for position in range(n)]
    ends = np.minimum(np.cumsum(random.integers(1, longest + 1, size=n)), n).tolist()
    starts = [0, *ends][:n]
    return [list(range(start, end)) for start, end in zip(starts, ends, strict=True) if start < end]


def join(pieces: list[list[int]], delimiter: bool) -> list[int]:
    """Return the pieces one after the other, with a delimiter between them if wanted.

    >>> join([[2], [0, 1]], delimiter=True)
    [2, -1, 0, 1]
    """
    if not delimiter:
        return list(chain.from_iterable(pieces))
    return list(chain.from_iterable([DELIMITER, *piece] for piece in pieces))[1:]
