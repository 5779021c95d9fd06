"""Relational semantics: when does a model learn that parent is the inverse of child, and when only the order of words?

Every claim of Zhu et al., arXiv 2601.02931, as secondary notes give them. What is run stands in `semantics_runs.py`,
what is claimed in `claims_semantics.py`, and what claims read of the runs in `semantics_readings.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from bothways.facts.graphs.copying import copying
from bothways.studies.base import Group, Picture, Scale, Study
from bothways.studies.claims import Claim
from bothways.studies.claims_semantics import depth, emergence, memory, order
from bothways.studies.evidence import Evidence
from bothways.studies.semantics_facts import draw_facts, on_facts
from bothways.studies.semantics_runs import SIZES, Size, all_groups, exam_of_graphs


@dataclass(frozen=True, kw_only=True)
class RelationalSemantics(Study):
    """Emergence of relational semantics, and reversal failures (Zhu et al., arXiv 2601.02931)."""

    title: ClassVar[str] = "When relational semantics emerge"
    source: ClassVar[str] = (
        "Zhu et al., arXiv 2601.02931, as described in secondary notes; nobody has published its code."
    )
    presets: ClassVar[Mapping[str, Scale]] = {
        "laptop": Scale(about="3 layers of width 128, N up to 12,800: two cores, an hour", seeds=3),
        "gpu": Scale(about="12 layers of width 768, N up to 20,000, K = 100: one GPU, hours", seeds=5),
        "paper": Scale(about="12 layers of width 768, N up to 200,000, K = 100: several GPUs, days", seeds=3),
    }
    preset: str = ""
    facts: str = ""
    """A file or folder of facts to ask the same of, beside the world of graphs."""

    def size(self, quick: bool) -> Size:
        """Return the sizes of the preset."""
        return SIZES[self.at_scale(quick)]

    def groups(self, quick: bool) -> Sequence[Group]:
        """Return the runs of `semantics_runs.py`."""
        return *all_groups(self.size(quick)), *(on_facts(self.facts) if self.facts else ())

    def claims(self, quick: bool) -> Sequence[Claim]:
        """Return RS-1 to RS-14."""
        size = self.size(quick)
        found = [*emergence(size), *memory(size), *depth(size), *order(size)]
        return sorted(found, key=lambda claim: int(claim.id.partition("-")[2]))

    def computations(self, quick: bool) -> Mapping[str, Callable[[int], Mapping[str, float]]]:
        """Return what copying a name out of the context gives, without any model."""
        size = self.size(quick)
        return {"copying": lambda seed: copying(exam_of_graphs(size.world, size.n_asked, True, seed))}

    def pictures(self, evidence: Evidence, quick: bool) -> Sequence[Picture]:
        """Return the rises over N, the learning curves, depth, order, and what is known at which layer."""
        from bothways.studies.semantics_pictures import draw

        return *draw(evidence, self.size(quick)), *([draw_facts(evidence)] if self.facts else ())
