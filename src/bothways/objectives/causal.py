"""Next-token prediction: every token from the tokens before it."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from bothways.objectives.answering import causal_log_prob, causal_reading
from bothways.objectives.branches import causal_tree_log_prob, row_width
from bothways.tensors import Batch, LanguageModel, Objective, Prepared, Reading
from bothways.trees import TokenTree


@dataclass(frozen=True, kw_only=True)
class Causal(Objective):
    """Autoregressive language modelling: the loss that shows the reversal curse.

    Source: the reversal curse, Berglund et al., arXiv 2309.12288. Differs from it by: models are
    trained from scratch and begin every row with a begin token.
    """

    count: Literal["all", "last_entity"] = "all"
    """Which tokens are learned: all of the text and its end token, or the tokens of the last entity alone, as in the
    training-dynamics study (Zhu et al., arXiv 2405.04669)."""

    log_prob_is = "exact"

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
        return Prepared(
            input_BL=batch.tokens_BL[:, :-1],
            target_BL=batch.tokens_BL[:, 1:],
            weight_BL=counts_BL[:, 1:].float(),
            causal=True,
        )

    def log_prob(self, model: LanguageModel, tokens_BL: Tensor, asked_BL: Tensor) -> Tensor:
        """Return the exact conditionals, in one pass."""
        return causal_log_prob(model, tokens_BL, asked_BL)

    def reading(self, model: LanguageModel, tokens_BL: Tensor, length_B: Tensor) -> Reading:
        """Read the prefixes, and ask at their last tokens."""
        return causal_reading(tokens_BL, length_B)

    def tree_log_prob(self, model: LanguageModel, tree: TokenTree, length: int) -> np.ndarray:
        """Read each node once where the model reads trees, and one row a branch where it does not."""
        if not model.reads_trees(row_width(tree)):
            return super().tree_log_prob(model, tree, length)
        return causal_tree_log_prob(model, tree)
