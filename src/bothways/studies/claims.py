"""A claim of the literature, the region in which it counts as reproduced, and what the runs say of it.

The region is written down before the first run, and what changes later is said in the claim's `why`. A verdict follows
from region and interval alone:

    reproduced      the whole interval lies in the region
    partly          the estimate lies in the region, its interval reaches out of it
    not_reproduced  the estimate lies outside, its interval reaches into the region
    contradicted    the whole interval lies outside
    not_testable    nothing was measured

Axis letters of this file: S seeds.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from bothways.errors import BothwaysError
from bothways.evaluation.statistics import Interval
from bothways.studies.evidence import Evidence, NothingMeasured
from bothways.sweeps.over_seeds import difference_over_seeds, over_seeds

Verdict = Literal["reproduced", "partly", "not_reproduced", "contradicted", "not_testable"]
VERDICTS: tuple[Verdict, ...] = ("reproduced", "partly", "not_reproduced", "contradicted", "not_testable")


@dataclass(frozen=True)
class Region:
    """The values that count as reproduced, both ends included."""

    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self) -> None:
        if math.isnan(self.low) or math.isnan(self.high) or self.low > self.high:
            raise BothwaysError(f"A region needs low <= high, got {self.low} and {self.high}. Correct it.")
        if math.isinf(self.low) and math.isinf(self.high):
            raise BothwaysError("A region that holds every number can refute nothing. Give it an end.")

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def __str__(self) -> str:
        """Say which values count.

        >>> str(Region(high=0.05)), str(Region(0.9, 1.1))
        ('at most 0.05', 'from 0.9 to 1.1')
        """
        if math.isinf(self.low):
            return f"at most {self.high:g}"
        return f"at least {self.low:g}" if math.isinf(self.high) else f"from {self.low:g} to {self.high:g}"


def judge(interval: Interval, region: Region) -> Verdict:
    """Return what an estimate with its interval says of a region.

    >>> judge(Interval(0.02, 0.0, 0.04), Region(high=0.05)), judge(Interval(0.4, 0.3, 0.5), Region(high=0.05))
    ('reproduced', 'contradicted')
    """
    if math.isnan(interval.mean):
        return "not_testable"
    if interval.mean in region:
        return "reproduced" if interval.low >= region.low and interval.high <= region.high else "partly"
    return "not_reproduced" if interval.high >= region.low and interval.low <= region.high else "contradicted"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One quantity of a claim: what is measured, and which values agree with the claim."""

    what: str
    """The quantity in words, with its unit."""
    region: Region
    values: Callable[[Evidence], Sequence[float]]
    """One value per seed; raises `NothingMeasured` where there are no runs."""
    n: int | Callable[[Evidence], Sequence[float]] | None = None
    """Questions behind each seed's value where it is a share, or what reads them; None for anything else."""
    less: Callable[[Evidence], Sequence[float]] | None = None
    """Of a difference of two shares, what is subtracted: as many questions are behind each of them."""
    exact: bool = False
    """Whether the values are exact computations: their interval is then from the least to the largest."""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """One claim of a paper, or one question of our own, and how it is decided."""

    id: str
    sentence: str
    """The claim in one sentence, in our words."""
    paper: str
    """The value the paper gives, or what it says."""
    sure: Literal["high", "medium", "low", "ours"]
    """How sure the source is; `ours` for predictions of this project."""
    scale: Literal["same", "smaller"]
    """Whether it is tested at the size of the source."""
    parts: tuple[Part, ...] = ()
    """What is measured, the headline first; none where it cannot be tested here."""
    why: str = ""
    """What differs from the source, what changed after the first run, or why it cannot be tested and what would."""

    def __post_init__(self) -> None:
        if not self.parts and not self.why:
            raise BothwaysError(f"Claim {self.id} has nothing to measure and does not say why. Give it one of both.")


@dataclass(frozen=True)
class Judged:
    """A part as it was measured."""

    part: Part
    interval: Interval
    seeds: int
    verdict: Verdict
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """The part as plain JSON types; what is not finite is null."""
        return {
            "what": self.part.what,
            "region": str(self.part.region),
            "region_low": finite(self.part.region.low),
            "region_high": finite(self.part.region.high),
            **as_numbers(self.interval),
            "seeds": self.seeds,
            "verdict": self.verdict,
            "why": self.why,
        }


