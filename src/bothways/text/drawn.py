"""Documents that are written when they are read: a corpus of any length that takes no room."""

import abc
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import overload

import numpy as np
from jaxtyping import Int

from bothways.facts.graphs.sentences import join
from bothways.facts.graphs.writer import Written
from bothways.types import Document, Span

TOGETHER = 512
"""Documents that are written at a time where many are read as text."""


class Drawn(Sequence[Document], abc.ABC):
    """Documents addressed by number: each is a function of its number alone."""

    @property
    @abc.abstractmethod
    def words(self) -> tuple[str, ...]:
        """Every word that a document may hold."""

    @property
    def longest(self) -> int:
        """Words in the longest document there can be."""
        return self.bound(np.ones(len(self.words), np.int64))

    @abc.abstractmethod
    def bound(self, size_V: Int[np.ndarray, " V"]) -> int:
        """Return the tokens of the longest document there can be, where each word has so many."""

    @abc.abstractmethod
    def write(self, row_R: Int[np.ndarray, " R"]) -> Written:
        """Return the words of documents by their numbers, those of the first one first."""

    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Document]: ...
    def __getitem__(self, index: int | slice) -> Document | Sequence[Document]:
        """Return a document as text."""
        if isinstance(index, slice):
            return list(self._read(range(*index.indices(len(self)))))
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return next(self._read([index % len(self)]))

    def __iter__(self) -> Iterator[Document]:
        """Go through all documents."""
        return self._read(range(len(self)))

    def _read(self, numbers: Sequence[int]) -> Iterator[Document]:
        """Write many documents at a time."""
        words = self.words
        for at in range(0, len(numbers), TOGETHER):
            chunk = np.array(numbers[at : at + TOGETHER])
            written = self.write(chunk)
            ends = np.searchsorted(written.row_W, np.arange(len(chunk) + 1)).tolist()
            said, entity = [words[word] for word in written.word_W], written.entity_W.tolist()
            for start, end in pairwise(ends):
                yield as_document(said[start:end], entity[start:end])


def as_document(words: Sequence[str], entity: Sequence[int]) -> Document:
    """Return a document that states no fact of an exam by its number; its entities are those occurrences.

    >>> as_document(["Al", "Ek", "'s", "job", "is", "cook", "."], [0, 0, -1, -1, -1, 1, -1]).entities
    (Span(start=0, end=5, entity='Al Ek'), Span(start=15, end=19, entity='cook'))
    """
    text, start = join(words)
    spans: list[Span] = []
    for which in dict.fromkeys(n for n in entity if n >= 0):
        members = [i for i, n in enumerate(entity) if n == which]
        first, end = start[members[0]], start[members[-1]] + len(words[members[-1]])
        spans.append(Span(first, end, text[first:end]))
    return Document(text=text, facts=(), order=None, entities=tuple(spans))
