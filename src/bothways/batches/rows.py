"""Where the rows of a batch come from: kept as tokens, or written when they are asked for."""

import abc
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int

from bothways.batches.tokenizers import Encoded, Tokenizer
from bothways.facts.graphs.chance import shuffle
from bothways.facts.graphs.sentences import expand, is_glued
from bothways.tensors import SPECIAL
from bothways.text.drawn import Drawn
from bothways.types import Document, Layout, SpecialTokens

Taken = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Tokens and entity occurrences of rows (R, L), and how many tokens each has up to its first end token (R)."""


class Rows(abc.ABC):
    """Token rows of one length, by number."""

    @property
    @abc.abstractmethod
    def length(self) -> int:
        """Tokens in a row."""

    @property
    def special(self) -> SpecialTokens:
        """Which ids mean what."""
        return SPECIAL

    @property
    def n_start(self) -> int:
        """How many tokens every row begins with that are no text."""
        return 1

    @abc.abstractmethod
    def __len__(self) -> int:
        """How many rows an epoch has."""

    @abc.abstractmethod
    def order(self, place_R: Int[np.ndarray, " R"], epoch: int, seed: int) -> Int[np.ndarray, " R"]:
        """Return which rows stand at these places of an epoch: a permutation of all of them."""

    def plain(self, row_R: Int[np.ndarray, " R"]) -> Bool[np.ndarray, " R"] | None:
        """Return which rows are general text; None where none is."""
        return None

    @abc.abstractmethod
    def take(self, row_R: Int[np.ndarray, " R"], epoch_R: Int[np.ndarray, " R"], seed: int) -> Taken:
        """Return rows by their numbers, as an epoch sees them."""


@dataclass
class KeptRows(Rows):
    """All rows in memory. A document with a rewrite is put into a new order of its own at every visit."""

    tokens_NL: np.ndarray
    entity_NL: np.ndarray
    length_N: np.ndarray
    """Tokens of each row up to and including its first end token."""
    rewritten: dict[int, tuple[Document, Encoded, Layout]]
    """The documents that are redrawn at each visit."""
    tokenizer: Tokenizer
    """What cut them."""
    plain_N: np.ndarray | None = None
    """Which rows are general text; None where none is."""
    _known: tuple[int, int, np.ndarray] = field(default=(-1, -1, np.zeros(0, int)), repr=False)

    @property
    def length(self) -> int:
        """Tokens in a row."""
        return self.tokens_NL.shape[1]

    @property
    def special(self) -> SpecialTokens:
        """The tokenizer's own."""
        return self.tokenizer.special

    @property
    def n_start(self) -> int:
        """What the tokenizer puts before a text; some put nothing."""
        return len(self.tokenizer.start)

    def __len__(self) -> int:
        """How many rows an epoch has."""
        return len(self.tokens_NL)

    def order(self, place_R: Int[np.ndarray, " R"], epoch: int, seed: int) -> Int[np.ndarray, " R"]:
        """Look the places up in a permutation; the last one made is kept."""
        if self._known[:2] != (epoch, seed):
            self._known = (epoch, seed, np.random.default_rng([seed, epoch]).permutation(len(self)))
        return self._known[2][place_R]

    def plain(self, row_R: Int[np.ndarray, " R"]) -> Bool[np.ndarray, " R"] | None:
        """Look the rows up."""
        return None if self.plain_N is None else self.plain_N[row_R]

    def take(self, row_R: Int[np.ndarray, " R"], epoch_R: Int[np.ndarray, " R"], seed: int) -> Taken:
        """Return copies of rows; those with a rewrite are redrawn."""
        tokens_RL, entity_RL, length_R = self.tokens_NL[row_R], self.entity_NL[row_R], self.length_N[row_R]
        for r, row in enumerate(row_R.tolist()) if self.rewritten else ():
            if row in self.rewritten:
                self._redraw(row, int(epoch_R[r]), seed, tokens_RL[r], entity_RL[r], length_R[r : r + 1])
        return tokens_RL, entity_RL, length_R

    def _redraw(
        self, row: int, epoch: int, seed: int, tokens_L: np.ndarray, entity_L: np.ndarray, length_1: np.ndarray
    ) -> None:
        document, encoded, layout = self.rewritten[row]
        assert document.rewrite is not None
        order = document.rewrite.order(layout, np.random.default_rng([seed, epoch, row]))
        between = self.tokenizer.delimiter
        ids = [token for i in order for token in (between if i < 0 else [encoded.ids[i]])]
        entity = [name for i in order for name in ([-1] * len(between) if i < 0 else [encoded.entity[i]])]
        length_1[0] = fill_row(tokens_L, entity_L, ids, entity, self.tokenizer)


