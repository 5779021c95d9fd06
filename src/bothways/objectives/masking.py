"""Which tokens a masked objective hides: by rate or by count, token by token or whole entities at once."""

from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bothways.errors import BothwaysError
from bothways.tensors import SPECIAL, Batch
from bothways.types import SpecialTokens

MaskUnit = Literal["token", "entity", "either"]
Kept = Literal["none", "first", "last"]


def check_rate(name: str, rate: float) -> None:
    """Refuse a masking rate outside [0, 1].

    Raises:
        BothwaysError: the rate is outside [0, 1].
    """
    if not 0 <= rate <= 1:
        raise BothwaysError(f"{name} must be between 0 and 1, got {name}={rate}. Choose a share such as 0.15.")


def maskable(batch: Batch) -> Bool[Tensor, "B L"]:
    """Return where a mask may fall: from the first token that may count, so neither on a begin token nor on a prompt.

    The end tokens that fill a row may be masked too, uncounted: when a model answers, everything after
    the prompt is masked, and training has to have looked like that.
    """
    return batch.target_BL.cumsum(1) > 0


def kept(batch: Batch, which: Kept) -> Bool[Tensor, "B L"]:
    """Return the tokens of each row's first or last entity; of a text with one entity, that one is both.

    >>> rows = torch.tensor([[1, 9, 8, 7, 2]])
    >>> one = Batch(rows, rows > 2, torch.tensor([[-1, 0, 0, 1, -1]]), torch.tensor([0]))
    >>> kept(one, "first").int().tolist(), kept(one, "last").int().tolist()
    ([[0, 1, 1, 0, 0]], [[0, 0, 0, 1, 0]])
    """
    named_BL = batch.entity_BL >= 0
    if which == "none":
        return torch.zeros_like(named_BL)
    place_L = torch.arange(named_BL.shape[1])
    at_BL = torch.where(named_BL, place_L if which == "last" else -place_L, -len(place_L))
    chosen_B1 = batch.entity_BL.gather(1, at_BL.argmax(1, keepdim=True))
    return named_BL & (batch.entity_BL == chosen_B1)


def draw_scores(batch: Batch, unit: MaskUnit, generator: torch.Generator) -> Float[Tensor, "B L"]:
    """Draw one uniform number a token; with unit "entity" all tokens of an entity share theirs.

    With "either" every row draws which of both it does: names are then learned whole, and from their own parts.
    """
    score_BL = torch.rand(batch.tokens_BL.shape, generator=generator)
    if unit != "token":
        place_L = torch.arange(score_BL.shape[1])
        first_BL = torch.where(batch.entity_BL < 0, place_L, first_place(batch.entity_BL))
        whole_BL = score_BL.gather(1, first_BL)
        if unit == "entity":
            return whole_BL
        return torch.where(torch.rand(len(score_BL), 1, generator=generator) < 0.5, whole_BL, score_BL)
    return score_BL


def first_place(entity_BL: Int[Tensor, "B L"]) -> Int[Tensor, "B L"]:
    """Return, for every token, the first place in its row that belongs to the same entity occurrence.

    >>> first_place(torch.tensor([[-1, 0, 0, -1, 1]])).tolist()
    [[0, 1, 1, 0, 4]]
    """
    same_BLL = entity_BL[:, :, None] == entity_BL[:, None, :]
    return same_BLL.int().argmax(-1)


def hide(
    tokens_BL: Int[Tensor, "B L"], masked_BL: Bool[Tensor, "B L"], special: SpecialTokens = SPECIAL
) -> Int[Tensor, "B L"]:
    """Replace the masked tokens by the mask token.

    Raises:
        BothwaysError: the tokenizer has none.
    """
    if special.mask < 0:
        raise BothwaysError(
            "The tokenizer has no mask token to hide tokens with. Name one of its tokens with --set mask_token=TOKEN, "
            "or as its mask_token."
        )
    return tokens_BL.masked_fill(masked_BL, special.mask)
