"""In-place masking: next-token prediction of a text some of whose tokens cannot be read."""

from dataclasses import dataclass

import torch

from bothways.objectives.causal_answers import CausalAnswers, shifted
from bothways.objectives.framing import plain_of
from bothways.objectives.masking import MaskUnit, check_rate, draw_scores, hide
from bothways.tensors import Batch, Prepared


@dataclass(frozen=True, kw_only=True)
class InPlaceMasking(CausalAnswers):
    """Mask a small share of what is read, and predict every next token, the masked ones too.

    The row is as long as under next-token prediction, and costs as much: the cheap control for masked fine-tuning. What
    a row is given before its text is not masked, and plain rows are read as they stand.

    Source: MEAP, arXiv 2502.07490. Differs from it by: no row is doubled when pairs are tuned, and names can be
    masked whole.
    """

    rate: float = 0.15
    """Share of the tokens masked."""
    mask: MaskUnit = "token"
    """Whether tokens are masked one by one, an entity's all together, or either: each row draws which."""

    def __post_init__(self) -> None:
        check_rate("rate", self.rate)

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Shift by one, and mask in what is read alone."""
        masked_BL = (draw_scores(batch, self.mask, generator) < self.rate) & batch.target_BL & ~plain_of(batch)[:, None]
        clean = shifted(batch.tokens_BL, batch.target_BL.float())
        read_BL = hide(batch.tokens_BL, masked_BL, batch.special)[:, :-1]
        return Prepared(read_BL, clean.target_BL, clean.weight_BL, causal=True)
