"""Masked language modelling at one fixed rate."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bothways.objectives.answering import masked_log_prob, masked_reading
from bothways.objectives.branches import masked_tree_log_prob
from bothways.objectives.masking import MaskUnit, check_rate, draw_scores, hide, maskable
from bothways.tensors import Batch, LanguageModel, Objective, Prepared, Reading
from bothways.trees import TokenTree


@dataclass(frozen=True, kw_only=True)
class MaskedLM(Objective):
    """Hide a fixed share of the tokens and restore them.

    Source: BERT, Devlin et al., arXiv 1810.04805; as the fixed-rate arm of Kitouni et al., arXiv
    2406.05183. Differs from BERT by: a hidden token is always the mask, never random or kept.
    """

    rate: float = 0.15
    """Share of tokens hidden."""
    mask: MaskUnit = "token"
    """Whether tokens are hidden one by one, an entity's all together, or either: each row draws which."""

    log_prob_is = "exact"

    def __post_init__(self) -> None:
        check_rate("rate", self.rate)

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Hide each token with probability `rate`; count the hidden ones."""
        masked_BL = (draw_scores(batch, self.mask, generator) < self.rate) & maskable(batch)
        weight_BL = (masked_BL & batch.target_BL).float()
        return Prepared(hide(batch.tokens_BL, masked_BL, batch.special), batch.tokens_BL, weight_BL, False)

    def log_prob(self, model: LanguageModel, tokens_BL: Tensor, asked_BL: Tensor) -> Tensor:
        """Return the exact conditionals of the model's left-to-right reading."""
        return masked_log_prob(model, tokens_BL, asked_BL)

    def reading(self, model: LanguageModel, tokens_BL: Tensor, length_B: Tensor) -> Reading:
        """Mask the rest of the row, and ask at the first mask."""
        return masked_reading(model, tokens_BL, length_B)

    def tree_log_prob(self, model: LanguageModel, tree: TokenTree, length: int) -> np.ndarray:
        """Ask each distinct prefix once: what follows it is masked whatever it is."""
        return masked_tree_log_prob(model, tree, length)
