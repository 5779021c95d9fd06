"""Rows of tokens, addressable by step: the same seed and step give the same batch, whatever came before."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from bothways.batches.tokenizers import WORD, Encoded, Tokenizer
from bothways.errors import BothwaysError
from bothways.tensors import SPECIAL, Batch
from bothways.types import Corpus, Document, Layout, Query, Span


@dataclass(frozen=True, kw_only=True)
class BatchConfig:
    """How many documents make a batch."""

    batch_size: int = 128
    """Rows per batch; one document a row."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise BothwaysError(f"batch_size must be at least 1, got batch_size={self.batch_size}. Raise it.")


@dataclass
class Batches:
    """A corpus as token rows; `at(step)` is a pure function of seed and step.

    Documents are visited in a new order every epoch. A document with a rewrite is put into a new
    order of its own at every visit.
    """

    tokens_NL: np.ndarray
    entity_NL: np.ndarray
    length_N: np.ndarray
    """Tokens of each row up to and including its first end token."""
    rewritten: dict[int, tuple[Document, Encoded, Layout]]
    """The documents that are redrawn at each visit."""
    batch_size: int
    seed: int
    _epoch: tuple[int, np.ndarray] = field(default=(-1, np.zeros(0, int)), repr=False)

    @property
    def length(self) -> int:
        """Tokens in a row."""
        return self.tokens_NL.shape[1]

    def at(self, step: int) -> Batch:
        """Return the batch of one step, counted from 0."""
        n, first, last = len(self.tokens_NL), step * self.batch_size, (step + 1) * self.batch_size
        epochs = range(first // n, (last - 1) // n + 1)
        rows = np.concatenate([self._order(e)[max(0, first - e * n) : last - e * n] for e in epochs])
        tokens_BL, entity_BL, length_B = self.tokens_NL[rows], self.entity_NL[rows], self.length_N[rows]
        for b, row in enumerate(rows.tolist()) if self.rewritten else ():
            if row in self.rewritten:
                self._redraw(row, (first + b) // n, tokens_BL[b], entity_BL[b], length_B[b : b + 1])
        place_L = np.arange(self.length)
        target_BL = (place_L > 0) & (place_L < length_B[:, None])
        return Batch(*(torch.from_numpy(a) for a in (tokens_BL, target_BL, entity_BL, rows)))

    def _order(self, epoch: int) -> np.ndarray:
        if self._epoch[0] != epoch:
            self._epoch = (epoch, np.random.default_rng([self.seed, epoch]).permutation(len(self.tokens_NL)))
        return self._epoch[1]

    def _redraw(self, row: int, epoch: int, tokens_L: np.ndarray, entity_L: np.ndarray, length_1: np.ndarray) -> None:
        document, encoded, layout = self.rewritten[row]
        assert document.rewrite is not None
        order = document.rewrite.order(layout, np.random.default_rng([self.seed, epoch, row]))
        ids = [SPECIAL.delimiter if i < 0 else encoded.ids[i] for i in order]
        entity = [-1 if i < 0 else encoded.entity[i] for i in order]
        fill_row(tokens_L, entity_L, ids, entity)
        length_1[0] = len(ids) + 2


def fill_row(tokens_L: np.ndarray, entity_L: np.ndarray, ids: Sequence[int], entity: Sequence[int]) -> None:
    """Write begin, the ids, and end tokens to the end of the row."""
    tokens_L[:] = SPECIAL.end
    entity_L[:] = -1
    tokens_L[0] = SPECIAL.begin
    tokens_L[1 : 1 + len(ids)] = ids
    entity_L[1 : 1 + len(entity)] = entity


def make_batches(corpus: Corpus, tokenizer: Tokenizer, config: BatchConfig, seed: int, *, room_for: int = 0) -> Batches:
    """Tokenise a corpus into rows of one length.

    Args:
        corpus: the documents; each becomes one row, none is cut.
        tokenizer: knows every word and entity of the corpus.
        config: rows per batch.
        seed: draws the order of documents and every rewrite.
        room_for: length in tokens that a row must offer at least, so that questions fit.

    Raises:
        BothwaysError: the corpus has no document.
    """
    if not corpus.documents:
        raise BothwaysError("The corpus has no document. Give at least one fact to train on.")
    encoded = [tokenizer.encode(document.text, document.entities) for document in corpus.documents]
    layouts = {
        n: layout(document, encoded[n]) for n, document in enumerate(corpus.documents) if document.rewrite is not None
    }
    # a rewrite may put a delimiter between any two tokens
    longest = max(len(e.ids) * (2 if n in layouts else 1) for n, e in enumerate(encoded))
    length = max(longest + 2, room_for)
    tokens_NL = np.empty((len(encoded), length), np.int64)
    entity_NL = np.empty((len(encoded), length), np.int64)
    for n, e in enumerate(encoded):
        fill_row(tokens_NL[n], entity_NL[n], e.ids, e.entity)
    return Batches(
        tokens_NL=tokens_NL,
        entity_NL=entity_NL,
        length_N=np.array([len(e.ids) + 2 for e in encoded]),
        rewritten={n: (corpus.documents[n], encoded[n], layouts[n]) for n in layouts},
        batch_size=config.batch_size,
        seed=seed,
    )


def layout(document: Document, encoded: Encoded) -> Layout:
    """Return which token positions make up each unit, word and entity-preserving word of a document."""
    words = [Span(m.start(), m.end()) for m in WORD.finditer(document.text)]
    outside = [w for w in words if not any(e.start <= w.start < e.end for e in document.entities)]
    whole = sorted([*outside, *document.entities], key=lambda span: span.start)
    units = document.units or between(document)
    return Layout(
        units=_positions(units, encoded), words=_positions(words, encoded), entity_words=_positions(whole, encoded)
    )


def between(document: Document) -> tuple[Span, ...]:
    """Return a document's entities and the stretches between them."""
    units, at = [], 0
    for span in sorted(document.entities, key=lambda s: s.start):
        units += [Span(at, span.start), span]
        at = span.end
    return tuple(u for u in (*units, Span(at, len(document.text))) if u.start < u.end)


def _positions(spans: Sequence[Span], encoded: Encoded) -> list[list[int]]:
    """Group token positions by the last span that starts at or before them."""
    groups: list[list[int]] = [[] for _ in spans]
    starts = [span.start for span in spans]
    for position, start in enumerate(encoded.start):
        groups[max(0, int(np.searchsorted(starts, start, side="right")) - 1)].append(position)
    return [group for group in groups if group]


def query_tokens(query: Query, answer: str, tokenizer: Tokenizer) -> tuple[list[int], list[int]]:
    """Return the prompt's ids (begin token included) and the answer's ids with the token that ends it.

    The ending token is whatever the template says next, or the end of the text.
    """
    prompt = tokenizer.encode(query.prompt, (query.cue,)).ids
    ending = [token for token, _ in tokenizer.pieces(query.ends)] if query.ends.strip() else []
    ids = [token for token, _ in tokenizer.entity_pieces(answer)]
    return [*tokenizer.start, *prompt], [*ids, (ending or [tokenizer.special.end])[0]]
