"""Parts of the knowledge-injection study's claims: shares of right answers, their differences, and regions for them.

Where the paper gives numbers, a region begins `SLACK` beyond the least or the largest of the three data sets'.
"""

from bothways.bases.stand_in.recipe import SIZES
from bothways.studies.claims import Part, Region
from bothways.studies.injection_readings import REVERSE, forward, reverse
from bothways.studies.injection_runs import LAPTOP, RELATIONS
from bothways.studies.readings import asked, difference, part

SLACK = 0.05
"""How far a region reaches beyond the least or the largest of the paper's numbers."""
NONE = Region(high=0.1)
"""Right answers of who cannot answer: the paper's largest is 0.03 where nothing was known before."""
MUCH = Region(low=0.3)
"""A gain that nobody would call noise; the paper's are larger."""
SOME = Region(low=0.1)
STAND_IN = SIZES["full"]
HERE = (
    f"Here a stand-in of {STAND_IN.layers} layers, width {STAND_IN.width}, is told {RELATIONS * LAPTOP.people} facts "
    f"about {LAPTOP.people} people it has never met, all head first, and asked in questions; one stand-in for all "
    "seeds, whose facts and draws differ."
)
FLOPS = "Arms are compared at equal FLOPs: steps are as many fewer as rows are longer."


def at_least(least: float) -> Region:
    """Return the region of what the paper found to be large."""
    return Region(low=round(least - SLACK, 3))


def at_most(largest: float) -> Region:
    """Return the region of what the paper found to be small."""
    return Region(high=round(largest + SLACK, 3))


def level(what: str, region: Region, group: str, kind: str) -> Part:
    """Return a part that is a share of right answers."""
    read = reverse(group) if kind == REVERSE else forward(group)
    return part(f"{what}, {'reverse' if kind == REVERSE else 'forward'}", region, read, asked(group, kind))


def gap(what: str, region: Region, first: str, second: str, kind: str = REVERSE) -> Part:
    """Return a part that is a difference of two groups' right answers."""
    read = reverse if kind == REVERSE else forward
    words = f"{what}, {'reverse' if kind == REVERSE else 'forward'}"
    return difference(words, region, read(first), read(second), asked(first, kind))
