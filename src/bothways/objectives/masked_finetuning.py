"""Masked fine-tuning: a model that reads left to right is shown a text with masks and writes the whole of it."""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn.functional import pad

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
from bothways.objectives.masking import MaskUnit, check_rate, draw_scores, first_place, hide
from bothways.tensors import Batch, Frame, LanguageModel, Objective, Prepared, Turns
from bothways.text.chat_wording import RECOVER_ASSISTANT, RECOVER_USER


@dataclass(frozen=True, kw_only=True)
class MaskedFinetuning(CausalAnswers):
    """A row is the text with masks, one for each hidden token, and the text; the second alone is learned, with its end.

    What stands around both are the words of a chat (`worded`), or begin token, delimiter and end token. A prompt that a
    row brings along, such as a question, is read before the masked text and never hidden; plain rows stay as they are.

    Source: Pan et al., arXiv 2510.09885, equation 2 and figure 2. Differs from it by: names hidden whole, adaptive
    masks, rates drawn for each row, and models from scratch are ours.
    """

    min_rate: float = 0.05
    """Smallest share of a text's tokens that is hidden."""
    max_rate: float = 0.95
    """Largest share; 0 hides nothing and must learn nothing but to copy."""
    rate_per: Literal["batch", "row"] = "batch"
    """Whether one rate is drawn for all rows of a batch, as in the source, or one for each."""
    mask: Literal[MaskUnit, "adaptive"] = "token"
    """Whether tokens are hidden one by one, an entity's all together, or either: each row draws which. With adaptive an
    entity is hidden the more often the worse the model recovers it now, which costs one more reading of each batch."""
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

    @property
    def cost(self) -> float:
        """A reading forwards alone, for adaptive masks, is a third of one that goes back as well."""
        return 4 / 3 if self.mask == "adaptive" else 1.0

    def worded(self, turns: Turns) -> Objective:
        """Ask in a user's turn for the recovered passage, which is the assistant's."""
        return replace(self, words=turns(RECOVER_USER, RECOVER_ASSISTANT))

    def row_length(self, length: int) -> int:
        """Return room for the text twice, without what began and ended its row, and for the frame."""
        return 2 * (length - 1) + (sum(map(len, self.words)) if self.words else 3)

    def consult(self, model: LanguageModel, batch: Batch, generator: torch.Generator) -> Batch:
        """Where masks are adaptive, hide half of all entities and read off what each costs: its share of need.

        The weights are all there is to remember, so our own loop resumes to the same masks. The library's trainer reads
        one step ahead: it asks the weights of the step before, and other ones at the first step after a resume.
        """
        if self.mask != "adaptive":
            return batch
        trial = replace(self, mask="entity", min_rate=0.5, max_rate=0.5, count="hidden", prompt="masked")
        hidden_BL = trial._hidden(batch, generator) & ~plain_of(batch)[:, None]
        made = trial._rows(batch, hidden_BL, generator)
        asked_BL = pad((made.weight_BL > 0) & ~plain_of(batch)[:, None], (1, 0))
        with torch.no_grad():
            log_prob_BL = self.log_prob(model, torch.cat([made.input_BL[:, :1], made.target_BL], 1), asked_BL)
        nats_BL = torch.zeros(hidden_BL.shape)
        nats_BL[hidden_BL] = -log_prob_BL[asked_BL]  # row by row, both in the text's order
        return replace(batch, need_BL=need(nats_BL, hidden_BL, batch.entity_BL))

    def prepare(self, batch: Batch, generator: torch.Generator) -> Prepared:
        """Hide tokens of the text in the first of its two copies; the second one counts."""
        return self._rows(batch, self._hidden(batch, generator), generator)

    def _rows(self, batch: Batch, hidden_BL: Bool[Tensor, "B L"], generator: torch.Generator) -> Prepared:
        before, between, after = self.words or without_words(batch.special)
        text_BL, plain_B = text_of(batch), plain_of(batch)
        framed_B = ~plain_B
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
        return shifted(*lay_out(pieces, self.row_length(batch.tokens_BL.shape[1]), batch.special.end))

    def _hidden(self, batch: Batch, generator: torch.Generator) -> Bool[Tensor, "B L"]:
        score_BL = draw_scores(batch, "entity" if self.mask == "adaptive" else self.mask, generator)
        rate_BL = self._rate(len(score_BL), generator) * (1.0 if batch.need_BL is None else batch.need_BL)
        return text_of(batch) & (score_BL < rate_BL)

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


def need(
    nats_BL: Float[Tensor, "B L"], hidden_BL: Bool[Tensor, "B L"], entity_BL: Int[Tensor, "B L"]
) -> Float[Tensor, "B L"]:
    """Return what each entity, or token outside of one, costs against what all cost on average.

    It is 1 where nothing was hidden, and at least 0.1, so that nothing is given up; an entity's tokens share theirs.

    >>> entity = torch.tensor([[0, 0, -1, 1]])
    >>> need(torch.tensor([[1.0, 3.0, 1.0, 0.0]]), torch.tensor([[True, True, True, False]]), entity).tolist()
    [[1.2, 1.2, 0.6, 1.0]]
    """
    place_L = torch.arange(entity_BL.shape[1])
    unit_BL = torch.where(entity_BL < 0, place_L, first_place(entity_BL))
    n_BL = torch.zeros_like(nats_BL).scatter_add(1, unit_BL, hidden_BL.float()).clamp(min=1)
    each_BL = (torch.zeros_like(nats_BL).scatter_add(1, unit_BL, nats_BL) / n_BL).gather(1, unit_BL)
    mean = nats_BL[hidden_BL].mean().clamp(min=1e-9) if hidden_BL.any() else 1.0
    return torch.where(hidden_BL, (each_BL / mean).clamp(min=0.1), 1.0)
