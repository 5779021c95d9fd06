"""Training dynamics: weights that learn A → B say nothing about B → A, a chain A → C, or the words of its parts.

Every claim of Zhu et al., arXiv 2405.04669, with its theorems, and two measurements of weight decay. What is run
stands in `dynamics_runs.py`, what is claimed in `claims_dynamics.py` and `claims_theorems.py`. All their regions were
written down before the first run; what changed later stands at its claim.
"""

from collections.abc import Callable, Mapping, Sequence

from bothways.studies.base import Group, Picture, Study
from bothways.studies.claims import Claim
from bothways.studies.claims_dynamics import chain, decay, reversal, speed, swept
from bothways.studies.claims_theorems import theorems
from bothways.studies.dynamics_runs import all_groups, quick_groups
from bothways.studies.dynamics_speed import tokens_per_second
from bothways.studies.evidence import Evidence


class TrainingDynamics(Study):
    """The reversal curse and intransitivity as training dynamics (Zhu et al., arXiv 2405.04669)."""

    title = "Training dynamics of the reversal curse"
    source = (
        "Zhu et al., arXiv 2405.04669; TD-14, TD-15 and TD-18 are measurements of its released code, "
        "TD-16 is of arXiv 2509.21993."
    )

    def groups(self, quick: bool) -> Sequence[Group]:
        """Return the runs of `dynamics_runs.py`."""
        return quick_groups() if quick else all_groups()

    def claims(self, quick: bool) -> Sequence[Claim]:
        """Return TD-1 to TD-18."""
        before = "" if quick else "full "
        return [*reversal(before, quick), *chain(before, quick), *swept(quick), *theorems(), *decay(), *speed(quick)]

    def computations(self, quick: bool) -> Mapping[str, Callable[[int], Mapping[str, float]]]:
        """Return the speed of the released shape."""
        return {} if quick else {"released speed": tokens_per_second}

    def pictures(self, evidence: Evidence, quick: bool) -> Sequence[Picture]:
        """Return the curves, the heat maps and the sweeps."""
        from bothways.studies.dynamics_pictures import draw

        return draw(evidence, "" if quick else "full ")
