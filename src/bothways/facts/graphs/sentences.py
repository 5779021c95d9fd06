"""Sentences as word numbers, thousands at once: templates filled by arithmetic instead of one string at a time.

Axis letters of this file: S sentences, W words of all of them in reading order, E entities, R rows.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Int

WORD = re.compile(r"'s\b|\w+|[^\w\s]")
"""A word, as tokenizers cut text."""
FIRST, SECOND = -1, -2
"""Codes of a form where the entity goes that is named first, or second."""


@dataclass(frozen=True)
class Said:
    """Sentences written out as words, one after the other."""

    word_W: Int[np.ndarray, " W"]
    sentence_W: Int[np.ndarray, " W"]
    """Which sentence a word is of."""
    entity_W: Int[np.ndarray, " W"]
    """0 for a word of the entity named first, 1 of the second, -1 for any other."""


@dataclass(frozen=True)
class Forms:
    """Every template a world uses, cut into words, and every word there is.

    Entities are numbers; where an entity's name is several words, `spell` says which.
    """

    words: tuple[str, ...]
    """Every word, names included."""
    templates: tuple[tuple[str, bool], ...]
    """The text of each form with `{first}` and `{second}`, and whether a period ends it."""

    @cached_property
    def number(self) -> Mapping[str, int]:
        """Each word's number."""
        return {word: n for n, word in enumerate(self.words)}

    @cached_property
    def codes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All forms' codes one after the other, where each form starts, and how many codes it has."""
        rows = [
            [self._code(word) for word in re.findall(r"\{\w+\}|'s\b|\w+|[^\w\s]", text + (" ." if ends else ""))]
            for text, ends in self.templates
        ]
        size = np.array([len(row) for row in rows], np.int64)
        return np.array([code for row in rows for code in row], np.int64), np.cumsum(size) - size, size

    def _code(self, word: str) -> int:
        return {"{first}": FIRST, "{second}": SECOND}.get(word) or self.number[word]

    def say(
        self,
        form_S: Int[np.ndarray, " S"],
        first_S: "Names",
        second_S: "Names",
    ) -> Said:
        """Write sentences.

        Args:
            form_S: which form each takes.
            first_S: the words of the entity each names first.
            second_S: the words of the entity each names second.
        """
        codes, start_F, size_F = self.codes
        place_C, sentence_C = expand(start_F[form_S], size_F[form_S])
        code_C = codes[place_C]
        size_C, start_C = np.ones(len(code_C), np.int64), np.zeros(len(code_C), np.int64)
        pool = np.concatenate([first_S.word_E, second_S.word_E, np.arange(len(self.words))])
        entity_C = np.full(len(code_C), -1)
        for which, (code, names, offset) in enumerate(((FIRST, first_S, 0), (SECOND, second_S, len(first_S.word_E)))):
            here_C = code_C == code
            size_C[here_C] = names.size_S[sentence_C[here_C]]
            start_C[here_C] = names.start_S[sentence_C[here_C]] + offset
            entity_C[here_C] = which
        plain_C = code_C >= 0
        start_C[plain_C] = code_C[plain_C] + len(pool) - len(self.words)
        place_W, code_W = expand(start_C, size_C)
        return Said(pool[place_W], sentence_C[code_W], entity_C[code_W])


@dataclass(frozen=True)
class Names:
    """The words of one entity for each sentence."""

    word_E: Int[np.ndarray, " E"]
    """All words, one entity after the other."""
    start_S: Int[np.ndarray, " S"]
    size_S: Int[np.ndarray, " S"]


def expand(start_N: Int[np.ndarray, " N"], size_N: Int[np.ndarray, " N"]) -> tuple[np.ndarray, np.ndarray]:
    """Return start, start + 1, … for each N one after the other, and which N each is of.

    >>> [a.tolist() for a in expand(np.array([5, 9]), np.array([2, 1]))]
    [[5, 6, 9], [0, 0, 1]]
    """
    of_W = np.repeat(np.arange(len(size_N)), size_N)
    before_N = np.cumsum(size_N) - size_N
    return np.arange(len(of_W)) - before_N[of_W] + start_N[of_W], of_W


def is_glued(word: str) -> bool:
    """Whether no space stands before a word.

    >>> [is_glued(word) for word in ("'s", "?", "who")]
    [True, True, False]
    """
    return word == "'s" or not (word[0].isalnum() or word[0] == "_")


def join(words: Sequence[str]) -> tuple[str, list[int]]:
    """Return the text of words, and where each starts: spaces go before all but the first, `'s` and punctuation.

    >>> join(["Al", "'s", "friend", "is", "Bo", "."])
    ("Al's friend is Bo.", [0, 2, 5, 12, 15, 17])
    """
    text, start = "", list[int]()
    for word in words:
        text += "" if not text or is_glued(word) else " "
        start.append(len(text))
        text += word
    return text, start
