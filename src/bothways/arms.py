"""Arms: an objective, a mitigation, or both, with their options, written as one short name.

causal                              an objective on the base text
both_directions                     a mitigation, under the causal objective
masked_diffusion+both_directions    a mitigation under another objective
reverse_training:unit=token:delimiter=false
"""

from dataclasses import dataclass, replace
from typing import Any

from bothways.config import RunConfig, Seeds
from bothways.errors import BothwaysError
from bothways.mitigations.base import Mitigation
from bothways.objectives.causal import Causal
from bothways.options import component
from bothways.registry import REGISTRY, names, unknown
from bothways.tensors import Objective

DEFAULT_ARMS = ("causal", "both_directions", "masked_diffusion")
CONTROL = "both_directions"
"""The arm that states everything: what a cure must match, and what tells whether a world can tell."""


@dataclass(frozen=True)
class Arm:
    """One way to train, under the name the user gave it."""

    name: str
    objective: Objective
    mitigation: Mitigation | None

    def config(self, base: RunConfig, seed: int) -> RunConfig:
        """Return the run configuration of one seed of this arm."""
        config = replace(base, objective=self.objective, seeds=Seeds.all(seed))
        return self.mitigation(config) if self.mitigation else config

    @property
    def parts(self) -> tuple[str, str | None]:
        """The registered names of objective and mitigation."""
        return _registered("objectives", self.objective), _registered("mitigations", self.mitigation)  # type: ignore[return-value]


def parse_arm(text: str) -> Arm:
    """Read an arm's name.

    Raises:
        BothwaysError: a name or option is unknown (the nearest is given), or two objectives are named.
    """
    objective: Objective | None = None
    mitigation: Mitigation | None = None
    for part in text.strip().split("+"):
        made = _make(part)
        if isinstance(made, Mitigation):
            if mitigation is not None:
                raise BothwaysError(
                    f"Arm '{text}' names two mitigations. Name one objective and one mitigation at most."
                )
            mitigation = made
        else:
            if objective is not None:
                raise BothwaysError(
                    f"Arm '{text}' names two objectives. Name one objective and one mitigation at most."
                )
            objective = made
    return Arm(text.strip(), objective or Causal(), mitigation)


def _make(text: str) -> Any:
    name = text.strip().partition(":")[0]
    room = next((r for r in ("objectives", "mitigations") if name in REGISTRY[r]), None)
    if room is None:
        raise BothwaysError(unknown("arm", name, (*names("objectives"), *names("mitigations"))))
    return component(room, text)


def parse_arms(texts: list[str]) -> list[Arm]:
    """Read several arms; each may be named once.

    Raises:
        BothwaysError: no arm, an unknown one, or one named twice.
    """
    arms = [parse_arm(text) for text in texts if text.strip()]
    if not arms:
        raise BothwaysError(
            f"No arm was named. Name some of: {', '.join((*names('objectives'), *names('mitigations')))}."
        )
    for n, arm in enumerate(arms):
        if any(arm.objective == a.objective and arm.mitigation == a.mitigation for a in arms[:n]):
            raise BothwaysError(f"Arm '{arm.name}' is named twice. Name every arm once.")
    return arms


def _registered(room: str, made: Any) -> str | None:
    if made is None:
        return None
    path = f"{type(made).__module__}:{type(made).__qualname__}"
    return next(name for name, target in REGISTRY[room].items() if target == path)