@dataclass
class DrawnRows(Rows):
    """Rows that are written as they are taken: each word is looked up in a table of its tokens.

    A word that no space precedes, such as `'s` or a period, may have other tokens after plain text than after a name.
    """

    documents: Drawn
    tokenizer: Tokenizer
    room_for: int
    """Length in tokens that a row must offer at least."""

    @cached_property
    def length(self) -> int:
        """Tokens in a row: long enough for every document there can be."""
        return max(self.documents.bound(self._tokens[2].reshape(2, -1).max(0)) + 2, self.room_for)

    def __len__(self) -> int:
        """How many rows an epoch has."""
        return len(self.documents)

    def order(self, place_R: Int[np.ndarray, " R"], epoch: int, seed: int) -> Int[np.ndarray, " R"]:
        """Compute the places' rows: the permutation is never made."""
        return shuffle(place_R, len(self), seed, f"epoch {epoch}")

    @cached_property
    def _tokens(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All words' tokens, where each word's begin, and how many it has; then the same, after plain text."""
        words, before = self.documents.words, self.tokenizer.pieces("a")
        found = [self.tokenizer.pieces(word) for word in words]
        after = [self.tokenizer.pieces(f"a{word}")[len(before) :] if is_glued(word) else found[n]
                 for n, word in enumerate(words)]  # fmt: skip
        pieces = [[token for token, _ in one] for one in (*found, *after)]
        size = np.array([len(one) for one in pieces], np.int64)
        return np.array([token for one in pieces for token in one], np.int64), np.cumsum(size) - size, size

    def take(self, row_R: Int[np.ndarray, " R"], epoch_R: Int[np.ndarray, " R"], seed: int) -> Taken:
        """Write rows; every epoch sees the same documents."""
        written = self.documents.write(row_R)
        token_V, start_V, size_V = self._tokens
        plain_W = (written.entity_W < 0) & (np.diff(written.row_W, prepend=-1) == 0)
        after_W = plain_W & np.r_[False, written.entity_W[:-1] < 0]
        word_W = written.word_W + after_W * len(self.documents.words)
        place_T, word_T = expand(start_V[word_W], size_V[word_W])
        row_T = written.row_W[word_T]
        at_T = np.arange(len(row_T)) - np.searchsorted(row_T, row_T) + 1
        tokens_RL = np.full((len(row_R), self.length), SPECIAL.end)
        entity_RL = np.full((len(row_R), self.length), -1)
        tokens_RL[:, 0] = SPECIAL.begin
        tokens_RL[row_T, at_T] = token_V[place_T]
        entity_RL[row_T, at_T] = written.entity_W[word_T]
        return tokens_RL, entity_RL, np.bincount(row_T, minlength=len(row_R)) + 2


def fill_row(
    tokens_L: np.ndarray, entity_L: np.ndarray, ids: Sequence[int], entity: Sequence[int], tokenizer: Tokenizer
) -> int:
    """Write what a row begins with, the ids, and end tokens to its end; return its tokens up to the first of these."""
    start, at = tokenizer.start, len(tokenizer.start)
    tokens_L[:] = tokenizer.special.end
    entity_L[:] = -1
    tokens_L[:at] = start
    tokens_L[at : at + len(ids)] = ids
    entity_L[at : at + len(entity)] = entity
    return at + len(ids) + 1
