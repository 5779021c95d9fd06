"""Weight symmetry: pull what ties A to B and what ties B to A together, in the weights."""

from dataclasses import dataclass, replace

from bothways.config import RunConfig
from bothways.errors import BothwaysError
from bothways.mitigations.base import Mitigation


@dataclass(frozen=True, kw_only=True)
class WeightSymmetry(Mitigation):
    """Adds `strength` times ‖M - Mᵀ‖² / ‖M‖² to the loss, the mean over the maps from token to token that store facts.

    The cure that the theory of asymmetric weights suggests. A symmetric map ties two entities whatever is asked, so it
    may raise reverse accuracy without any relation: read it beside the relation-flip control. The penalty is not
    in the losses a run writes down. In a transformer it reaches embeddings, output matrix and heads, not the MLPs.

    Source: suggested by the asymmetry of weights in Zhu et al., arXiv 2405.04669. Differs from it by: the paper
    proposes no cure; this one is ours.
    """

    strength: float = 1.0
    """Weight of the penalty, which lies between 0 and 4, beside the loss in nats."""

    def __post_init__(self) -> None:
        if not self.strength > 0:
            raise BothwaysError(f"strength must be above 0, got strength={self.strength}. Choose for example 1.")

    def __call__(self, config: RunConfig) -> RunConfig:
        """Return the configuration with the penalty."""
        return replace(config, training=replace(config.training, symmetry=self.strength))
