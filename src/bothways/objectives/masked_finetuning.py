"""Masked fine-tuning: a model that reads left to right is shown a text with masks and writes the whole of it."""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from bothways.objectives.causal_answers import CausalAnswers, shifted
from bothways.objectives.framing import (
    as_it_stands,
    ending,
    fixed,
    given_of,
    lay_out,
    piece,
    plain_of,
    text_of,
    without_words,
)  # fmt: skip
from bothways.objectives.masking import MaskUnit, check_rate, draw_scores, hide
from bothways.tensors import Batch, Frame, Objective, Prepared, Turns
from bothways.text.chat_wording import RECOVER_ASSISTANT, RECOVER_USER


@dataclass(frozen=True, kw_only=True)
class MaskedFinetuning(CausalAnswers):
    """A row is the text with masks, one for each hidden token, and the text; the second alone is learned, with its end.

    What stands around both are the words of a chat (`worded`), or begin token, delimiter and end token. A prompt that a
    row brings along, such as a question, is read before the masked text and never hidden; plain rows stay as they are.

    Source: Pan et al., arXiv 2510.09885, equation 2 and figure 2. Differs from it by: names hidden whole, rates drawn
    for each row, and models from scratch are ours.
    """

    min_rate: float = 0.05
    """Smallest share of a text's tokens that is hidden."""
    max_rate: float = 0.95
    """Largest share; 0 hides nothing and must learn nothing but to copy."""
    rate_per: Literal["batch", "row"] = "batch"
    """Whether one rate is drawn for all rows of a batch, as in the source, or one for each."""
    mask: MaskUnit = "token"
    """Whether tokens are hidden one by one, an entity's all together, or either: each row draws which."""
    count: Literal["document", "hidden"] = "document"
    """Which tokens are learned: all of the text and its end, or those alone that were hidden, as in the source's tuning
    on pairs of question and answer."""
    prompt: Literal["masked", "random"] = "masked"
    """What is read: the masked text, or as many tokens drawn from the vocabulary, a control that must fail."""
    words: Frame | None = field(default=None, repr=False, metadata={"quiet": True})
    """The tokens around the text, as `worded` sets them; None for begin token, delimiter and end token."""

    def __post_init__(self) -> None:
        check_rate("min_rate", self.min_rate)
        check_rate("max_rate", self.max_rate)

    @property
    def learns_ends(self) -> bool:
        """Not where hidden tokens alone are learned: the end is never hidden."""
        return self.count == "document"

    def worded(self, turns: Turns) -> Objective:
        """Ask in a user's turn for the recovered passage, which is the assistant's."""
        return replace(self, words=turns(RECOVER_USER, RECOVER_ASSISTANT))

    def row_length(self, length: int) -> int:
        """Return room for the text twice, without what began and ended its row, and for the frame."""
        return 2 * (length - 1) + (sum(map(len, self.words)) if self.words else 3)

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Hide tokens of the text in the first of its two copies; the second one counts."""
        n_rows, length = batch.tokens_BL.shape
        before, between, after = self.words or without_words(batch.special)
        text_BL, plain_B = text_of(batch), plain_of(batch)
        framed_B = ~plain_B
        hidden_BL = text_BL & (draw_scores(batch, self.mask, generator) < self._rate(n_rows, generator))
        learned_BL = text_BL if self.count == "document" else hidden_BL
        end = ending(after, batch.special.end)
        pieces = [
            as_it_stands(batch, plain_B),
            fixed(before, framed_B),
            piece(self._shown(batch, hidden_BL, generator), given_of(batch) | text_BL, framed_B),
            fixed(between, framed_B),
            piece(batch.tokens_BL, text_BL, framed_B, learned_BL),
            fixed(end, framed_B, learned=self.learns_ends),
        ]
        return shifted(*lay_out(pieces, self.row_length(length), batch.special.end))

    def _shown(self, batch: Batch, hidden_BL: Bool[Tensor, "B L"], generator: torch.Generator) -> Int[Tensor, "B L"]:
        if self.prompt == "random":
            return torch.where(text_of(batch), random_tokens(batch, generator), batch.tokens_BL)
        return hide(batch.tokens_BL, hidden_BL, batch.special)

    def _rate(self, n_rows: int, generator: torch.Generator) -> Tensor:
        low = min(self.min_rate, self.max_rate)
        drawn_B1 = torch.rand(n_rows if self.rate_per == "row" else 1, 1, generator=generator)
        return low + (self.max_rate - low) * drawn_B1


def random_tokens(batch: Batch, generator: torch.Generator) -> Int[Tensor, "B L"]:
    """Draw tokens of the vocabulary up to the batch's largest id, special ones left out; all are equally likely."""
    special = batch.special
    all_V = torch.arange(int(batch.tokens_BL.max()) + 1)
    unfit = [special.pad, special.begin, special.end, special.mask, special.unknown, special.delimiter]
    plain_V = all_V[~torch.isin(all_V, torch.tensor(unfit))]
    return plain_V[torch.randint(len(plain_V), batch.tokens_BL.shape, generator=generator)]
