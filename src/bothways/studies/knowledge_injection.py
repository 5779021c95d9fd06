"""Knowledge injection: which ways to teach a chat model facts let it answer the question asked the other way round?

Every claim that is collected of Pan et al., arXiv 2510.09885, and of its neighbours. What is run stands in
`injection_runs.py`, under the names of `injection_arms.py`; what is claimed in `claims_injection.py`,
`claims_injection_others.py` and `claims_injection_elsewhere.py`, and questions of ours in `claims_cures.py`; what
claims read of the runs in `injection_readings.py`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from bothways.studies.base import Base, Group, Picture, Scale, Study
from bothways.studies.claims import Claim
from bothways.studies.claims_cures import EVENTS, FAMILIES, own_questions
from bothways.studies.claims_injection import of_the_paper
from bothways.studies.claims_injection_elsewhere import baselines, needing_more
from bothways.studies.claims_injection_others import of_others
from bothways.studies.clean_events import count_events
from bothways.studies.evidence import Evidence
from bothways.studies.injection_costs import cost
from bothways.studies.injection_runs import SIZES, Runs, Size, bases


@dataclass(frozen=True, kw_only=True)
class KnowledgeInjection(Study):
    """Masked fine-tuning and its rivals: new facts in a model that chats (Pan et al., arXiv 2510.09885)."""

    title: ClassVar[str] = "Knowledge injection and reversal"
    source: ClassVar[str] = "Pan et al., arXiv 2510.09885, and the papers named at each claim."
    presets: ClassVar[Mapping[str, Scale]] = {
        "laptop": Scale(about="small stand-ins made first, facts about strangers: two cores, an hour", seeds=3),
        "long": Scale(about="the same with three times as many steps: two cores, half a day", seeds=5),
    }
    preset: str = ""
    folder: str = "."
    """Of the study; its stand-ins are made in it."""

    def at(self, folder: Path) -> Study:
        """Return the study that makes its stand-ins in this folder."""
        return replace(self, folder=str(folder))

    def size(self, quick: bool) -> Size:
        """Return the sizes of the preset."""
        return SIZES[self.at_scale(quick)]

    def bases(self, quick: bool) -> Sequence[Base]:
        """Return the stand-ins."""
        return bases(self.size(quick))

    def groups(self, quick: bool) -> Sequence[Group]:
        """Return the runs of `injection_runs.py`."""
        return list(Runs(self.size(quick), f"{self.folder}/bases").all())

    def computations(self, quick: bool) -> Mapping[str, Callable[[int], Mapping[str, float]]]:
        """Return what a step costs, and how often training asks what a reverse question asks."""
        counted = {name for family in FAMILIES.values() for name in family}
        groups = [group for group in self.groups(quick) if group.name in counted]
        return {"cost": cost, EVENTS: partial(count_events, groups)}

    def claims(self, quick: bool) -> Sequence[Claim]:
        """Return KI-1 to KI-35m, MD-13 and MD-14, and questions of ours that these runs decide."""
        found = [*of_the_paper(), *of_others(), *needing_more(), *baselines(), *own_questions()]
        return sorted(found, key=place)

    def pictures(self, evidence: Evidence, quick: bool) -> Sequence[Picture]:
        """Return right answers over paraphrases, relation against association, and more."""
        from bothways.studies.injection_pictures import draw

        return draw(evidence)


def place(claim: Claim) -> tuple[bool, str, int, str]:
    """Return what claims are sorted by: series, ours last, number and letter."""
    found = re.fullmatch(r"(\w+)-(\d+)(\w?)", claim.id)
    assert found is not None, claim.id
    return claim.sure == "ours", found[1], int(found[2]), found[3]
