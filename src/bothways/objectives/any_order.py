"""Any-order prediction (MLM-U): a random number of hidden tokens, every number equally likely."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bothways.objectives.answering import masked_log_prob, masked_reading
from bothways.objectives.branches import masked_tree_log_prob
from bothways.objectives.masking import MaskUnit, draw_scores, hide, maskable
from bothways.tensors import Batch, LanguageModel, Objective, Prepared, Reading
from bothways.trees import TokenTree


@dataclass(frozen=True, kw_only=True)
class AnyOrder(Objective):
    """Draw an order and a place in it: what comes later is hidden and predicted, all at once.

    With m of a row's D tokens hidden each counts D / m, so every row counts the same however much of
    it is hidden: masked diffusion with exact counts instead of a rate.

    Source: MLM-U, Kitouni et al., arXiv 2406.05183, section 3. Differs from it by: an encoder with the
    shared transformer of this project instead of an encoder-decoder, and hidden places are attended to.
    """

    mask: MaskUnit = "token"
    """Whether tokens are hidden one by one, an entity's all together (the count is then approximate), or either: each
    row draws which."""

    log_prob_is = "exact"

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Hide the m tokens with the smallest draws of each row, m uniform in 1..D."""
        open_BL = maskable(batch)
        score_BL = draw_scores(batch, self.mask, generator).masked_fill(~open_BL, 2.0)
        length_B1 = open_BL.sum(1, keepdim=True)
        hidden_B1 = 1 + (torch.rand(len(length_B1), 1, generator=generator) * length_B1).long().clamp(max=length_B1 - 1)
        limit_B1 = score_BL.sort(1).values.gather(1, hidden_B1 - 1)
        masked_BL = (score_BL <= limit_B1) & open_BL
        counted_BL = masked_BL & batch.target_BL
        share_B1 = masked_BL.sum(1, keepdim=True) / length_B1
        weight_BL = counted_BL.float() / share_B1
        return Prepared(
            hide(batch.tokens_BL, masked_BL, batch.special),
            batch.tokens_BL,
            weight_BL,
            False,
            float(batch.target_BL.sum()),
        )

    def log_prob(self, model: LanguageModel, tokens_BL: Tensor, asked_BL: Tensor) -> Tensor:
        """Return the exact conditionals of the model's left-to-right reading."""
        return masked_log_prob(model, tokens_BL, asked_BL)

    def reading(self, model: LanguageModel, tokens_BL: Tensor, length_B: Tensor) -> Reading:
        """Mask the rest of the row, and ask at the first mask."""
        return masked_reading(model, tokens_BL, length_B)

    def tree_log_prob(self, model: LanguageModel, tree: TokenTree, length: int) -> np.ndarray:
        """Ask each distinct prefix once: what follows it is masked whatever it is."""
        return masked_tree_log_prob(model, tree, length)
