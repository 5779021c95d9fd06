"""Knowledge injection: which ways to teach a chat model facts let it answer the question asked the other way round?

Every claim that is collected of Pan et al., arXiv 2510.09885, and of its neighbours. What is run stands in
`injection_runs.py`, under the names of `injection_arms.py`; what is claimed in `claims_injection.py`,
`claims_injection_others.py` and `claims_injection_elsewhere.py`; what claims read of the runs in
`injection_readings.py`.
"""

import re
from collections.abc import Sequence

from bothways.studies.claims import Claim
from bothways.studies.claims_injection import of_the_paper
from bothways.studies.claims_injection_elsewhere import baselines, needing_more
from bothways.studies.claims_injection_others import of_others


def all_claims() -> Sequence[Claim]:
    """Return KI-1 to KI-35m, then MD-13 and MD-14."""
    return sorted([*of_the_paper(), *of_others(), *needing_more(), *baselines()], key=place)


def place(claim: Claim) -> tuple[str, int, str]:
    """Return what claims are sorted by: series, number and letter."""
    found = re.fullmatch(r"(\w+)-(\d+)(\w?)", claim.id)
    assert found is not None, claim.id
    return found[1], int(found[2]), found[3]
