"""Next-token prediction: every token from the tokens before it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from bothways.objectives.answering import causal_log_prob, causal_next
from bothways.tensors import Batch, LanguageModel, Objective, Prepared


@dataclass(frozen=True, kw_only=True)
class Causal(Objective):
    """Autoregressive language modelling: the loss that shows the reversal curse.

    Source: the reversal curse, Berglund et al., arXiv 2309.12288. Differs from it by: models are
    trained from scratch and begin every row with a begin token.
    """

    log_prob_is = "exact"

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Shift by one; every token of the text and its end token counts the same."""
        return Prepared(
            input_BL=batch.tokens_BL[:, :-1],
            target_BL=batch.tokens_BL[:, 1:],
            weight_BL=batch.target_BL[:, 1:].float(),
            causal=True,
        )

    def log_prob(self, model: LanguageModel, tokens_BL: Tensor, asked_BL: Tensor) -> Tensor:
        """Return the exact conditionals, in one pass."""
        return causal_log_prob(model, tokens_BL, asked_BL)

    def next_log_prob(self, model: LanguageModel, tokens_BL: Tensor, length_B: Tensor) -> Tensor:
        """Return the distribution after each prefix."""
        return causal_next(model, tokens_BL, length_B)