@dataclass(frozen=True)
class Row:
    """One line of the ledger."""

    claim: Claim
    parts: Sequence[Judged]
    seconds: float
    """Of the runs it was read from."""
    command: str
    verdict: Verdict = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "verdict", overall([part.verdict for part in self.parts]))

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON types."""
        headline = self.parts[0] if self.parts else None
        return {
            "id": self.claim.id,
            "claim": self.claim.sentence,
            "paper": self.claim.paper,
            "sure": self.claim.sure,
            **(as_numbers(headline.interval) if headline else {"ours": None, "low": None, "high": None}),
            "seeds": headline.seeds if headline else 0,
            "scale": self.claim.scale,
            "verdict": self.verdict,
            "why": self.why,
            "note": self.claim.why,
            "parts": [part.to_json() for part in self.parts],
            "seconds": round(self.seconds, 1),
            "command": self.command,
        }

    @property
    def why(self) -> str:
        """What every number is, against its region, and what the claim says of itself."""
        said = [part.why or f"{part.part.what}: {words(part)}" for part in self.parts]
        return " ".join(f"{sentence.rstrip('.')}." for sentence in (*said, self.claim.why) if sentence)


def words(judged: Judged) -> str:
    """Say a measured part in words."""
    found, region = judged.interval, judged.part.region
    reach = f" [{found.low:.3g}, {found.high:.3g}]" if math.isfinite(found.low) and math.isfinite(found.high) else ""
    return f"{exact_zero(found.mean):.3g}{reach}, {region} was asked for"


def exact_zero(value: float) -> float:
    """Return 0 for what differs from it by rounding alone, such as the mean of differences that cancel.

    >>> exact_zero(1.4e-18), exact_zero(-0.25)
    (0.0, -0.25)
    """
    return 0.0 if abs(value) < 1e-12 else value


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Return a claim's verdict from those of its parts, of which the first is the headline.

    The headline decides against a claim; only all parts together decide for it.

    >>> overall(["reproduced", "contradicted"]), overall(["contradicted", "reproduced"]), overall([])
    ('partly', 'contradicted', 'not_testable')
    """
    if not verdicts or verdicts[0] == "not_testable":
        return "not_testable"
    if verdicts[0] in ("contradicted", "not_reproduced"):
        return verdicts[0]
    return "reproduced" if set(verdicts) == {"reproduced"} else "partly"


def decide(claim: Claim, evidence: Evidence, command: str) -> Row:
    """Measure every part of a claim on the runs there are."""
    evidence.used.clear()
    parts = [measure(part, evidence) for part in claim.parts]
    return Row(claim, parts, evidence.seconds(), command)


def measure(part: Part, evidence: Evidence) -> Judged:
    """Measure one part; where its runs are missing it says so instead of guessing."""
    try:
        values_S = [float(value) for value in part.values(evidence)]
        less_S = [float(value) for value in part.less(evidence)] if part.less else None
    except NothingMeasured as error:
        return Judged(part, Interval(math.nan, math.nan, math.nan), 0, "not_testable", str(error))
    if not values_S or not all(map(math.isfinite, values_S)):
        why = f"{part.what}: a value is not finite ({', '.join(f'{value:g}' for value in values_S)})"
        return Judged(part, Interval(math.nan, math.nan, math.nan), len(values_S), "not_testable", why)
    n = questions(part, evidence, len(values_S))
    if less_S is not None:
        assert n is not None, "a difference of shares says how many questions are behind each"
        interval = difference_over_seeds(values_S, less_S, n)
    else:
        interval = span(values_S) if part.exact else over_seeds(values_S, n)
    return Judged(part, interval, len(values_S), judge(interval, part.region))


def questions(part: Part, evidence: Evidence, n_seeds: int) -> int | None:
    """Return how many questions are behind a share in all seeds together: each has facts and a split of its own."""
    if part.n is None or isinstance(part.n, int):
        return None if part.n is None else part.n * n_seeds
    return round(sum(part.n(evidence)))


def span(values_S: Sequence[float]) -> Interval:
    """Return the mean of exact values, from the least to the largest."""
    return Interval(sum(values_S) / len(values_S), min(values_S), max(values_S))


def as_numbers(interval: Interval) -> Mapping[str, float | None]:
    """Return an interval's numbers for JSON."""
    return {"ours": finite(interval.mean), "low": finite(interval.low), "high": finite(interval.high)}


def finite(value: float) -> float | None:
    """Return a number for JSON, None for what it has no sign for."""
    return float(value) if math.isfinite(value) else None
