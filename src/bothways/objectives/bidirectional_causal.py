"""Bidirectional causal training: next-token prediction, and between its batches some that restore masked tokens."""

from dataclasses import dataclass

import torch

from bothways.objectives.causal_answers import CausalAnswers
from bothways.objectives.framing import text_of
from bothways.objectives.masking import MaskUnit, check_rate, draw_scores, hide
from bothways.tensors import Batch, Prepared


@dataclass(frozen=True, kw_only=True)
class BidirectionalCausal(CausalAnswers):
    """A coin for each batch: predict every next token, or mask some, see all and restore them one place early.

    A masked token is predicted where the token before it stands, so that the output matrix keeps the alignment it has
    left to right. Answers are read left to right. In a batch that restores, plain rows are masked like all others.

    Source: BICO, Lv et al., arXiv 2311.07468. Differs from it by: masked tokens are attended to, and rotary positions
    are those the model has; the source removes masked keys and mirrors the turn of keys on the right, which takes a
    changed attention layer. It trains low-rank adapters of a large model; names hidden whole are ours.
    """

    restored: float = 0.5
    """Share of the batches that restore masked tokens; 0 is next-token prediction."""
    rate: float = 0.15
    """Share of a text's tokens masked in such a batch."""
    mask: MaskUnit = "token"
    """Whether tokens are masked one by one, an entity's all together, or either: each row draws which."""

    def __post_init__(self) -> None:
        check_rate("restored", self.restored)
        check_rate("rate", self.rate)

    @property
    def reads_alike(self) -> bool:
        """Not all batches are read left to right."""
        return False

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Predict from one place before, in both kinds of batch; the last place of a row predicts nothing."""
        restores = bool(torch.rand(1, generator=generator) < self.restored)
        tokens_BL, counts_BL = batch.tokens_BL, batch.target_BL
        if restores:
            counts_BL = (draw_scores(batch, self.mask, generator) < self.rate) & text_of(batch)
            tokens_BL = hide(tokens_BL, counts_BL, batch.special)
        weight_BL = counts_BL.float().roll(-1, 1)
        weight_BL[:, -1] = 0.0  # where the roll has put the first token, which nothing predicts
        return Prepared(tokens_BL, batch.tokens_BL.roll(-1, 1), weight_BL, causal=not restores)
