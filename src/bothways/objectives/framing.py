"""Rows in which a text stands inside a frame of fixed tokens, such as the turns of a chat.

A row is laid out piece by piece. Every piece is there in some rows and not in others, and rows differ in length, so a
piece is a rectangle of tokens with the places that are taken from it. What is left of a row is filled with end tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bothways.errors import BothwaysError
from bothways.tensors import Batch, Frame
from bothways.types import SpecialTokens


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens that follow each other in the rows of a batch."""

    tokens_BL: Int[Tensor, "B L"]
    taken_BL: Bool[Tensor, "B L"]
    """Which of them there are, in each row."""
    learned_BL: Bool[Tensor, "B L"]
    """Which of those taken count in the loss."""


def lay_out(pieces: Sequence[Piece], length: int, fill: int) -> tuple[Int[Tensor, "B W"], Float[Tensor, "B W"]]:
    """Write pieces one after another into rows.

    Args:
        pieces: each has as many rows as the others.
        length: tokens in a row, enough for all that is taken.
        fill: the token that follows the last piece; it does not count.

    Returns:
        The rows, and 1 where a token is learned.

    >>> some = torch.tensor([[7, 8], [9, 7]])
    >>> both = torch.tensor([True, True])
    >>> pieces = [piece(some, some < 9, both), fixed((5,), both), piece(some, some > 0, both, some > 7)]
    >>> tokens, weight = lay_out(pieces, 6, fill=2)
    >>> tokens.tolist(), weight.int().tolist()
    ([[7, 8, 5, 7, 8, 2], [7, 5, 9, 7, 2, 2]], [[0, 0, 0, 0, 1, 0], [0, 0, 1, 0, 0, 0]])
    """
    n_rows = len(pieces[0].tokens_BL)
    tokens_BW, weight_BW = torch.full((n_rows, length), fill), torch.zeros(n_rows, length)
    at_B = torch.zeros(n_rows, dtype=torch.int64)
    for piece in pieces:
        row_N, from_N = piece.taken_BL.nonzero(as_tuple=True)
        place_N = at_B[row_N] + piece.taken_BL.cumsum(1)[row_N, from_N] - 1
        tokens_BW[row_N, place_N] = piece.tokens_BL[row_N, from_N]
        weight_BW[row_N, place_N] = piece.learned_BL[row_N, from_N].float()
        at_B = at_B + piece.taken_BL.sum(1)
    return tokens_BW, weight_BW


def piece(
    tokens_BL: Int[Tensor, "B L"],
    taken_BL: Bool[Tensor, "B L"],
    rows_B: Bool[Tensor, " B"],
    learned_BL: Bool[Tensor, "B L"] | None = None,
) -> Piece:
    """Return a piece of some rows; nothing of it is learned where nothing is said."""
    learned_BL = torch.zeros_like(taken_BL) if learned_BL is None else learned_BL
    return Piece(tokens_BL, taken_BL & rows_B[:, None], learned_BL)


def fixed(ids: Sequence[int], rows_B: Bool[Tensor, " B"], *, learned: bool = False) -> Piece:
    """Return the same tokens for some rows."""
    shape = len(rows_B), len(ids)
    taken_BL = rows_B[:, None].expand(shape)
    return Piece(torch.tensor(ids, dtype=torch.int64).expand(shape), taken_BL, taken_BL & learned)


def without_words(special: SpecialTokens) -> Frame:
    """Return the frame of an objective that was given no words: a delimiter between two texts.

    Raises:
        BothwaysError: the tokenizer has no token for it.
    """
    if special.delimiter < 0:
        raise BothwaysError(
            "The tokenizer has no delimiter token to stand between two texts. "
            "Give the objective its words first, by objective.worded(tokenizer.turns)."
        )
    return (special.begin,), (special.delimiter,), (special.end,)


def ending(after: Sequence[int], end: int) -> tuple[int, ...]:
    """Return what ends an answer, of all that stands after it: up to the end token, or the first token.

    >>> ending((9, 2, 8), end=2), ending((9, 8), end=2), ending((), end=2)
    ((9, 2), (9,), (2,))
    """
    after = tuple(after)
    return after[: after.index(end) + 1] if end in after else after[:1] or (end,)


def text_of(batch: Batch) -> Bool[Tensor, "B L"]:
    """Return where the tokens of each row's text stand that may count: all but the token that ends it."""
    place_L = torch.arange(batch.tokens_BL.shape[1])
    last_B1 = (batch.target_BL * place_L).amax(1, keepdim=True)
    return batch.target_BL & ~((place_L == last_B1) & (batch.tokens_BL == batch.special.end))


def given_of(batch: Batch) -> Bool[Tensor, "B L"]:
    """Return where tokens stand that are given, such as a question's, before those that may count.

    The begin tokens that a row starts with are not among them.
    """
    before_BL = batch.target_BL.cumsum(1) == 0
    begins_BL = (batch.tokens_BL == batch.special.begin).cumprod(1).bool()
    return before_BL & ~begins_BL


def plain_of(batch: Batch) -> Bool[Tensor, " B"]:
    """Return which rows are general text, that is read as it stands whatever the objective."""
    return torch.zeros(len(batch.tokens_BL), dtype=torch.bool) if batch.plain_B is None else batch.plain_B


def as_it_stands(batch: Batch, rows_B: Bool[Tensor, " B"]) -> Piece:
    """Return some rows whole, up to the last token that may count."""
    to_come_BL = batch.target_BL.flip(1).cumsum(1).flip(1) > 0
    return piece(batch.tokens_BL, to_come_BL, rows_B, batch.target_BL)
