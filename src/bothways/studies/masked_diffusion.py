"""Masked-diffusion mechanisms: what is stored is found from the other side, if attention leads there.

Every claim of Jeon et al., arXiv 2602.02133, and of its neighbours that is listed beside it. What is run stands in
`diffusion_runs.py`, what is claimed in `claims_escape.py`, `claims_identities.py` and `claims_elsewhere.py`. Their
regions were written down before the first run; what changed later stands at its claim.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from bothways.mechanisms.identities import (
    left_to_right,
    mirror_parity,
    mismatched_pairs,
    rotary_routes,
    storage_gradient,
)
from bothways.studies.base import Group, Picture, Study
from bothways.studies.claims import Claim
from bothways.studies.claims_elsewhere import elsewhere
from bothways.studies.claims_escape import ablations, mechanisms
from bothways.studies.claims_identities import identities
from bothways.studies.diffusion_runs import all_groups
from bothways.studies.evidence import Evidence
from bothways.studies.real_models import check_models, measure, named


@dataclass(frozen=True, kw_only=True)
class MaskedDiffusionStudy(Study):
    """Why masked diffusion escapes: storage, routes, aligned gradients (Jeon et al., arXiv 2602.02133)."""

    models: tuple[str, ...] = ()
    """Folders of real models to measure too."""
    facts: str = ""
    """A file or folder of facts that these models know."""

    title = "Masked diffusion and the reversal curse"
    source = "Jeon et al., arXiv 2602.02133, and the papers named at each claim; MD-T1 to MD-T5 are identities of ours."

    def check(self) -> None:
        """Refuse models that are not there."""
        check_models(self.models, self.facts)

    def groups(self, quick: bool) -> Sequence[Group]:
        """Return the runs of `diffusion_runs.py`."""
        return all_groups(quick)

    def computations(self, quick: bool) -> Mapping[str, Callable[[int], Mapping[str, float]]]:
        """Return the identities."""
        parity = {f"parity {p}": partial(mirror_parity, positions=p) for p in ("none", "alibi", "rotary")}
        return {
            "routes": rotary_routes,
            "storage gradient": storage_gradient,
            **parity,
            "left to right": left_to_right,
            "mismatched": lambda seed: mismatched_pairs(20, first_seed=20 * seed),
            **{name: partial(measure, folder, self.facts) for name, folder in named(self.models).items()},
        }

    def claims(self, quick: bool) -> Sequence[Claim]:
        """Return MD-1 to MD-19 but for MD-13 and MD-14, which `knowledge-injection` tests; and MD-T1 to MD-T5."""
        return [*mechanisms(), *ablations(), *identities(), *elsewhere(tuple(named(self.models)))]

    def pictures(self, evidence: Evidence, quick: bool) -> Sequence[Picture]:
        """Return curves of every mechanism, and the ablations."""
        from bothways.studies.diffusion_pictures import draw

        return draw(evidence)
