"""General text that no model is trained on here, and what a model expects at every place of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from bothways.batches.tokenizers import Tokenizer
from bothways.errors import BothwaysError
from bothways.evaluation.scoring import make_rows
from bothways.tensors import LanguageModel, Objective
from bothways.text.plain_text import plain_lines

OWN_TEXT = Path(__file__).with_name("general.txt")
"""Plain sentences on everyday things, of our own writing."""
CHARACTERS = 200_000
"""How much of a file of general text is read."""
PLACES = 4096
"""Places that are measured at most, spread evenly over the text."""
PLACES_ALONE = 512
"""The same where every place costs a row of its own, as with masked models."""
ROWS = 32
"""Rows read at once."""
LOGITS = 2**24
"""Logits that exist at once."""


def read_general(file: Path | None = None) -> tuple[str, ...]:
    """Return the texts of a file, one a line; by default the package's own.

    Raises:
        BothwaysError: the file is not there, is no UTF-8 text, or is empty.

    >>> len(read_general())
    13
    """
    return tuple(plain_lines(file or OWN_TEXT, CHARACTERS))


@dataclass(frozen=True)
class Places:
    """Rows of general text, and the places of them that a model is asked about.

    `length_N` counts the tokens of the row that stand before a place.
    """

    tokens_BL: Int[Tensor, "B L"]
    row_N: Int[Tensor, " N"]
    length_N: Int[Tensor, " N"]

    @property
    def token_N(self) -> Int[Tensor, " N"]:
        """The tokens that stand there."""
        return self.tokens_BL[self.row_N, self.length_N]


def find_places(
    general: Sequence[str], model: LanguageModel, objective: Objective, tokenizer: Tokenizer, length: int
) -> Places:
    """Cut texts into rows, and return the places where a model can be asked for a token it knows.

    Args:
        general: the texts; one that is longer than a row goes on in the next.
        model: whose special tokens they are.
        objective: how the model is asked; where that takes a row a place, fewer places are returned.
        tokenizer: cuts the texts.
        length: tokens in a row, as in training.

    Raises:
        BothwaysError: no place is left: a row is too short, or the tokenizer knows no word of the texts.
    """
    start, room = list(tokenizer.start), length - len(tokenizer.start)
    if room < 2:
        raise BothwaysError(f"General text needs rows of {len(start) + 2} tokens at least, got {length}. Raise them.")
    encoded = [tokenizer.encode(text).ids for text in general]
    cut = [ids[at : at + room] for ids in encoded for at in range(0, len(ids), room)]
    tokens_BL, asked_BL, _ = make_rows([(start, ids) for ids in cut], length)
    asked_BL[:, 0] = False  # nothing stands before the first token
    row_N, length_N = (asked_BL & (tokens_BL != tokenizer.special.unknown)).nonzero(as_tuple=True)
    if not len(row_N):
        raise BothwaysError("The tokenizer knows no word of the general text. Name a file of text in its own words.")
    places = Places(tokens_BL, row_N, length_N)
    most = PLACES if reads_as_it_stands(model, objective, places) else PLACES_ALONE
    kept_N = torch.from_numpy(np.linspace(0, len(row_N) - 1, min(most, len(row_N))).round().astype(np.int64))
    return replace(places, row_N=row_N[kept_N], length_N=length_N[kept_N])


def reads_as_it_stands(model: LanguageModel, objective: Objective, places: Places) -> bool:
    """Whether a prefix is read as it stands and left to right, so that one pass serves every place of a row."""
    row_1L, before = places.tokens_BL[:1], places.tokens_BL.shape[1] - 1
    read = objective.reading(model, row_1L, torch.tensor([before]))
    return read.causal and torch.equal(read.input_BL, row_1L[:, :before]) and read.place_B.tolist() == [before - 1]


def expectations(
    model: LanguageModel, objective: Objective, places: Places
) -> Iterator[tuple[slice, Float[Tensor, "N V"]]]:
    """Yield the log-probabilities of all tokens at some of the places, in nats, a bounded number at a time.

    They are the objective's own: what it expects after the tokens before, nothing behind them being seen.
    """
    most = max(1, LOGITS // model.n_tokens)
    if not reads_as_it_stands(model, objective, places):
        for some in _cut(0, len(places.row_N), min(most, ROWS)):
            tokens_BL = places.tokens_BL[places.row_N[some]]
            yield some, objective.next_log_prob(model, tokens_BL, places.length_N[some])
        return
    for rows in _cut(0, len(places.tokens_BL), ROWS):
        first, end = np.searchsorted(places.row_N.numpy(), [rows.start, rows.stop]).tolist()
        hidden_BLD = model.hidden(places.tokens_BL[rows], causal=True) if first < end else torch.empty(0)
        for some in _cut(first, end, most):
            hidden_ND = hidden_BLD[places.row_N[some] - rows.start, places.length_N[some] - 1]
            yield some, model.unembed(hidden_ND).float().log_softmax(-1).cpu()


def _cut(first: int, end: int, size: int) -> Iterator[slice]:
    return (slice(at, min(at + size, end)) for at in range(first, end, size))
