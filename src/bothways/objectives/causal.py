"""Next-token prediction: every token from the tokens before it."""

from dataclasses import dataclass
from typing import Literal

import torch

from bothways.objectives.causal_answers import CausalAnswers, shifted
from bothways.tensors import Batch, Prepared


@dataclass(frozen=True, kw_only=True)
class Causal(CausalAnswers):
    """Autoregressive language modelling: the loss that shows the reversal curse.

    Source: the reversal curse, Berglund et al., arXiv 2309.12288. Differs from it by: models are
    trained from scratch and begin every row with a begin token.
    """

    count: Literal["all", "last_entity"] = "all"
    """Which tokens are learned: all of the text and its end token, or the tokens of the last entity alone, as in the
    training-dynamics study (Zhu et al., arXiv 2405.04669)."""

    @property
    def learns_ends(self) -> bool:
        """Not if the last entity alone is learned: what a model then writes after it is chance."""
        return self.count == "all"

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Shift by one; every token that is learned counts the same."""
        counts_BL = batch.target_BL
        if self.count == "last_entity":
            last_B1 = batch.entity_BL.amax(1, keepdim=True).clamp(min=0)
            counts_BL = counts_BL & (batch.entity_BL == last_B1)
        return shifted(batch.tokens_BL, counts_BL.float())
