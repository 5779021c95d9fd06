"""What a claim reads of its evidence: numbers of questions and probes, and how they differ, seed by seed."""

from collections.abc import Callable, Sequence
from statistics import fmean

from bothways.studies.claims import Part, Region
from bothways.studies.evidence import Evidence

Values = Callable[[Evidence], Sequence[float]]
"""One value per seed; raises `NothingMeasured` where there are no runs."""


def part(what: str, region: Region, values: Values, n: int | Values | None = None, exact: bool = False) -> Part:
    """Return a part of a claim."""
    return Part(what=what, region=region, values=values, n=n, exact=exact)


def right(group: str, kind: str) -> Values:
    """Return what reads the accuracy of a kind of question, over the test questions of a group's runs."""
    return lambda evidence: evidence.score(group, kind)


def asked(group: str, kind: str) -> Values:
    """Return what reads how many questions of a kind there are in each run."""
    return lambda evidence: evidence.score(group, kind, "n")


def final(group: str, probe: str, name: str) -> Values:
    """Return what reads a probe's number at the end of a group's runs."""
    return lambda evidence: evidence.found(group, probe, name)


def answered(group: str, name: str) -> Values:
    """Return what reads a number of `answers` at the end of a group's runs."""
    return final(group, "answers", name)


def computed(name: str, number: str) -> Values:
    """Return what reads a number of a computation."""
    return lambda evidence: evidence.computation(name, number)


def minus(first: Values, second: Values) -> Values:
    """Return the difference of two readings, seed by seed."""
    return lambda evidence: [a - b for a, b in zip(first(evidence), second(evidence), strict=True)]


def over(first: Values, second: Values) -> Values:
    """Return the quotient of two readings, seed by seed."""
    return lambda evidence: [a / b for a, b in zip(first(evidence), second(evidence), strict=True)]


def difference(what: str, region: Region, first: Values, second: Values, n: int | Values) -> Part:
    """Return a part that is the difference of two shares, with as many questions behind each."""
    return Part(what=what, region=region, values=first, less=second, n=n)


def mean(*several: Values) -> Values:
    """Return the mean of readings, seed by seed."""
    return lambda evidence: [fmean(row) for row in zip(*(one(evidence) for one in several), strict=True)]


def total(*several: Values) -> Values:
    """Return the sum of readings, seed by seed."""
    return lambda evidence: [sum(row) for row in zip(*(one(evidence) for one in several), strict=True)]


def at_best(*several: Values) -> Values:
    """Return the largest of readings, seed by seed."""
    return lambda evidence: [max(row) for row in zip(*(one(evidence) for one in several), strict=True)]
