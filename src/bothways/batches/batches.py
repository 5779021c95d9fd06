"""Rows of tokens, addressable by step: the same seed and step give the same batch, whatever came before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from bothways.batches.mixed import MixedBatches
from bothways.batches.rows import DrawnRows, KeptRows, Rows, fill_row
from bothways.batches.tokenizers import WORD, Encoded, Tokenizer
from bothways.errors import BothwaysError
from bothways.tensors import Batch
from bothways.text.drawn import Drawn
from bothways.types import Corpus, Document, Layout, Query, Span


@dataclass(frozen=True, kw_only=True)
class BatchConfig:
    """How many documents make a batch."""

    batch_size: int = 128
    """Rows per batch; one document a row."""
    replay: float = field(default=0.0, metadata={"quiet": True})
    """Share of each batch's rows that are general text."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise BothwaysError(f"batch_size must be at least 1, got batch_size={self.batch_size}. Raise it.")
        if not 0 <= self.replay < 1:
            raise BothwaysError(f"replay must be in [0, 1), got replay={self.replay}. Choose a share such as 0.2.")
        if self.replay and not 0 < self.n_replayed < self.batch_size:
            raise BothwaysError(
                f"A batch of {self.batch_size} rows has no room for both texts, got replay={self.replay}, which is "
                f"{self.n_replayed} of them. Raise batch_size, or choose another share."
            )

    @property
    def n_replayed(self) -> int:
        """How many rows of a batch are general text."""
        return round(self.replay * self.batch_size)


@dataclass
class Batches:
    """A corpus as token rows; `at(step)` is a pure function of seed and step.

    Documents are visited in a new order every epoch.
    """

    rows: Rows = field(repr=False)
    batch_size: int
    seed: int

    @property
    def length(self) -> int:
        """Tokens in a row."""
        return self.rows.length

    def at(self, step: int) -> Batch:
        """Return the batch of one step, counted from 0."""
        epoch_B, place_B = np.divmod(step * self.batch_size + np.arange(self.batch_size), len(self.rows))
        row_B = np.concatenate(
            [self.rows.order(place_B[epoch_B == epoch], epoch, self.seed) for epoch in np.unique(epoch_B).tolist()]
        )
        tokens_BL, entity_BL, length_B = self.rows.take(row_B, epoch_B, self.seed)
        place_L = np.arange(self.length)
        target_BL = (place_L >= self.rows.n_start) & (place_L < length_B[:, None])
        arrays = (torch.from_numpy(a) for a in (tokens_BL, target_BL, entity_BL, row_B))
        plain_B = self.rows.plain(row_B)
        return Batch(*arrays, special=self.rows.special, plain_B=None if plain_B is None else torch.from_numpy(plain_B))


@dataclass
class TunedBatches:
    """Batches of one text, and from one step on those of another, in rows of the same length."""

    first: Batches
    then: Batches
    switch: int
    """The first step of the other text."""

    @property
    def length(self) -> int:
        """Tokens in a row."""
        return self.first.length

    def at(self, step: int) -> Batch:
        """Return the batch of one step, counted from 0."""
        return self.first.at(step) if step < self.switch else self.then.at(step - self.switch)


AnyBatches = Batches | TunedBatches | MixedBatches


def make_batches(
    corpus: Corpus,
    tokenizer: Tokenizer,
    config: BatchConfig,
    seed: int,
    *,
    room_for: int = 0,
    switch: int | None = None,
) -> AnyBatches:
    """Tokenise a corpus into rows of one length.

    Args:
        corpus: the documents; each becomes one row, none is cut.
        tokenizer: knows every word and entity of the corpus.
        config: rows per batch, and how many of them are the corpus's general text.
        seed: draws the order of documents and every rewrite.
        room_for: length in tokens that a row must offer at least, so that questions fit.
        switch: from which step on the corpus's tuning text is read instead; None for never.

    Raises:
        BothwaysError: the corpus has no document, or no text to be tuned on or to be replayed where some is asked for.
    """
    if not corpus.documents:
        raise BothwaysError("The corpus has no document. Give at least one fact to train on.")
    if switch is not None and not corpus.tuning:
        raise BothwaysError("This text has nothing to be tuned on. Set training.tuning_steps=0.")
    if config.replay and not corpus.replay:
        raise BothwaysError("There is no general text to replay. Set batches.replay=0, or name a file of text.")
    texts = {
        "first": corpus.documents,
        **({} if switch is None else {"then": corpus.tuning}),
        **({"other": corpus.replay} if config.replay else {}),
    }
    rows, size = rows_alike(texts, tokenizer, room_for), config.batch_size - config.n_replayed
    batches: AnyBatches = Batches(rows["first"], size, seed)
    if switch is not None:
        batches = TunedBatches(batches, Batches(rows["then"], size, seed), switch)
    if config.replay:
        batches = MixedBatches(batches, Batches(rows["other"], config.n_replayed, seed), len(corpus.documents))
    return batches


def rows_alike(texts: Mapping[str, Sequence[Document]], tokenizer: Tokenizer, room_for: int) -> dict[str, Rows]:
    """Return the rows of several texts, all as long as the longest one needs them."""
    found = {name: make_rows(documents, tokenizer, room_for) for name, documents in texts.items()}
    length = max(rows.length for rows in found.values())
    return {
        name: rows if rows.length == length else make_rows(texts[name], tokenizer, length)
        for name, rows in found.items()
    }


def make_rows(documents: Sequence[Document], tokenizer: Tokenizer, room_for: int) -> Rows:
    """Return the rows of documents: kept where they are given, written as they are taken where they are drawn."""
    if isinstance(documents, Drawn):
        return DrawnRows(documents, tokenizer, room_for)
    encoded = [tokenizer.encode(document.text, document.entities) for document in documents]
    layouts = {n: layout(document, encoded[n]) for n, document in enumerate(documents) if document.rewrite is not None}
    # a rewrite may put a delimiter between any two tokens
    longest = max(len(e.ids) * (1 + len(tokenizer.delimiter) * (n in layouts)) for n, e in enumerate(encoded))
    length = max(len(tokenizer.start) + longest + 1, room_for)
    tokens_NL = np.empty((len(encoded), length), np.int64)
    entity_NL = np.empty((len(encoded), length), np.int64)
    return KeptRows(
        tokens_NL=tokens_NL,
        entity_NL=entity_NL,
        length_N=np.array(
            [fill_row(tokens_NL[n], entity_NL[n], e.ids, e.entity, tokenizer) for n, e in enumerate(encoded)]
        ),
        rewritten={n: (documents[n], encoded[n], layouts[n]) for n in layouts},
        tokenizer=tokenizer,
        plain_N=np.array([d.plain for d in documents]) if any(d.plain for d in documents) else None,
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
    ending = [token for token, _ in tokenizer.pieces(query.ends)] if query.ends.strip() else []
    ids = [token for token, _ in tokenizer.answer_pieces(answer)]
    return tokenizer.asked(query.prompt, query.cue), [*ids, (ending or [tokenizer.special.end])[0]]
