"""What a row of the benchmarks is: two ways to do one piece of work, timed in turn.

The machines are shared and noisy, so a single time means little: both sides run alternately in the same process, and
what is reported is the median of the ratios of neighbours, with its quartiles.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Any


@dataclass(frozen=True)
class Pair:
    """Our way and the peer's way to do the same work, ready to be called any number of times."""

    ours: Callable[[], object]
    peer: Callable[[], object]
    units: float = 1.0
    """How much of `unit` one of our calls does."""
    peer_units: float | None = None
    """How much one of the peer's calls does; the same by default."""
    repeats: int = 15
    """How often each side is timed."""
    flop: float | None = None
    """Floating-point operations that one call cannot do without, where that is known."""
    precision: str = "fp32"
    """In which arithmetic ours runs: `flop` is compared with the machine's peak in it."""
    facts: dict[str, Any] = field(default_factory=dict)
    """What else the table should say, such as the largest difference between the two results."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    point: int
    """The promise it belongs to: 1 training step, 2 packs, 3 sweeps, 5 evaluation, 6 GPU, 7 a study's own claim,
    8 text, 9 fine-tuning."""
    ours: str
    peer: str
    unit: str
    """What `units` counts, in the singular: step, run, query, token."""
    make: Callable[[], Pair]
    """Builds both sides; raises `NotMeasured` where this machine cannot."""
    least: float | None = None
    """The ratio promised; None where the row only informs."""


class NotMeasured(Exception):
    """A row that this machine cannot measure, with the reason."""


def measure(row: Row) -> dict[str, Any]:
    """Time a row and return its line of the table as plain data."""
    about: dict[str, Any] = {
        "name": row.name, "point": row.point, "ours": row.ours, "peer": row.peer, "unit": row.unit, "least": row.least
    }  # fmt: skip
    try:
        pair = row.make()
    except NotMeasured as reason:
        return {**about, "status": "not measured", "why": str(reason)}
    ours, peer = interleave(pair)
    scale = pair.units / (pair.peer_units or pair.units)
    ratios = [scale * p / o for o, p in zip(ours, peer, strict=True)]
    low, _, high = quantiles(ratios, n=4)
    return {
        **about,
        "status": "informs" if row.least is None else "met" if median(ratios) >= row.least else "missed",
        "ratio": median(ratios),
        "ratio_quartiles": [low, high],
        "ours_seconds": median(ours) / pair.units,
        "peer_seconds": median(peer) / (pair.peer_units or pair.units),
        "repeats": len(ours),
        "flop_per_second": pair.flop / median(ours) if pair.flop else None,
        "precision": pair.precision,
        **pair.facts,
    }


def interleave(pair: Pair) -> tuple[list[float], list[float]]:
    """Time both sides in turn, in seconds a call, after one call of each that does not count."""
    pair.ours()
    pair.peer()
    ours, peer = [], []
    for n in range(pair.repeats):
        sides = [(pair.ours, ours), (pair.peer, peer)]
        for call, times in sides if n % 2 == 0 else reversed(sides):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)
    return ours, peer
