"""Masked diffusion: hide a random share of the tokens, restore them from all the others."""

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from bothways.errors import BothwaysError
from bothways.objectives.answering import masked_log_prob, masked_reading
from bothways.objectives.branches import masked_tree_log_prob
from bothways.objectives.masking import Kept, MaskUnit, check_rate, draw_scores, hide, kept, maskable
from bothways.tensors import Batch, LanguageModel, Objective, Prepared, Reading
from bothways.trees import TokenTree


@dataclass(frozen=True, kw_only=True)
class MaskedDiffusion(Objective):
    """Absorbing-state diffusion: each row draws a rate t, each token is hidden with probability t.

    Source: LLaDA, Nie et al., arXiv 2502.09992, equation 3; SMDM, arXiv 2410.18514. Differs from it
    by: the default averages over each row's hidden tokens, because 1/t learns facts several times slower
    (LOG.md); `weighting="inverse_rate", normalisation="tokens"` gives the sources' loss.
    `attention` and `keep` are controls for the reasons it reverses, after arXiv 2602.02133.
    """

    min_rate: float = 0.001
    """Smallest rate t."""
    max_rate: float = 1.0
    """Largest rate t; 0 hides nothing and must learn nothing."""
    weighting: Literal["mean", "inverse_rate"] = "mean"
    """Whether hidden tokens count the same, or by 1/t of their row."""
    normalisation: Literal["row", "hidden", "tokens"] = "row"
    """What a sum is divided by. `row`: each row by its own weights, so that rows count the same; `hidden`: the batch
    by all its weights; `tokens`: the batch by all tokens that may count, which with inverse_rate is the bound."""
    mask: MaskUnit = "token"
    """Whether tokens are hidden one by one, an entity's all together, or either: each row draws which."""
    attention: Literal["full", "causal"] = "full"
    """Whether a hidden token is restored from all the others, or from those before it alone: the masks without the
    bidirectional reader."""
    keep: Kept = "none"
    """An entity that is never hidden, of each text its first or its last: it is then never restored from the other."""

    log_prob_is = "exact"

    def __post_init__(self) -> None:
        check_rate("min_rate", self.min_rate)
        check_rate("max_rate", self.max_rate)
        if self.weighting == "inverse_rate" and self.min_rate == 0:
            raise BothwaysError("weighting='inverse_rate' needs min_rate above 0, got min_rate=0. Choose 0.001.")

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Hide tokens at a rate drawn for each row; count the hidden ones."""
        low, high = min(self.min_rate, self.max_rate), self.max_rate
        rate_B1 = low + (high - low) * torch.rand(len(batch.tokens_BL), 1, generator=generator)
        open_BL = maskable(batch) & ~kept(batch, self.keep)
        masked_BL = (draw_scores(batch, self.mask, generator) < rate_B1) & open_BL
        weight_BL = (masked_BL & batch.target_BL).float()
        if self.weighting == "inverse_rate":
            weight_BL = weight_BL / rate_B1
        if self.normalisation == "row":
            weight_BL = weight_BL / weight_BL.sum(1, keepdim=True).clamp(min=1e-9)
        normaliser = float(batch.target_BL.sum()) if self.normalisation == "tokens" else None
        return Prepared(
            hide(batch.tokens_BL, masked_BL, batch.special), batch.tokens_BL, weight_BL, self._causal, normaliser
        )

    @property
    def _causal(self) -> bool:
        return self.attention == "causal"

    def log_prob(self, model: LanguageModel, tokens_BL: Tensor, asked_BL: Tensor) -> Tensor:
        """Return the exact conditionals of the model's left-to-right reading."""
        return masked_log_prob(model, tokens_BL, asked_BL, causal=self._causal)

    def reading(self, model: LanguageModel, tokens_BL: Tensor, length_B: Tensor) -> Reading:
        """Mask the rest of the row, and ask at the first mask."""
        return masked_reading(model, tokens_BL, length_B, causal=self._causal)

    def tree_log_prob(self, model: LanguageModel, tree: TokenTree, length: int) -> np.ndarray:
        """Ask each distinct prefix once: what follows it is masked whatever it is."""
        return masked_tree_log_prob(model, tree, length, causal=self._causal)

    def log_prob_bound(self, model: LanguageModel, tokens_L: Int[Tensor, " L"], answer: range) -> Float[Tensor, ""]:
        """Return the diffusion bound on log p(answer | rest of the row), in nats, by summing over all masks.

        A lower bound on the likelihood of the any-order model, and another quantity than `log_prob`:
        E over orders, not the left-to-right one. Exact enumeration: for answers of a few tokens.

        Args:
            model: a model trained with this objective.
            tokens_L: one row with the answer in place.
            answer: the positions of the answer; all others are given.

        Raises:
            BothwaysError: the answer has more than 12 tokens (4,096 masks).

        Source: the ELBO of LLaDA, equation 4, with the hidden count integrated out: every number of
        hidden tokens k = 1..n is equally likely and counts 1/k.
        """
        places, n = list(answer), len(answer)
        if n > 12:
            raise BothwaysError(f"The bound enumerates every mask, for at most 12 tokens, got {n}. Ask log_prob.")
        total = torch.zeros(())
        for k in range(1, n + 1):
            for hidden in combinations(places, k):
                row_1L = tokens_L.clone()[None]
                row_1L[0, list(hidden)] = -1
                logits_LV = model(hide(tokens_L[None], row_1L < 0), causal=self._causal)[0].float()
                nats = logits_LV.log_softmax(-1)[list(hidden), tokens_L[list(hidden)]].sum()
                total = total + nats / (k * comb(n, k))
        return total
