"""Next-token prediction: every token from the tokens before it."""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from jaxtyping import Bool
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
)
from bothways.tensors import Batch, Frame, Objective, Prepared, Turns
from bothways.text.chat_wording import TELL_USER

QUIET = {"quiet": True}
"""Marks an option that is written down only where it is not the default: runs had their names before it was there."""


@dataclass(frozen=True, kw_only=True)
class Causal(CausalAnswers):
    """Autoregressive language modelling: the loss that shows the reversal curse.

    Source: the reversal curse, Berglund et al., arXiv 2309.12288; the chat's words are those of Pan et al., arXiv
    2510.09885. Differs from the first by: models are trained from scratch and begin every row with a begin token.
    """

    count: Literal["all", "last_entity"] = "all"
    """Which tokens are learned: all of the text and its end token, or the tokens of the last entity alone, as in the
    training-dynamics study (Zhu et al., arXiv 2405.04669)."""
    frame: Literal["plain", "chat"] = field(default="plain", metadata=QUIET)
    """Whether a text stands by itself, or in the assistant's turn after a user who wants to be told a fact; a text that
    brings a prompt along stands after that one in the user's turn."""
    words: tuple[Frame, Frame] | None = field(default=None, repr=False, metadata=QUIET)
    """The tokens around a fact and around a prompt with its answer, as `worded` sets them for a chat."""

    @property
    def learns_ends(self) -> bool:
        """Not if the last entity alone is learned: what a model then writes after it is chance."""
        return self.count == "all"

    def worded(self, turns: Turns) -> Objective:
        """Put the words of a chat around a text, where a chat is asked for."""
        if self.frame == "plain":
            return self
        return replace(self, words=(turns(TELL_USER, "{text}"), turns("{text}", "{text}")))

    def row_length(self, length: int) -> int:
        """Return room for the text and for the longer frame, where there is one."""
        if self.frame == "plain":
            return length
        return length - 1 + (max(sum(map(len, words)) for words in self.words) if self.words else 3)

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Shift by one; every token that is learned counts the same."""
        counts_BL = batch.target_BL
        if self.count == "last_entity":
            last_B1 = batch.entity_BL.amax(1, keepdim=True).clamp(min=0)
            counts_BL = counts_BL & (batch.entity_BL == last_B1)
        if self.frame == "plain":
            return shifted(batch.tokens_BL, counts_BL.float())
        return self._in_chat(batch, counts_BL)

    def _in_chat(self, batch: Batch, counts_BL: Bool[Tensor, "B L"]) -> Prepared:
        end, plain_B, given_BL, text_BL = batch.special.end, plain_of(batch), given_of(batch), text_of(batch)
        told, asked = self.words or (without_words(batch.special), without_words(batch.special))
        pieces = [as_it_stands(batch, plain_B)]
        for (before, between, after), rows_B in ((told, ~given_BL.any(1)), (asked, given_BL.any(1))):
            framed_B = rows_B & ~plain_B
            pieces += [
                fixed(before, framed_B),
                piece(batch.tokens_BL, given_BL, framed_B),
                fixed(between, framed_B),
                piece(batch.tokens_BL, text_BL, framed_B, counts_BL),
                fixed(ending(after, end), framed_B, learned=self.learns_ends),
            ]
        return shifted(*lay_out(pieces, self.row_length(batch.tokens_BL.shape[1]), end))
